import NetBasics
import Wire

// Who feeds us with a flooded source: the neighbor whose announcement came first, or has the
// shorter way. A few others send digests; the one that has what we lack takes over.

extension OverlayPeer {
    /// Neighbors that send us digests at most.
    private static let lazySourceLimit = 2
    /// How long a graft is given to bring all announcements in before digests are asked for.
    static let lazySettleTime: Duration = .milliseconds(500)
    /// Another look for an upstream by who has none.
    private static let orphanRetry: Duration = .milliseconds(500)
    /// How long an upstream may lack an announcement that others have.
    private static let staleTime: Duration = .seconds(3)
    /// A packet that a digest names is waited for this long, beyond the difference of the ways.
    private static let missingWait: Duration = .milliseconds(100)
    private static let silentWait: Duration = .milliseconds(20)
    private static let missingWaitLimit: Duration = .seconds(1)
    /// Requests to a neighbor that is to replace a silent one.
    private static let urgentTries = 1
    /// Refusals after which who is fed by nobody sends away those it should feed.
    private static let refusalLimit = 3
    /// How long who had a missing packet is the first to be asked for others.
    private static let helpTime: Duration = .seconds(1)
    /// An upstream that spoke so recently is alive.
    private static let livelyTime: Duration = .seconds(1)
    /// Packets missing twice in this time are no accident.
    private static let missedAgainTime: Duration = .seconds(2)
    /// An answer of the forwarding plane that never comes.
    private static let checkLimit: Duration = .seconds(1)
    /// Better by this, and by a fifth; microseconds.
    private static let improvementThreshold: UInt32 = 5000
    private static let improvementPause: Duration = .seconds(5)
    private static let seqnoRequestInterval: Duration = .milliseconds(200)
    private static let seqnoRequestHopLimit: UInt8 = 32

    // MARK: - Choosing

    /// How good an upstream a neighbor would be: less is better.
    struct FloodRank: Comparable {
        var isFull: Bool
        var metric: UInt64
        var peer: PeerID

        static func < (left: FloodRank, right: FloodRank) -> Bool {
            if left.isFull != right.isFull { return right.isFull }
            return (left.metric, left.peer) < (right.metric, right.peer)
        }
    }

    func rank(_ neighbor: FloodRoute.Neighbor, at now: Instant) -> FloodRank? {
        guard let heard = neighbor.heard, heard.distance.metric != RouteAdvert.unreachable,
            neighbor.pausedUntil <= now, neighbor.role != .eager,
            let link = link(to: neighbor.peer)
        else { return nil }
        return FloodRank(
            isFull: heard.isFull, metric: UInt64(heard.distance.metric) + UInt64(link.cost),
            peer: neighbor.peer)
    }

    /// The best neighbor that cannot be fed through us.
    func bestUpstream(
        _ route: FloodRoute, at now: Instant, except excluded: [PeerID] = [],
        where isWanted: (FloodRoute.Heard) -> Bool = { _ in true }
    ) -> FloodRank? {
        route.neighbors.compactMap { neighbor in
            guard let heard = neighbor.heard, route.isFeasible(heard), isWanted(heard),
                neighbor.peer != route.upstream, !excluded.contains(neighbor.peer)
            else { return nil }
            return rank(neighbor, at: now)
        }.min()
    }

    /// Grafts the best neighbor; without any, asks the source for another announcement.
    mutating func findUpstream(_ index: Int, isUrgent: Bool = false, at now: Instant) {
        guard !floods[index].isLocal, floods[index].upstream == nil,
            floods[index].attempt == nil, !isLeaving
        else { return }
        guard let best = bestUpstream(floods[index], at: now),
            let heard = floods[index].heard(from: best.peer), let link = link(to: best.peer)
        else {
            floods[index].upstreamDue = now + Self.orphanRetry
            if floods[index].feasibility != nil, !graftAny(index, at: now) {
                requestAnnouncement(index, at: now)
            }
            return touch(index)
        }
        let isNews =
            isNewer(heard.distance.seqno, than: floods[index].distance.seqno)
            || floods[index].feasibility == nil
        graft(best.peer, index, at: now)
        // Others can be told at once: whoever grafts us is fed as soon as we are.
        floods[index].adopt(heard, cost: link.cost)
        if isNews { announceSoon(index, isUrgent: isUrgent, at: now) }
    }

    mutating func graft(
        _ peer: PeerID, _ index: Int, isUrgent: Bool = false, at now: Instant
    ) {
        floods[index].attempt = .init(
            peer: peer, isUrgent: isUrgent, tries: 1, retryDue: now + graftRetry(peer))
        floods[index].spares = []
        if floods[index].upstream == nil { spoilRow(index) }
        sendGraft(to: peer, index, isLazy: false)
        touch(index)
    }

    private func graftRetry(_ peer: PeerID) -> Duration {
        let roundTrip = link(to: peer)?.roundTrip ?? .zero
        return max(configuration.attachRetry, roundTrip + roundTrip / 2)
    }

    mutating func sendGraft(to peer: PeerID, _ index: Int, isLazy: Bool) {
        let route = floods[index]
        let seqno = route.heard(from: peer)?.distance.seqno ?? route.distance.seqno
        send(.graft(source: route.source, seqno: seqno, isLazy: isLazy), to: peer)
    }

    /// Takes over what the upstream, or who is about to become it, announces.
    mutating func follow(_ peer: PeerID, _ index: Int, isUrgent: Bool, at now: Instant) {
        guard let heard = floods[index].heard(from: peer), let link = link(to: peer) else { return }
        let old = floods[index].distance
        guard !isNewer(old.seqno, than: heard.distance.seqno) else { return }
        floods[index].adopt(heard, cost: link.cost)
        let new = floods[index].distance
        if new.seqno != old.seqno {
            if floods[index].upstream == peer { sendGraft(to: peer, index, isLazy: false) }
            floods[index].lazyDue = min(floods[index].lazyDue, now + Self.lazySettleTime)
            announceSoon(index, isUrgent: isUrgent, at: now)
        } else if isFarFrom(new.metric, old.metric) {
            announceSoon(index, isUrgent: false, at: now)
        }
        touch(index)
    }

    private func isFarFrom(_ metric: UInt32, _ other: UInt32) -> Bool {
        let change = metric > other ? metric - other : other - metric
        return change > max(2 * Self.improvementThreshold, other / 4)
    }

    /// Changes to a neighbor with a clearly shorter way.
    mutating func improveUpstream(_ index: Int, at now: Instant) {
        let route = floods[index]
        guard let upstream = route.upstream, route.attempt == nil, route.former == nil,
            route.improvementDue <= now, link(to: upstream)?.roundTrip != nil
        else { return }
        let best = bestUpstream(route, at: now) { $0.distance.seqno == route.distance.seqno }
        let current = UInt64(route.distance.metric)
        let needed = max(UInt64(Self.improvementThreshold), current / 5)
        guard let best, !best.isFull, best.metric + needed < current,
            link(to: best.peer)?.roundTrip != nil
        else { return }
        floods[index].improvementDue = now + Self.improvementPause
        graft(best.peer, index, at: now)
    }

    // MARK: - Answers

    mutating func graftAccepted(
        by peer: PeerID, source: PeerID, at now: Instant, into actions: inout [Action]
    ) {
        guard let index = floodIndex(source), floods[index].upstream != peer else { return }
        guard floods[index].isAsking(peer) else {
            // A late answer of somebody we no longer want.
            if floods[index].former?.peer != peer { endCopies(from: peer, index) }
            return
        }
        floods[index].attempt = nil
        floods[index].refusals = 0
        if let former = floods[index].former { release(former.peer, index) }
        floods[index].former = nil
        if let old = floods[index].upstream {
            floods[index].former = .init(peer: old, until: now + configuration.overlap)
        }
        floods[index].upstream = peer
        let place = floods[index].makePlace(of: peer)
        floods[index].neighbors[place].isLazySource = false
        floods[index].lazyDue = now + Self.lazySettleTime
        floods[index].upstreamDue = .distantFuture
        spoilRow(index)
        actions.append(.report(.attached(source: source, parent: peer)))
        follow(peer, index, isUrgent: false, at: now)
        watchUpstream(index, at: now)
        touch(index)
    }

    mutating func graftRefused(
        by peer: PeerID, source: PeerID, _ referrals: [Contact], at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = floodIndex(source) else { return }
        pause(peer, index, for: configuration.refusalPause, at: now)
        if floods[index].attempt?.peer == peer {
            floods[index].attempt = nil
            spoilRow(index)
            learn(referrals, at: now)
            for referral in referrals { requestLink(to: referral, at: now, into: &actions) }
        } else if let place = floods[index].spares.firstIndex(of: peer) {
            floods[index].spares.remove(at: place)
        } else if floods[index].upstream == peer {
            floods[index].upstream = nil
            spoilRow(index)
            actions.append(.report(.orphaned(source: source)))
        }
        if floods[index].upstream == nil {
            floods[index].refusals += 1
            if floods[index].refusals >= Self.refusalLimit { sendEagerAway(index, into: &actions) }
        }
        findUpstream(index, at: now)
        touch(index)
    }

    private mutating func pause(
        _ peer: PeerID, _ index: Int, for time: Duration, at now: Instant
    ) {
        let place = floods[index].makePlace(of: peer)
        floods[index].neighbors[place].pausedUntil = now + generator.jittered(time, by: 0.3)
    }

    /// The feeds of the upstream and of the one before have met.
    mutating func releaseFormer(of source: PeerID, at now: Instant) {
        guard let index = floodIndex(source), let former = floods[index].former else { return }
        floods[index].former = nil
        spoilRow(index)
        release(former.peer, index)
        floods[index].lazyDue = now + Self.lazySettleTime
        touch(index)
    }

    /// Tells a neighbor to stop sending copies.
    private mutating func release(_ peer: PeerID, _ index: Int) {
        guard peer != floods[index].upstream, !floods[index].isAsking(peer) else { return }
        endCopies(from: peer, index)
    }

    // MARK: - What others have

    mutating func receiveDigest(
        _ stream: StreamID, _ sequence: UInt32, from peer: PeerID, at now: Instant
    ) {
        guard let index = floodIndex(stream.source), !floods[index].isLocal,
            floods[index].missing == nil, let place = floods[index].place(of: peer),
            floods[index].neighbors[place].isLazySource,
            floods[index].neighbors[place].pausedUntil <= now,
            !floods[index].has(sequence, of: stream.index)
        else { return }
        // In silence there is no other feed to wait for.
        let wait =
            floods[index].searchRound > 0
            ? Self.silentWait : missingWait(floods[index], from: floods[index].neighbors[place])
        floods[index].missing = .init(
            peer: peer, stream: stream.index, sequence: sequence, due: now + wait)
        touch(index)
    }

    /// How much later than a neighbor we usually get a packet, and some more.
    private func missingWait(
        _ route: FloodRoute, from neighbor: FloodRoute.Neighbor
    ) -> Duration {
        let theirs = neighbor.heard?.distance.metric ?? 0
        let later = route.distance.metric > theirs ? route.distance.metric - theirs : 0
        return min(Self.missingWait + .microseconds(Int64(later)), Self.missingWaitLimit)
    }

    /// Has packets requested that a neighbor had and that have not come in time; if the feed has
    /// failed, grafts that neighbor.
    mutating func settleMissing(at now: Instant, into actions: inout [Action]) {
        for index in floods.indices {
            guard let missing = floods[index].missing, missing.isChecked else { continue }
            floods[index].missing = nil
            guard !floods[index].has(missing.sequence, of: missing.stream),
                link(to: missing.peer) != nil, !isLeaving
            else { continue }
            let stream = StreamID(source: floods[index].source, index: missing.stream)
            floods[index].helper = .init(peer: missing.peer, until: now + Self.helpTime)
            actions.append(.highestHeard(stream, missing.sequence))
            let isFailing = isFeedFailing(index, at: now)
            floods[index].missedAt = now
            if !floods[index].marks.contains(where: { $0.stream == missing.stream }) {
                floods[index].passOver(missing.sequence, of: missing.stream)
            }
            if isFailing, floods[index].attempt == nil { graftAhead(missing.peer, index, at: now) }
        }
    }

    /// Whether what is missing is more than a lost packet: the upstream is silent, or it happens
    /// again and again.
    private func isFeedFailing(_ index: Int, at now: Instant) -> Bool {
        guard let upstream = floods[index].upstream, let link = link(to: upstream) else {
            return true
        }
        return link.isSuspect || now - link.lastHeard > Self.livelyTime
            || now - floods[index].missedAt < Self.missedAgainTime
    }

    private mutating func graftAhead(_ peer: PeerID, _ index: Int, at now: Instant) {
        if let upstream = floods[index].upstream {
            pause(upstream, index, for: configuration.refusalPause, at: now)
            // It may not know that it should feed us, though it lives: then it answers that it
            // does from now on, or refuses, and is our upstream no more.
            sendGraft(to: upstream, index, isLazy: false)
        }
        // Whoever has what we lack is not fed by us: it can be no child.
        let place = floods[index].makePlace(of: peer)
        if floods[index].neighbors[place].role == .eager { prune(place, index) }
        graft(peer, index, at: now)
    }

    // MARK: - Announcements on request

    mutating func requestAnnouncement(_ index: Int, at now: Instant) {
        guard floods[index].seqnoRequestDue <= now else { return }
        floods[index].seqnoRequestDue = now + Self.seqnoRequestInterval
        let request = ControlMessage.seqnoRequest(
            source: floods[index].source, seqno: floods[index].distance.seqno &+ 1,
            hopLimit: Self.seqnoRequestHopLimit, isUrgent: true)
        for neighbor in floods[index].neighbors
        where neighbor.heard != nil && neighbor.role != .eager && link(to: neighbor.peer) != nil {
            send(request, to: neighbor.peer)
        }
    }

    mutating func serveAnnouncementRequest(
        _ index: Int, seqno: UInt32, hopLimit: UInt8, from peer: PeerID, at now: Instant
    ) {
        let route = floods[index]
        guard isNewer(seqno, than: route.distance.seqno) else {
            if let announcement = announcement(of: route, isUrgent: false) {
                send(.announce(announcement), to: peer)
            }
            return
        }
        guard route.seqnoRequestDue <= now else { return }
        floods[index].seqnoRequestDue = now + Self.seqnoRequestInterval / 2
        if route.isLocal {
            refreshAnnouncement(index, isUrgent: true, at: now)
        } else if let upstream = route.upstream, upstream != peer, hopLimit > 1 {
            let request = ControlMessage.seqnoRequest(
                source: route.source, seqno: seqno, hopLimit: hopLimit - 1, isUrgent: true)
            send(request, to: upstream)
        }
    }

    // MARK: - Due work

    /// Looks in a while whether the upstream has the newest announcement too.
    mutating func watchUpstream(_ index: Int, at now: Instant) {
        guard isNewer(floods[index].newest, than: floods[index].distance.seqno) else { return }
        floods[index].upstreamDue = min(floods[index].upstreamDue, now + Self.staleTime)
    }

    mutating func serveUpstream(_ index: Int, at now: Instant, into actions: inout [Action]) {
        if let attempt = floods[index].attempt, attempt.retryDue <= now {
            retryGraft(attempt, index, at: now)
        }
        if let former = floods[index].former, former.until <= now {
            releaseFormer(of: floods[index].source, at: now)
        }
        if let missing = floods[index].missing, missing.due <= now {
            if missing.isChecked {
                floods[index].missing = nil
            } else {
                floods[index].missing?.isChecked = true
                floods[index].missing?.due = now + Self.checkLimit
                actions.append(.reportProgress)
            }
        }
        if floods[index].upstreamDue <= now { checkUpstream(index, at: now) }
    }

    private mutating func retryGraft(
        _ attempt: SourceRoute.Attempt, _ index: Int, at now: Instant
    ) {
        // Where a feed is silent there is no time for somebody who may be dead, too.
        let tries = attempt.isUrgent ? Self.urgentTries : configuration.attachTries
        guard attempt.tries < tries else {
            pause(attempt.peer, index, for: configuration.refusalPause, at: now)
            floods[index].attempt = nil
            spoilRow(index)
            guard floods[index].upstream != nil else { return findUpstream(index, at: now) }
            return attempt.isUrgent ? replaceUpstream(index, at: now) : ()
        }
        floods[index].attempt?.tries += 1
        let retryDue = now + graftRetry(attempt.peer)
        floods[index].attempt?.retryDue = retryDue
        sendGraft(to: attempt.peer, index, isLazy: false)
    }

    /// Finds an upstream where there is none, or where it has lost its own.
    private mutating func checkUpstream(_ index: Int, at now: Instant) {
        floods[index].upstreamDue = .distantFuture
        guard let upstream = floods[index].upstream else { return findUpstream(index, at: now) }
        let route = floods[index]
        guard isNewer(route.newest, than: route.distance.seqno), route.attempt == nil else {
            return
        }
        floods[index].upstreamDue = now + Self.staleTime
        pause(upstream, index, for: configuration.refusalPause, at: now)
        let best = bestUpstream(route, at: now) { $0.distance.seqno == route.newest }
        if let best { graft(best.peer, index, at: now) }
    }

    /// Asks the best other neighbors for digests, and the rest for none.
    mutating func chooseLazySources(_ index: Int, at now: Instant) {
        floods[index].lazyDue = .distantFuture
        let route = floods[index]
        guard !route.isLocal, !isLeaving else { return }
        let ranked = route.neighbors.compactMap { neighbor -> (Bool, FloodRank)? in
            guard let heard = neighbor.heard, !route.isFeeder(neighbor.peer),
                let rank = rank(neighbor, at: now)
            else { return nil }
            return (!route.isFeasible(heard), rank)
        }.sorted { left, right in
            left.0 == right.0
                ? (left.1.metric, left.1.peer) < (right.1.metric, right.1.peer) : right.0
        }
        let wanted = ranked.prefix(Self.lazySourceLimit).map(\.1.peer)
        for place in route.neighbors.indices {
            let neighbor = route.neighbors[place]
            if route.isFeeder(neighbor.peer) { continue }
            if wanted.contains(neighbor.peer) {
                floods[index].neighbors[place].isLazySource = true
                sendGraft(to: neighbor.peer, index, isLazy: true)
            } else if neighbor.isLazySource {
                floods[index].neighbors[place].isLazySource = false
                send(.prune(source: route.source), to: neighbor.peer)
            }
        }
    }

    // MARK: - Losing

    /// Drops everything that hung on a neighbor whose link ended.
    mutating func forgetFloodNeighbor(
        _ peer: PeerID, at now: Instant, into actions: inout [Action]
    ) {
        noteLinkEnd(at: now)
        defer { countFloodSpending() }
        for index in floods.indices {
            guard let place = floods[index].place(of: peer) else { continue }
            let old = floods[index].removeNeighbor(at: place)
            spoilRow(index)
            if old.role == .eager {
                actions.append(.report(.childGone(source: floods[index].source, child: peer)))
            }
            if old.isLazySource { floods[index].lazyDue = now + Self.lazySettleTime }
            if floods[index].attempt?.peer == peer { floods[index].attempt = nil }
            if floods[index].former?.peer == peer { floods[index].former = nil }
            if floods[index].upstream == peer {
                floods[index].upstream = nil
                actions.append(.report(.orphaned(source: floods[index].source)))
            }
            findUpstream(index, at: now)
            touch(index)
        }
    }
}
