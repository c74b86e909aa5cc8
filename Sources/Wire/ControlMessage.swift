import NetBasics

/// What neighbors say on a link; several travel in one datagram (docs/protocol.md, "Control").
///
/// Every message is idempotent and refreshed, so that any may be lost, repeated or reordered.
package enum ControlMessage: Equatable, Sendable {
    /// Asks for a `pong`; `time` is opaque to the receiver.
    case ping(time: UInt32)
    /// Repeats a ping's `time`.
    case pong(time: UInt32)
    case route(RouteAdvert)
    /// Asks the source, hop by hop along parents, for a sequence number of at least `seqno`;
    /// urgently if the asker receives nothing.
    case seqnoRequest(source: PeerID, seqno: UInt32, hopLimit: UInt8, isUrgent: Bool)
    /// Asks the neighbor for the descriptions of a source's streams.
    case describe(source: PeerID)
    case description(StreamDescription)
    /// Asks to become, or stay, a child for `source`.
    case attach(AttachRequest)
    /// The receiver is a child; `isFed` is false while it waits for another child to go.
    case attachAccepted(source: PeerID, isFed: Bool)
    case attachRefused(source: PeerID, reason: AttachRefusalReason, referrals: [Contact])
    /// The sender is no child for `source` any more, or never wanted to be one.
    case detach(source: PeerID)
    /// Asks a child to attach to `target`, itself a child of the sender, and then detach.
    case move(source: PeerID, target: Contact)
    /// Some peers the sender knows to be alive, with their distance from one source.
    case peers([Acquaintance], source: PeerID)
    /// The sender ends the link.
    case close
    /// The sender lives and has nothing to send just now; something follows within so many ms.
    case heartbeat(next: UInt16)
    /// Where the sender stands.
    case position(Coordinate)
    /// Asks for packets of a stream that did not arrive.
    case repairRequest(RepairRequest)
    /// Asks a parent for so many parity shards with every block of a source's streams.
    case parity(source: PeerID, rows: UInt8)
    /// The sender has passed on the stream up to `highest`, and nothing since a while.
    case heardUpTo(stream: StreamID, highest: UInt32)
    /// A source that floods exists, this far away through the sender.
    case announce(SourceAnnouncement)
    /// Asks for copies of a flooded source or, if lazy, for digests of it only; `seqno` is the
    /// announcement that the sender has.
    ///
    /// Unless lazy, it is answered as `attach` is.
    case graft(source: PeerID, seqno: UInt32, isLazy: Bool)
    /// Asks for neither copies nor digests of a flooded source.
    case prune(source: PeerID)
    /// Digest: the sender has this stream's packets up to `sequence`.
    case have(stream: StreamID, sequence: UInt32)
    /// Message 1 of a handshake for new keys; ``LinkMessage/rekeyBytes``.
    case rekey([UInt8])
    /// Message 2 of it; ``LinkMessage/rekeyedBytes``.
    case rekeyed([UInt8])
    /// Asks whether a datagram with so much padding arrives, or anything at a new address.
    case probe(nonce: UInt64, padding: UInt16)
    /// Repeats a probe's `nonce`, to where the probe came from.
    case probed(nonce: UInt64)
    /// How much the link carries.
    case rate(RateMessage)

    package static let referralLimit = 4
    package static let peerLimit = 8
}

/// How far away a source is through the sender (RFC 8966, section 4.6.9, in spirit).
package struct RouteAdvert: Equatable, Sendable {
    package static let unreachable = UInt32.max

    package var source: PeerID
    /// The source's own count; only it increments it.
    package var seqno: UInt32
    /// Estimated one-way delay from the source; microseconds, or ``unreachable``.
    package var metric: UInt32
    /// Links between the source and the sender.
    package var hops: UInt8
    /// The source has left for good.
    package var isGone: Bool
    /// What the sender's uplink can still carry; kbit/s.
    package var freeRate: UInt32
    /// A new child may take the place of another if its link costs less; microseconds, 0: never.
    package var admitCost: UInt32
    /// What one child of this source costs; kbit/s.
    package var sourceRate: UInt32
    /// Changes with the source's stream descriptions; zero before there are any.
    package var descriptionVersion: UInt16
    /// Where the source stands.
    package var origin: Coordinate

    package init(
        source: PeerID, seqno: UInt32, metric: UInt32, hops: UInt8, isGone: Bool = false,
        freeRate: UInt32, admitCost: UInt32 = 0, sourceRate: UInt32, descriptionVersion: UInt16,
        origin: Coordinate = .unknown
    ) {
        self.source = source
        self.seqno = seqno
        self.metric = metric
        self.hops = hops
        self.isGone = isGone
        self.freeRate = freeRate
        self.admitCost = admitCost
        self.sourceRate = sourceRate
        self.descriptionVersion = descriptionVersion
        self.origin = origin
    }
}

/// A child's request for one slot.
package struct AttachRequest: Equatable, Sendable {
    package var source: PeerID
    /// What the child's own uplink could carry for this source; kbit/s.
    package var freeRate: UInt32
    /// Whether the child feeds others with this source.
    package var isInner: Bool
    package var standing: ChildStanding
    /// What the link from parent to child costs the child's metric; microseconds.
    package var cost: UInt32

    package init(
        source: PeerID, freeRate: UInt32, isInner: Bool, standing: ChildStanding, cost: UInt32
    ) {
        self.source = source
        self.freeRate = freeRate
        self.isInner = isInner
        self.standing = standing
        self.cost = cost
    }
}

/// Who asks for a slot.
package enum ChildStanding: UInt8, Sendable, CaseIterable {
    /// Has another parent and wants to change.
    case changing = 0
    /// Receives the source from nobody at present, or fears so.
    case orphan = 1
    /// Is a child here already and keeps its slot.
    case child = 2
}

/// Packets of one stream that a neighbor misses: up to 64 numbers in a row.
package struct RepairRequest: Equatable, Sendable {
    package static let span = 64

    package var stream: StreamID
    package var base: UInt32
    /// Bit i asks for `base` + i; never zero.
    package var bitmap: UInt64

    package init(stream: StreamID, base: UInt32, bitmap: UInt64) {
        self.stream = stream
        self.base = base
        self.bitmap = bitmap
    }
}

/// Why a parent refused a child.
package enum AttachRefusalReason: UInt8, Sendable, CaseIterable {
    /// The uplink budget is spent; try the referrals.
    case full = 1
    /// The parent does not receive the source itself.
    case noRoute = 2

    package var name: String {
        switch self {
        case .full: "full"
        case .noRoute: "no_route"
        }
    }
}

/// What one stream carries.
package enum MediaKind: UInt8, Sendable, CaseIterable {
    case audio = 1
    case video = 2
    case screen = 3
    case data = 4

    package var name: String {
        switch self {
        case .audio: "audio"
        case .video: "video"
        case .screen: "screen"
        case .data: "data"
        }
    }

    /// Lower is dropped later: audio outlives screen, video and data.
    package var defaultPriority: UInt8 {
        switch self {
        case .audio: 0
        case .screen: 1
        case .video: 2
        case .data: 3
        }
    }
}

/// How a stream's packets are to be read at the edge.
package enum StreamFormat: UInt8, Sendable, CaseIterable {
    /// RTP and, in the control flow, RTCP (RFC 3550).
    case rtp = 1
    /// Datagrams that Polycast does not interpret.
    case opaque = 2
    /// The built-in test pattern.
    case testPattern = 3

    package var name: String {
        switch self {
        case .rtp: "rtp"
        case .opaque: "udp"
        case .testPattern: "test"
        }
    }
}

/// One stream of a source, as every member needs to know it.
package struct StreamDescription: Equatable, Sendable {
    package static let mediaTextLimit = 900
    /// Streams of one source at most.
    package static let streamLimit = 16

    package var stream: StreamID
    package var version: UInt16
    /// Streams that the source has; indices run from zero.
    package var streamCount: UInt8
    package var kind: MediaKind
    /// Lower is dropped later.
    package var priority: UInt8
    package var format: StreamFormat
    /// Nominal rate; kbit/s.
    package var rate: UInt32
    /// The source's name.
    package var member: MemberName
    /// SDP lines of the media section (`m=`, `a=`), CR LF between them; empty if not RTP.
    package var mediaText: String

    package init(
        stream: StreamID, version: UInt16, streamCount: UInt8, kind: MediaKind, priority: UInt8,
        format: StreamFormat, rate: UInt32, member: MemberName, mediaText: String
    ) {
        self.stream = stream
        self.version = version
        self.streamCount = streamCount
        self.kind = kind
        self.priority = priority
        self.format = format
        self.rate = rate
        self.member = member
        self.mediaText = mediaText
    }
}
