import NetBasics
import Sealing
import Wire

/// Seals what the control plane says to its neighbors and opens what they say (docs/sealing.md,
/// "Links").
///
/// It stands between the control plane, which knows nothing of keys, and the socket: a handshake of
/// the control plane carries one of Noise, and each link that results has keys of its own. It also
/// does what only the owner of the keys can do: renews them, notices that a peer has moved to
/// another address, and finds out how long a datagram may be. No state is kept for an address before it is proven,
/// and no answer is longer than what it answers.
package struct SealedLinks {
    /// What the owner is to do.
    package enum Order: Equatable, Sendable {
        case send([UInt8], to: Endpoint)
        /// The peer of the link with this local token has moved to another address.
        case moved(LinkToken, to: Endpoint)
    }

    /// What arrived for the control plane.
    package enum Opened: Equatable, Sendable {
        case link(LinkMessage)
        /// Of the link's own address, wherever it came from.
        case control(ControlDatagram, from: Endpoint)
    }

    /// Why a datagram was dropped.
    package enum Drop: String, Sendable {
        /// Of somebody without the group's secret.
        case wrongSecret = "wrong_secret"
        /// Altered, or sealed with other keys.
        case notAuthentic = "not_authentic"
        case replayed
        case expired = "expired_key"
        /// No handshake of this end waits for it.
        case unexpectedAnswer = "unexpected_answer"
        /// It is of no link of this peer.
        case unknownLink = "control_unknown_link"
        /// More handshakes than one end can compute.
        case handshakeRate = "handshake_rate"
    }

    /// Bytes in clear before the counter of a control datagram: magic, kind, token.
    static let controlHeaderBytes = 6
    /// Links and handshakes that are remembered at most; a peer has fewer.
    static let tableLimit = 256
    /// How long a link that the control plane does not know is kept: for its last words.
    private static let restTime: Duration = .seconds(10)

    let code: HandshakeCode
    let keys: GroupKeys
    let identity: AgreementKeyPair
    let group: GroupID
    let cookie: AddressCookie
    let responder: NoiseIKpsk2.Responder
    private let randomness: (Int) -> [UInt8]

    var associations: [LinkToken: Association] = [:]
    /// By own token.
    var asked: [LinkToken: Asked] = [:]
    /// The request that the control plane answers next.
    var answering: Answering?
    var freshness = RequestFreshness()
    package internal(set) var drops: [Drop: UInt64] = [:]
    var haveKeysChanged = false
    /// When ``wake(at:into:)`` has something to do.
    package internal(set) var nextWakeup: Instant?

    /// `identity`: drawn for this run of the process; `cookie`: the control plane's; `randomness`: fresh
    /// secret bytes, as many as asked for.
    package init(
        keys: GroupKeys, identity: AgreementKeyPair, group: GroupID, cookie: AddressCookie,
        randomness: @escaping (Int) -> [UInt8]
    ) {
        self.keys = keys
        self.identity = identity
        self.group = group
        self.cookie = cookie
        self.randomness = randomness
        code = HandshakeCode(keys)
        responder = NoiseIKpsk2.Responder(keys: identity, prologue: [])
    }

    // MARK: - For the control plane

    /// The datagrams that carry `datagram` to the neighbor that chose its token; none if there are no
    /// keys for it (any more).
    package mutating func seal(
        _ datagram: ControlDatagram, to endpoint: Endpoint, at now: Instant
    ) -> [[UInt8]] {
        guard let token = localToken(of: datagram.token, endpoint) else {
            count(.unknownLink)
            return []
        }
        return datagram.encodedRecords.compactMap { seal($0, on: token, at: now) }
    }

    /// Opens anything but media; `nil` if it was dropped or is not for the control plane.
    package mutating func open(
        _ bytes: [UInt8], from sender: Endpoint, at now: Instant, into orders: inout [Order]
    ) throws(DecodeError) -> Opened? {
        defer { updateWakeup() }
        let kind = try DatagramHeader.kind(of: bytes.span.bytes)
        guard kind == .control || bytes.count <= DatagramLimit.control else {
            throw .oversized(limit: DatagramLimit.control, actual: bytes.count)
        }
        switch kind {
        case .control: return try openControl(bytes, from: sender, at: now, into: &orders)
        case .linkHello: return try openHello(bytes)
        case .linkChallenge: return try openChallenge(bytes)
        case .linkRequest: return try openRequest(bytes, from: sender, at: now)
        case .linkAccept, .linkRefusal:
            return try openAnswer(bytes, from: sender, at: now)
        default: throw .unknownType(kind.rawValue)
        }
    }

    /// Forgets links that the control plane does not have, after a while.
    package mutating func retain(_ tokens: [LinkToken], at now: Instant) {
        defer { updateWakeup() }
        let kept = Set(tokens)
        let before = associations.count
        associations = associations.filter { token, association in
            kept.contains(token) || association.usedAt + Self.restTime > now
        }
        if associations.count != before { haveKeysChanged = true }
        asked = asked.filter { $0.value.isRecent(at: now) }
    }

    // MARK: - For the data path

    /// The keys of all links, by our own token, if they have changed since they were taken last.
    package mutating func takeTagKeys() -> [LinkToken: LinkTagKeys]? {
        guard haveKeysChanged else { return nil }
        haveKeysChanged = false
        return associations.compactMapValues(\.tagKeys)
    }

    /// Media longer than ``LinkTagKeys/datagramLimit`` is to go over the link with this local token.
    package mutating func wantLongDatagrams(on token: LinkToken, at now: Instant) {
        associations[token]?.mtu.want(at: now)
        updateWakeup()
    }

    // MARK: - Control datagrams

    private func localToken(of remote: LinkToken, _ endpoint: Endpoint) -> LinkToken? {
        associations.values
            .filter { $0.remoteToken == remote && $0.endpoint == endpoint }
            .max { $0.usedAt < $1.usedAt }?.localToken
    }

    private mutating func seal(
        _ records: [UInt8], on token: LinkToken, phase: Int? = nil, at now: Instant
    ) -> [UInt8]? {
        do {
            return try associations[token]?.seal(records, phase: phase, at: now)
        } catch {
            count(.expired)
            return nil
        }
    }

    private mutating func openControl(
        _ bytes: [UInt8], from sender: Endpoint, at now: Instant, into orders: inout [Order]
    ) throws(DecodeError) -> Opened? {
        guard bytes.count >= Self.controlHeaderBytes + LinkCipher.overheadBytes else {
            throw .truncated(
                needed: Self.controlHeaderBytes + LinkCipher.overheadBytes, available: bytes.count)
        }
        let token = LinkToken(rawValue: bytes[2..<6].reduce(0) { $0 << 8 | UInt32($1) })
        guard let phase = associations[token]?.sendPhase else { return drop(.unknownLink) }
        let opened: (text: [UInt8], phase: Int, isNewest: Bool)
        do throws(SealingError) {
            guard let result = try associations[token]?.open(bytes, at: now) else { return nil }
            opened = result
        } catch {
            return drop(Self.drop(for: error))
        }
        if associations[token]?.sendPhase != phase { haveKeysChanged = true }
        let datagram = try ControlDatagram(token: token, decodingRecords: opened.text.span.bytes)
        if opened.isNewest { checkPath(of: token, sender, at: now, into: &orders) }
        return serve(datagram, phase: opened.phase, from: sender, at: now, into: &orders)
    }

    /// Takes out what is meant for this layer.
    private mutating func serve(
        _ datagram: ControlDatagram, phase: Int, from sender: Endpoint, at now: Instant,
        into orders: inout [Order]
    ) -> Opened? {
        let token = datagram.token
        var others = datagram
        others.messages = []
        for message in datagram.messages {
            switch message {
            case .rekey(let request):
                answerRekey(request, on: token, phase: phase, at: now, into: &orders)
            case .rekeyed(let answer): finishRekey(answer, on: token, at: now, into: &orders)
            case .probe(let nonce, _):
                send([.probed(nonce: nonce)], on: token, to: sender, at: now, into: &orders)
            case .probed(let nonce):
                noteProbed(nonce, on: token, from: sender, at: now, into: &orders)
            default: others.messages.append(message)
            }
        }
        guard let endpoint = associations[token]?.endpoint,
            others.messages.count == datagram.messages.count || !others.messages.isEmpty
        else { return nil }
        return .control(others, from: endpoint)
    }

    // MARK: - Common

    mutating func drop(_ reason: Drop) -> Opened? {
        count(reason)
        return nil
    }

    mutating func count(_ reason: Drop) { drops[reason, default: 0] &+= 1 }

    static func drop(for error: SealingError) -> Drop {
        switch error {
        case .replayed: .replayed
        case .expired: .expired
        default: .notAuthentic
        }
    }

    mutating func send(
        _ messages: [ControlMessage], on token: LinkToken, phase: Int? = nil,
        to endpoint: Endpoint, at now: Instant, into orders: inout [Order]
    ) {
        let datagram = ControlDatagram(token: token, messages: messages)
        for records in datagram.encodedRecords {
            if let bytes = seal(records, on: token, phase: phase, at: now) {
                orders.append(.send(bytes, to: endpoint))
            }
        }
    }

    func drawNonce() -> UInt64 { randomness(8).reduce(0) { $0 << 8 | UInt64($1) } }

    func drawEphemeral() throws(SealingError) -> AgreementKeyPair {
        try AgreementKeyPair(secret: SecretBytes(randomness(AgreementPublicKey.byteCount)))
    }
}
