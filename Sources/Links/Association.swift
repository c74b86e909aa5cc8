import NetBasics
import Sealing
import Wire

/// The keys of one link, for as long as it lasts: at most two sessions, each of one handshake.
struct Association {
    let peer: PeerID
    /// Its static key, which ``peer`` is the hash of.
    let key: AgreementPublicKey
    let localToken: LinkToken
    var remoteToken: LinkToken
    /// Where the peer receives; proven.
    var endpoint: Endpoint
    /// By key phase.
    private(set) var sessions: [Session?] = [nil, nil]
    /// The session to seal with.
    private(set) var sendPhase = 0
    /// When it came to be, or was last found in use.
    var usedAt: Instant
    var rekeying: Rekeying?
    var answered: AnsweredRekey?
    var check: PathCheck?
    var mtu = PathMTU()

    /// New keys that this end has asked for.
    struct Rekeying {
        let handshake: NoiseIKpsk2.Initiator
        var retryDue: Instant
    }

    /// The last request for new keys, so that its repetition gets the same answer.
    struct AnsweredRekey {
        let request: [UInt8]
        let answer: [UInt8]
    }

    /// An address from which the peer seems to send now.
    struct PathCheck {
        let endpoint: Endpoint
        let nonce: UInt64
        let sentAt: Instant
        /// Questions that it got.
        let tries: Int

        /// How long this address has to answer before it is asked again: from the sixth time on
        /// twice as long, up to 6.4 s.
        var patience: Duration { SealedLinks.checkTime * (1 << min(max(tries - 5, 0), 6)) }
    }

    init(
        peer: PeerID, key: AgreementPublicKey, localToken: LinkToken, remoteToken: LinkToken,
        endpoint: Endpoint, at now: Instant
    ) {
        self.peer = peer
        self.key = key
        self.localToken = localToken
        self.remoteToken = remoteToken
        self.endpoint = endpoint
        usedAt = now
    }

    /// Takes the keys of a handshake into use: at once if the peer has shown that it has them, or
    /// if there are no others.
    mutating func add(_ session: Session) {
        let isOnly = sessions[1 - session.phase] == nil
        sessions[session.phase] = session
        if session.isConfirmed || isOnly { use(session.phase) }
    }

    /// Seals with the session of that phase from now on or, if two handshakes have crossed, with that
    /// of phase 0, so that both ends come to the same.
    private mutating func use(_ phase: Int) {
        sendPhase = phase
        guard let first = sessions[0], let second = sessions[1], first.isConfirmed else { return }
        let age = (first.startedAt - second.startedAt).nanoseconds
        if abs(age) < Self.crossingTime { sendPhase = 0 }
    }

    /// Sessions that began within such a time come of handshakes that crossed.
    private static let crossingTime: Int64 = 10_000_000_000

    /// Seals records with the session in use, or with that of `phase`.
    mutating func seal(
        _ text: [UInt8], phase: Int? = nil, at now: Instant
    ) throws(SealingError) -> [UInt8] {
        let phase = phase ?? sendPhase
        var header = ByteWriter(capacity: 8)
        header.write(DatagramHeader.magic << 4 | DatagramHeader.version)
        header.write(DatagramHeader.Kind.control.rawValue)
        header.write(remoteToken.rawValue)
        guard var session = sessions[phase] else { throw .expired }
        defer { sessions[phase] = session }
        return try session.sealer.seal(text, header: header.bytes, at: now)
    }

    /// The records in a datagram, the session that sealed it, and whether it is the newest so far.
    mutating func open(
        _ datagram: [UInt8], at now: Instant
    ) throws(SealingError) -> (text: [UInt8], phase: Int, isNewest: Bool) {
        let phase = datagram.withUnsafeBytes {
            LinkCipher.phase(of: $0, headerBytes: SealedLinks.controlHeaderBytes)
        }
        guard let phase, var session = sessions[phase] else { throw .notAuthentic }
        let before = session.opener.highestCounter
        let text = try session.opener.open(
            datagram, headerBytes: SealedLinks.controlHeaderBytes, at: now)
        let isNewest = session.opener.highestCounter > before
        if !session.isConfirmed {
            session.isConfirmed = true
            sessions[phase] = session
            use(phase)
        }
        sessions[phase] = session
        usedAt = now
        return (text, phase, isNewest && phase == sendPhase)
    }

    /// Whether this end should ask for new keys now.
    func wantsRekey(at now: Instant) -> Bool {
        guard let session = sessions[sendPhase], session.isInitiator else { return false }
        return session.sealer.wantsRekey(at: now) || session.opener.wantsRekey(at: now)
    }

    /// When the keys in use will be old; looked at by the end that asks for new ones.
    var rekeyDue: Instant {
        guard let session = sessions[sendPhase], session.isInitiator else { return .distantFuture }
        return rekeying?.retryDue ?? session.startedAt + LinkCipher.Limits().rekeyAge
    }

    var current: Session? { sessions[sendPhase] }

    /// What the data path needs: a key for each phase to verify with, one to tag with.
    var tagKeys: LinkTagKeys? {
        guard let current else { return nil }
        return LinkTagKeys(
            receive: (sessions[0]?.receiveTagKey, sessions[1]?.receiveTagKey),
            send: current.sendTagKey, sendPhase: UInt8(sendPhase), datagramLimit: mtu.confirmed)
    }
}

/// What one handshake leaves an end with.
struct Session {
    let phase: Int
    /// Whether this end sent message 1.
    let isInitiator: Bool
    let startedAt: Instant
    let handshakeHash: [UInt8]
    let sendTagKey: MediaTagKey
    let receiveTagKey: MediaTagKey
    var sealer: LinkSealer
    var opener: LinkOpener
    /// Whether the peer is known to have the keys, too.
    var isConfirmed: Bool

    init(
        _ keys: NoiseIKpsk2.Session, phase: Int, isInitiator: Bool, at now: Instant
    ) throws(SealingError) {
        self.phase = phase
        self.isInitiator = isInitiator
        isConfirmed = isInitiator
        startedAt = now
        handshakeHash = keys.handshakeHash
        sendTagKey = try keys.sendTagKey
        receiveTagKey = try keys.receiveTagKey
        sealer = try LinkSealer(key: keys.sendKey, phase: phase, at: now)
        opener = try LinkOpener(key: keys.receiveKey, phase: phase, at: now)
    }
}
