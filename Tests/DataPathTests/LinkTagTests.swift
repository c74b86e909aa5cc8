import Forwarding
import NetBasics
import Sealing
import Testing
import Wire

/// Only what the neighbor of a link sent on it passes, once.
@Suite struct LinkTagTests {
    private static let notFromNeighbor = "not_from_neighbor"
    private let key = SecretBytes([UInt8](repeating: 7, count: 32))
    private let text = Array("live".utf8)

    private func pair() throws -> (alice: Node, bob: Node) {
        let alice = try Node(1, mediaKey: key, peer: Node.source)
        let bob = try Node(3, mediaKey: key, peer: PeerID(rawValue: 3))
        try alice.route(from: nil, to: [bob])
        try bob.route(from: alice, to: [])
        return (alice, bob)
    }

    private func keys(
        receive: (MediaTagKey?, MediaTagKey?), send: MediaTagKey, phase: UInt8
    ) -> LinkTagKeys {
        LinkTagKeys(receive: receive, send: send, sendPhase: phase)
    }

    @Test func aCopyIsHeaderTagAndBody() throws {
        let (alice, bob) = try pair()
        alice.publish([text])

        var datagram = try #require(try bob.arrived().first)
        let header = try MediaHeader(decoding: datagram.span.bytes)
        #expect(header.token == bob.token)
        #expect(datagram.count == 20 + 16 + 1 + text.count + 16)
        // libsodium's SipHash makes the same tag.
        let sent = datagram
        datagram.replaceSubrange(20..<36, with: repeatElement(0, count: 16))
        Node.tag(&datagram, key: try Node.key(1))
        #expect(datagram == sent)
    }

    /// The owner asks where a neighbor is only because of what nobody could have sent again.
    @Test(arguments: [1500, 1280]) func onlyWhatIsNewTellsOfItsLink(limit: Int) throws {
        let (alice, bob) = try pair()
        try alice.route(from: nil, to: [bob], datagramLimit: limit)
        alice.publish([[UInt8](repeating: 7, count: 1400)])
        let parts = try bob.arrived()
        #expect(parts.count == (limit < 1400 ? 2 : 1))
        let forged = parts.map { part in Array(part.dropLast()) + [part[part.count - 1] ^ 1] }

        #expect(forged.allSatisfy { bob.work(on: $0) == nil })
        let first = parts.map { bob.work(on: $0) }
        #expect(first.last == bob.token)
        #expect(first.dropLast().allSatisfy { $0 == nil })
        #expect(parts.allSatisfy { bob.work(on: $0) == nil }, "a second time")
    }

    @Test func noBitOfHeaderTagOrSealMayChange() throws {
        let (alice, bob) = try pair()
        alice.publish([text])
        let good = try #require(try bob.arrived().first)

        let covered = Array(0..<36 * 8) + Array((good.count - 16) * 8..<good.count * 8)
        for bit in covered {
            var bad = good
            bad[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            bob.work(on: bad)
        }

        // Kind and version are looked at before; the token names the link.
        let links = bob.dropCount("unknown_link")
        let kinds = ["not_polycast", "unsupported_version", "unknown_type", "invalid_field"]
        #expect(links == 32)
        #expect(kinds.reduce(0) { $0 + bob.dropCount($1) } == 16)
        #expect(bob.dropCount(Self.notFromNeighbor) == UInt64(covered.count - 48))
        #expect(bob.passedCount == 0)
        bob.work(on: good)
        #expect(try bob.played() == [text])
    }

    @Test func everyTruncationIsRefused() throws {
        let (alice, bob) = try pair()
        alice.publish([text])
        let good = try #require(try bob.arrived().first)

        for count in good.indices { bob.work(on: Array(good[..<count])) }

        #expect(bob.dropCount("truncated") == 52)
        #expect(bob.dropCount(Self.notFromNeighbor) == UInt64(good.count - 52))
        #expect(bob.passedCount == 0)
    }

    @Test func replayedCopiesAreDuplicates() throws {
        let (alice, bob) = try pair()
        alice.publish([text])
        let good = try #require(try bob.arrived().first)

        for _ in 0..<3 { bob.work(on: good) }

        #expect(try bob.played() == [text])
        #expect(bob.dropCount(.duplicate) == 2)
    }

    /// What a neighbor tagged for another link, or another neighbor for this one.
    @Test func aTagIsGoodOnOneLinkOnly() throws {
        let (alice, bob) = try pair()
        let good = keys(
            receive: (try Node.key(1), nil), send: try Node.key(1), phase: 0)
        let other = keys(
            receive: (try Node.key(2), nil), send: try Node.key(2), phase: 0)
        bob.media.install([bob.token: good, LinkToken(rawValue: 4): other])
        alice.publish([text])
        var datagram = try #require(try bob.arrived().first)

        datagram[7] = 4
        bob.work(on: datagram)
        #expect(bob.dropCount(Self.notFromNeighbor) == 1)

        datagram[7] = 3
        Node.tag(&datagram, key: try Node.key(2))
        bob.work(on: datagram)
        #expect(bob.dropCount(Self.notFromNeighbor) == 2)
        #expect(bob.passedCount == 0)
    }

    @Test func whileBothPhasesHaveKeysBothAreTaken() throws {
        let (alice, bob) = try pair()
        let (old, new) = (try Node.key(1), try Node.key(2))
        let names = (0..<4).map { text + [UInt8($0)] }

        // On the way while the keys change.
        alice.publish([names[0]])
        alice.media.install([bob.token: keys(receive: (old, new), send: new, phase: 1)])
        alice.publish([names[1]])
        bob.media.install([bob.token: keys(receive: (old, new), send: new, phase: 1)])
        try bob.work()
        #expect(try bob.played() == [names[0], names[1]])

        // The old phase ends; the next change takes its place.
        alice.media.install([bob.token: keys(receive: (old, new), send: old, phase: 0)])
        bob.media.install([bob.token: keys(receive: (nil, new), send: new, phase: 1)])
        alice.publish([names[2]])
        try bob.work()
        #expect(try bob.played().isEmpty)
        #expect(bob.dropCount(Self.notFromNeighbor) == 1)
        bob.media.install(
            [bob.token: keys(receive: (try Node.key(5), new), send: new, phase: 1)])
        alice.publish([names[3]])
        try bob.work()
        #expect(try bob.played().isEmpty)
        #expect(bob.dropCount(Self.notFromNeighbor) == 2)
    }

    @Test func linksWithoutKeysGetAndGiveNothing() throws {
        let (alice, bob) = try pair()
        let carol = try Node(4, mediaKey: key, peer: PeerID(rawValue: 4))
        try carol.route(from: alice, to: [])
        try alice.route(from: nil, to: [bob, carol])

        alice.media.install(
            [carol.token: keys(receive: (nil, nil), send: try Node.key(1), phase: 0)])
        alice.publish([text])
        #expect(try bob.arrived().isEmpty)
        try carol.work()
        #expect(try carol.played() == [text])

        try alice.route(from: nil, to: [bob])
        bob.media.install([:])
        alice.publish([text])
        try bob.work()
        #expect(try bob.played().isEmpty)
        #expect(bob.dropCount("unknown_link") == 1)
    }

    /// Odd and even numbers of children, since tags are computed two at a time.
    @Test(arguments: [1, 2, 3, 5, 8])
    func everyChildGetsATagOfItsOwn(count: Int) throws {
        let alice = try Node(1, mediaKey: key, peer: Node.source)
        let children = try (0..<count).map {
            try Node(UInt32(10 + $0), mediaKey: key, peer: PeerID(rawValue: UInt64(10 + $0)))
        }
        try alice.route(from: nil, to: children)
        for child in children { try child.route(from: alice, to: []) }
        let links = try (0..<count).map { number in
            let own = try Node.key(UInt8(50 + number))
            return (children[number].token, keys(receive: (own, nil), send: own, phase: 0))
        }
        alice.media.install(Dictionary(uniqueKeysWithValues: links))
        for (child, link) in zip(children, links) { child.media.install([link.0: link.1]) }
        let bodies = (0..<70).map { text + [UInt8($0)] }

        alice.publish(bodies)

        for child in children {
            try child.work()
            #expect(try child.played() == bodies)
        }
    }

    @Test func repairsAreTaggedToo() throws {
        let (alice, bob) = try pair()
        alice.publish([text, text + text])
        _ = try bob.arrived()
        let latest = alice.media.forwarder.highest(of: Node.stream)
        let highest = try #require(latest)
        let asker = RepairAsker(
            token: bob.token, endpoint: bob.socket.local, localToken: bob.token, roundTrip: nil)

        alice.media.answer(
            RepairRequest(stream: Node.stream, base: highest, bitmap: 1), to: asker,
            at: alice.now, on: alice.socket)

        var repair = try #require(try bob.arrived().first)
        let header = try MediaHeader(decoding: repair.span.bytes)
        #expect(header.isRepair && header.sequence == highest)
        let sent = repair
        Node.tag(&repair, key: try Node.key(1))
        #expect(repair == sent)
    }
}
