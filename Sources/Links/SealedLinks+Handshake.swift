import NetBasics
import Sealing
import Wire

// The handshake of a link: the control plane's four messages, and Noise_IKpsk2 within the last two.
//
//     initiator                                   responder
//        | -- hello, 72 bytes ------------------------> |  keeps nothing
//        | <--- challenge: cookie, static key, 72 bytes |
//        | -- request: cookie, Noise message 1 -------> |  address proven, keys of the initiator
//        | <------ accept or refusal: Noise message 2 - |  keys of both
//
// Whatever comes before there are keys ends with a code that only holders of the group's link secret
// can make.

/// A handshake that this end has begun.
struct Asked {
    let begunAt: Instant
    /// What the responder's challenge said.
    var responder: AgreementPublicKey?
    /// The last request.
    var handshake: NoiseIKpsk2.Initiator?

    /// The control plane gives up much earlier.
    func isRecent(at now: Instant) -> Bool { begunAt + .seconds(60) > now }
}

/// A request that opened, until the control plane has said yes or no.
struct Answering {
    let token: LinkToken
    let sender: Endpoint
    let request: NoiseIKpsk2.Request
}

extension SealedLinks {
    /// Where a request's Noise message begins, and an answer's.
    private static let requestHeaderBytes = 24
    private static let answerHeaderBytes = 8

    /// The datagram that carries a message of the control plane; `nil` if that is not to be sealed.
    package mutating func seal(
        _ message: LinkMessage, to endpoint: Endpoint, at now: Instant
    ) -> [UInt8]? {
        do throws(SealingError) {
            switch message {
            case .hello(let token): return hello(token, at: now)
            case .challenge:
                return code.appended(to: message.encoded + identity.publicKey.bytes)
            case .request(let request): return try self.request(request, at: now)
            case .accept(let accept):
                return try answer(
                    message, accept.initiatorToken, localToken: accept.token, to: endpoint, at: now)
            case .refusal(let token, _, _):
                return try answer(message, token, localToken: nil, to: endpoint, at: now)
            }
        } catch {
            count(Self.drop(for: error))
            return nil
        }
    }

    // MARK: - Initiator

    private mutating func hello(_ token: LinkToken, at now: Instant) -> [UInt8] {
        if asked[token] == nil {
            if asked.count >= Self.tableLimit {
                let oldest = asked.min { ($0.value.begunAt, $0.key) < ($1.value.begunAt, $1.key) }
                if let oldest { asked[oldest.key] = nil }
            }
            asked[token] = Asked(begunAt: now)
        }
        let plain = LinkMessage.hello(token: token).encoded
        let padding = LinkMessage.openingBytes - HandshakeCode.byteCount - plain.count
        return code.appended(to: plain + [UInt8](repeating: 0, count: padding))
    }

    mutating func openChallenge(_ bytes: [UInt8]) throws(DecodeError) -> Opened? {
        try expect(bytes, count: LinkMessage.openingBytes)
        guard code.verifies(bytes) else { return drop(.wrongSecret) }
        let plainEnd = bytes.count - HandshakeCode.byteCount - AgreementPublicKey.byteCount
        guard
            case .link(.challenge(let token, let cookie)) = try Datagram(
                decoding: Array(bytes[..<plainEnd]).span.bytes)
        else { throw .invalidField("challenge") }
        guard asked[token] != nil else { return drop(.unexpectedAnswer) }
        let key = bytes[plainEnd..<plainEnd + AgreementPublicKey.byteCount]
        guard let responder = try? AgreementPublicKey(Array(key)) else { return nil }
        asked[token]?.responder = responder
        return .link(.challenge(token: token, cookie: cookie))
    }

    private mutating func request(
        _ request: LinkRequest, at now: Instant
    ) throws(SealingError) -> [UInt8]? {
        guard let responder = asked[request.token]?.responder else { return nil }
        let header = Array(LinkMessage.request(request).encoded[..<Self.requestHeaderBytes])
        var payload = ByteWriter(capacity: 48)
        payload.write(UInt64(bitPattern: now.nanoseconds))
        payload.write(UInt8(request.name.description.utf8.count))
        payload.write(request.name.description.utf8)
        let handshake = try NoiseIKpsk2.Initiator(
            keys: identity, ephemeral: drawEphemeral(), responder: responder, psk: keys.psk,
            prologue: [], payload: payload.bytes)
        asked[request.token]?.handshake = handshake
        return code.appended(to: header + handshake.message)
    }

    mutating func openAnswer(
        _ bytes: [UInt8], from sender: Endpoint, at now: Instant,
    ) throws(DecodeError) -> Opened? {
        var reader = ByteReader()
        try reader.skip(DatagramHeader.byteCount, in: bytes.span.bytes)
        let token = LinkToken(rawValue: try reader.readUInt32(from: bytes.span.bytes))
        guard let waiting = asked[token], let handshake = waiting.handshake,
            let responder = waiting.responder
        else { return drop(.unexpectedAnswer) }
        let result: (payload: [UInt8], session: NoiseIKpsk2.Session)
        do throws(SealingError) {
            result = try handshake.finish(Array(bytes[reader.offset...]))
        } catch {
            return drop(.notAuthentic)
        }
        // Kind and body; the kind in clear is not the one that counts.
        guard let kind = result.payload.first else { throw .truncated(needed: 1, available: 0) }
        let head = [bytes[0], kind, 0, 0] + bytes[4..<8]
        let plain = head + result.payload.dropFirst()
        guard case .link(let message) = try Datagram(decoding: plain.span.bytes) else {
            throw .unknownType(kind)
        }
        asked[token] = nil
        switch message {
        case .accept(let accept):
            guard accept.peer.rawValue == responder.identifier else { return drop(.notAuthentic) }
            associate(
                result.session, responder, local: token, remote: accept.token, sender,
                isInitiator: true, at: now)
        case .refusal: break
        default: throw .unknownType(kind)
        }
        return .link(message)
    }

    // MARK: - Responder

    mutating func openHello(_ bytes: [UInt8]) throws(DecodeError) -> Opened? {
        try expect(bytes, count: LinkMessage.openingBytes)
        guard code.verifies(bytes) else { return drop(.wrongSecret) }
        var reader = ByteReader()
        try reader.skip(DatagramHeader.byteCount, in: bytes.span.bytes)
        return .link(
            .hello(token: LinkToken(rawValue: try reader.readUInt32(from: bytes.span.bytes))))
    }

    /// Cheapest first: code, cookie, memory of earlier requests, and only then the agreements.
    mutating func openRequest(
        _ bytes: [UInt8], from sender: Endpoint, at now: Instant
    ) throws(DecodeError) -> Opened? {
        let fixed = Self.requestHeaderBytes + NoiseIKpsk2.message1OverheadBytes
        guard bytes.count >= fixed + HandshakeCode.byteCount else {
            throw .truncated(needed: fixed + HandshakeCode.byteCount, available: bytes.count)
        }
        guard code.verifies(bytes) else { return drop(.wrongSecret) }
        var reader = ByteReader()
        let span = bytes.span.bytes
        try reader.skip(DatagramHeader.byteCount, in: span)
        let token = LinkToken(rawValue: try reader.readUInt32(from: span))
        let cookie = Cookie(
            high: try reader.readUInt64(from: span), low: try reader.readUInt64(from: span))
        guard self.cookie.verifies(cookie.high, cookie.low, for: sender, at: now) else {
            return .link(.hello(token: token))
        }
        guard freshness.admits(bytes.suffix(HandshakeCode.byteCount), at: now) else {
            return drop(freshness.isExhausted(at: now) ? .handshakeRate : .replayed)
        }
        let message = Array(bytes[reader.offset..<bytes.count - HandshakeCode.byteCount])
        guard let request = try? responder.read(message) else { return drop(.notAuthentic) }
        let (time, name) = try Self.payload(request.payload)
        let peer = PeerID(rawValue: request.initiator.identifier)
        guard freshness.isNewer(time, of: peer, at: now) else { return drop(.replayed) }
        answering = Answering(token: token, sender: sender, request: request)
        return .link(
            .request(
                LinkRequest(group: group, peer: peer, token: token, cookie: cookie, name: name)))
    }

    private static func payload(
        _ bytes: [UInt8]
    ) throws(DecodeError) -> (time: Int64, name: MemberName) {
        var reader = ByteReader()
        let span = bytes.span.bytes
        let time = Int64(bitPattern: try reader.readUInt64(from: span))
        let count = Int(try reader.readUInt8(from: span))
        let text = try reader.readText(count, field: "name", from: span)
        try reader.expectEnd(of: span)
        guard let name = MemberName(text) else { throw .invalidField("name") }
        return (time, name)
    }

    private mutating func answer(
        _ message: LinkMessage, _ token: LinkToken, localToken: LinkToken?, to endpoint: Endpoint,
        at now: Instant
    ) throws(SealingError) -> [UInt8]? {
        guard let open = answering, open.token == token, open.sender == endpoint else { return nil }
        answering = nil
        let plain = message.encoded
        let payload = [plain[1]] + plain[Self.answerHeaderBytes...]
        let result = try open.request.answer(payload, ephemeral: drawEphemeral(), psk: keys.psk)
        if let localToken {
            associate(
                result.session, open.request.initiator, local: localToken, remote: token, endpoint,
                isInitiator: false, at: now)
        }
        return plain[..<Self.answerHeaderBytes] + result.message
    }

    // MARK: - Both

    /// Gives a link, new or renewed, the keys of a handshake.
    private mutating func associate(
        _ noise: NoiseIKpsk2.Session, _ key: AgreementPublicKey, local: LinkToken,
        remote: LinkToken, _ endpoint: Endpoint, isInitiator: Bool, at now: Instant
    ) {
        // Two handshakes that cross have different initiators, and so different phases.
        let isLower = identity.publicKey.bytes.lexicographicallyPrecedes(key.bytes)
        let phase = isLower == isInitiator ? 0 : 1
        guard
            let session = try? Session(noise, phase: phase, isInitiator: isInitiator, at: now)
        else { return }
        var association =
            associations[local]
            ?? Association(
                peer: PeerID(rawValue: key.identifier), key: key, localToken: local,
                remoteToken: remote, endpoint: endpoint, at: now)
        if association.key != key {
            association = Association(
                peer: PeerID(rawValue: key.identifier), key: key, localToken: local,
                remoteToken: remote, endpoint: endpoint, at: now)
        }
        association.remoteToken = remote
        association.endpoint = endpoint
        association.usedAt = now
        association.add(session)
        if associations.count >= Self.tableLimit, associations[local] == nil {
            let oldest = associations.min { ($0.value.usedAt, $0.key) < ($1.value.usedAt, $1.key) }
            if let oldest { associations[oldest.key] = nil }
        }
        associations[local] = association
        haveKeysChanged = true
    }

    private func expect(_ bytes: [UInt8], count: Int) throws(DecodeError) {
        guard bytes.count >= count else { throw .truncated(needed: count, available: bytes.count) }
        guard bytes.count == count else { throw .trailingBytes(bytes.count - count) }
    }
}
