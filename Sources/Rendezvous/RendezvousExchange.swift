import NetBasics
import Wire

/// One question to the rendezvous until its answer: retransmission, back-off and the cookie.
///
/// A retransmission repeats its request, transaction included, so that a slow answer still
/// counts. A request with another cookie is another request: answers to the former are ignored.
struct RendezvousExchange: Sendable {
    /// What an incoming message means for the exchange.
    enum Step: Equatable, Sendable {
        /// Not an answer to what is outstanding.
        case ignored
        /// The server answered, but wants another cookie; the request goes out again now.
        case followUp(RendezvousRequest)
        /// The same, but at ``retryDue``: it has just been sent once at the server's wish.
        case postponed
        case reply(RendezvousReply)
        case refusal(RendezvousRefusalReason)
    }

    private let timing: RendezvousTiming
    private let operation: RendezvousRequest.Operation
    /// What the server was shown and said, for the next exchange too.
    private(set) var pass: GroupPass
    private var request: RendezvousRequest
    private var doublings = 0
    private var wasChallenged = false
    private var mayFollowUp = true

    /// When to call ``send(at:using:)`` again.
    private(set) var retryDue: Instant = .zero
    /// Requests sent because their time had come; those that the server asked for are not counted.
    private(set) var rounds = 0
    /// Requests sent since the server was last heard in this exchange.
    private(set) var unanswered = 0
    /// When the first of them was sent.
    private(set) var unansweredSince: Instant = .zero

    init(
        _ operation: RendezvousRequest.Operation, pass: GroupPass, timing: RendezvousTiming,
        using generator: inout SeededGenerator
    ) {
        self.timing = timing
        self.operation = operation
        self.pass = pass
        request = self.pass.request(operation, transaction: generator.next())
    }

    /// The request to send at first and whenever ``retryDue`` has come.
    mutating func send(
        at now: Instant, using generator: inout SeededGenerator
    ) -> RendezvousRequest {
        mayFollowUp = true
        rounds += 1
        return transmit(at: now, using: &generator)
    }

    mutating func receive(
        _ message: RendezvousMessage, at now: Instant, using generator: inout SeededGenerator
    ) -> Step {
        switch message {
        case .request:
            return .ignored
        case .challenge(let transaction, let cookie, let observed):
            guard transaction == request.transaction, cookie != .none else { return .ignored }
            pass.take(cookie, observed: observed)
            return followChallenge(at: now, using: &generator)
        case .reply(let reply):
            return reply.transaction == request.transaction ? .reply(reply) : .ignored
        case .refusal(let transaction, let reason):
            guard transaction == request.transaction else { return .ignored }
            // Somebody may have told a wrong endpoint, for which the signature was good.
            if reason == .badSignature { pass.forgetAddress() }
            return .refusal(reason)
        }
    }

    /// Follows up at once, but only once per wait: a server that never accepts its own cookies
    /// must not be asked at the speed of the path.
    private mutating func followChallenge(
        at now: Instant, using generator: inout SeededGenerator
    ) -> Step {
        unanswered = 0
        if !wasChallenged { doublings = 0 }
        wasChallenged = true
        request = pass.request(operation, transaction: generator.next())
        guard mayFollowUp else { return .postponed }
        mayFollowUp = false
        return .followUp(transmit(at: now, using: &generator))
    }

    private mutating func transmit(
        at now: Instant, using generator: inout SeededGenerator
    ) -> RendezvousRequest {
        let wait = RendezvousTiming.wait(
            timing.firstRetry, doublings: doublings, limit: timing.retryLimit, using: &generator)
        retryDue = now + wait
        doublings = min(doublings + 1, 16)
        if unanswered == 0 { unansweredSince = now }
        unanswered += 1
        return request
    }
}
