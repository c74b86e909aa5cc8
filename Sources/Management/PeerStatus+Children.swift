// What goes to the children of a peer, and what does not.

extension PeerStatus {
    /// A neighbor that is fed, whatever it is a child for.
    package struct Child: Equatable, Sendable {
        package var party: Party
        /// `calm`, `watched` while its link is being measured, or `limited`.
        package var state: String
        /// What its link was measured to carry; `nil` while there is no limit.
        package var rateBitsPerSecond: Int64?
        /// What waits for it.
        package var queuedPackets: Int
        package var queuedBytes: Int
        /// Media packets, repairs included.
        package var sent: Int
        package var sentBytes: Int
        /// Packets that it was not sent, by reason.
        package var shed: [DropCount]

        package init(
            party: Party, state: String, rateBitsPerSecond: Int64?, queuedPackets: Int,
            queuedBytes: Int, sent: Int, sentBytes: Int, shed: [DropCount]
        ) {
            self.party = party
            self.state = state
            self.rateBitsPerSecond = rateBitsPerSecond
            self.queuedPackets = queuedPackets
            self.queuedBytes = queuedBytes
            self.sent = sent
            self.sentBytes = sentBytes
            self.shed = shed
        }
    }
}

extension PeerStatus.Child {
    var json: JSONValue {
        [
            "peer": .string(party.peer), "name": .string(party.name), "state": .string(state),
            "rate_bps": rateBitsPerSecond.map(JSONValue.integer) ?? .null,
            "queued": JSONValue(queuedPackets), "queued_bytes": JSONValue(queuedBytes),
            "sent": JSONValue(sent), "sent_bytes": JSONValue(sentBytes),
            "shed": DropCount.json(shed),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        party = try Party(json: json)
        state = try json.text("state")
        rateBitsPerSecond = try json.optional("rate_bps", JSONValue.integer)
        queuedPackets = try json.count("queued")
        queuedBytes = try json.count("queued_bytes")
        sent = try json.count("sent")
        sentBytes = try json.count("sent_bytes")
        shed = try DropCount.list("shed", in: json)
    }

    static func table(_ children: [Self]) -> String {
        var table = TextTable([
            ("CHILD", .left), ("STATE", .left), ("RATE", .right), ("QUEUED", .right),
            ("SENT", .right), ("SHED", .left),
        ])
        for child in children {
            let shed = child.shed.map { "\($0.reason) \(Readable.count($0.count))" }
            table.append([
                child.party.name, child.state,
                child.rateBitsPerSecond.map(Readable.rate) ?? "-",
                Readable.count(child.queuedPackets), Readable.count(child.sent),
                shed.isEmpty ? "-" : shed.joined(separator: ", "),
            ])
        }
        return table.isEmpty ? "" : table.text
    }
}
