/// What one `polycast join` did, printed when it ends (schema `polycast.join/1`).
package struct JoinSummary: Equatable, Sendable {
    package static let schema = "polycast.join/1"

    package var group: String
    package var peer: String
    package var name: String
    /// From start to end of the join.
    package var seconds: Double
    /// Until the rendezvous accepted the registration or the first link came up; `nil`: never.
    package var joinedMilliseconds: Double?
    /// Until the first media packet was delivered; `nil`: never.
    package var firstPacketMilliseconds: Double?
    package var streams: [Stream]
    package var sent: [SentStream]
    /// Links open at the end.
    package var links: Int
    package var drops: [DropCount]

    /// One remote stream as this peer received it.
    package struct Stream: Equatable, Sendable {
        /// The publishing member's name.
        package var member: String
        /// The stream's index within its source.
        package var stream: Int
        /// `audio`, `video`, `screen` or `data`.
        package var kind: String
        /// `rtp`, `udp` or `test`.
        package var format: String
        /// Packets delivered, each once.
        package var received: Int
        /// Media bytes delivered.
        package var bytes: Int
        /// Sequence numbers that never came, between the first and the last that did.
        package var lost: Int
        /// Copies received again, and not delivered again.
        package var duplicates: Int
        /// Packets delivered after a later one.
        package var reordered: Int
        /// Test packets whose content was not what was sent.
        package var corrupted: Int
        /// Test packets that took longer than 500 ms.
        package var overdue: Int
        /// One-way delays; only for the test pattern, between synchronized clocks.
        package var latency: Latency?

        package init(
            member: String, stream: Int, kind: String, format: String, received: Int,
            bytes: Int = 0, lost: Int, duplicates: Int, reordered: Int = 0, corrupted: Int = 0,
            overdue: Int = 0, latency: Latency? = nil
        ) {
            self.member = member
            self.stream = stream
            self.kind = kind
            self.format = format
            self.received = received
            self.bytes = bytes
            self.lost = lost
            self.duplicates = duplicates
            self.reordered = reordered
            self.corrupted = corrupted
            self.overdue = overdue
            self.latency = latency
        }
    }

    /// Percentiles in milliseconds.
    package struct Latency: Equatable, Sendable {
        package var p50: Double
        package var p99: Double

        package init(p50: Double, p99: Double) {
            self.p50 = p50
            self.p99 = p99
        }
    }

    package init(
        group: String, peer: String, name: String, seconds: Double, joinedMilliseconds: Double?,
        firstPacketMilliseconds: Double?, streams: [Stream], sent: [SentStream], links: Int,
        drops: [DropCount]
    ) {
        self.group = group
        self.peer = peer
        self.name = name
        self.seconds = seconds
        self.joinedMilliseconds = joinedMilliseconds
        self.firstPacketMilliseconds = firstPacketMilliseconds
        self.streams = streams
        self.sent = sent
        self.links = links
        self.drops = drops
    }
}

// MARK: - JSON

extension JoinSummary {
    package var json: JSONValue {
        [
            "schema": .string(Self.schema), "group": .string(group), "peer": .string(peer),
            "name": .string(name), "seconds": .number(seconds),
            "joined_ms": JSONValue(joinedMilliseconds),
            "first_packet_ms": JSONValue(firstPacketMilliseconds),
            "streams": .array(streams.map(\.json)), "sent": .array(sent.map(\.json)),
            "links": JSONValue(links), "drops": DropCount.json(drops),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        try expectSchema(Self.schema, of: json)
        group = try json.text("group")
        peer = try json.text("peer")
        name = try json.text("name")
        seconds = try json.number("seconds")
        joinedMilliseconds = try json.optional("joined_ms", JSONValue.number)
        firstPacketMilliseconds = try json.optional("first_packet_ms", JSONValue.number)
        streams = try json.list("streams", of: Stream.init(json:))
        sent = try json.list("sent", of: SentStream.init(json:))
        links = try json.count("links")
        drops = try DropCount.list("drops", in: json)
    }
}

extension JoinSummary.Stream {
    var json: JSONValue {
        [
            "member": .string(member), "stream": JSONValue(stream), "kind": .string(kind),
            "format": .string(format), "received": JSONValue(received),
            "bytes": JSONValue(bytes), "lost": JSONValue(lost),
            "duplicates": JSONValue(duplicates), "reordered": JSONValue(reordered),
            "corrupted": JSONValue(corrupted),
            "overdue": JSONValue(overdue),
            "latency_ms": latency.map { ["p50": .number($0.p50), "p99": .number($0.p99)] }
                ?? .null,
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        member = try json.text("member")
        stream = try json.count("stream")
        kind = try json.text("kind")
        format = try json.text("format")
        received = try json.count("received")
        bytes = try json.count("bytes")
        lost = try json.count("lost")
        duplicates = try json.count("duplicates")
        reordered = try json.count("reordered")
        corrupted = try json.count("corrupted")
        overdue = try json.count("overdue")
        switch json["latency_ms"] {
        case nil, .null: latency = nil
        case .some(let value):
            latency = JoinSummary.Latency(
                p50: try value.number("p50"), p99: try value.number("p99"))
        }
    }
}

// MARK: - Text

extension JoinSummary {
    /// Tables and a last line in the manner of ping.
    package var table: String {
        var received = TextTable([
            ("MEMBER", .left), ("STREAM", .right), ("KIND", .left), ("RECEIVED", .right),
            ("LOST", .right), ("DUP", .right), ("DELAY P50", .right), ("P99", .right),
        ])
        for stream in streams {
            received.append([
                stream.member, "\(stream.stream)", stream.kind, Readable.count(stream.received),
                Readable.count(stream.lost), Readable.count(stream.duplicates),
                Readable.milliseconds(stream.latency?.p50),
                Readable.milliseconds(stream.latency?.p99),
            ])
        }
        return (received.isEmpty ? "" : received.text) + SentStream.table(sent)
            + DropCount.line(drops) + lastLine
    }

    private var lastLine: String {
        let received = streams.reduce(0) { $0 + $1.received }
        let lost = streams.reduce(0) { $0 + $1.lost }
        let duplicates = streams.reduce(0) { $0 + $1.duplicates }
        var line = "\(group): \(Readable.duration(seconds: seconds))"
        line +=
            joinedMilliseconds.map { ", joined in \(Readable.milliseconds($0))" }
            ?? ", never joined"
        if let first = firstPacketMilliseconds {
            line += ", first packet after \(Readable.milliseconds(first))"
        }
        line += ", \(Readable.count(received)) rx, \(Readable.count(duplicates)) dup"
        return line + ", loss \(Readable.share(lost, of: received + lost))\n"
    }
}
