import NetBasics
import Wire

/// A host that is no member: it asks for links and never proves its address, repeats what it is
/// told, and sends garbage.
final class Stranger {
    private let host: Int
    private let hostCount: Int
    private let rendezvous: Int?
    private var generator: SeededGenerator
    private var last: [UInt8] = []
    private(set) var nextWakeup: Instant? = .zero

    init(host: Int, world: PolycastWorld, generator: inout SeededGenerator) {
        self.host = host
        hostCount = world.uplinks.count
        rendezvous = world.rendezvousHost
        self.generator = generator.child()
    }

    func handle(
        _ event: MemberEvent<PolycastMessage>, at now: Instant,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        switch event {
        case .received(.bytes(let bytes), _):
            last = bytes
        case .wakeupReached, .started:
            let target = generator.uniform(below: hostCount)
            let bytes = datagram
            if target != host { outbox.send(.bytes(bytes), bytes: bytes.count, to: target) }
            nextWakeup = now + .milliseconds(Int64(20 + generator.uniform(below: 60)))
        case .received, .publishingStarted, .packetDue, .leaveRequested:
            break
        }
    }

    private var datagram: [UInt8] {
        switch generator.uniform(below: 5) {
        case 0: return linkRequest
        case 1:
            return RendezvousMessage.request(
                RendezvousRequest(
                    transaction: generator.next(), operation: .register,
                    key: PolycastWorld.keys.publicKey.bytes, alias: generator.next(),
                    peer: PeerID(rawValue: generator.next()),
                    cookie: Cookie(high: generator.next(), low: 0))
            ).encoded
        case 2: return last
        case 3:
            // A valid head on garbage, or a valid message with one wrong byte.
            var bytes = linkRequest
            bytes[generator.uniform(below: bytes.count)] ^= UInt8(
                1 << generator.uniform(below: 8))
            return bytes
        default:
            return (0..<generator.uniform(below: 200)).map { _ in
                UInt8(truncatingIfNeeded: generator.next())
            }
        }
    }

    private var linkRequest: [UInt8] {
        guard let name = MemberName("stranger") else { return [] }
        return LinkMessage.request(
            LinkRequest(
                group: PolycastWorld.group, peer: PeerID(rawValue: generator.next()),
                token: LinkToken(rawValue: UInt32(truncatingIfNeeded: generator.next())),
                cookie: Cookie(high: 0, low: generator.next()), name: name)
        ).encoded
    }
}
