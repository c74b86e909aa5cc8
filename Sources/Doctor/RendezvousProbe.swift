import Diagnosis
import Management
import NetBasics
import Rendezvous
import Sealing
import Sockets
import Wire

/// Asks each address of a rendezvous, from one socket, as a member would.
///
/// Looks up the public group of the invite's name, so that no secret is needed or shown.
struct RendezvousProbe: ~Copyable {
    private let invite: Invite
    private let socket: UDPSocket
    private var loop: EventLoop
    private var batch = PacketBatch()
    private var generator = SeededGenerator(seed: randomUInt64())

    init(_ invite: Invite) throws(SystemError) {
        let any = IPAddress.v6(IPv6Address(high: 0, low: 0))
        let socket = try UDPSocket(binding: Endpoint(address: any, port: 0))
        let loop = try EventLoop()
        try loop.watch(socket.number, key: 0)
        self.invite = invite
        self.socket = socket
        self.loop = loop
    }

    /// The port that the servers see, unless somebody translates it.
    var port: UInt16 { socket.local.port }

    mutating func ask(_ server: Endpoint) -> RendezvousFacts.Outcome {
        var timing = RendezvousTiming()
        timing.unreachableAttempts = 3
        var lookup = RendezvousLookup(
            keys: GroupKeys(secret: GroupSecret(publicName: invite.group)),
            groupName: invite.group, timing: timing, generator: generator.child())
        var ready: [Int] = []
        var observed: Endpoint?
        let startedAt = Clocks.now
        var firstAnswer: Instant?
        var outcome = perform(.started, on: &lookup, server).outcome
        while outcome == nil {
            loop.wait(until: lookup.nextWakeup, ready: &ready)
            do throws(SystemError) {
                try socket.receive(into: &batch)
            } catch {
                return .failed(server: "\(server)", reason: error.reason)
            }
            for index in 0..<batch.count where outcome == nil {
                guard batch.sender(at: index) == server,
                    let message = message(batch.datagram(at: index))
                else { continue }
                let result = perform(.messageReceived(message), on: &lookup, server)
                outcome = result.outcome
                // What the lookup took notice of bears its own transaction.
                guard result.isHeeded, let seen = message.observed else { continue }
                observed = seen
                firstAnswer = firstAnswer ?? Clocks.now
            }
            if outcome == nil { outcome = perform(.wakeupReached, on: &lookup, server).outcome }
        }
        return judge(outcome, server, observed, (firstAnswer ?? Clocks.now) - startedAt)
    }

    private func judge(
        _ outcome: RendezvousLookup.Outcome?, _ server: Endpoint, _ observed: Endpoint?,
        _ roundTrip: Duration
    ) -> RendezvousFacts.Outcome {
        switch outcome {
        case .found:
            guard let observed else { return .silent(server: server) }
            return .answered(server: server, observed: observed, roundTrip: roundTrip)
        case .refused(let reason):
            return .refused(server: server, reason: reason.name)
        case .unreachable, nil:
            return .silent(server: server)
        }
    }

    private func perform(
        _ event: RendezvousLookup.Event, on lookup: inout RendezvousLookup, _ server: Endpoint
    ) -> (outcome: RendezvousLookup.Outcome?, isHeeded: Bool) {
        var actions: [RendezvousLookup.Action] = []
        lookup.handle(event, at: Clocks.now, into: &actions)
        for action in actions {
            switch action {
            case .send(let request):
                socket.send(RendezvousMessage.request(request).encoded, to: server)
            case .finish(let outcome):
                return (outcome, true)
            }
        }
        return (nil, !actions.isEmpty)
    }

    /// The rendezvous message in `datagram`; anything else is not for a lookup.
    private func message(_ datagram: UnsafeRawBufferPointer) -> RendezvousMessage? {
        do throws(DecodeError) {
            guard case .rendezvous(let message) = try Datagram(decoding: datagram.bytes) else {
                return nil
            }
            return message
        } catch {
            return nil
        }
    }
}

extension RendezvousMessage {
    /// Where the server saw the request come from.
    fileprivate var observed: Endpoint? {
        switch self {
        case .challenge(_, _, let observed): observed
        case .reply(let reply): reply.observed
        case .request, .refusal: nil
        }
    }
}
