extension PeerStatus {
    package var json: JSONValue {
        [
            "schema": .string(Self.schema), "group": .string(group),
            "access": .string(access.rawValue), "peer": .string(peer), "name": .string(name),
            "endpoint": .string(endpoint),
            "uptime_s": .number(uptimeSeconds), "rendezvous": rendezvous.json,
            "uplink": [
                "budget_bps": .integer(uplink.budgetBitsPerSecond),
                "reserved_bps": .integer(uplink.reservedBitsPerSecond),
            ],
            "links": .array(links.map(\.json)), "streams": .array(streams.map(\.json)),
            "sent": .array(sent.map(\.json)), "children": .array(children.map(\.json)),
            "repair": repair.json,
            "drops": DropCount.json(drops),
            "memory_bytes": memoryBytes.map { JSONValue($0) } ?? .null,
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        try expectSchema(Self.schema, of: json)
        group = try json.text("group")
        guard let access = Access(rawValue: try json.text("access")) else {
            throw .unexpected(member: "access", expected: "public, secret or relay")
        }
        self.access = access
        peer = try json.text("peer")
        name = try json.text("name")
        endpoint = try json.text("endpoint")
        uptimeSeconds = try json.number("uptime_s")
        rendezvous = try RendezvousState(json: json["rendezvous"] ?? .null)
        let uplinkValue = json["uplink"] ?? .null
        uplink = Uplink(
            budgetBitsPerSecond: try uplinkValue.integer("budget_bps"),
            reservedBitsPerSecond: try uplinkValue.integer("reserved_bps"))
        links = try json.list("links", of: Link.init(json:))
        streams = try json.list("streams", of: Stream.init(json:))
        sent = try json.list("sent", of: SentStream.init(json:))
        children = try json.list("children", of: Child.init(json:))
        // Peers that repaired nothing did not say so.
        repair = try json["repair"].map(RepairCount.init(json:)) ?? RepairCount()
        drops = try DropCount.list("drops", in: json)
        memoryBytes = try json.optional("memory_bytes", JSONValue.count)
    }
}

extension PeerStatus.Access {
    fileprivate var text: String {
        switch self {
        case .everybody: "public: whoever knows its name can take part"
        case .secret: "for who has its secret"
        case .relay: "forwarded and not read here"
        }
    }
}

extension PeerStatus.RendezvousState {
    var json: JSONValue {
        [
            "address": .string(address), "state": .string(state.rawValue),
            "last_reply_s": JSONValue(lastReplySeconds), "detail": .string(detail),
            "namesakes": JSONValue(namesakes),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        address = try json.text("address")
        guard let state = State(rawValue: try json.text("state")) else {
            throw .unexpected(member: "state", expected: "a known state")
        }
        self.state = state
        lastReplySeconds = try json.optional("last_reply_s", JSONValue.number)
        detail = try json.text("detail")
        namesakes = try json.count("namesakes")
    }
}

extension PeerStatus.Link {
    var json: JSONValue {
        [
            "peer": .string(party.peer), "name": .string(party.name),
            "endpoint": .string(endpoint), "rtt_ms": JSONValue(roundTripMilliseconds),
            "same_subnet": .bool(isSameSubnet), "state": .string(state),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        party = try Party(json: json)
        endpoint = try json.text("endpoint")
        roundTripMilliseconds = try json.optional("rtt_ms", JSONValue.number)
        isSameSubnet = try json.flag("same_subnet")
        state = try json.text("state")
    }
}

extension PeerStatus.Stream {
    var json: JSONValue {
        [
            "member": .string(member), "source": .string(source), "stream": JSONValue(stream),
            "kind": .string(kind), "priority": JSONValue(priority), "format": .string(format),
            "rate_bps": .integer(rateBitsPerSecond), "received": JSONValue(received),
            "lost": JSONValue(lost), "duplicates": JSONValue(duplicates),
            "overdue": JSONValue(overdue),
            "delivered_to": .array(deliveredTo.map(JSONValue.string)),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        member = try json.text("member")
        source = try json.text("source")
        stream = try json.count("stream")
        kind = try json.text("kind")
        priority = try json.count("priority")
        format = try json.text("format")
        rateBitsPerSecond = try json.integer("rate_bps")
        received = try json.count("received")
        lost = try json.count("lost")
        duplicates = try json.count("duplicates")
        overdue = try json.count("overdue")
        deliveredTo = []
        for element in try json.list("delivered_to") {
            guard case .string(let endpoint) = element else {
                throw .unexpected(member: "delivered_to", expected: "a list of strings")
            }
            deliveredTo.append(endpoint)
        }
    }
}

// MARK: - Text

extension PeerStatus {
    package var table: String {
        """
        group       \(group), \(access.text)
        peer        \(name) (\(peer))
        endpoint    \(endpoint)
        up          \(Readable.duration(seconds: uptimeSeconds))
        rendezvous  \(rendezvousLine)
        uplink      \(Readable.rate(uplink.reservedBitsPerSecond)) of \
        \(Readable.rate(uplink.budgetBitsPerSecond)) reserved
        repair      \(repair.text)

        """ + section(linkTable) + section(streamTable) + section(SentStream.table(sent))
            + section(Child.table(children))
            + section(DropCount.line(drops))
    }

    private func section(_ text: String) -> String { text.isEmpty ? "" : "\n" + text }

    private var rendezvousLine: String {
        var line = "\(rendezvous.address) \(rendezvous.state.rawValue)"
        if let seconds = rendezvous.lastReplySeconds {
            line += ", answered \(Readable.duration(seconds: seconds)) ago"
        }
        return line + (rendezvous.detail.isEmpty ? "" : " (\(rendezvous.detail))")
    }

    private var linkTable: String {
        var table = TextTable([
            ("LINK", .left), ("ENDPOINT", .left), ("RTT", .right), ("SUBNET", .left),
            ("STATE", .left),
        ])
        for link in links {
            table.append([
                link.party.name, link.endpoint, Readable.milliseconds(link.roundTripMilliseconds),
                link.isSameSubnet ? "same" : "other", link.state,
            ])
        }
        return table.isEmpty ? "no links\n" : table.text
    }

    private var streamTable: String {
        var table = TextTable([
            ("MEMBER", .left), ("STREAM", .right), ("KIND", .left), ("FORMAT", .left),
            ("RATE", .right), ("RECEIVED", .right), ("LOST", .right), ("DUP", .right),
            ("DELIVERED TO", .left),
        ])
        for stream in streams {
            table.append([
                stream.member, "\(stream.stream)", stream.kind, stream.format,
                Readable.rate(stream.rateBitsPerSecond), Readable.count(stream.received),
                Readable.count(stream.lost), Readable.count(stream.duplicates),
                stream.deliveredTo.isEmpty ? "-" : stream.deliveredTo.joined(separator: " "),
            ])
        }
        return table.isEmpty ? "" : table.text
    }
}
