import NetBasics

/// What members and the rendezvous say to each other (docs/protocol.md, "Rendezvous").
///
/// Every answer repeats the request's random transaction, so that nobody off the path can forge
/// one.
package enum RendezvousMessage: Equatable, Sendable {
    case request(RendezvousRequest)
    case challenge(transaction: UInt64, cookie: Cookie)
    case reply(RendezvousReply)
    case refusal(transaction: UInt64, reason: RendezvousRefusalReason)

    /// Peers in a reply at most.
    package static let peerLimit = 16
}

/// Registers, refreshes, leaves or looks up.
///
///     header (4) | transaction (8) | operation (1) | group (16) | peer (8) | cookie (16)
///
/// A request with an unproven cookie is answered by a challenge, which is smaller.
package struct RendezvousRequest: Equatable, Sendable {
    package var transaction: UInt64
    package var operation: Operation
    package var group: GroupID
    package var peer: PeerID
    package var cookie: Cookie

    package enum Operation: UInt8, Sendable, CaseIterable {
        /// Registers or refreshes, and asks for peers.
        case register = 1
        case leave = 2
        /// Asks for peers without becoming a member; `peer` is ignored.
        case lookUp = 3
        /// As `register`, for a member that publishes: it counts as a source.
        case registerSource = 4
    }

    package init(
        transaction: UInt64, operation: Operation, group: GroupID, peer: PeerID, cookie: Cookie
    ) {
        self.transaction = transaction
        self.operation = operation
        self.group = group
        self.peer = peer
        self.cookie = cookie
    }
}

/// The answer to a proven request.
///
///     header (4) | transaction (8) | lease, ms (4) | members (4) | sources (4)
///     | observed endpoint (7 or 19) | count (1) | count x (peer (8), endpoint (7 or 19))
///
package struct RendezvousReply: Equatable, Sendable {
    package var transaction: UInt64
    /// How long the registration lasts from now; zero after `leave` and `lookUp`.
    package var lease: Duration
    /// Members of the group with a live lease.
    package var memberCount: Int
    /// Those of them that publish.
    package var sourceCount: Int
    package var observed: Endpoint
    package var peers: [Contact]

    package init(
        transaction: UInt64, lease: Duration, memberCount: Int, sourceCount: Int,
        observed: Endpoint, peers: [Contact]
    ) {
        self.transaction = transaction
        self.lease = lease
        self.memberCount = memberCount
        self.sourceCount = sourceCount
        self.observed = observed
        self.peers = peers
    }
}

/// Why the rendezvous refused a proven request.
package enum RendezvousRefusalReason: UInt8, Sendable, CaseIterable {
    case groupLimit = 1
    case memberLimit = 2
    case addressMemberLimit = 3
    case requestRate = 4
    /// The peer id is registered from another address whose lease still lasts.
    case peerIDTaken = 5

    /// A short stable name for counters and JSON.
    package var name: String {
        switch self {
        case .groupLimit: "group_limit"
        case .memberLimit: "member_limit"
        case .addressMemberLimit: "address_member_limit"
        case .requestRate: "request_rate"
        case .peerIDTaken: "peer_id_taken"
        }
    }
}

// MARK: - Coding

extension RendezvousMessage {
    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 512)
        switch self {
        case .request(let request):
            DatagramHeader(kind: .rendezvousRequest).write(to: &writer)
            writer.write(request.transaction)
            writer.write(request.operation.rawValue)
            writer.write(request.group)
            writer.write(request.peer)
            writer.write(request.cookie)
        case .challenge(let transaction, let cookie):
            DatagramHeader(kind: .rendezvousChallenge).write(to: &writer)
            writer.write(transaction)
            writer.write(cookie)
        case .reply(let reply):
            DatagramHeader(kind: .rendezvousReply).write(to: &writer)
            writer.write(reply.transaction)
            writer.write(UInt32(clamping: reply.lease.nanoseconds / 1_000_000))
            writer.write(UInt32(clamping: reply.memberCount))
            writer.write(UInt32(clamping: reply.sourceCount))
            writer.write(reply.observed)
            writer.write(reply.peers)
        case .refusal(let transaction, let reason):
            DatagramHeader(kind: .rendezvousRefusal).write(to: &writer)
            writer.write(transaction)
            writer.write(reason.rawValue)
        }
        return writer.bytes
    }

    /// Reads what follows the header of a datagram of `kind`; `nil` if it is no such message.
    init?(
        kind: DatagramHeader.Kind, from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) {
        switch kind {
        case .rendezvousRequest:
            self = .request(try RendezvousRequest(from: bytes, reader: &reader))
        case .rendezvousChallenge:
            let transaction = try reader.readUInt64(from: bytes)
            self = .challenge(
                transaction: transaction, cookie: try reader.readCookie(from: bytes))
        case .rendezvousReply:
            self = .reply(try RendezvousReply(from: bytes, reader: &reader))
        case .rendezvousRefusal:
            let transaction = try reader.readUInt64(from: bytes)
            let code = try reader.readUInt8(from: bytes)
            guard let reason = RendezvousRefusalReason(rawValue: code) else {
                throw .invalidField("reason")
            }
            self = .refusal(transaction: transaction, reason: reason)
        default:
            return nil
        }
        try reader.expectEnd(of: bytes)
    }
}

extension RendezvousRequest {
    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        transaction = try reader.readUInt64(from: bytes)
        let code = try reader.readUInt8(from: bytes)
        guard let operation = Operation(rawValue: code) else { throw .invalidField("operation") }
        self.operation = operation
        group = try reader.readGroup(from: bytes)
        peer = try reader.readPeer(from: bytes)
        cookie = try reader.readCookie(from: bytes)
    }
}

extension RendezvousReply {
    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        transaction = try reader.readUInt64(from: bytes)
        lease = .milliseconds(Int64(try reader.readUInt32(from: bytes)))
        memberCount = Int(try reader.readUInt32(from: bytes))
        sourceCount = Int(try reader.readUInt32(from: bytes))
        observed = try reader.readEndpoint(from: bytes)
        peers = try reader.readContacts(limit: RendezvousMessage.peerLimit, from: bytes)
    }
}
