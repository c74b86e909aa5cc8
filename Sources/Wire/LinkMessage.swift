import NetBasics

/// The handshake of a link, before either side has proved its address (docs/protocol.md,
/// "Links").
///
///     initiator                              responder
///        | -- hello ----------------------------> |  keeps nothing
///        | <------------- challenge (cookie) ---- |
///        | -- request (cookie) -----------------> |  address proven: link exists
///        | <------------------------- accept ---- |  or refusal, with referrals
///
package enum LinkMessage: Equatable, Sendable {
    /// Asks for a cookie.
    case hello(token: LinkToken)
    case request(LinkRequest)
    case challenge(token: LinkToken, cookie: Cookie)
    case accept(LinkAccept)
    case refusal(token: LinkToken, reason: LinkRefusalReason, referrals: [Contact])

    /// Peers named in a refusal at most.
    package static let referralLimit = 4
}

/// Asks for a link; `token` is what the responder must write on it.
///
///     header (4) | token (4) | cookie (16) | group (16) | initiator (8) | name (1 + n)
///
package struct LinkRequest: Equatable, Sendable {
    package var group: GroupID
    package var peer: PeerID
    package var token: LinkToken
    package var cookie: Cookie
    package var name: MemberName

    package init(
        group: GroupID, peer: PeerID, token: LinkToken, cookie: Cookie, name: MemberName
    ) {
        self.group = group
        self.peer = peer
        self.token = token
        self.cookie = cookie
        self.name = name
    }
}

/// Grants a link; `initiatorToken` repeats the request's, `token` is what the initiator must write.
///
///     header (4) | initiator's token (4) | responder (8) | token (4) | name (1 + n)
///
package struct LinkAccept: Equatable, Sendable {
    package var initiatorToken: LinkToken
    package var peer: PeerID
    package var token: LinkToken
    package var name: MemberName

    package init(initiatorToken: LinkToken, peer: PeerID, token: LinkToken, name: MemberName) {
        self.initiatorToken = initiatorToken
        self.peer = peer
        self.token = token
        self.name = name
    }
}

/// Why a link was refused.
package enum LinkRefusalReason: UInt8, Sendable, CaseIterable {
    /// The responder has as many links as it may have.
    case full = 1
    /// The responder is not in that group.
    case wrongGroup = 2
    /// The initiator is the responder.
    case selfLink = 3
    /// The responder has a live link with that peer id at another address.
    case peerIDTaken = 4
}

// MARK: - Sizes

extension LinkMessage {
    /// Bytes of the datagram that carries the message sealed (docs/protocol.md, "Links").
    package var sealedByteCount: Int {
        switch self {
        case .hello: Self.openingBytes
        case .challenge: Self.openingBytes
        case .request(let request): 24 + 96 + 8 + 1 + request.name.description.utf8.count + 16
        case .accept(let accept): 8 + 48 + 1 + 8 + 4 + 1 + accept.name.description.utf8.count
        case .refusal: encoded.count + 48 + 1
        }
    }

    /// Of a hello, padded, and of a challenge: neither is longer than the other.
    package static let openingBytes = 72
    /// Of the two messages that give a link new keys.
    package static let rekeyBytes = 96
    package static let rekeyedBytes = 48
}

// MARK: - Coding

extension LinkMessage {
    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 128)
        switch self {
        case .hello(let token):
            DatagramHeader(kind: .linkHello).write(to: &writer)
            writer.write(token)
        case .request(let request):
            DatagramHeader(kind: .linkRequest).write(to: &writer)
            writer.write(request.token)
            writer.write(request.cookie)
            writer.write(request.group)
            writer.write(request.peer)
            writer.write(request.name)
        case .challenge(let token, let cookie):
            DatagramHeader(kind: .linkChallenge).write(to: &writer)
            writer.write(token)
            writer.write(cookie)
        case .accept(let accept):
            DatagramHeader(kind: .linkAccept).write(to: &writer)
            writer.write(accept.initiatorToken)
            writer.write(accept.peer)
            writer.write(accept.token)
            writer.write(accept.name)
        case .refusal(let token, let reason, let referrals):
            DatagramHeader(kind: .linkRefusal).write(to: &writer)
            writer.write(token)
            writer.write(reason.rawValue)
            writer.write(referrals)
        }
        return writer.bytes
    }

    /// Reads what follows the header of a datagram of `kind`; `nil` if it is no link message.
    init?(
        kind: DatagramHeader.Kind, from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) {
        switch kind {
        case .linkHello:
            self = .hello(token: try reader.readToken(from: bytes))
        case .linkRequest:
            self = .request(try LinkRequest(from: bytes, reader: &reader))
        case .linkChallenge:
            let token = try reader.readToken(from: bytes)
            self = .challenge(token: token, cookie: try reader.readCookie(from: bytes))
        case .linkAccept:
            self = .accept(try LinkAccept(from: bytes, reader: &reader))
        case .linkRefusal:
            let token = try reader.readToken(from: bytes)
            guard let reason = LinkRefusalReason(rawValue: try reader.readUInt8(from: bytes))
            else { throw .invalidField("reason") }
            let referrals = try reader.readContacts(limit: Self.referralLimit, from: bytes)
            self = .refusal(token: token, reason: reason, referrals: referrals)
        default:
            return nil
        }
        try reader.expectEnd(of: bytes)
    }
}

extension LinkRequest {
    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        token = try reader.readToken(from: bytes)
        cookie = try reader.readCookie(from: bytes)
        group = try reader.readGroup(from: bytes)
        peer = try reader.readPeer(from: bytes)
        name = try reader.readName(from: bytes)
    }
}

extension LinkAccept {
    fileprivate init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        initiatorToken = try reader.readToken(from: bytes)
        peer = try reader.readPeer(from: bytes)
        token = try reader.readToken(from: bytes)
        name = try reader.readName(from: bytes)
    }
}
