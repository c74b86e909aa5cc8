import NetBasics
import Wire

/// Where this peer stands in the tree of one source.
struct SourceRoute: Sendable {
    let source: PeerID
    let isLocal: Bool
    let createdAt: Instant

    /// What we last took over from the parent (or, at the source, made ourselves).
    var distance = Distance(seqno: 0, metric: RouteAdvert.unreachable)
    var hops: UInt8 = 0
    /// The best that we ever told anybody (RFC 8966, section 3.2.5): only nearer ones may feed us.
    var feasibility: Distance?
    /// What neighbors told us; ordered by peer.
    var adverts: [NeighborAdvert] = []

    var parent: PeerID?
    var attachDue: Instant = .distantFuture
    /// Whether the last request for a slot said that there is room for a child.
    var toldRoom = false
    var attempt: Attempt?
    /// Parents before the present one that are still listened to, the oldest first.
    var formers: [Former] = []
    /// Whether the parent sends already: it may wait for another child to go.
    var isFed = false
    var orphanSince: Instant?
    /// A sibling that we shall move under as soon as it has a newer sequence number than we.
    var move: Move?
    var improvementDue: Instant
    /// How often neighbors of our subnet were asked for a place since the last change of parents.
    var homeAsks = 0
    /// Looks in a row that found the same better parent.
    var improvementLooks = 0

    var children: [Child] = []
    /// What one child costs; kbit/s.
    var rate: UInt32 = 0

    var descriptionVersion: UInt16 = 0
    var descriptions: [StreamDescription] = []
    var announcedVersion: UInt16 = 0
    var describeDue: Instant = .distantFuture

    /// When the source last gave a sign of life: a newer sequence number.
    var aliveAt: Instant
    /// When its media last passed here.
    var mediaAt: Instant = .zero
    /// The highest sequence number that passed, per stream.
    var highest: [(index: UInt8, sequence: UInt32)] = []
    /// Where the source stands.
    var origin = Coordinate.unknown
    /// When a sequence number was last made here, at the source.
    var raisedAt: Instant = .zero
    /// Neighbors that wait for a newer sequence number than we had.
    var seqnoAskers: [PeerID] = []
    /// Orphans that found no place here, to be told when there is one.
    var turnedAway: [PeerID] = []
    var refreshDue: Instant = .distantFuture
    var seqnoRequestDue: Instant = .zero
    var isAdvertDue = false
    /// What was advertised last, to tell whether there is news.
    var advertised: RouteAdvert?

    /// A sequence number and a metric: newer is better, then nearer (RFC 8966, section 3.5.1).
    struct Distance: Equatable, Sendable {
        var seqno: UInt32
        var metric: UInt32

        /// Whether `other` is strictly better, which is what feasibility asks for.
        func isWorse(than other: Distance) -> Bool {
            isNewer(other.seqno, than: seqno)
                || (other.seqno == seqno && other.metric < metric)
        }
    }

    struct NeighborAdvert: Sendable {
        let peer: PeerID
        var advert: RouteAdvert
        /// Not asked to be our parent before this moment.
        var refusedUntil: Instant
        /// Refusals in a row.
        var refusals = 0
        /// It found no place for us after we waited: what it advertises meanwhile is no news.
        var isRefusalFirm = false
    }

    /// A request to become somebody's child, under way.
    struct Attempt: Equatable, Sendable {
        let peer: PeerID
        /// Made because the present parent is silent; it ends when that one speaks again.
        let isUrgent: Bool
        /// It was accepted, and waits for another child to go; until then the parent stays.
        var isPending = false
        /// Its media has come: it feeds us, whatever became of its answer.
        var isFeeding = false
        var tries: Int
        var retryDue: Instant
    }

    struct Former: Equatable, Sendable {
        let peer: PeerID
        var until: Instant
        /// It was told to stop, and what it had on the way is still welcome.
        var isDismissed = false
    }

    struct Move: Equatable, Sendable {
        let target: PeerID
        /// The parent asked for it, and feeds the target only once we have gone.
        let isAsked: Bool
        var until: Instant
        /// When to ask the target again to be told of its next sequence number.
        var askDue: Instant = .zero
        /// How often it was asked, while the parent had one.
        var vainAsks = 0
    }

    struct Child: Equatable, Sendable {
        let peer: PeerID
        /// What the child's own uplink could carry for this source; kbit/s.
        var freeRate: UInt32
        /// Whether it has children itself.
        var isInner: Bool
        /// What its link adds to its metric; microseconds.
        var cost: UInt32
        let admittedAt: Instant
        var expiry: Instant
        /// Set while the child is asked to move to another parent.
        var handover: Handover?
        /// Admitted in the place of a child that has not gone yet: not fed until it has.
        var isWaiting = false

        /// Whether it was refused its place, and is fed until it has found another.
        var isDismissed: Bool { handover.map { $0.target == nil } ?? false }
    }

    struct Handover: Equatable, Sendable {
        /// The sibling to move under; `nil`: the child was refused and looks for itself.
        let target: PeerID?
        /// Somebody who receives nothing waits for it.
        var isPressing = false
        var until: Instant
        var repeatDue: Instant
    }

    init(source: PeerID, isLocal: Bool, at now: Instant) {
        self.source = source
        self.isLocal = isLocal
        createdAt = now
        aliveAt = now
        improvementDue = now
    }

    // MARK: - Questions

    func advert(from peer: PeerID) -> RouteAdvert? {
        adverts.first { $0.peer == peer }?.advert
    }

    /// Whether becoming a child of whoever sent `advert` cannot close a loop.
    func isFeasible(_ advert: RouteAdvert) -> Bool {
        guard advert.metric != RouteAdvert.unreachable, !advert.isGone else { return false }
        guard let feasibility else { return true }
        return feasibility.isWorse(than: Distance(seqno: advert.seqno, metric: advert.metric))
    }

    /// Whether becoming a child of whoever sent `advert` would be allowed if it stands where it did:
    /// by now it may have a newer sequence number than it then had.
    func isLikelyFeasible(_ advert: RouteAdvert) -> Bool {
        guard advert.metric != RouteAdvert.unreachable, !advert.isGone else { return false }
        guard let feasibility else { return true }
        return isNewer(advert.seqno, than: feasibility.seqno)
            || advert.metric < feasibility.metric
    }

    /// Whether this peer receives the source and may hand it on.
    var isServing: Bool { isLocal || parent != nil }

    /// What one child is taken to cost; kbit/s.
    var childRate: UInt32 { rate == 0 ? OverlayConfiguration.unknownRate : rate }

    /// Children that count against the budget: those being handed over have left it.
    var stayingChildren: Int { children.count { $0.handover == nil } }

    /// Children that get the media, whether or not they are about to go.
    var fedChildren: Int { children.count { !$0.isWaiting } }

    /// Whether `peer` is a child that gets the media.
    func feeds(_ peer: PeerID) -> Bool {
        children.contains { $0.peer == peer && !$0.isWaiting }
    }

    /// Neighbors whose media of this source is accepted; the parent first.
    var upstreamPeers: [PeerID] {
        var peers: [PeerID] = []
        for peer in [parent] + formers.map(\.peer) + [attempt?.peer] {
            if let peer, !peers.contains(peer) { peers.append(peer) }
        }
        return peers
    }

    // MARK: - Changes

    mutating func notePassed(_ sequence: UInt32, of index: UInt8, at instant: Instant) {
        mediaAt = max(mediaAt, instant)
        guard let place = highest.firstIndex(where: { $0.index == index }) else {
            guard highest.count < StreamDescription.streamLimit else { return }
            return highest.append((index, sequence))
        }
        if isNewer(sequence, than: highest[place].sequence) { highest[place].sequence = sequence }
    }

    /// Takes over what the parent says, one link of `cost` further.
    mutating func adopt(_ advert: RouteAdvert, cost: UInt32) {
        let (sum, overflow) = advert.metric.addingReportingOverflow(cost)
        let metric = overflow ? RouteAdvert.unreachable - 1 : min(sum, RouteAdvert.unreachable - 1)
        setDistance(Distance(seqno: advert.seqno, metric: metric))
        hops = advert.hops == .max ? .max : advert.hops + 1
    }

    /// Sets what we are about to advertise, and narrows the feasibility distance to it.
    mutating func setDistance(_ new: Distance) {
        if distance.seqno != new.seqno { isAdvertDue = true }
        distance = new
        if feasibility?.isWorse(than: new) ?? true { feasibility = new }
    }
}

/// A source that is not taken up again before it shows a newer sequence number.
struct ForgottenSource: Sendable {
    let source: PeerID
    let seqno: UInt32
    let until: Instant
}

/// Whether `seqno` comes after `other` in 32-bit serial arithmetic (RFC 1982).
func isNewer(_ seqno: UInt32, than other: UInt32) -> Bool {
    Int32(bitPattern: seqno &- other) > 0
}
