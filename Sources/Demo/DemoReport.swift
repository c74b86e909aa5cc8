import Management

/// What a run showed (schema `polycast.demo/1`).
package struct DemoReport: Equatable, Sendable {
    package static let schema = "polycast.demo/1"
    /// Of the packets of one source to one member, more than which must not be lost.
    package static let lossLimit = 0.001

    /// What every other member should have got from a member.
    package struct Expectation: Equatable, Sendable {
        package var source: String
        package var streamCount: Int

        package init(source: String, streamCount: Int) {
            self.source = source
            self.streamCount = streamCount
        }
    }

    /// A frame that a member decoded from what it received.
    package struct Frame: Equatable, Sendable {
        package var path: String
        package var member: String
        package var hops: Int
        package var source: String

        package init(path: String, member: String, hops: Int, source: String) {
            self.path = path
            self.member = member
            self.hops = hops
            self.source = source
        }
    }

    package var trees: [SourceTree]
    package var peers: [JoinSummary]
    package var expectations: [Expectation]
    package var picturePath: String
    package var frame: Frame?
    package var logDirectory: String

    package init(
        trees: [SourceTree], peers: [JoinSummary], expectations: [Expectation],
        picturePath: String, frame: Frame?, logDirectory: String
    ) {
        self.trees = trees
        self.peers = peers
        self.expectations = expectations
        self.picturePath = picturePath
        self.frame = frame
        self.logDirectory = logDirectory
    }

    package var json: JSONValue {
        [
            "schema": .string(Self.schema), "trees": .array(trees.map(\.json)),
            "peers": .array(peers.map(\.json)),
            "files": ["png": JSONValue(frame?.path), "svg": .string(picturePath)],
        ]
    }

    // MARK: - Verdict

    /// What went wrong, a line each; empty if every member got every source.
    package var problems: [String] {
        peers.flatMap { peer in
            expectations.filter { $0.source != peer.name }.compactMap { problem(of: peer, $0) }
        }
    }

    private func problem(of peer: JoinSummary, _ expectation: Expectation) -> String? {
        let counts = Counts(of: expectation.source, at: peer)
        let source = printable(expectation.source)
        guard counts.streamsWithPackets >= expectation.streamCount else {
            return "\(printable(peer.name)) received packets of "
                + "\(counts.streamsWithPackets) of \(source)'s "
                + counted(expectation.streamCount, "stream")
        }
        guard Double(counts.lost) <= Self.lossLimit * counts.expected else {
            return "\(printable(peer.name)) lost \(counted(counts.lost, "packet")) of \(source)'s, "
                + "\(Readable.decimals(100 * Double(counts.lost) / counts.expected, 2)) %"
        }
        return nil
    }

    // MARK: - Text

    package var text: String {
        trees.map { "\($0.text)\n" }.joined() + countTable + "\n" + totals + "\n" + files
    }

    private var countTable: String {
        let hasDelay = peers.flatMap(\.streams).contains { $0.latency != nil }
        var table = TextTable(
            [
                ("PEER", .left), ("SOURCE", .left), ("RECEIVED", .right), ("LOST", .right),
                ("DUP", .right), ("SENT", .right), ("COPIES", .right),
            ] + (hasDelay ? [("DELAY P50", .right), ("P99", .right)] : []))
        for peer in peers {
            for expectation in expectations {
                table.append(row(of: peer, expectation.source))
            }
        }
        return table.text
    }

    private func row(of peer: JoinSummary, _ source: String) -> [String] {
        let start = [printable(peer.name), printable(source)]
        if source == peer.name {
            let packets = peer.sent.reduce(0) { $0 &+ $1.packets }
            let copies = peer.sent.reduce(0) { $0 &+ $1.copies }
            return start + ["-", "-", "-", Readable.count(packets), Readable.count(copies)]
        }
        let counts = Counts(of: source, at: peer)
        return start + [
            Readable.count(counts.received), Readable.count(counts.lost),
            Readable.count(counts.duplicates), "-", "-",
            Readable.milliseconds(counts.latency?.p50), Readable.milliseconds(counts.latency?.p99),
        ]
    }

    private var totals: String {
        let streams = peers.flatMap(\.streams)
        let received = streams.reduce(0) { $0 &+ $1.received }
        let lost = streams.reduce(0) { $0 &+ $1.lost }
        let duplicates = streams.reduce(0) { $0 &+ $1.duplicates }
        return "\(counted(peers.count, "peer")), \(counted(expectations.count, "source")): "
            + "\(Readable.count(received)) rx, \(Readable.count(lost)) lost, "
            + "\(Readable.count(duplicates)) dup\n"
    }

    private var files: String {
        var lines = ""
        if let frame {
            lines += "Frame    \(frame.path)  (\(printable(frame.source))'s picture, decoded by "
            lines += "\(printable(frame.member)), \(counted(frame.hops, "hop")) away)\n"
        }
        lines += "Trees    \(picturePath)\n"
        return lines + "Logs     \(logDirectory)\n"
    }
}

/// What one member got of one source, over all its streams.
private struct Counts {
    var received = 0
    var lost = 0
    var duplicates = 0
    var streamsWithPackets = 0
    /// Of the slowest stream.
    var latency: JoinSummary.Latency?

    init(of source: String, at peer: JoinSummary) {
        for stream in peer.streams where stream.member == source {
            received &+= stream.received
            lost &+= stream.lost
            duplicates &+= stream.duplicates
            if stream.received > 0 { streamsWithPackets += 1 }
            if let slower = stream.latency, slower.p99 > latency?.p99 ?? -1 { latency = slower }
        }
    }

    /// Packets that should have come.
    var expected: Double { Double(received) + Double(lost) }
}
