import Diagnosis
import NetBasics
import Sealing

/// The answering doctor as a value: told what came, it says what to send.
///
/// Nothing is remembered of an address that has not shown its cookie, and no answer to such a one
/// is longer than its question. All tables and rates are bounded.
struct PairResponder {
    enum Action: Equatable {
        /// `size`: bytes of UDP payload, padding included.
        case reply(PairMessage, size: Int)
        case sendGroup(count: Int, ttl: Int, token: UInt64)
        /// Joins the group with this source.
        case join(source: IPAddress)
    }

    /// What was dropped, by reason.
    private(set) var drops: [String: Int] = [:]
    private(set) var sessionCount = 0

    private struct Session {
        var token: UInt64
        var lastHeard: Instant
        var probes: UInt32 = 0
        var groupPackets: UInt32 = 0
        var groupHops: UInt8 = 0
        /// Bytes that may still be sent for it.
        var budget = sessionByteLimit
    }

    static let sessionLimit = 8
    private static let sessionAge: Duration = .seconds(30)
    /// Of all answers of a session; a test takes a tenth.
    static let sessionByteLimit = 4 << 20
    private static let groupPacketLimit = 10
    /// Answers to addresses without proof, each second.
    static let challengeRate = 200
    /// Bytes of all answers to addresses with proof, and to the group, each second.
    static let byteRate = 8 << 20

    private let question: Question
    private let groupPort: UInt16
    private let cookie: AddressCookie
    private let failed: CheckNames
    private var sessions: [Endpoint: Session] = [:]
    private var second: Int64 = .min
    private var challenges = 0
    private var spent = 0

    init(
        _ question: Question, groupPort: UInt16, failed: CheckNames, cookieSecret: [UInt8]
    ) {
        self.question = question
        self.groupPort = groupPort
        self.failed = failed
        cookie = AddressCookie(secret: cookieSecret)
    }

    // MARK: - Unicast

    /// A datagram that came to the listener's own port.
    mutating func receive(
        _ bytes: [UInt8], from sender: Endpoint, hops: UInt8, wall: UInt64, at now: Instant
    ) -> [Action] {
        guard let message = decode(bytes) else { return [] }
        count(at: now)
        switch message.body {
        case .hello(let group, let port, let isSourceSpecific):
            return greet(message, group, port, isSourceSpecific, sender, at: now)
        case .probe(let sequence, let replyBytes, let sentAt):
            guard admit(message, sender, at: now) else { return [] }
            sessions[sender]?.probes &+= 1
            let echo = PairMessage.Body.echo(
                sequence: sequence, sentAt: sentAt, hops: hops,
                probes: sessions[sender]?.probes ?? 0, wall: wall)
            return reply(message, echo, size: Int(replyBytes), to: sender)
        case .sendGroup(let count, let ttl):
            guard admit(message, sender, at: now), ttl > 0 else { return [] }
            let count = min(Int(count), Self.groupPacketLimit)
            guard charge(count * PairMessage.leastBytes, to: sender) else { return [] }
            return [.sendGroup(count: count, ttl: Int(ttl), token: message.token)]
        case .askGroup:
            guard admit(message, sender, at: now), let session = sessions[sender] else { return [] }
            let report = PairMessage.Body.groupReport(
                received: session.groupPackets, hops: session.groupHops)
            sessions[sender]?.groupPackets = 0
            return reply(message, report, size: 0, to: sender)
        case .challenge, .ready, .refusal, .echo, .groupPacket, .groupReport, .tooLong:
            drop("not_a_request")
            return []
        }
    }

    private mutating func greet(
        _ message: PairMessage, _ group: IPAddress, _ port: UInt16, _ isSourceSpecific: Bool,
        _ sender: Endpoint, at now: Instant
    ) -> [Action] {
        let given = message.cookie
        guard cookie.verifies(given.high, given.low, for: sender, at: now) else {
            guard mayChallenge() else {
                drop("challenge_rate")
                return []
            }
            let word = cookie.word(for: sender, at: now)
            let fresh = PairCookie(high: word.high, low: word.low)
            let challenge = PairMessage(token: message.token, cookie: fresh, .challenge)
            return [.reply(challenge, size: PairMessage.leastBytes)]
        }
        guard group == question.group, port == groupPort,
            isSourceSpecific == (question.source != nil)
        else { return [refusal(message, .otherGroup)] }
        sessions = sessions.filter { now - $0.value.lastHeard <= Self.sessionAge }
        guard sessions[sender] != nil || sessions.count < Self.sessionLimit else {
            return [refusal(message, .busy)]
        }
        // A welcome that was lost is said again, and nothing is counted anew.
        if sessions[sender]?.token != message.token {
            sessions[sender] = Session(token: message.token, lastHeard: now)
            sessionCount &+= 1
        }
        let ready = PairMessage(token: message.token, .ready(observed: sender, failed: failed))
        let answer = Action.reply(ready, size: PairMessage.leastBytes)
        return isSourceSpecific ? [.join(source: sender.address), answer] : [answer]
    }

    private func refusal(_ message: PairMessage, _ reason: PairRefusal) -> Action {
        .reply(PairMessage(token: message.token, .refusal(reason)), size: PairMessage.leastBytes)
    }

    private mutating func admit(
        _ message: PairMessage, _ sender: Endpoint, at now: Instant
    ) -> Bool {
        guard let session = sessions[sender], session.token == message.token,
            now - session.lastHeard <= Self.sessionAge
        else {
            drop("no_session")
            return false
        }
        sessions[sender]?.lastHeard = now
        return true
    }

    private mutating func reply(
        _ message: PairMessage, _ body: PairMessage.Body, size: Int, to sender: Endpoint
    ) -> [Action] {
        let size = min(max(size, PairMessage.leastBytes), PairMessage.byteLimit)
        guard charge(size, to: sender) else { return [] }
        return [.reply(PairMessage(token: message.token, body), size: size)]
    }

    private mutating func charge(_ bytes: Int, to sender: Endpoint) -> Bool {
        guard let budget = sessions[sender]?.budget, budget >= bytes,
            spent <= Self.byteRate - bytes
        else {
            drop("budget")
            return false
        }
        sessions[sender]?.budget = budget - bytes
        spent += bytes
        return true
    }

    /// Begins to count anew with each second.
    private mutating func count(at now: Instant) {
        let current = now.nanoseconds / 1_000_000_000
        if current != second { (second, challenges, spent) = (current, 0, 0) }
    }

    private mutating func mayChallenge() -> Bool {
        challenges += 1
        return challenges <= Self.challengeRate
    }

    // MARK: - The group

    /// A datagram that came to the group.
    mutating func receiveGroup(_ bytes: [UInt8], hops: UInt8) {
        guard let message = decode(bytes) else { return }
        guard case .groupPacket(let sequence, _) = message.body,
            sequence & PairMessage.answerBit == 0
        else { return }
        for (endpoint, session) in sessions where session.token == message.token {
            sessions[endpoint]?.groupPackets &+= 1
            sessions[endpoint]?.groupHops = hops
        }
    }

    private mutating func decode(_ bytes: [UInt8]) -> PairMessage? {
        do throws(DecodeError) {
            return try PairMessage(decoding: bytes.span.bytes)
        } catch {
            drop(error.reason)
            return nil
        }
    }

    private mutating func drop(_ reason: String) { drops[reason, default: 0] &+= 1 }
}
