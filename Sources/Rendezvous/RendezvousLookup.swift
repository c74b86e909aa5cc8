import NetBasics
import Sealing
import Wire

/// Asks the rendezvous once who is in a group, without becoming a member.
///
/// Drive it like ``RendezvousClient``; it ends with exactly one ``Action/finish(_:)``.
package struct RendezvousLookup: Sendable {
    package enum Event: Sendable {
        case started
        case messageReceived(RendezvousMessage)
        case wakeupReached
    }

    package enum Action: Equatable, Sendable {
        /// To be sent to the server.
        case send(RendezvousRequest)
        case finish(Outcome)
    }

    package enum Outcome: Equatable, Sendable {
        case found(RendezvousListing)
        case refused(RendezvousRefusalReason)
        /// No answer, or none but challenges.
        case unreachable(attempts: Int)
    }

    private let pass: GroupPass
    private let timing: RendezvousTiming
    private var generator: SeededGenerator
    private var exchange: RendezvousExchange?

    /// The generator, seeded unpredictably, makes transactions and jitter.
    package init(
        keys: GroupKeys, groupName: String, timing: RendezvousTiming = RendezvousTiming(),
        generator: SeededGenerator
    ) {
        pass = GroupPass(keys: keys, groupName: groupName, peer: PeerID(rawValue: 0))
        self.timing = timing
        self.generator = generator
    }

    /// When the lookup asks again or gives up; `nil` before its start and after its end.
    package var nextWakeup: Instant? { exchange?.retryDue }

    /// Applies one event and appends the resulting actions.
    package mutating func handle(_ event: Event, at now: Instant, into actions: inout [Action]) {
        switch event {
        case .started:
            guard exchange == nil else { return }
            exchange = RendezvousExchange(
                .lookUp, pass: pass, timing: timing, using: &generator)
            send(at: now, into: &actions)
        case .messageReceived(let message):
            receive(message, at: now, into: &actions)
        case .wakeupReached:
            wake(at: now, into: &actions)
        }
    }

    private mutating func wake(at now: Instant, into actions: inout [Action]) {
        guard let exchange, exchange.retryDue <= now else { return }
        if exchange.rounds >= timing.unreachableAttempts {
            finish(.unreachable(attempts: exchange.rounds), into: &actions)
        } else {
            send(at: now, into: &actions)
        }
    }

    private mutating func send(at now: Instant, into actions: inout [Action]) {
        if let request = exchange?.send(at: now, using: &generator) {
            actions.append(.send(request))
        }
    }

    private mutating func receive(
        _ message: RendezvousMessage, at now: Instant, into actions: inout [Action]
    ) {
        switch exchange?.receive(message, at: now, using: &generator) {
        case nil, .ignored, .postponed:
            break
        case .followUp(let request):
            actions.append(.send(request))
        case .reply(let reply):
            finish(.found(pass.listing(of: reply)), into: &actions)
        case .refusal(let reason):
            finish(.refused(reason), into: &actions)
        }
    }

    private mutating func finish(_ outcome: Outcome, into actions: inout [Action]) {
        exchange = nil
        actions.append(.finish(outcome))
    }
}
