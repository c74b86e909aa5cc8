import Forwarding
import NetBasics
import Sealing
import Testing
import Wire

@testable import DataPath

/// Packets that are taken as one fare as they would one by one.
@Suite struct TrainTests {
    private static let key = SecretBytes([UInt8](repeating: 7, count: 32))

    /// A node that forwards to two children and plays what it gets.
    private struct Group {
        let node: Node
        let children: [Node]

        init(parent: Node) throws {
            node = try Node(3, mediaKey: TrainTests.key, peer: PeerID(rawValue: 3))
            children = try (10..<12).map { number in
                try Node(number, mediaKey: nil, peer: PeerID(rawValue: UInt64(number)))
            }
            try node.route(from: parent, to: children)
            // From now on what arrives is counted.
            _ = arrived()
        }

        /// Packets and bytes that the node tells its parent of.
        func arrived() -> [UInt64] {
            let count = node.media.rates.arrivals.count(on: node.token, at: .zero)
            return [count.packets, count.bytes]
        }

        /// All that can be seen of what it did.
        func outcome(of streams: [StreamID]) throws -> Outcome {
            let forwarder = Forwarder.Drop.allCases.map { ($0.name, node.dropCount($0)) }
            return Outcome(
                copies: try children.map { try $0.arrived() }, played: try node.played(),
                drops: node.media.decodeDrops.merging(forwarder) { $0 + $1 },
                counts: streams.map { node.media.forwarder.count(of: $0) }, arrived: arrived(),
                kept: streams.map { stream in
                    (0..<400).map { node.media.forwarder.cached(stream, $0, at: node.now) }
                },
                signs: Set(
                    node.media.takeMediaSigns().map {
                        "\(String(describing: $0.link)) \($0.stream) \($0.sequence)"
                    }))
        }
    }

    private struct Outcome: Equatable {
        var copies: [[[UInt8]]]
        var played: [[UInt8]]
        var drops: [String: UInt64]
        var counts: [Forwarder.StreamCount]
        var arrived: [UInt64]
        var kept: [[Int?]]
        var signs: Set<String>
    }

    /// What a bad network makes of good datagrams.
    private func damaged(
        _ datagrams: [[UInt8]], by generator: inout SeededGenerator
    ) -> [[UInt8]] {
        var result: [[UInt8]] = []
        for var datagram in datagrams {
            switch generator.uniform(below: 60) {
            case 0: continue
            case 1: result.append(datagram)
            case 2 where !result.isEmpty:
                result.insert(datagram, at: result.count - 1)
                continue
            case 3:
                let bit = generator.uniform(below: 8 * datagram.count)
                datagram[bit / 8] ^= 1 << UInt8(bit % 8)
            case 4: datagram.removeLast(1 + generator.uniform(below: datagram.count))
            default: break
            }
            result.append(datagram)
        }
        return result
    }

    private func send(_ datagrams: [[UInt8]], from sender: Node, to nodes: [Node]) {
        for datagram in datagrams {
            for node in nodes {
                let isSent = sender.socket.send(datagram, to: node.socket.local)
                #expect(isSent)
            }
        }
    }

    /// Returns the packets of the longest train.
    private func forwardAll(_ node: Node, oneByOne: Bool) throws -> Int {
        var longest = 0
        while case let count = try node.forward(oneByOne: oneByOne), count > 0 {
            longest = max(longest, count)
        }
        return longest
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func togetherIsAsOneByOne(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let alice = try Node(1, mediaKey: Self.key, peer: Node.source)
        let together = try Group(parent: alice)
        let apart = try Group(parent: alice)
        let sink = try Node(3, mediaKey: nil, peer: PeerID(rawValue: 9))
        try alice.route(from: nil, to: [sink])
        let streams = [Node.stream, StreamID(source: Node.source, index: 4)]
        for stream in streams { alice.media.forwarder.startSequence(of: stream, at: 0) }
        var (size, longest) = (100, 0)

        for _ in 0..<12 {
            var datagrams: [[UInt8]] = []
            while datagrams.count < 40 {
                if generator.uniform(below: 3) == 0 { size = 60 + generator.uniform(below: 80) }
                let bodies = (0...generator.uniform(below: 20)).map { number in
                    [UInt8](repeating: UInt8(number), count: size)
                }
                alice.publish(bodies, of: streams[generator.uniform(below: 8) / 7])
                datagrams += try sink.arrived()
            }
            // What was lost comes late, what was not a second time.
            for datagrams in [damaged(datagrams, by: &generator), datagrams] {
                send(datagrams, from: alice, to: [together.node, apart.node])
                longest = max(longest, try forwardAll(together.node, oneByOne: false))
                _ = try forwardAll(apart.node, oneByOne: true)
            }
        }

        let outcomes = try [together, apart].map { try $0.outcome(of: streams) }
        #expect(outcomes[0] == outcomes[1], "seed \(seed)")
        #expect(longest > 8)
        #expect(outcomes[0].copies[0].count > 300)
        #expect(outcomes[0].played.count > 200)
    }

    /// One packet that nobody's neighbor sent spoils no other.
    @Test func aForgedPacketIsTheOnlyOneDropped() throws {
        let alice = try Node(1, mediaKey: Self.key, peer: Node.source)
        let group = try Group(parent: alice)
        let sink = try Node(3, mediaKey: nil, peer: PeerID(rawValue: 9))
        try alice.route(from: nil, to: [sink])
        alice.publish((0..<20).map { [UInt8](repeating: $0, count: 100) })
        var datagrams = try sink.arrived()
        datagrams[11][25] ^= 1

        send(datagrams, from: alice, to: [group.node])
        _ = try forwardAll(group.node, oneByOne: false)

        #expect(group.node.dropCount("not_from_neighbor") == 1)
        #expect(group.node.passedCount == 19)
        #expect(try group.children.map { try $0.arrived().count } == [19, 19])
    }
}
