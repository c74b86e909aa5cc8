import Diagnosis
import NetBasics
import Testing

@testable import Doctor

@Suite struct ResponderTests {
    private let client = Endpoint(address: .v4(IPv4Address(rawValue: 0xC000_0205)), port: 5000)
    private let group = IPAddress.v4(IPv4Address(rawValue: 0xEF01_0203))
    private let now = Instant(nanoseconds: 5_000_000_000)

    private func responder(source: IPAddress? = nil) -> PairResponder {
        var question = Question(group: group)
        question.source = source
        return PairResponder(
            question, groupPort: 7402, failed: CheckNames(bits: 4),
            cookieSecret: Array(repeating: 7, count: 32))
    }

    private func hello(_ cookie: PairCookie = .none, token: UInt64 = 1) -> PairMessage {
        PairMessage(
            token: token, cookie: cookie,
            .hello(group: group, port: 7402, isSourceSpecific: false))
    }

    private func send(
        _ message: PairMessage, to responder: inout PairResponder, from sender: Endpoint? = nil,
        at time: Instant? = nil
    ) -> [PairResponder.Action] {
        responder.receive(
            message.encoded(), from: sender ?? client, hops: 60, wall: 9, at: time ?? now)
    }

    /// Greets until the session is there.
    private func open(_ responder: inout PairResponder, from sender: Endpoint? = nil) {
        guard
            case .reply(let challenge, _) = send(hello(), to: &responder, from: sender).first
        else {
            Issue.record("no challenge")
            return
        }
        _ = send(hello(challenge.cookie), to: &responder, from: sender)
    }

    @Test func aStrangerGetsAChallengeNoLongerThanItsQuestion() {
        var responder = responder()

        let actions = send(hello(), to: &responder)

        guard case .reply(let message, let size) = actions.first, actions.count == 1 else {
            Issue.record("\(actions)")
            return
        }
        #expect(message.body == .challenge && message.token == 1 && message.cookie != .none)
        #expect(size <= hello().encoded().count)
        #expect(responder.sessionCount == 0)
    }

    @Test func whoShowsTheCookieIsWelcomeAndOnlyFromItsAddress() {
        var responder = responder()
        let other = Endpoint(address: client.address, port: 5001)
        guard case .reply(let challenge, _) = send(hello(), to: &responder).first else {
            Issue.record("no challenge")
            return
        }

        let stolen = send(hello(challenge.cookie), to: &responder, from: other)
        let honest = send(hello(challenge.cookie), to: &responder)

        guard case .reply(let again, _) = stolen.first else { return }
        #expect(again.body == .challenge)
        let ready = PairMessage(
            token: 1, .ready(observed: client, failed: CheckNames(bits: 4)))
        #expect(honest == [.reply(ready, size: PairMessage.leastBytes)])
        #expect(responder.sessionCount == 1)
    }

    @Test func withoutASessionNothingIsAnswered() {
        var responder = responder()
        let bodies: [PairMessage.Body] = [
            .probe(sequence: 1, replyBytes: 1400, sentAt: 0), .sendGroup(count: 9, ttl: 9),
            .askGroup, .challenge, .groupReport(received: 1, hops: 1), .tooLong(sequence: 1),
        ]

        for body in bodies {
            #expect(send(PairMessage(token: 1, body), to: &responder) == [])
        }
        #expect(responder.drops == ["no_session": 3, "not_a_request": 3])
    }

    @Test func bytesOfNoMessageAreCountedAndDropped() {
        var responder = responder()
        var generator = SeededGenerator(seed: 1)

        for count in 0..<300 {
            let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            #expect(
                responder.receive(bytes, from: client, hops: 1, wall: 0, at: now) == [])
            responder.receiveGroup(bytes, hops: 1)
        }
        #expect(responder.drops["truncated"] == 144 && responder.drops["not_polycast"] == 456)
    }

    @Test func aProbeIsEchoedAsLongAsItAsks() {
        var responder = responder()
        open(&responder)

        let probe = PairMessage(token: 1, .probe(sequence: 3, replyBytes: 1400, sentAt: 8))
        let actions = send(probe, to: &responder)
        let otherToken = PairMessage(token: 2, .probe(sequence: 3, replyBytes: 0, sentAt: 8))

        let echo = PairMessage(
            token: 1, .echo(sequence: 3, sentAt: 8, hops: 60, probes: 1, wall: 9))
        #expect(actions == [.reply(echo, size: 1400)])
        #expect(send(otherToken, to: &responder) == [])
        let late = now + .seconds(31)
        #expect(send(probe, to: &responder, at: late) == [])
    }

    @Test func aSessionHasABudgetAndSendsFewPacketsToTheGroup() {
        var responder = responder()
        open(&responder)
        let probe = PairMessage(token: 1, .probe(sequence: 3, replyBytes: .max, sentAt: 8))
        let ask = PairMessage(token: 1, .sendGroup(count: 255, ttl: 4))

        #expect(send(ask, to: &responder) == [.sendGroup(count: 10, ttl: 4, token: 1)])
        var answered = 0
        for _ in 0..<1000 where !send(probe, to: &responder).isEmpty { answered += 1 }

        #expect(answered * PairMessage.byteLimit <= PairResponder.sessionByteLimit)
        #expect(responder.drops["budget"] == 1000 - answered)
        let none = PairMessage(token: 1, .sendGroup(count: 1, ttl: 0))
        #expect(send(none, to: &responder) == [])
    }

    @Test func packetsOfTheGroupAreCountedByTokenUntilAskedFor() {
        var responder = responder()
        open(&responder)
        let packet = PairMessage(token: 1, .groupPacket(sequence: 0, ttl: 4))
        let own = PairMessage(
            token: 1, .groupPacket(sequence: PairMessage.answerBit, ttl: 4))
        let foreign = PairMessage(token: 2, .groupPacket(sequence: 0, ttl: 4))

        for message in [packet, packet, own, foreign] {
            responder.receiveGroup(message.encoded(), hops: 3)
        }
        let ask = PairMessage(token: 1, .askGroup)

        func report(_ received: UInt32) -> [PairResponder.Action] {
            let body = PairMessage.Body.groupReport(received: received, hops: 3)
            return [.reply(PairMessage(token: 1, body), size: PairMessage.leastBytes)]
        }
        #expect(send(ask, to: &responder) == report(2))
        #expect(send(ask, to: &responder) == report(0))
    }

    @Test func sessionsAndChallengesAreLimited() {
        var responder = responder()
        for index in 0..<PairResponder.sessionLimit {
            open(&responder, from: Endpoint(address: client.address, port: UInt16(6000 + index)))
        }
        #expect(responder.sessionCount == PairResponder.sessionLimit)

        guard case .reply(let challenge, _) = send(hello(), to: &responder).first else { return }
        let ninth = send(hello(challenge.cookie), to: &responder)
        #expect(
            ninth == [
                .reply(PairMessage(token: 1, .refusal(.busy)), size: PairMessage.leastBytes)
            ])

        var challenged = 0
        let later = now + .seconds(1)
        for _ in 0..<500 where !send(hello(), to: &responder, at: later).isEmpty {
            challenged += 1
        }
        #expect(challenged == PairResponder.challengeRate)
        #expect(responder.drops["challenge_rate"] == 500 - challenged)
    }

    @Test func anotherGroupIsRefusedAndASourceIsJoined() {
        var specific = responder(source: client.address)
        guard case .reply(let challenge, _) = send(hello(), to: &specific).first else { return }

        let plain = send(hello(challenge.cookie), to: &specific)
        let fitting = PairMessage(
            token: 1, cookie: challenge.cookie,
            .hello(group: group, port: 7402, isSourceSpecific: true))

        #expect(
            plain == [
                .reply(PairMessage(token: 1, .refusal(.otherGroup)), size: PairMessage.leastBytes)
            ])
        #expect(send(fitting, to: &specific).first == .join(source: client.address))
    }
}
