import NetBasics
import Wire

/// An established association with one peer: its address is proven, both tokens are known.
struct Link: Sendable {
    let peer: PeerID
    /// Where the peer receives; only a new handshake changes it.
    var endpoint: Endpoint
    /// What the peer writes to us.
    var localToken: LinkToken
    /// What we write to the peer.
    var remoteToken: LinkToken
    let establishedAt: Instant
    var lastHeard: Instant
    /// When the last control datagram went out.
    var lastSent: Instant
    /// When the next hello is due: a ping, our position and our routes.
    var helloDue: Instant
    /// Hellos since anything was heard.
    var unansweredHellos = 0
    /// Whether its death is suspected and to be found out soon.
    var isProbed = false
    /// While the peer feeds us: when its silence becomes suspicious.
    var expectedBy: Instant = .distantFuture
    var isSuspect = false
    /// Within which time the peer, as long as it feeds us, has promised to say something again.
    var promisedWait: Duration = .zero
    /// Of the media that the peer sends.
    var pace = MediaPace()
    /// While we feed the peer: when to look whether it needs a heartbeat, and the present wait.
    var heartbeatDue: Instant = .distantFuture
    var heartbeatWait: Duration = .zero
    /// When the media passed of whose end the peer was told.
    var toldMediaAt: Instant = .zero
    /// We opened it to see whether the peer would be a better parent.
    var isTrial = false
    /// The peer opened it, and has not yet been told of others that stand near it.
    var owesIntroduction = false
    /// Whether its address is of a subnet of ours.
    var isNear: Bool
    /// Whether the peer is our parent, and whether it is our child, for any source.
    var feedsUs = false
    var isFedByUs = false
    /// When either last changed.
    var roleSince: Instant
    /// Where the peer stands, by its own account.
    var coordinate = Coordinate.unknown
    /// Smoothed round trip (RFC 9616, section 3).
    private(set) var roundTrip: Duration?
    /// The shortest that was measured.
    private(set) var leastRoundTrip: Duration?

    /// Weight of the past in the smoothed round trip (RFC 9616, section 3.2).
    private static let smoothing = 0.836

    mutating func addRoundTrip(_ sample: Duration) {
        leastRoundTrip = min(leastRoundTrip ?? sample, sample)
        guard let old = roundTrip else {
            roundTrip = sample
            return
        }
        let mixed =
            Self.smoothing * Double(old.nanoseconds)
            + (1 - Self.smoothing) * Double(sample.nanoseconds)
        roundTrip = .nanoseconds(Int64(mixed))
    }

    /// What the link adds to a route's metric; microseconds.
    var cost: UInt32 {
        let delay = roundTrip.map { UInt32(clamping: $0.nanoseconds / 2000) }
        return min(delay ?? OverlayConfiguration.unmeasuredDelay, 60_000_000)
            + OverlayConfiguration.hopCost
    }

    var contact: Contact { Contact(peer: peer, endpoint: endpoint) }
}

/// A link that we asked for and that does not exist yet.
struct Handshake: Sendable {
    let contact: Contact
    let token: LinkToken
    /// The challenge that the responder's address sent, once it has.
    var cookie: Cookie
    /// Where requests go: the address that answered, if it answered from another one.
    var endpoint: Endpoint
    var tries: Int
    var sentAt: Instant
    let purpose: Purpose
    /// Whether the last request was repeated: its answer then tells no round trip (Karn, 1987).
    var isRepeated = false
    var retryDue: Instant

    enum Purpose {
        case neighbor
        /// To hear of others from anybody.
        case exploration
        /// The peer may be a better parent for this source.
        case trial(source: PeerID)
    }

    /// Whether the link that comes of it is looked at again soon.
    var isTrial: Bool {
        if case .neighbor = purpose { false } else { true }
    }
}

/// A peer that could become a neighbor.
struct Candidate: Sendable {
    var contact: Contact
    var coordinate = Coordinate.unknown
    var learnedAt: Instant
    /// Not asked before this moment, after a refusal or silence.
    var pausedUntil: Instant
    /// How often a link with it was closed as useless.
    var rests = 0
    /// What a link with it would cost, as last measured; microseconds.
    var cost: UInt32?
    /// The newest for each source, at most ``hintLimit``.
    private var hints: [Hint] = []

    private static let hintLimit = 8

    init(contact: Contact, learnedAt: Instant) {
        self.contact = contact
        self.learnedAt = learnedAt
        pausedUntil = .zero
    }

    /// What is known of its place in the tree of `source`.
    func hint(of source: PeerID) -> Hint? { hints.first { $0.source == source } }

    mutating func note(_ hint: Hint) {
        hints.removeAll { $0.source == hint.source }
        if hints.count == Self.hintLimit { hints.removeFirst() }
        hints.append(hint)
    }

    /// What we know, from itself or by hearsay, of its place in the tree of a source.
    struct Hint: Sendable {
        let source: PeerID
        let metric: UInt32
        let admitCost: UInt32
        let at: Instant
    }
}
