import Forwarding
import NetBasics
import Wire

/// Where this peer stands in the tree of one source that floods.
struct FloodRoute: Sendable {
    let source: PeerID
    let isLocal: Bool

    /// What we announce: the upstream's, one link further; at the source, its own.
    var distance = SourceRoute.Distance(seqno: 0, metric: RouteAdvert.unreachable)
    /// The best that we ever announced: a neighbor with a better one is not behind us.
    var feasibility: SourceRoute.Distance?
    var hops: UInt8 = 0
    /// What one copy costs; kbit/s.
    var rate: UInt32 = 0
    /// Ordered by peer; roles change by ``setRole(_:at:)`` only.
    var neighbors: [Neighbor] = []
    private(set) var eagerCount = 0
    /// What the forwarding plane was told last, and whether that still holds.
    var row: ForwardingTable.Route?
    var isRowStale = true

    /// Whose copies we asked for and get.
    var upstream: PeerID?
    /// A graft under way.
    var attempt: SourceRoute.Attempt?
    /// Refusals in a row while nobody feeds us.
    var refusals = 0
    /// Who was asked at the same time, as the upstream had fallen silent: the first to accept is
    /// taken.
    var spares: [PeerID] = []
    /// The upstream before this one, until the feeds have met.
    var former: Former?
    var missing: Missing?
    /// Who had what we lacked: asked first for repairs.
    var helper: Former?
    var missedAt: Instant = .zero
    /// The attempt, or the upstream, is not known to be nearer to the source: as long as this
    /// number is the newest that we have, nobody may graft us.
    var looseSeqno: UInt32?
    /// How far our own feed has come, per stream; ordered by nothing.
    var marks: [Mark] = []
    /// When media last passed here.
    var mediaAt: Instant = .zero
    /// Whether it passed so recently that silence of the upstream would be noticed, and that
    /// whom we feed may notice ours.
    var isFlowingIn = false
    var isFlowingOut = false
    /// When to look whether it still flows.
    var restDue: Instant = .distantFuture

    /// The newest announcement that anybody made, and since when it is known.
    var newest: UInt32 = 0
    var newestAt: Instant

    var descriptionVersion: UInt16 = 0
    var descriptions: [StreamDescription] = []
    var announcedVersion: UInt16 = 0
    var describeDue: Instant = .distantFuture
    var describeTries = 0

    /// At the source: the next announcement.
    var refreshDue: Instant = .distantFuture
    /// No announcement of ours before this moment, however urgent.
    var announcePause: Instant = .zero
    var isAnnounceDue = false
    var repeatDue: Instant = .distantFuture
    var repeats = 0
    /// Another look for an upstream, or whether the present one keeps up.
    var upstreamDue: Instant = .distantFuture
    var lazyDue: Instant = .distantFuture
    var improvementDue: Instant = .zero
    var seqnoRequestDue: Instant = .zero
    var neighborExpiryDue: Instant = .distantFuture
    /// When a feed that was steady has been silent for too long, and who was asked about it.
    var silenceDue: Instant = .distantFuture
    var searchRound = 0
    /// The earliest of all, as of the last change.
    var due: Instant = .zero

    /// What we send to a neighbor.
    enum Role: UInt8, Sendable {
        /// Neither copies nor digests: the link is pruned.
        case pruned
        /// Digests of what we have.
        case lazy
        /// A copy of every packet.
        case eager
    }

    struct Neighbor: Sendable {
        let peer: PeerID
        /// What it announced last.
        var heard: Heard?
        /// The newest announcement that it is known to have.
        var acknowledged: UInt32?
        fileprivate(set) var role = Role.pruned
        /// Until when the role holds without a refresh.
        var expiry: Instant = .zero
        /// Whether we asked for its digests.
        var isLazySource = false
        /// Not asked to be our upstream before this moment.
        var pausedUntil: Instant = .zero
        /// Not told to stop again before this moment.
        var pruneDue: Instant = .zero
        /// It asked for descriptions that we lacked.
        var wantsDescription = false
    }

    struct Heard: Sendable {
        var distance: SourceRoute.Distance
        var hops: UInt8
        var isFull: Bool
    }

    struct Former: Sendable {
        let peer: PeerID
        let until: Instant
    }

    /// A packet that a neighbor has and we have not seen yet.
    struct Missing: Sendable {
        let peer: PeerID
        let stream: UInt8
        let sequence: UInt32
        var due: Instant
        /// The forwarding plane was asked whether it has come since.
        var isChecked = false
    }

    struct Mark: Sendable {
        let stream: UInt8
        var highest: UInt32
        /// Not yet told to lazy neighbors.
        var isNews = true
        /// Whether it has advanced since the last tick of digests, and in how many in a row.
        var hasAdvanced = true
        var streak = 0
    }

    init(source: PeerID, isLocal: Bool, at now: Instant) {
        self.source = source
        self.isLocal = isLocal
        newestAt = now
    }

    // MARK: - Questions

    /// Whether `peer` was asked for copies and has not answered.
    func isAsking(_ peer: PeerID) -> Bool {
        attempt?.peer == peer || (attempt != nil && spares.contains(peer))
    }

    /// Whether a neighbor that announced `heard` cannot be fed through us.
    func isFeasible(_ heard: Heard) -> Bool {
        feasibility?.isWorse(than: heard.distance) ?? true
    }

    /// What one copy is taken to cost; kbit/s.
    var copyRate: UInt32 { rate == 0 ? OverlayConfiguration.unknownRate : rate }

    /// Who should bring the source in: whom we asked, and whoever did before.
    var upstreamPeers: [PeerID] {
        [upstream ?? attempt?.peer, former?.peer].compactMap { $0 }
    }

    /// Whether we want copies from `peer`, or have asked for them: nothing else may be asked of it.
    ///
    /// Who was asked by way of replacing a live upstream counts as well, before it has answered.
    func isFeeder(_ peer: PeerID) -> Bool { upstreamPeers.contains(peer) || isAsking(peer) }

    func place(of peer: PeerID) -> Int? { neighbors.firstIndex { $0.peer == peer } }

    func heard(from peer: PeerID) -> Heard? {
        place(of: peer).flatMap { neighbors[$0].heard }
    }

    /// Whether some stream has advanced in every one of the last few ticks.
    var isSteady: Bool { marks.contains { $0.streak >= Self.steadyStreak } }
    /// Ticks in a row that make a stream steady; its digests are then sent this much less often.
    static let steadyStreak = 5

    /// Whether our own feed of `stream` has come to `sequence`.
    func has(_ sequence: UInt32, of stream: UInt8) -> Bool {
        marks.first { $0.stream == stream }.map { !isNewer(sequence, than: $0.highest) } ?? false
    }

    /// Earliest moment at which something of this route is due.
    func nextDue(_ configuration: OverlayConfiguration) -> Instant {
        var due = min(
            refreshDue, repeatDue, describeDue,
            min(upstreamDue, lazyDue, neighborExpiryDue, silenceDue), restDue)
        if !isLocal { due = min(due, newestAt + configuration.floodSourceTimeout) }
        if let attempt { due = min(due, attempt.retryDue) }
        if let former { due = min(due, former.until) }
        if let missing { due = min(due, missing.due) }
        return due
    }

    /// Whether the way by the upstream, or by who is asked, may be longer than what we told.
    var isLoose: Bool { looseSeqno == distance.seqno }

    func feeds(_ peer: PeerID) -> Bool {
        place(of: peer).map { neighbors[$0].role == .eager } ?? false
    }

    // MARK: - Changes

    /// The record of `peer`, made if there is none.
    mutating func makePlace(of peer: PeerID) -> Int {
        let place = neighbors.firstIndex { $0.peer >= peer } ?? neighbors.endIndex
        if place == neighbors.endIndex || neighbors[place].peer != peer {
            neighbors.insert(Neighbor(peer: peer), at: place)
        }
        return place
    }

    mutating func setRole(_ role: Role, at place: Int) {
        let old = neighbors[place].role
        neighbors[place].role = role
        guard (old == .eager) != (role == .eager) else { return }
        eagerCount += role == .eager ? 1 : -1
        isRowStale = true
    }

    mutating func removeNeighbor(at place: Int) -> Neighbor {
        if neighbors[place].role == .eager {
            eagerCount -= 1
            isRowStale = true
        }
        return neighbors.remove(at: place)
    }

    /// Takes over what the upstream announced, one link of `cost` further.
    mutating func adopt(_ heard: Heard, cost: UInt32) {
        let (sum, overflow) = heard.distance.metric.addingReportingOverflow(cost)
        let metric = overflow ? RouteAdvert.unreachable - 1 : min(sum, RouteAdvert.unreachable - 1)
        hops = heard.hops == .max ? .max : heard.hops + 1
        setDistance(.init(seqno: heard.distance.seqno, metric: metric))
    }

    mutating func setDistance(_ new: SourceRoute.Distance) {
        if distance.seqno != new.seqno { repeats = 0 }
        distance = new
        if feasibility?.isWorse(than: new) ?? true { feasibility = new }
    }

    /// Whether a stream's digest is to be sent in this tick: always after a pause and at the end,
    /// now and then while it is steady, since its silence tells more.
    mutating func takeDigest(at place: Int) -> Bool {
        let isRunning = marks[place].hasAdvanced
        marks[place].hasAdvanced = false
        marks[place].streak = isRunning ? marks[place].streak + 1 : 0
        if marks[place].streak >= 2 * Self.steadyStreak { marks[place].streak = Self.steadyStreak }
        if marks[place].streak > Self.steadyStreak { return false }
        marks[place].isNews = false
        return true
    }

    mutating func mark(_ highest: UInt32, of stream: UInt8) {
        if let place = marks.firstIndex(where: { $0.stream == stream }) {
            guard isNewer(highest, than: marks[place].highest) else { return }
            marks[place].highest = highest
            marks[place].isNews = true
            marks[place].hasAdvanced = true
        } else if marks.count < StreamDescription.streamLimit {
            marks.append(Mark(stream: stream, highest: highest))
        }
    }

    /// Takes a stream as come so far, though its packets did not arrive: older ones are no news.
    mutating func passOver(_ highest: UInt32, of stream: UInt8) {
        guard marks.count < StreamDescription.streamLimit else { return }
        marks.append(Mark(stream: stream, highest: highest, isNews: false, hasAdvanced: false))
    }
}
