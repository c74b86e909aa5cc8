import NetBasics
import Wire

// The child's side of a tree: choosing a parent, becoming its child, and changing parents
// without a gap. A change is always make-before-break: the former parent is listened to until
// the new one has had time to send.

extension OverlayPeer {
    /// How long an orphan lets its subtree hope before it tells it to look around.
    private static let mendingTime: Duration = .seconds(1)
    /// Neighbors that an orphan asks besides the best.
    private static let parallelAsks = 2
    /// How long a member without a feed leaves a neighbor alone that refused it; doubles twice.
    private static let starvingPause: Duration = .milliseconds(500)
    /// Neighbors named as spares at most.
    private static let spareLimit = 2
    /// Replaced parents that are still listened to at most.
    private static let formerLimit = 3
    /// How long packets of a dismissed parent may be on the way.
    private static let inFlightTime: Duration = .milliseconds(500)

    // MARK: - Choosing

    /// How good a parent a neighbor would be: less is better, compared from left to right.
    ///
    /// An orphan wants room first; then the subnet decides, then the distance.
    private struct Rank: Comparable {
        var isFull: Bool
        var isFar: Bool
        var metric: UInt64
        var peer: PeerID

        static func < (left: Rank, right: Rank) -> Bool {
            if left.isFull != right.isFull { return right.isFull }
            if left.isFar != right.isFar { return right.isFar }
            return (left.metric, left.peer) < (right.metric, right.peer)
        }
    }

    private func rank(_ entry: SourceRoute.NeighborAdvert, in route: SourceRoute) -> Rank? {
        guard let index = linkIndex(entry.peer) else { return nil }
        let cost = links[index].cost
        let hasRoom = entry.advert.freeRate >= route.childRate
        return Rank(
            isFull: !hasRoom && cost >= entry.advert.admitCost, isFar: !links[index].isNear,
            metric: weighted(entry.advert.metric, cost), peer: entry.peer)
    }

    /// By how much another parent must be better.
    func neededGain(_ current: UInt64) -> UInt64 {
        max(
            UInt64(OverlayConfiguration.improvementThreshold),
            current / OverlayConfiguration.improvementShare)
    }

    /// How far a parent at `metric` is over a link of `cost`, its own distance counting for less.
    func weighted(_ metric: UInt32, _ cost: UInt32) -> UInt64 {
        UInt64(configuration.distanceWeight * Double(metric)) + UInt64(cost)
    }

    /// Neighbors that may feed us without closing a loop, as far as we know, best first.
    private func likelyParents(_ route: SourceRoute, at now: Instant?) -> [Rank] {
        route.adverts.compactMap { entry in
            guard route.isLikelyFeasible(entry.advert), entry.peer != route.parent,
                now.map({ entry.refusedUntil <= $0 }) ?? true,
                !route.children.contains(where: { $0.peer == entry.peer })
            else { return nil }
            return rank(entry, in: route)
        }.sorted()
    }

    /// The warm spares: who would take us at once if the parent died.
    func spares(of route: SourceRoute) -> [PeerID] {
        likelyParents(route, at: nil)
            .filter { !$0.isFull }
            .prefix(Self.spareLimit).map(\.peer)
    }

    /// Looks whether the route needs, or could have, another parent.
    mutating func reconsider(_ index: Int, at now: Instant, into actions: inout [Action]) {
        guard !routes[index].isLocal, routes[index].attempt == nil, !isLeaving else { return }
        if routes[index].parent == nil || isParentSuspect(index) {
            findParent(index, at: now)
        } else if let move = routes[index].move {
            followMove(index, move, at: now)
        }
    }

    private mutating func findParent(_ index: Int, at now: Instant) {
        let route = routes[index]
        if route.feasibility == nil, now < route.createdAt + configuration.settleTime,
            isLinkingNearby, likelyParents(route, at: now).first.map(\.isFar) ?? true
        {
            routes[index].improvementDue = min(
                route.improvementDue, route.createdAt + configuration.settleTime)
            return
        }
        let choices = likelyParents(route, at: now)
        if let best = choices.first {
            attempt(best.peer, index, at: now)
            // Who was fed until now asks others too: the first to answer is taken.
            guard route.feasibility != nil else { return }
            for other in choices.dropFirst().prefix(Self.parallelAsks) where !other.isFull {
                sendAttach(to: other.peer, index)
            }
        } else if route.feasibility != nil {
            requestSeqno(index, at: now)
        }
    }

    // MARK: - A parent that fell silent

    private func isParentSuspect(_ index: Int) -> Bool {
        guard let parent = routes[index].parent, let place = linkIndex(parent) else { return false }
        return links[place].isSuspect
    }

    /// Looks for another parent for everything that came from a neighbor which fell silent, and
    /// goes on listening to it.
    mutating func suspectParent(_ peer: PeerID, at now: Instant, into actions: inout [Action]) {
        for index in routes.indices where routes[index].parent == peer {
            if let attempt = routes[index].attempt, attempt.peer == peer || attempt.isPending {
                routes[index].attempt = nil
            }
            routes[index].move = nil
            reconsider(index, at: now, into: &actions)
        }
    }

    /// The neighbor has spoken again: it stays our parent.
    mutating func trustParent(_ peer: PeerID) {
        for index in routes.indices where routes[index].parent == peer {
            guard let attempt = routes[index].attempt, attempt.isUrgent else { continue }
            routes[index].attempt = nil
            isTableStale = true
            send(.detach(source: routes[index].source), to: attempt.peer)
        }
    }

    /// Whether a link to a peer of our subnet is about to exist.
    private var isLinkingNearby: Bool {
        handshakes.contains { isNear($0.contact.endpoint) && $0.tries == 1 }
    }

    // MARK: - Improvement

    /// Looks for a parent on our subnet, or a nearer one of the same kind.
    private mutating func improve(_ index: Int, at now: Instant) {
        let route = routes[index]
        guard let parent = route.parent, route.attempt == nil, route.move == nil, !isLeaving,
            let parentLink = link(to: parent), let parentAdvert = route.advert(from: parent)
        else { return }
        let isParentFar = !parentLink.isNear
        if isParentFar, comeHome(index, at: now) { return }
        let current = weighted(parentAdvert.metric, parentLink.cost)
        let needed = neededGain(current)
        let better = likelyParents(route, at: now).first {
            !$0.isFull && $0.isFar == isParentFar && $0.metric + needed < current
        }
        guard let better else {
            routes[index].improvementLooks = 0
            return
        }
        routes[index].improvementLooks += 1
        guard routes[index].improvementLooks >= OverlayConfiguration.improvementLooks else {
            return
        }
        routes[index].improvementLooks = 0
        // Trials pay: go on with them.
        trialWait = configuration.trialInterval
        attempt(better.peer, index, at: now)
    }

    /// Tries to change from a far parent to a peer of our subnet, so that one copy enters it.
    ///
    /// Where that peer is no nearer than we, we wait at our sequence number until it has a newer
    /// one. Of two that could wait for each other, only the worse entry does.
    private mutating func comeHome(_ index: Int, at now: Instant) -> Bool {
        let route = routes[index]
        let nearby = route.adverts.filter { entry in
            guard let index = linkIndex(entry.peer), links[index].isNear else { return false }
            return entry.refusedUntil <= now && entry.advert.freeRate >= route.childRate
                && entry.advert.metric != RouteAdvert.unreachable
                && !route.children.contains { $0.peer == entry.peer }
        }
        if let near = nearby.first(where: { route.isFeasible($0.advert) }) {
            attempt(near.peer, index, at: now)
            return true
        }
        let ownEntry = (freeRate(for: route) < route.childRate, route.distance.metric)
        let better = nearby.first { entry in
            if ownEntry.0 { return true }
            return (entry.advert.metric, entry.peer) < (ownEntry.1, configuration.peer)
        }
        guard let better else { return false }
        wait(for: better.peer, isAsked: false, index, at: now)
        return true
    }

    // MARK: - Moving under a sibling

    /// The parent asks us to move under one of its other children.
    mutating func move(
        source: PeerID, to target: Contact, askedBy peer: PeerID, at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = routeIndex(source), routes[index].parent == peer,
            target.peer != configuration.peer
        else { return }
        learn([target], at: now)
        if link(to: target.peer) == nil { requestLink(to: target, at: now, into: &actions) }
        guard routes[index].move == nil, routes[index].attempt == nil else { return }
        let others = likelyParents(routes[index], at: now).filter { !$0.isFull }
        let best = others.first { $0.peer != target.peer }
        if let best,
            best < (others.first { $0.peer == target.peer } ?? best) || best == others.first,
            let advert = routes[index].advert(from: best.peer), routes[index].isFeasible(advert)
        {
            routes[index].move = .init(
                target: best.peer, isAsked: true, until: now + configuration.handoverLimit)
            return attempt(best.peer, index, at: now)
        }
        wait(for: target.peer, isAsked: true, index, at: now)
        reconsider(index, at: now, into: &actions)
    }

    private mutating func wait(for target: PeerID, isAsked: Bool, _ index: Int, at now: Instant) {
        routes[index].move = .init(
            target: target, isAsked: isAsked, until: now + configuration.handoverLimit)
        askToFollow(index, at: now)
    }

    /// Asks to be told of a newer sequence number than ours.
    ///
    /// If the parent asked us to move, the next one that the source makes anyway will do.
    private mutating func askToFollow(_ index: Int, at now: Instant) {
        guard let move = routes[index].move else { return }
        let target = isLinked(move.target) ? move.target : nil
        guard move.isAsked else {
            return requestSeqno(index, via: target, isUrgent: false, at: now)
        }
        guard let target, move.askDue <= now else { return }
        routes[index].move?.askDue = now + configuration.improvementInterval
        let request = ControlMessage.seqnoRequest(
            source: routes[index].source, seqno: routes[index].distance.seqno &+ 1, hopLimit: 1,
            isUrgent: false)
        send(request, to: target)
    }

    private mutating func followMove(_ index: Int, _ move: SourceRoute.Move, at now: Instant) {
        guard let advert = routes[index].advert(from: move.target),
            routes[index].isFeasible(advert), link(to: move.target) != nil
        else {
            return askToFollow(index, at: now)
        }
        attempt(move.target, index, at: now)
    }

    // MARK: - Becoming a child

    private mutating func attempt(_ peer: PeerID, _ index: Int, at now: Instant) {
        routes[index].attempt = .init(
            peer: peer, isUrgent: isParentSuspect(index), tries: 1,
            retryDue: now + attachWait(peer))
        // The new parent may send before its answer arrives.
        isTableStale = true
        sendAttach(to: peer, index)
    }

    /// How long to wait for an answer to a request for a slot.
    private func attachWait(_ peer: PeerID) -> Duration {
        let roundTrip = link(to: peer)?.roundTrip ?? .milliseconds(100)
        return configuration.attachRetry + min(roundTrip, .seconds(1)) * 3 / 2
    }

    private mutating func sendAttach(to peer: PeerID, _ index: Int) {
        let route = routes[index]
        let standing: ChildStanding =
            if route.parent == peer {
                .child
            } else if route.parent == nil || isParentSuspect(index) {
                .orphan
            } else {
                .changing
            }
        let cost = link(to: peer)?.cost ?? OverlayConfiguration.unmeasuredDelay
        let request = AttachRequest(
            source: route.source, freeRate: freeRate(for: route),
            isInner: !route.children.isEmpty, standing: standing, cost: cost)
        send(.attach(request), to: peer)
    }

    mutating func acceptedBy(
        _ peer: PeerID, source: PeerID, isFed: Bool, at now: Instant, into actions: inout [Action]
    ) {
        guard let index = routeIndex(source) else { return send(.detach(source: source), to: peer) }
        if routes[index].parent == peer {
            routes[index].isFed = isFed
            routes[index].attachDue = now + configuration.attachInterval
            return
        }
        let isStarving = isFed && routes[index].parent != nil && !routes[index].isFed
        let isOrphan = routes[index].parent == nil || isParentSuspect(index) || isStarving
        guard routes[index].attempt?.peer == peer || isOrphan else {
            // A late answer of somebody we no longer want.
            if !routes[index].formers.contains(where: { $0.peer == peer }) {
                send(.detach(source: source), to: peer)
            }
            return
        }
        // What it says may have changed since we asked.
        guard let advert = routes[index].advert(from: peer), routes[index].isFeasible(advert),
            let link = link(to: peer),
            isOrphan || routes[index].move != nil || isBetter(advert, link, than: index)
        else { return decline(peer, index, at: now) }
        // Who has media goes on with its parent as long as there is no place for it.
        guard isFed || isOrphan else { return wait(forPlaceAt: peer, index, at: now) }
        routes[index].attempt = nil
        isTableStale = true
        changeParent(to: peer, isFed: isFed, advert, link, index, at: now)
        actions.append(.report(.attached(source: source, parent: peer)))
    }

    /// Gives back a place that we asked for.
    private mutating func decline(_ peer: PeerID, _ index: Int, at now: Instant) {
        if routes[index].attempt?.peer == peer { routes[index].attempt = nil }
        isTableStale = true
        send(.detach(source: routes[index].source), to: peer)
        pauseParent(peer, index, at: now)
    }

    private mutating func wait(forPlaceAt peer: PeerID, _ index: Int, at now: Instant) {
        guard routes[index].attempt?.isPending == false else { return }
        routes[index].attempt?.isPending = true
        routes[index].attempt?.retryDue = now + configuration.handoverLimit * 5 / 4
    }

    /// Whether a neighbor that took us for a child is, by what it says now, a better parent than
    /// the present one, or on our subnet while that one is not.
    private func isBetter(_ advert: RouteAdvert, _ link: Link, than index: Int) -> Bool {
        guard let parent = routes[index].parent, let parentLink = self.link(to: parent),
            let parentAdvert = routes[index].advert(from: parent)
        else { return true }
        guard parentLink.isNear == link.isNear else { return link.isNear }
        let current = weighted(parentAdvert.metric, parentLink.cost)
        return weighted(advert.metric, link.cost) + neededGain(current) <= current
    }

    private mutating func changeParent(
        to peer: PeerID, isFed: Bool, _ advert: RouteAdvert, _ link: Link, _ index: Int,
        at now: Instant
    ) {
        if let old = routes[index].parent { leave(old, index, at: now) }
        routes[index].parent = peer
        routes[index].isFed = isFed
        routes[index].orphanSince = nil
        routes[index].move = nil
        routes[index].attachDue = now + configuration.attachInterval
        routes[index].improvementDue =
            now + generator.jittered(configuration.improvementInterval, by: 0.3)
        routes[index].improvementLooks = 0
        for place in routes[index].adverts.indices { routes[index].adverts[place].refusals = 0 }
        routes[index].isAdvertDue = true
        routes[index].adopt(advert, cost: link.cost)
    }

    /// Gives up a parent for another.
    ///
    /// A parent that was asked to let us go feeds our new parent in our stead from the next packet
    /// on; what it has sent us until then is still accepted. While nothing flows, nothing can fall
    /// between the two. One that never fed us has nothing on the way.
    private mutating func leave(_ old: PeerID, _ index: Int, at now: Instant) {
        let isFeeding = routes[index].isFed
        if isFeeding { keepFormer(old, index, until: now + configuration.overlap) }
        let isIdle = now - routes[index].mediaAt > Self.inFlightTime
        if routes[index].move?.isAsked == true || isIdle || !isFeeding {
            send(.detach(source: routes[index].source), to: old)
        }
    }

    mutating func refusedBy(
        _ peer: PeerID, source: PeerID, _ reason: AttachRefusalReason, _ referrals: [Contact],
        at now: Instant, into actions: inout [Action]
    ) {
        guard let index = routeIndex(source) else { return }
        learn(referrals, at: now)
        let attempt = routes[index].attempt
        let isSentBack = attempt?.peer == peer && attempt?.isPending == true
        pauseParent(peer, isFirm: isSentBack, isRefusal: true, index, at: now)
        if routes[index].attempt?.peer == peer {
            routes[index].attempt = nil
            routes[index].move = nil
            isTableStale = true
        } else if routes[index].parent == peer {
            loseParent(index, isReachable: true, at: now, into: &actions)
        } else {
            return
        }
        // Strangers that were named become neighbors; their adverts then make them candidates.
        for referral in referrals { requestLink(to: referral, at: now, into: &actions) }
        reconsider(index, at: now, into: &actions)
    }

    /// Whether the source was received here, and nobody sends it now.
    private func isStarving(_ index: Int) -> Bool {
        routes[index].feasibility != nil
            && (routes[index].parent == nil || isParentSuspect(index))
    }

    private mutating func pauseParent(
        _ peer: PeerID, isFirm: Bool = false, isRefusal: Bool = false, _ index: Int,
        at now: Instant
    ) {
        guard let place = routes[index].adverts.firstIndex(where: { $0.peer == peer }) else {
            return
        }
        let factor = 1 << min(4, routes[index].adverts[place].refusals)
        // Who was fed and now is not cannot wait for long.
        let isPressing = !isFirm && isRefusal && isStarving(index)
        let pause = generator.jittered(
            isPressing
                ? Self.starvingPause * min(4, factor) : configuration.refusalPause * factor,
            by: 0.3)
        routes[index].adverts[place].refusedUntil = now + pause
        routes[index].adverts[place].refusals += 1
        routes[index].adverts[place].isRefusalFirm = isFirm
    }

    // MARK: - Losing

    /// The parent is gone, or no longer serves us; if it can still be reached, what it has on the
    /// way is still welcome.
    mutating func loseParent(
        _ index: Int, isReachable: Bool, at now: Instant, into actions: inout [Action]
    ) {
        guard let parent = routes[index].parent else { return }
        routes[index].parent = nil
        routes[index].move = nil
        if routes[index].attempt?.isPending == true { routes[index].attempt = nil }
        routes[index].orphanSince = now
        routes[index].attachDue = now + Self.mendingTime
        if isReachable {
            keepFormer(parent, index, until: now + configuration.overlap)
        }
        isTableStale = true
        actions.append(.report(.orphaned(source: routes[index].source)))
    }

    /// Goes on listening to a parent that was replaced.
    ///
    /// There can be several: a new parent may feed us only after a while, and may itself be
    /// replaced before it does.
    private mutating func keepFormer(
        _ peer: PeerID, _ index: Int, until end: Instant
    ) {
        routes[index].formers.removeAll { $0.peer == peer }
        if routes[index].formers.count == Self.formerLimit { forgetFormer(0, index) }
        routes[index].formers.append(.init(peer: peer, until: end))
    }

    /// The parent's feed has met that of the former ones: nothing is missing between them.
    mutating func dismissFormers(of source: PeerID, at now: Instant) {
        guard let index = routeIndex(source), routes[index].parent != nil else { return }
        for place in routes[index].formers.indices where !routes[index].formers[place].isDismissed {
            dismissFormer(place, index)
            routes[index].formers[place].until = now + Self.inFlightTime
        }
    }

    private mutating func dismissFormer(_ place: Int, _ index: Int) {
        routes[index].formers[place].isDismissed = true
        let peer = routes[index].formers[place].peer
        if peer != routes[index].parent, peer != routes[index].attempt?.peer {
            send(.detach(source: routes[index].source), to: peer)
        }
    }

    /// Stops to listen to a former parent.
    private mutating func forgetFormer(_ place: Int, _ index: Int) {
        if !routes[index].formers[place].isDismissed { dismissFormer(place, index) }
        routes[index].formers.remove(at: place)
        isTableStale = true
    }

    /// Media of a source came from a neighbor that is not its parent here: it should stop.
    mutating func declineMedia(on token: LinkToken, source: PeerID, at now: Instant) {
        guard let link = links.first(where: { $0.localToken == token }) else { return }
        if let index = routeIndex(source), routes[index].upstreamPeers.contains(link.peer) {
            return
        }
        send(.detach(source: source), to: link.peer)
    }

    // MARK: - Due work

    mutating func serveParent(_ index: Int, at now: Instant, into actions: inout [Action]) {
        if let attempt = routes[index].attempt, attempt.retryDue <= now {
            retry(attempt, index, at: now, into: &actions)
        }
        while !routes[index].formers.isEmpty,
            let old = routes[index].formers.firstIndex(where: { $0.until <= now })
        {
            forgetFormer(old, index)
        }
        if let move = routes[index].move, move.until <= now {
            routes[index].move = nil
            pauseParent(move.target, index, at: now)
            followParent(index, at: now, into: &actions)
        }
        if routes[index].attachDue <= now {
            refreshSlot(index, at: now)
        }
        if routes[index].improvementDue <= now {
            routes[index].improvementDue =
                now + generator.jittered(configuration.improvementInterval, by: 0.3)
            if routes[index].move == nil { improve(index, at: now) }
            reconsider(index, at: now, into: &actions)
        } else if routes[index].move != nil || routes[index].parent == nil
            || isParentSuspect(index)
        {
            reconsider(index, at: now, into: &actions)
        }
    }

    private mutating func retry(
        _ attempt: SourceRoute.Attempt, _ index: Int, at now: Instant,
        into actions: inout [Action]
    ) {
        if attempt.isPending { return decline(attempt.peer, index, at: now) }
        // Who has nobody to receive from does not wait for a peer that may be dead, too.
        let isPressing = routes[index].parent == nil || attempt.isUrgent
        guard attempt.tries < (isPressing ? 1 : configuration.attachTries) else {
            routes[index].attempt = nil
            isTableStale = true
            pauseParent(attempt.peer, index, at: now)
            // None of those who were asked is there, as little as the parent: maybe most are dead.
            if isPressing, routes[index].feasibility != nil { probe(at: now) }
            reconsider(index, at: now, into: &actions)
            return
        }
        let wait = attachWait(attempt.peer) * (attempt.tries + 1)
        routes[index].attempt?.tries += 1
        routes[index].attempt?.retryDue = now + wait
        sendAttach(to: attempt.peer, index)
    }

    /// Keeps our slot at the parent; an orphan of some time tells its subtree.
    private mutating func refreshSlot(_ index: Int, at now: Instant) {
        if let parent = routes[index].parent {
            routes[index].attachDue =
                now + generator.jittered(configuration.attachInterval, by: 0.1)
            sendAttach(to: parent, index)
        } else {
            routes[index].attachDue = .distantFuture
            if routes[index].orphanSince != nil { routes[index].isAdvertDue = true }
        }
    }
}
