import Forwarding
import NetBasics
import Overlay
import Rendezvous
import Sealing
import Wire

/// What every Polycast process of a simulation shares.
struct PolycastWorld: Sendable {
    static let groupName = "simulation"
    /// Of the one group there is; the same in every run.
    static let keys = GroupKeys(secret: GroupSecret(publicName: groupName))
    static let group = GroupID(keys.publicKey)

    let addresses: AddressPlan
    /// The host of the rendezvous server; `nil`: members are named by the scenario.
    let rendezvousHost: Int?
    /// A host that is no member and misbehaves; `nil`: there is none.
    let strangerHost: Int?
    /// Everything but who a member is.
    let overlay: OverlayConfiguration
    let repair: RepairConfiguration
    /// kbit/s, per host.
    let uplinks: ContiguousArray<UInt32>
    /// Hosts below this number publish.
    let sourceCount: Int
    /// Declared rate of a source; kbit/s.
    let sourceRate: UInt32
    /// Bytes of media per packet, without any header.
    let bodyBytes: Int
}

/// What travels between simulated Polycast hosts: real bytes, or the header of a media datagram.
enum PolycastMessage: Sendable {
    case bytes([UInt8])
    /// The packet is what the simulator knows it by; its body is not carried.
    case media(MediaHeader, MediaPacket)
}

/// A host of a simulation that runs Polycast: a peer, the rendezvous, or a stranger to both.
struct PolycastMember: SimulatedMember {
    private(set) var peer: PolycastPeer?
    private var rendezvous: PolycastRendezvous?
    private var stranger: Stranger?
    private let strangerHost: Int?
    /// Bytes that came from the stranger, and that went to it.
    private(set) var strangerBytes = (received: 0, sent: 0)

    typealias Message = PolycastMessage

    init(host: Int, world: PolycastWorld, generator: inout SeededGenerator) {
        strangerHost = world.strangerHost == host ? nil : world.strangerHost
        if host == world.rendezvousHost {
            rendezvous = PolycastRendezvous(world: world, generator: &generator)
        } else if host == world.strangerHost {
            stranger = Stranger(host: host, world: world, generator: &generator)
        } else {
            peer = PolycastPeer(host: host, world: world, generator: &generator)
        }
    }

    mutating func handle(
        _ event: MemberEvent<Message>, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        peer?.handle(event, at: now, into: &outbox)
        rendezvous?.handle(event, at: now, into: &outbox)
        stranger?.handle(event, at: now, into: &outbox)
        if let strangerHost { watch(strangerHost, event, outbox) }
    }

    var nextWakeup: Instant? { peer?.nextWakeup ?? stranger?.nextWakeup }

    private mutating func watch(
        _ stranger: Int, _ event: MemberEvent<Message>, _ outbox: Outbox<Message>
    ) {
        if case .received(.bytes(let bytes), stranger) = event {
            strangerBytes.received += bytes.count
        }
        // As they are without seals, which no stranger could make.
        for datagram in outbox.datagrams where datagram.to == stranger {
            if case .bytes(let bytes) = datagram.message { strangerBytes.sent += bytes.count }
        }
    }
}

/// The rendezvous server's core on a simulated host.
final class PolycastRendezvous {
    private let addresses: AddressPlan
    private var server: RendezvousServer

    init(world: PolycastWorld, generator: inout SeededGenerator) {
        addresses = world.addresses
        var configuration = RendezvousConfiguration()
        configuration.memberLimit = 1_000_000
        configuration.groupMemberLimit = 1_000_000
        configuration.verificationRate = 1_000_000
        let secret = (0..<AddressCookie.secretByteCount).map { _ in
            UInt8(truncatingIfNeeded: generator.next())
        }
        server = RendezvousServer(
            configuration: configuration, cookieSecret: secret, generator: generator.child())
    }

    func handle(
        _ event: MemberEvent<PolycastMessage>, at now: Instant,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        guard case .received(.bytes(let bytes), let host) = event,
            case .rendezvous(.request(let request)) = try? Datagram(decoding: bytes.span.bytes),
            let answer = server.handle(request, from: addresses.endpoint(of: host), at: now)
        else { return }
        let encoded = answer.encoded
        outbox.send(.bytes(encoded), bytes: encoded.count, to: host)
    }
}
