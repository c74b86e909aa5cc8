import NetBasics
import Rendezvous
import Wire

/// A server and people who ask it, without sockets.
final class ServerBench {
    var server: RendezvousServer
    var now = Instant.zero
    private var nextTransaction: UInt64 = 1

    init(
        seed: UInt64 = 1, _ configure: (inout RendezvousConfiguration) -> Void = { _ in }
    ) {
        var configuration = RendezvousConfiguration()
        // Most tests ask more at one instant than a member ever would.
        configuration.requestBurst = 1_000_000
        configuration.addressMemberLimit = 1_000_000
        configure(&configuration)
        server = RendezvousServer(
            configuration: configuration, cookieSecret: Array(0..<32),
            generator: SeededGenerator(seed: seed))
    }

    /// What comes back on a request with this cookie.
    func ask(
        _ operation: RendezvousRequest.Operation, _ peer: UInt64, in group: UInt64 = 1,
        from sender: Endpoint, cookie: Cookie
    ) -> RendezvousMessage? {
        nextTransaction += 1
        let request = RendezvousRequest(
            transaction: nextTransaction, operation: operation,
            group: GroupID(high: group, low: 0), peer: PeerID(rawValue: peer), cookie: cookie)
        return server.handle(request, from: sender, at: now)
    }

    /// The cookie for a sender; asks for it as everybody must.
    func cookie(for sender: Endpoint) -> Cookie {
        guard case .challenge(_, let cookie) = ask(.lookUp, 0, from: sender, cookie: .none) else {
            return .none
        }
        return cookie
    }

    /// Asks with a valid cookie.
    func ask(
        _ operation: RendezvousRequest.Operation, _ peer: UInt64, in group: UInt64 = 1,
        from sender: Endpoint
    ) -> RendezvousMessage? {
        ask(operation, peer, in: group, from: sender, cookie: cookie(for: sender))
    }

    /// The reply to a proven request; `nil` if it was anything else.
    @discardableResult
    func reply(
        _ operation: RendezvousRequest.Operation, _ peer: UInt64, in group: UInt64 = 1,
        from sender: Endpoint
    ) -> RendezvousReply? {
        guard case .reply(let reply) = ask(operation, peer, in: group, from: sender) else {
            return nil
        }
        return reply
    }

    /// The refusal of a proven request; `nil` if it was anything else.
    func refusal(
        _ operation: RendezvousRequest.Operation, _ peer: UInt64, in group: UInt64 = 1,
        from sender: Endpoint
    ) -> RendezvousRefusalReason? {
        guard case .refusal(_, let reason) = ask(operation, peer, in: group, from: sender) else {
            return nil
        }
        return reason
    }
}

/// `10.a.b.c` of `host`, so that each 256 hosts share a subnet.
func endpoint(_ host: Int, port: UInt16 = 7000) -> Endpoint {
    Endpoint(address: .v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(host))), port: port)
}

/// A host of its own subnet, which shares no block of addresses with the others.
func farEndpoint(_ subnet: Int) -> Endpoint { endpoint(subnet << 20 + 1) }

extension RendezvousReply {
    var peerIDs: [UInt64] { peers.map(\.peer.rawValue) }
}
