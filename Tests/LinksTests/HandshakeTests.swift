import Links
import NetBasics
import Sealing
import Testing
import Wire

@Suite struct HandshakeTests {
    private let alice: End
    private let bob: End

    init() throws {
        alice = try End(1)
        bob = try End(2)
    }

    @Test func fourDatagramsMakeALinkInBothDirections() throws {
        try alice.link(with: bob)

        let there = try #require(alice.say([.ping(time: 1)], to: bob))
        let back = try #require(bob.say([.pong(time: 1), .close], to: alice))
        #expect(try bob.hear(there, from: alice.endpoint) == [.ping(time: 1)])
        #expect(try alice.hear(back, from: bob.endpoint) == [.pong(time: 1), .close])
        #expect(alice.links.drops.isEmpty && bob.links.drops.isEmpty)
    }

    @Test func datagramsAreAsLongAsTheSimulatorCounts() throws {
        let request = LinkRequest(
            group: GroupID(high: 1, low: 2), peer: alice.peer, token: alice.token, cookie: .none,
            name: alice.name)
        let accept = LinkAccept(
            initiatorToken: alice.token, peer: bob.peer, token: bob.token, name: bob.name)
        let hello = try alice.hello(to: bob)
        _ = try bob.open(hello, from: alice.endpoint)
        let challenge = try bob.challenge(to: alice)
        _ = try alice.open(challenge, from: bob.endpoint)
        let asking = try alice.request(to: bob)
        _ = try bob.open(asking, from: alice.endpoint)
        let answer = try bob.accept(alice)

        #expect(hello.count == LinkMessage.hello(token: alice.token).sealedByteCount)
        #expect(challenge.count <= hello.count, "an address is not proven yet")
        #expect(asking.count == LinkMessage.request(request).sealedByteCount)
        #expect(answer.count == LinkMessage.accept(accept).sealedByteCount)
        _ = try alice.open(answer, from: bob.endpoint)
        let control = try #require(alice.say([.close], to: bob))
        let plain = ControlDatagram(token: bob.token, messages: [.close]).encodedDatagrams[0]
        #expect(control.count == plain.count + ControlDatagram.sealBytes)
    }

    @Test func refusalsAreSealedToo() throws {
        try alice.ask(bob)
        let refusal = LinkMessage.refusal(
            token: alice.token, reason: .full,
            referrals: [Contact(peer: PeerID(rawValue: 9), endpoint: bob.endpoint)])
        let bytes = try bob.seal(refusal, to: alice, at: .zero)

        #expect(bytes.count == refusal.sealedByteCount)
        #expect(try alice.open(bytes, from: bob.endpoint) == .link(refusal))
    }

    // MARK: - Strangers

    @Test func whoHasAnotherSecretGetsNoAnswer() throws {
        let stranger = try End(3, secret: 8)
        #expect(try bob.open(stranger.hello(to: bob), from: stranger.endpoint) == nil)
        #expect(try stranger.open(bob.challenge(to: stranger), from: bob.endpoint) == nil)
        #expect(bob.links.drops == [.wrongSecret: 1])
        #expect(stranger.links.drops == [.wrongSecret: 1])
    }

    @Test func requestsOfAnotherSecretCostNoAgreement() throws {
        let stranger = try End(3, secret: 8)
        let (friend, other) = (try End(4), try End(5, secret: 8))
        _ = try stranger.hello(to: other)
        _ = try stranger.open(other.challenge(to: stranger), from: other.endpoint)
        let request = try stranger.request(to: other)

        #expect(try friend.open(request, from: stranger.endpoint) == nil)
        #expect(friend.links.drops == [.wrongSecret: 1])
    }

    @Test func everyTruncationAndFlippedBitIsRefused() throws {
        let hello = try alice.hello(to: bob)
        for bytes in flipped(hello) + hello.indices.map({ Array(hello[..<$0]) }) {
            #expect((try? bob.open(bytes, from: alice.endpoint)) ?? nil == nil)
        }
        _ = try bob.open(hello, from: alice.endpoint)
        let challenge = try bob.challenge(to: alice)
        for bytes in flipped(challenge) + challenge.indices.map({ Array(challenge[..<$0]) }) {
            #expect((try? alice.open(bytes, from: bob.endpoint)) ?? nil == nil)
        }
        _ = try alice.open(challenge, from: bob.endpoint)
        let request = try alice.request(to: bob)
        for bytes in flipped(request) + request.indices.map({ Array(request[..<$0]) }) {
            #expect((try? bob.open(bytes, from: alice.endpoint)) ?? nil == nil)
        }
        _ = try bob.open(request, from: alice.endpoint)
        let accept = try bob.accept(alice)
        // Header bytes 2 and 3 say nothing, and the kind in clear is not the one that counts.
        for (bit, bytes) in flipped(accept).enumerated() where !(8..<32).contains(bit) {
            #expect((try? alice.open(bytes, from: bob.endpoint)) ?? nil == nil)
        }
        for count in accept.indices {
            #expect((try? alice.open(Array(accept[..<count]), from: bob.endpoint)) ?? nil == nil)
        }

        guard case .link(.accept)? = try alice.open(accept, from: bob.endpoint) else {
            throw Unexpected(what: "what was refused before has spoiled the handshake")
        }
    }

    // MARK: - Repetitions

    @Test func aRequestWorksOnce() throws {
        try alice.ask(bob)
        _ = try alice.open(bob.accept(alice), from: bob.endpoint)
        _ = try alice.hello(to: bob)
        _ = try alice.open(bob.challenge(to: alice), from: bob.endpoint)
        let first = try alice.request(to: bob, at: .zero + .seconds(1))
        let second = try alice.request(to: bob, at: .zero + .seconds(2))

        guard case .link(.request)? = try bob.open(second, from: alice.endpoint) else {
            throw Unexpected(what: "the second request is not taken")
        }
        #expect(try bob.open(second, from: alice.endpoint) == nil)
        #expect(
            try bob.open(first, from: alice.endpoint) == nil, "older than one that was answered")
        #expect(bob.links.drops == [.replayed: 2])
    }

    @Test func aRequestFromAnotherAddressIsChallenged() throws {
        _ = try alice.hello(to: bob)
        _ = try alice.open(bob.challenge(to: alice), from: bob.endpoint)
        let request = try alice.request(to: bob)
        let elsewhere = Endpoint(address: alice.endpoint.address, port: 7001)

        #expect(try bob.open(request, from: elsewhere) == .link(.hello(token: alice.token)))
    }

    /// A thousand addresses repeat what they have heard; the one that asks is served.
    @Test func repeatedRequestsOfManyAddressesCostNextToNothing() throws {
        _ = try alice.hello(to: bob)
        _ = try alice.open(bob.challenge(to: alice), from: bob.endpoint)
        let request = try alice.request(to: bob)
        for number in 0..<1000 {
            let forged = Endpoint(
                address: .v4(IPv4Address(rawValue: 0x0B00_0000 + UInt32(number))), port: 9)
            #expect(try bob.open(request, from: forged) == .link(.hello(token: alice.token)))
        }
        guard case .link(.request)? = try bob.open(request, from: alice.endpoint) else {
            throw Unexpected(what: "the true request is not taken")
        }
    }

    /// Who has the secret can make many requests; they are not all computed.
    @Test func agreementsAreRationed() throws {
        var taken = 0
        for number in 0..<300 {
            let other = try End(UInt8(10 + number % 200))
            _ = try other.hello(to: bob)
            _ = try other.open(bob.challenge(to: other), from: bob.endpoint)
            let time = Instant.zero + .nanoseconds(Int64(number))
            if try bob.open(other.request(to: bob, at: time), from: other.endpoint) != nil {
                taken += 1
            }
        }
        #expect(taken == 200)
        #expect(bob.links.drops[.handshakeRate] == 100)
    }

    // MARK: - Crossing

    /// Both ask each other at once: both handshakes are completed, and both ends come to one session.
    @Test(arguments: [false, true])
    func crossingHandshakesEndInOneLink(isAliceLater: Bool) throws {
        let (first, second) = isAliceLater ? (bob, alice) : (alice, bob)
        _ = try first.hello(to: second)
        _ = try second.hello(to: first)
        _ = try first.open(second.challenge(to: first), from: second.endpoint)
        _ = try second.open(first.challenge(to: second), from: first.endpoint)
        let asked = (try first.request(to: second), try second.request(to: first))
        _ = try second.open(asked.0, from: first.endpoint)
        let accepted = try second.accept(first)
        _ = try first.open(asked.1, from: second.endpoint)
        let acceptedBack = try first.accept(second)
        _ = try first.open(accepted, from: second.endpoint)
        _ = try second.open(acceptedBack, from: first.endpoint)

        for round in 0..<4 as Range<UInt32> {
            let there = try #require(first.say([.ping(time: round)], to: second))
            let back = try #require(second.say([.pong(time: round)], to: first))
            #expect(try second.hear(there, from: first.endpoint) == [.ping(time: round)])
            #expect(try first.hear(back, from: second.endpoint) == [.pong(time: round)])
        }
        let keys = (first.links.takeTagKeys(), second.links.takeTagKeys())
        #expect(keys.0?[first.token]?.sendPhase == 0)
        #expect(keys.1?[second.token]?.sendPhase == 0)
    }
}
