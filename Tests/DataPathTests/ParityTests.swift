import Forwarding
import NetBasics
import Sealing
import Testing
import Wire

/// Packets that are computed from parity are forwarded and delivered as if they had come.
@Suite struct ParityTests {
    private let key = SecretBytes([UInt8](repeating: 7, count: 32))
    private let bodies = (0..<16).map { number in
        (0..<50 + 60 * number).map { UInt8(truncatingIfNeeded: $0 &* (number + 3)) }
    }

    /// A source whose child has asked for `rows` shards, and what it sends of one block.
    private func block(
        rows: Int, aliceRows: Int = 4, bobRows: Int = 4, datagramLimit: Int = .max
    ) throws -> (bob: Node, datagrams: [[UInt8]]) {
        let alice = try Node(1, mediaKey: key, peer: Node.source, parityRows: aliceRows)
        let bob = try Node(3, mediaKey: key, peer: PeerID(rawValue: 3), parityRows: bobRows)
        try alice.route(from: nil, to: [bob], datagramLimit: datagramLimit)
        try bob.route(from: alice, to: [])
        alice.media.forwarder.startSequence(of: Node.stream, at: 0xFFFF_FFF0)
        alice.media.forwarder.noteParityWish(
            ParityWish(source: Node.source, rows: rows),
            by: RepairAsker(
                token: bob.token, endpoint: bob.socket.local, localToken: bob.token,
                roundTrip: nil),
            at: alice.now)
        alice.publish(bodies)
        return (bob, try bob.arrived())
    }

    private func give(_ datagrams: [[UInt8]], to node: Node) {
        for datagram in datagrams {
            guard ParityHeader.isParity(datagram.span.bytes) else {
                node.work(on: datagram)
                continue
            }
            datagram.withUnsafeBytes {
                node.media.receiveParity($0, at: node.now, wallNanoseconds: 0, on: node.socket)
                node.media.flush(on: node.socket)
            }
        }
    }

    @Test func fourLostOfSixteenAreDeliveredWithoutARequest() throws {
        let (bob, datagrams) = try block(rows: 4)
        let media = datagrams.filter { Datagram.isMedia($0.span.bytes) }
        let parity = datagrams.filter { ParityHeader.isParity($0.span.bytes) }
        #expect(media.count == 16 && parity.count == 4)
        let lost: Set = [2, 3, 9, 15]

        give(media.enumerated().filter { !lost.contains($0.offset) }.map(\.element), to: bob)
        let before = try bob.played().count
        give(parity, to: bob)

        #expect(before == 12)
        #expect(Set(try bob.played()) == Set(lost.map { bodies[$0] }))
        #expect(bob.media.forwarder.repairCounts.restored == 4)
        #expect(bob.media.forwarder.repairCounts.repaired == 0)
        var wanted: [WantedRepair] = []
        bob.media.forwarder.takeRepairRequests(at: bob.now + .seconds(1), into: &wanted)
        #expect(wanted.isEmpty)
    }

    @Test func parityFollowsTheBlockThatItIsOf() throws {
        let (_, datagrams) = try block(rows: 4)

        #expect(datagrams.prefix(16).allSatisfy { Datagram.isMedia($0.span.bytes) })
        #expect(datagrams.dropFirst(16).allSatisfy { ParityHeader.isParity($0.span.bytes) })
    }

    @Test func parityIsNeverLongerThanTheLinkCarries() throws {
        let (_, whole) = try block(rows: 1)
        let length = try #require(whole.last { ParityHeader.isParity($0.span.bytes) }).count

        let (_, fitting) = try block(rows: 1, datagramLimit: length)
        let (_, tooLong) = try block(rows: 1, datagramLimit: length - 1)

        #expect(fitting.contains { ParityHeader.isParity($0.span.bytes) })
        #expect(!tooLong.contains { ParityHeader.isParity($0.span.bytes) })
    }

    @Test func withoutTheOptionNoParityIsGivenOrTaken() throws {
        let (_, none) = try block(rows: 4, aliceRows: 0)
        let (bob, datagrams) = try block(rows: 4, bobRows: 0)

        give(datagrams.enumerated().filter { $0.offset != 4 }.map(\.element), to: bob)

        #expect(!none.contains { ParityHeader.isParity($0.span.bytes) })
        #expect(try bob.played().count == 15)
        #expect(bob.dropCount("unexpected_parity") == 4)
    }

    @Test func aLateRepairCompletesABlockWithTooFewShards() throws {
        let (bob, datagrams) = try block(rows: 1)
        let lost: Set = [4, 5]

        give(datagrams.enumerated().filter { !lost.contains($0.offset) }.map(\.element), to: bob)
        #expect(try bob.played().count == 14)
        give([datagrams[4]], to: bob)

        #expect(Set(try bob.played()) == [bodies[4], bodies[5]])
    }

    @Test func alteredParityIsOfNoUse() throws {
        let (bob, datagrams) = try block(rows: 1)
        let media = datagrams.filter { Datagram.isMedia($0.span.bytes) }
        let parity = try #require(datagrams.first { ParityHeader.isParity($0.span.bytes) })
        give(Array(media.dropFirst(2).dropLast(2)), to: bob)
        let before = try bob.played().count

        for bit in stride(from: 32, to: parity.count * 8, by: 61) {
            var altered = parity
            altered[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            give([altered], to: bob)
        }
        for length in 0..<parity.count { give([Array(parity.prefix(length))], to: bob) }

        #expect(before == 12)
        #expect(try bob.played().isEmpty)
        #expect(bob.media.forwarder.repairCounts.restored == 0)
    }
}
