import Forwarding
import NetBasics
import Sealing
import Testing
import Wire

/// Packets that go out together arrive as if each had gone alone.
@Suite struct FanOutTests {
    private let key = SecretBytes([UInt8](repeating: 7, count: 32))

    private func group(_ count: Int) throws -> (alice: Node, children: [Node]) {
        let alice = try Node(1, mediaKey: key, peer: Node.source)
        let children = try (0..<count).map {
            try Node(UInt32(10 + $0), mediaKey: key, peer: PeerID(rawValue: UInt64(10 + $0)))
        }
        try alice.route(from: nil, to: children)
        for child in children { try child.route(from: alice, to: []) }
        return (alice, children)
    }

    /// Runs end at each change of size, and at 64 packets.
    @Test(arguments: [[1], [200], [63, 64, 65], [1, 2, 1, 70, 3]])
    func everyChildGetsAllInOrder(lengths: [Int]) throws {
        let (alice, children) = try group(3)
        var bodies: [[UInt8]] = []
        for (size, count) in lengths.enumerated() {
            for number in 0..<count {
                bodies.append([UInt8](repeating: UInt8(number % 256), count: 100 + size))
            }
        }

        alice.publish(bodies)

        for child in children {
            try child.work()
            #expect(try child.played() == bodies)
            #expect(child.passedCount == UInt64(bodies.count))
        }
    }

    /// More messages than one `sendmmsg` takes.
    @Test func moreChildrenThanABatchHasMessagesGetEverything() throws {
        let (alice, children) = try group(130)
        let bodies = (0..<5).map { [UInt8](repeating: UInt8($0), count: 50 + $0) }

        alice.publish(bodies)

        for child in children {
            try child.work()
            #expect(try child.played() == bodies)
        }
    }

    @Test func whatWaitsGoesToWhoWasAChildThen() throws {
        let (alice, children) = try group(2)
        let body = Array("before".utf8)
        body.withUnsafeBytes {
            alice.media.publish(
                $0, of: Node.stream, isControlFlow: false, at: alice.now, on: alice.socket)
        }

        try alice.route(from: nil, to: [children[1]])
        alice.publish([Array("after".utf8)])

        try children[0].work()
        #expect(try children[0].played() == [body])
        try children[1].work()
        #expect(try children[1].played() == [body, Array("after".utf8)])
    }

    /// Of a flooded source nothing goes back to whom it came from, and repairs go on as media.
    @Test func floodedPacketsDoNotGoBack() throws {
        let (alice, children) = try group(2)
        let (relay, leaf) = (children[0], children[1])
        let route = ForwardingTable.Route(
            source: Node.source, upstreams: [relay.token],
            children: [alice, leaf].map {
                .init(token: $0.token, endpoint: $0.socket.local, localToken: $0.token)
            }, isFlooded: true)
        let keys = LinkTagKeys(
            receive: (try Node.key(1), nil), send: try Node.key(1), sendPhase: 0)
        let links = [alice.token, relay.token, leaf.token]
        relay.media.install(
            ForwardingTable(routes: [route], links: links), on: relay.socket)
        relay.media.install(Dictionary(uniqueKeysWithValues: links.map { ($0, keys) }))
        alice.publish((0..<4).map { [UInt8](repeating: $0, count: 30) })
        _ = try leaf.arrived()

        for (index, datagram) in try relay.arrived().enumerated() {
            var datagram = datagram
            // Two come from whom they would go to.
            if index % 2 == 0 { datagram[7] = UInt8(alice.token.rawValue) }
            Node.tag(&datagram, key: try Node.key(1))
            relay.work(on: datagram)
        }

        #expect(try leaf.arrived().count == 4)
        #expect(try alice.arrived().count == 2)
    }

    @Test func signsAreTheNewestOfEachStreamAndLink() throws {
        let (alice, children) = try group(1)
        alice.publish((0..<3).map { [$0] })

        let sent = alice.media.takeMediaSigns()
        try children[0].work()
        let heard = children[0].media.takeMediaSigns()

        #expect(sent.count == 1 && heard.count == 1)
        #expect(sent.first?.link == nil)
        #expect(heard.first?.link == children[0].token)
        #expect(sent.first?.sequence == alice.media.forwarder.highest(of: Node.stream))
        #expect(heard.first?.sequence == sent.first?.sequence)
        #expect(alice.media.takeMediaSigns().isEmpty)
        alice.publish([[9]])
        #expect(alice.media.takeMediaSigns().count == 1)
    }
}
