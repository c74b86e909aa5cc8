import NetBasics
import Rendezvous
import Sealing
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
        configuration.verificationRate = 1_000_000
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
        var request = request(operation, peer, in: group, cookie: cookie)
        request.sign(with: keys(group), from: sender)
        return server.handle(request, from: sender, at: now)
    }

    /// A new request, unsigned.
    func request(
        _ operation: RendezvousRequest.Operation, _ peer: UInt64, in group: UInt64 = 1,
        cookie: Cookie
    ) -> RendezvousRequest {
        nextTransaction += 1
        return RendezvousRequest(
            transaction: nextTransaction, operation: operation,
            key: keys(group).publicKey.bytes, alias: GroupKeys.alias(ofName: "group \(group)"),
            peer: PeerID(rawValue: peer), cookie: cookie)
    }

    /// The cookie for a sender; asks for it as everybody must, with nothing that is signed.
    func cookie(for sender: Endpoint) -> Cookie {
        let request = request(.lookUp, 0, cookie: .none)
        guard case .challenge(_, let cookie, sender) = server.handle(request, from: sender, at: now)
        else { return .none }
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
    var contacts: [Contact] { peers.map(\.contact) }
    var peerIDs: [UInt64] { contacts.map(\.peer.rawValue) }
}

// MARK: - Keys

private let manyKeys = (0..<8).map { GroupKeys(secret: GroupSecret(publicName: "group \($0)")) }

/// The keys of one of a few groups.
func keys(_ group: UInt64) -> GroupKeys { manyKeys[Int(group)] }

extension RendezvousRequest {
    /// Signs as whoever holds these keys can, whatever the request's own key is.
    mutating func sign(with keys: GroupKeys, from sender: Endpoint) {
        code = operation == .leave || operation == .lookUp ? .none : keys.code(of: peer, at: sender)
        signature = keys.sign(signedBytes(from: sender), for: .registration)
    }
}

extension GroupKeys {
    func code(of peer: PeerID, at endpoint: Endpoint) -> EntryCode {
        let words = entryCode(of: Contact(peer: peer, endpoint: endpoint).entryBytes)
        return EntryCode(high: words.high, low: words.low)
    }
}
