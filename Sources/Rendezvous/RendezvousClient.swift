import NetBasics
import Sealing
import Wire

/// A member's side of the rendezvous: registers, refreshes, survives outages, leaves.
///
/// Drive it with ``handle(_:at:into:)`` and wake it at ``nextWakeup``. Answers are recognized by
/// their transaction alone, not by where they come from: a server with several addresses may
/// answer from another one, and nobody off the path can guess 64 random bits.
package struct RendezvousClient: Sendable {
    package enum Event: Sendable {
        case started
        case messageReceived(RendezvousMessage)
        case wakeupReached
        /// The member wants to leave; ``Action/left`` follows within three seconds.
        case stopRequested
    }

    package enum Action: Equatable, Sendable {
        /// To be sent to the server.
        case send(RendezvousRequest)
        case report(Occurrence)
        /// Nothing is left to do: the driver may stop.
        case left
    }

    package enum Occurrence: Equatable, Sendable {
        /// The server lists this member; the peers are a fresh choice, never this one.
        case registered(RendezvousListing)
        /// No answer to so many requests; said again after each further
        /// ``RendezvousTiming/unreachableAttempts``, so that the driver can try other addresses.
        case unreachable(since: Instant, attempts: Int)
        /// The first answer after `unreachable`; before whatever the answer says.
        case reachableAgain
        /// The server answered no; it is asked again later.
        case refused(RendezvousRefusalReason)
    }

    /// From `idle` to `asking`; between `asking` and `resting`; from both to `leaving` and `idle`.
    private enum State: Sendable {
        case idle
        case asking(RendezvousExchange)
        case resting(until: Instant)
        case leaving(RendezvousExchange)
    }

    private let isSource: Bool
    private let timing: RendezvousTiming
    private var generator: SeededGenerator
    private var state = State.idle
    private var pass: GroupPass
    private var refusals = 0
    private var isUnreachable = false
    /// Whether others that begin with this source have yet to be counted.
    private var countsAgain: Bool

    /// An idle client; the generator, seeded unpredictably, makes transactions and jitter.
    ///
    /// `groupName` is the one in the invite, of which the server learns a hash; `isSource`: whether
    /// the member publishes, so that others can count its streams in.
    package init(
        keys: GroupKeys, groupName: String, peer: PeerID, isSource: Bool = false,
        timing: RendezvousTiming = RendezvousTiming(), generator: SeededGenerator
    ) {
        pass = GroupPass(keys: keys, groupName: groupName, peer: peer)
        self.isSource = isSource
        countsAgain = isSource
        self.timing = timing
        self.generator = generator
    }

    /// Earliest moment at which the client has work of its own; `nil` when idle.
    package var nextWakeup: Instant? {
        switch state {
        case .idle: nil
        case .asking(let exchange), .leaving(let exchange): exchange.retryDue
        case .resting(let until): until
        }
    }

    /// Applies one event and appends the resulting actions.
    ///
    /// Perform them in order, before the next event.
    package mutating func handle(_ event: Event, at now: Instant, into actions: inout [Action]) {
        switch event {
        case .started:
            if case .idle = state { ask(at: now, into: &actions) }
        case .messageReceived(let message):
            receive(message, at: now, into: &actions)
        case .wakeupReached:
            if let due = nextWakeup, due <= now { wake(at: now, into: &actions) }
        case .stopRequested:
            stop(at: now, into: &actions)
        }
    }

    // MARK: - Asking

    private mutating func ask(at now: Instant, into actions: inout [Action]) {
        var exchange = makeExchange(isSource ? .registerSource : .register)
        actions.append(.send(exchange.send(at: now, using: &generator)))
        state = .asking(exchange)
    }

    private mutating func makeExchange(
        _ operation: RendezvousRequest.Operation
    ) -> RendezvousExchange {
        RendezvousExchange(operation, pass: pass, timing: timing, using: &generator)
    }

    private mutating func wake(at now: Instant, into actions: inout [Action]) {
        switch state {
        case .idle:
            break
        case .resting:
            ask(at: now, into: &actions)
        case .asking(var exchange):
            reportSilence(of: exchange, into: &actions)
            actions.append(.send(exchange.send(at: now, using: &generator)))
            state = .asking(exchange)
        case .leaving(var exchange):
            guard exchange.rounds < timing.leaveAttempts else {
                return finish(into: &actions)
            }
            actions.append(.send(exchange.send(at: now, using: &generator)))
            state = .leaving(exchange)
        }
    }

    private mutating func reportSilence(
        of exchange: RendezvousExchange, into actions: inout [Action]
    ) {
        guard exchange.unanswered > 0,
            exchange.unanswered.isMultiple(of: timing.unreachableAttempts)
        else { return }
        isUnreachable = true
        actions.append(
            .report(
                .unreachable(since: exchange.unansweredSince, attempts: exchange.unanswered)))
    }

    // MARK: - Answers

    private mutating func receive(
        _ message: RendezvousMessage, at now: Instant, into actions: inout [Action]
    ) {
        switch state {
        case .idle, .resting:
            break
        case .asking(var exchange):
            let step = exchange.receive(message, at: now, using: &generator)
            guard step != .ignored else { return }
            pass = exchange.pass
            state = .asking(exchange)
            reportAnswer(into: &actions)
            apply(step, at: now, into: &actions)
        case .leaving(var exchange):
            switch exchange.receive(message, at: now, using: &generator) {
            case .ignored:
                break
            case .followUp(let request):
                actions.append(.send(request))
                state = .leaving(exchange)
            case .postponed:
                state = .leaving(exchange)
            case .reply, .refusal:
                finish(into: &actions)
            }
        }
    }

    private mutating func reportAnswer(into actions: inout [Action]) {
        guard isUnreachable else { return }
        isUnreachable = false
        actions.append(.report(.reachableAgain))
    }

    private mutating func apply(
        _ step: RendezvousExchange.Step, at now: Instant, into actions: inout [Action]
    ) {
        switch step {
        case .ignored, .postponed:
            break
        case .followUp(let request):
            actions.append(.send(request))
        case .reply(let reply):
            refusals = 0
            state = .resting(until: now + refreshWait(lease: reply.lease))
            actions.append(.report(.registered(pass.listing(of: reply))))
        case .refusal(let reason):
            let wait = RendezvousTiming.wait(
                timing.firstRefusalRetry, doublings: refusals, limit: timing.refusalRetryLimit,
                using: &generator)
            refusals = min(refusals + 1, 16)
            state = .resting(until: now + wait)
            actions.append(.report(.refused(reason)))
        }
    }

    private mutating func refreshWait(lease: Duration) -> Duration {
        defer { countsAgain = false }
        return countsAgain
            ? generator.jittered(timing.sourceRefresh, by: 0.2)
            : RendezvousTiming.refreshWait(lease: lease, using: &generator)
    }

    // MARK: - Leaving

    /// Without a cookie nothing can be registered, so there is nothing to leave.
    private mutating func stop(at now: Instant, into actions: inout [Action]) {
        if case .leaving = state { return }
        guard nextWakeup != nil, pass.cookie != .none else { return finish(into: &actions) }
        var exchange = makeExchange(.leave)
        actions.append(.send(exchange.send(at: now, using: &generator)))
        // A server that was silent just now gets one request and no patience.
        if isUnreachable { return finish(into: &actions) }
        state = .leaving(exchange)
    }

    private mutating func finish(into actions: inout [Action]) {
        state = .idle
        pass.forgetAddress()
        refusals = 0
        isUnreachable = false
        actions.append(.left)
    }
}
