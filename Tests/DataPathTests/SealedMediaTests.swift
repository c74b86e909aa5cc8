import NetBasics
import Sealing
import Testing
import Wire

/// Media is sealed where it is published, opened where it is delivered, and untouched between.
@Suite struct SealedMediaTests {
    private let key = SecretBytes([UInt8](repeating: 7, count: 32))
    private let text = Array("a sentence that is long enough to be found again".utf8)

    private func source() throws -> Node { try Node(1, mediaKey: key, peer: Node.source) }
    private func member(_ token: UInt32, _ key: SecretBytes?) throws -> Node {
        try Node(token, mediaKey: key, peer: PeerID(rawValue: UInt64(token)))
    }

    @Test func whoForwardsNeedsNoKeyAndSeesNothing() throws {
        let (alice, relay, bob) = (try source(), try member(2, nil), try member(3, key))
        try alice.route(from: nil, to: [relay])
        try relay.route(from: alice, to: [bob])
        try bob.route(from: relay, to: [])
        let bodies = (0..<5).map { [UInt8($0)] + text }

        alice.publish(bodies)
        let passing = try relay.work()
        try bob.work()

        #expect(passing.count == 5)
        for datagram in passing {
            #expect(!datagram.indices.contains { datagram[$0...].starts(with: text) })
            #expect(datagram.count <= MediaHeader.bodyOffset + text.count + 1 + 22)
        }
        #expect(try relay.played().isEmpty)
        #expect(try bob.played() == bodies)
    }

    /// Body, stream, flow and number: all that a packet is, and not what is written for a link.
    @Test func whatANeighborAlteredIsNotDelivered() throws {
        let bits = MediaHeader.bodyOffset * 8 + (text.count + 22) * 8
        // Sequence number, stream index, control flow; every seventh bit of the body.
        let header = [23, 24, 25, 26, 128, 138, 159]
        let body = stride(from: MediaHeader.bodyOffset * 8, to: bits - 40, by: 7)
        let linkKey = try Node.key(1)
        for bit in header + Array(body) {
            let (alice, bob) = (try source(), try member(3, key))
            try alice.route(from: nil, to: [bob])
            try bob.route(from: alice, to: [])
            alice.publish([text])

            try bob.work {
                $0[bit / 8] ^= 0x80 >> UInt8(bit % 8)
                Node.tag(&$0, key: linkKey)
            }

            #expect(try bob.played().isEmpty, "bit \(bit)")
            #expect(bob.dropCount("not_from_neighbor") == 0, "bit \(bit)")
        }
    }

    @Test func whoLacksTheKeyCountsAndDropsWhatItCannotOpen() throws {
        let (alice, eve) = (
            try source(), try member(3, SecretBytes([UInt8](repeating: 8, count: 32)))
        )
        try alice.route(from: nil, to: [eve])
        try eve.route(from: alice, to: [])

        alice.publish([text, text])
        try eve.work()

        #expect(try eve.played().isEmpty)
        #expect(eve.dropCount("not_authentic") == 2)
    }

    /// Far more than the ring of bodies holds, before anybody flushes.
    @Test func manyLongPacketsDoNotOverwriteEachOther() throws {
        let (alice, bob) = (try source(), try member(3, key))
        try alice.route(from: nil, to: [bob])
        try bob.route(from: alice, to: [])
        let bodies = (0..<80).map { [UInt8](repeating: UInt8($0), count: 60_000) }

        alice.publish(bodies)
        try bob.work()

        #expect(try bob.played() == bodies)
    }
}
