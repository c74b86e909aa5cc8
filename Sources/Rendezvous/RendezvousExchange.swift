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

    /// The newest cookie, for the next exchange.
    var cookie: Cookie { request.cookie }

    init(
        _ operation: RendezvousRequest.Operation, group: GroupID, peer: PeerID, cookie: Cookie,
        timing: RendezvousTiming, using generator: inout SeededGenerator
    ) {
        self.timing = timing
        request = RendezvousRequest(
            transaction: generator.next(), operation: operation, group: group, peer: peer,
            cookie: cookie)
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
        case .challenge(let transaction, let cookie):
            guard transaction == request.transaction, cookie != .none else { return .ignored }
            return takeCookie(cookie, at: now, using: &generator)
        case .reply(let reply):
            return reply.transaction == request.transaction ? .reply(reply) : .ignored
        case .refusal(let transaction, let reason):
            return transaction == request.transaction ? .refusal(reason) : .ignored
        }
    }

    /// Follows up at once, but only once per wait: a server that never accepts its own cookies
    /// must not be asked at the speed of the path.
    private mutating func takeCookie(
        _ cookie: Cookie, at now: Instant, using generator: inout SeededGenerator
    ) -> Step {
        unanswered = 0
        if !wasChallenged { doublings = 0 }
        wasChallenged = true
        request.cookie = cookie
        request.transaction = generator.next()
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
