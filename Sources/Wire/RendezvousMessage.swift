import NetBasics

/// What members and the rendezvous say to each other (docs/protocol.md, "Rendezvous").
///
/// Every answer repeats the request's random transaction, so that nobody off the path can forge
/// one.
package enum RendezvousMessage: Equatable, Sendable {
    case request(RendezvousRequest)
    /// Where the request came from, and what proves that answers arrive there.
    case challenge(transaction: UInt64, cookie: Cookie, observed: Endpoint)
    case reply(RendezvousReply)
    case refusal(transaction: UInt64, reason: RendezvousRefusalReason)

    /// Peers in a reply at most.
    package static let peerLimit = 16
}

/// Registers, refreshes, leaves or looks up.
///
///     header (4) | transaction (8) | operation (1) | group's public key (32) | alias (8) | peer (8)
///     | cookie (16) | entry code (16) | signature (64)
///
/// A request with an unproven cookie is answered by a challenge, which is smaller; its code and
/// signature are zero as long as the sender does not know where it is seen.
package struct RendezvousRequest: Equatable, Sendable {
    package static let keyBytes = 32
    package static let signatureBytes = 64

    package var transaction: UInt64
    package var operation: Operation
    /// The Ed25519 key of which the group's id is the hash; ``keyBytes``.
    package var key: [UInt8]
    /// Hash of the group's name.
    package var alias: UInt64
    package var peer: PeerID
    package var cookie: Cookie
    /// Zero in ``Operation/leave`` and ``Operation/lookUp``.
    package var code: EntryCode = .none
    /// Of ``signedBytes(from:)`` by the group's key; ``signatureBytes``.
    package var signature = [UInt8](repeating: 0, count: Self.signatureBytes)

    package enum Operation: UInt8, Sendable, CaseIterable {
        /// Registers or refreshes, and asks for peers.
        case register = 1
        case leave = 2
        /// Asks for peers without becoming a member; `peer` is ignored.
        case lookUp = 3
        /// As `register`, for a member that publishes: it counts as a source.
        case registerSource = 4
    }

    /// An unsigned request; `key` has ``keyBytes``.
    package init(
        transaction: UInt64, operation: Operation, key: [UInt8], alias: UInt64, peer: PeerID,
        cookie: Cookie
    ) {
        precondition(key.count == Self.keyBytes, "public key of \(key.count) bytes")
        self.transaction = transaction
        self.operation = operation
        self.key = key
        self.alias = alias
        self.peer = peer
        self.cookie = cookie
    }

    /// What the signature of a request covers that comes from `sender`: all that lasts.
    ///
    ///     operation (1) | alias (8) | peer (8) | endpoint (7 or 19) | entry code (16)
    ///
    package func signedBytes(from sender: Endpoint) -> [UInt8] {
        var writer = ByteWriter(capacity: 52)
        writer.write(operation.rawValue)
        writer.write(alias)
        writer.write(peer)
        writer.write(sender)
        writer.write(code)
        return writer.bytes
    }
}

/// Says that who holds the group's link secret made an entry of a peer list; zero is none.
package struct EntryCode: Equatable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static let none = EntryCode(high: 0, low: 0)

    /// Compares in the same time whatever the difference.
    package static func == (left: Self, right: Self) -> Bool {
        (left.high ^ right.high) | (left.low ^ right.low) == 0
    }
}

/// A member in a reply, with the code that it registered.
package struct PeerEntry: Equatable, Sendable {
    package var contact: Contact
    package var code: EntryCode

    package init(contact: Contact, code: EntryCode) {
        self.contact = contact
        self.code = code
    }
}

extension Contact {
    /// What an entry's code is made of: peer (8), endpoint (7 or 19).
    package var entryBytes: [UInt8] {
        var writer = ByteWriter(capacity: 27)
        writer.write(self)
        return writer.bytes
    }
}

/// The answer to a proven request.
///
///     header (4) | transaction (8) | lease, ms (4) | members (4) | sources (4) | namesakes (4)
///     | observed endpoint (7 or 19) | count (1)
///     | count x (peer (8), endpoint (7 or 19), entry code (16))
///
package struct RendezvousReply: Equatable, Sendable {
    package var transaction: UInt64
    /// How long the registration lasts from now; zero after `leave` and `lookUp`.
    package var lease: Duration
    /// Members of the group with a live lease.
    package var memberCount: Int
    /// Those of them that publish.
    package var sourceCount: Int
    /// Members with a live lease whose group has the same alias and another key.
    package var namesakeCount: Int
    package var observed: Endpoint
    package var peers: [PeerEntry]

    package init(
        transaction: UInt64, lease: Duration, memberCount: Int, sourceCount: Int,
        namesakeCount: Int, observed: Endpoint, peers: [PeerEntry]
    ) {
        self.transaction = transaction
        self.lease = lease
        self.memberCount = memberCount
        self.sourceCount = sourceCount
        self.namesakeCount = namesakeCount
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
    /// The group's key did not sign this request for this address.
    case badSignature = 6

    /// A short stable name for counters and JSON.
    package var name: String {
        switch self {
        case .groupLimit: "group_limit"
        case .memberLimit: "member_limit"
        case .addressMemberLimit: "address_member_limit"
        case .requestRate: "request_rate"
        case .peerIDTaken: "peer_id_taken"
        case .badSignature: "bad_signature"
        }
    }
}

// MARK: - Coding

extension RendezvousMessage {
    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 256)
        switch self {
        case .request(let request):
            DatagramHeader(kind: .rendezvousRequest).write(to: &writer)
            request.write(to: &writer)
        case .challenge(let transaction, let cookie, let observed):
            DatagramHeader(kind: .rendezvousChallenge).write(to: &writer)
            writer.write(transaction)
            writer.write(cookie)
            writer.write(observed)
        case .reply(let reply):
            DatagramHeader(kind: .rendezvousReply).write(to: &writer)
            reply.write(to: &writer)
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
            let cookie = try reader.readCookie(from: bytes)
            let observed = try reader.readEndpoint(from: bytes)
            self = .challenge(transaction: transaction, cookie: cookie, observed: observed)
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
        key = try reader.readBytes(Self.keyBytes, from: bytes)
        alias = try reader.readUInt64(from: bytes)
        peer = try reader.readPeer(from: bytes)
        cookie = try reader.readCookie(from: bytes)
        self.code = try reader.readEntryCode(from: bytes)
        signature = try reader.readBytes(Self.signatureBytes, from: bytes)
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(transaction)
        writer.write(operation.rawValue)
        writer.write(key)
        writer.write(alias)
        writer.write(peer)
        writer.write(cookie)
        writer.write(code)
        writer.write(signature)
    }
}

extension RendezvousReply {
    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        transaction = try reader.readUInt64(from: bytes)
        lease = .milliseconds(Int64(try reader.readUInt32(from: bytes)))
        memberCount = Int(try reader.readUInt32(from: bytes))
        sourceCount = Int(try reader.readUInt32(from: bytes))
        namesakeCount = Int(try reader.readUInt32(from: bytes))
        observed = try reader.readEndpoint(from: bytes)
        let count = Int(try reader.readUInt8(from: bytes))
        guard count <= RendezvousMessage.peerLimit else { throw .invalidField("contact count") }
        peers = []
        peers.reserveCapacity(count)
        for _ in 0..<count {
            let contact = try reader.readContact(from: bytes)
            let code = try reader.readEntryCode(from: bytes)
            peers.append(PeerEntry(contact: contact, code: code))
        }
    }

    fileprivate func write(to writer: inout ByteWriter) {
        writer.write(transaction)
        writer.write(UInt32(clamping: lease.nanoseconds / 1_000_000))
        writer.write(UInt32(clamping: memberCount))
        writer.write(UInt32(clamping: sourceCount))
        writer.write(UInt32(clamping: namesakeCount))
        writer.write(observed)
        writer.write(UInt8(peers.count))
        for peer in peers {
            writer.write(peer.contact)
            writer.write(peer.code)
        }
    }
}

extension ByteReader {
    fileprivate mutating func readEntryCode(from bytes: RawSpan) throws(DecodeError) -> EntryCode {
        EntryCode(high: try readUInt64(from: bytes), low: try readUInt64(from: bytes))
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ code: EntryCode) {
        write(code.high)
        write(code.low)
    }
}
