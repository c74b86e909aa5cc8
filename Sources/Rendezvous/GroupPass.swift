import NetBasics
import Sealing
import Wire

/// What a peer shows the rendezvous: its group's keys, and that it is where it says.
///
/// Remembers the last signature: a refresh from the same endpoint repeats it.
struct GroupPass: Sendable {
    private let keys: GroupKeys
    private let alias: UInt64
    private let peer: PeerID

    /// The server's newest cookie, and the endpoint that it is for.
    private(set) var cookie = Cookie.none
    private var observed: Endpoint?
    private var signed: (endpoint: Endpoint, request: RendezvousRequest)?

    init(keys: GroupKeys, groupName: String, peer: PeerID) {
        self.keys = keys
        alias = GroupKeys.alias(ofName: groupName)
        self.peer = peer
    }

    mutating func take(_ cookie: Cookie, observed: Endpoint) {
        self.cookie = cookie
        self.observed = observed
    }

    /// Forgets what the server said, so that it says it again.
    mutating func forgetAddress() {
        cookie = .none
        observed = nil
    }

    /// A request that is signed as soon as the own endpoint is known.
    mutating func request(
        _ operation: RendezvousRequest.Operation, transaction: UInt64
    ) -> RendezvousRequest {
        var request = RendezvousRequest(
            transaction: transaction, operation: operation, key: keys.publicKey.bytes,
            alias: alias, peer: peer, cookie: cookie)
        guard let observed else { return request }
        if let signed, signed.endpoint == observed, signed.request.operation == operation {
            request.code = signed.request.code
            request.signature = signed.request.signature
            return request
        }
        if operation.isRegistration {
            request.code = keys.code(of: Contact(peer: peer, endpoint: observed))
        }
        request.signature = keys.sign(request.signedBytes(from: observed), for: .registration)
        signed = (observed, request)
        return request
    }

    /// The reply without the peer itself and without entries that no member made.
    func listing(of reply: RendezvousReply) -> RendezvousListing {
        let others = reply.peers.filter { $0.contact.peer != peer }
        let genuine = others.filter { $0.code == keys.code(of: $0.contact) }.map(\.contact)
        return RendezvousListing(
            observed: reply.observed, peers: genuine, forgedCount: others.count - genuine.count,
            memberCount: reply.memberCount, sourceCount: reply.sourceCount,
            namesakeCount: reply.namesakeCount)
    }
}

/// What the rendezvous says of a group, as far as it can be checked.
package struct RendezvousListing: Equatable, Sendable {
    /// Where the server sees the asker.
    package var observed: Endpoint
    /// At most ``RendezvousMessage/peerLimit``; a holder of the group's secret registered each.
    package var peers: [Contact]
    /// Entries left out, because no holder of the secret made them.
    package var forgedCount: Int
    /// Members, and those of them that publish.
    package var memberCount: Int
    package var sourceCount: Int
    /// Members of groups with the same name and other keys.
    package var namesakeCount: Int

    package init(
        observed: Endpoint, peers: [Contact], forgedCount: Int = 0, memberCount: Int,
        sourceCount: Int, namesakeCount: Int = 0
    ) {
        self.observed = observed
        self.peers = peers
        self.forgedCount = forgedCount
        self.memberCount = memberCount
        self.sourceCount = sourceCount
        self.namesakeCount = namesakeCount
    }
}

extension GroupKeys {
    fileprivate func code(of contact: Contact) -> EntryCode {
        let words = entryCode(of: contact.entryBytes)
        return EntryCode(high: words.high, low: words.low)
    }
}

extension GroupID {
    package init(_ key: GroupPublicKey) {
        let words = key.groupID
        self.init(high: words.high, low: words.low)
    }
}

extension RendezvousRequest.Operation {
    var isRegistration: Bool { self == .register || self == .registerSource }
}
