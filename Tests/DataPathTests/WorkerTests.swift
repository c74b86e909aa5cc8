import NetBasics
import Sealing
import Sockets
import Testing
import Wire

/// A data path whose copies several threads send.
@Suite struct WorkerTests {
    private let key = SecretBytes([UInt8](repeating: 7, count: 32))

    private func node(_ token: Int, workers: Int = 1) throws -> Node {
        try Node(
            UInt32(token), mediaKey: key, peer: PeerID(rawValue: UInt64(token)), workers: workers)
    }

    /// Alice publishes to a relay, which forwards to `count` others with `workers`.
    private func group(_ count: Int, workers: Int) throws -> (Node, Node, [Node]) {
        let alice = try Node(1, mediaKey: key, peer: Node.source)
        let relay = try node(2, workers: workers)
        let children = try (0..<count).map { try node(10 + $0) }
        try alice.route(from: nil, to: [relay])
        try relay.route(from: alice, to: children)
        for child in children { try child.route(from: relay, to: []) }
        return (alice, relay, children)
    }

    private func bodies(_ numbers: Range<Int>) -> [[UInt8]] {
        numbers.map { [UInt8](repeating: UInt8($0 % 251), count: 60 + $0 / 100 % 4) }
    }

    /// Hands all that has come to the relay at once, as a busy loop does.
    private func forward(_ relay: Node) throws {
        let arrived = try relay.arrived()
        var starts: [Range<Int>] = []
        for datagram in arrived {
            let start = starts.last?.upperBound ?? 0
            starts.append(start..<start + datagram.count)
        }
        Array(arrived.joined()).withUnsafeBytes { bytes in
            for range in starts {
                relay.media.receive(
                    UnsafeRawBufferPointer(rebasing: bytes[range]), at: relay.now,
                    wallNanoseconds: 0, on: relay.socket)
            }
            relay.media.flush(on: relay.socket)
        }
    }

    @Test(arguments: [2, 3, 16])
    func everyChildGetsAllInOrderBitForBit(workers: Int) throws {
        let (alice, relay, children) = try group(20, workers: workers)
        var sent: [[UInt8]] = []
        for round in 0..<4 {
            let some = bodies(round * 150..<(round + 1) * 150)
            alice.publish(some)
            try forward(relay)
            sent += some
        }

        for child in children {
            try child.work()
            #expect(try child.played() == sent)
            #expect(child.passedCount == UInt64(sent.count))
        }
        #expect(relay.media.sentCount == UInt64(20 * sent.count))
        #expect(relay.media.sendRefusals.total == 0)
        let counts = relay.media.childCounts.map(\.sent.datagrams)
        #expect(counts == [UInt64](repeating: UInt64(sent.count), count: 20))
    }

    /// A load that goes on is received into places whose bodies have left.
    @Test(arguments: [2, 3])
    func everyChildGetsAllWhilePartsGoRound(workers: Int) throws {
        let (alice, relay, children) = try group(6, workers: workers)
        var sent: [[UInt8]] = []
        for message in 0..<200 {
            let some = bodies(6 * message..<6 * (message + 1))
            alice.publish(some)
            sent += some
        }

        #expect(try relay.forwardInParts() > 2 * PacketBatch.parts)
        for child in children {
            try child.work()
            #expect(try child.played() == sent)
        }
    }

    /// Lanes, and with them workers, change hands; counts stay with the children.
    @Test func childrenThatChangeWorkersKeepTheirOrderAndTheirCounts() throws {
        let (alice, relay, children) = try group(12, workers: 3)
        var order = children
        var sent: [[UInt8]] = []
        for round in 0..<6 {
            let some = bodies(round * 80..<(round + 1) * 80)
            alice.publish(some)
            try forward(relay)
            sent += some
            order.append(order.removeFirst())
            try relay.route(from: alice, to: order)
        }

        for child in children {
            try child.work()
            #expect(try child.played() == sent)
        }
        let counts = relay.media.childCounts.map(\.sent.datagrams)
        #expect(counts == [UInt64](repeating: UInt64(sent.count), count: 12))
    }
}
