import NetBasics
import Wire

// The child's side of a tree: becoming a parent's child, and changing parents without a gap. A
// change is always make-before-break: the former parent is listened to until the new one has had
// time to send.

extension OverlayPeer {
    /// How long an orphan lets its subtree hope before it tells it to look around.
    private static let mendingTime: Duration = .seconds(1)
    /// The same when the parent was silent, so that one has been looked for already.
    private static let lastMendingTime: Duration = .milliseconds(200)
    /// How long a member without a feed leaves a neighbor alone that refused it; doubles twice.
    private static let starvingPause: Duration = .milliseconds(500)
    /// Replaced parents that are still listened to at most.
    private static let formerLimit = 3
    /// How long packets of a dismissed parent may be on the way.
    private static let inFlightTime: Duration = .milliseconds(500)

    // MARK: - Becoming a child

    mutating func attempt(_ peer: PeerID, _ index: Int, at now: Instant) {
        routes[index].attempt = .init(
            peer: peer, isUrgent: isStarving(index), tries: 1,
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

    mutating func sendAttach(to peer: PeerID, _ index: Int) {
        let route = routes[index]
        let standing: ChildStanding =
            if route.parent == peer {
                .child
            } else if route.parent == nil || isStarving(index) {
                .orphan
            } else {
                .changing
            }
        let cost = link(to: peer)?.cost ?? OverlayConfiguration.unmeasuredDelay
        let freeRate = freeRate(for: route)
        routes[index].toldRoom = freeRate >= route.childRate
        let request = AttachRequest(
            source: route.source, freeRate: freeRate,
            isInner: !route.children.isEmpty, standing: standing, cost: cost)
        send(.attach(request), to: peer)
    }

    /// Tells parents at once where a place for a child has come or gone: they name us to others.
    mutating func tellOfChangedRoom() {
        for index in routes.indices where routes[index].isFed {
            guard let parent = routes[index].parent,
                hasRoom(for: routes[index]) != routes[index].toldRoom
            else { continue }
            sendAttach(to: parent, index)
        }
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
        removeChild(peer, source: source, into: &actions)
        changeParent(to: peer, isFed: isFed, advert, link, index, at: now)
        actions.append(.report(.attached(source: source, parent: peer)))
    }

    /// Media is as good as the answer that says it will come, which may have been lost.
    ///
    /// Unless only that answer, which may also have been overtaken, can tell that the peer stands
    /// well enough by now.
    mutating func noteFeed(of source: PeerID, from peer: PeerID, at now: Instant) {
        guard let index = routeIndex(source), routes[index].attempt?.peer == peer,
            !routes[index].formers.contains(where: { $0.peer == peer }),
            let advert = routes[index].advert(from: peer), routes[index].isFeasible(advert)
        else { return }
        routes[index].attempt?.isFeeding = true
        routes[index].attempt?.retryDue = now
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
        let old = routes[index].parent
        routes[index].parent = peer
        if let old { leave(old, for: advert, cost: link.cost, index, at: now) }
        routes[index].isFed = isFed
        routes[index].orphanSince = nil
        routes[index].move = nil
        routes[index].attachDue = now + configuration.attachInterval
        routes[index].improvementDue =
            now + generator.jittered(configuration.improvementInterval, by: 0.3)
        routes[index].improvementLooks = 0
        routes[index].homeAsks = 0
        for place in routes[index].adverts.indices { routes[index].adverts[place].refusals = 0 }
        routes[index].isAdvertDue = true
        routes[index].adopt(advert, cost: link.cost)
    }

    /// Gives up a parent for another.
    ///
    /// A parent that was asked to let us go feeds our new parent in our stead from the next packet
    /// on; what it has sent us until then is still accepted. While nothing flows, nothing can fall
    /// between the two, nor while the old one is so little behind that it will have sent what comes
    /// before the first packet of the new one when it hears that it should stop. One that never fed
    /// us, or fell silent, has nothing on the way: what is missing is asked for at once.
    private mutating func leave(
        _ old: PeerID, for new: RouteAdvert, cost: UInt32, _ index: Int, at now: Instant
    ) {
        let isSilent = link(to: old)?.isSuspect == true
        // What it said last is not to be relied on before it speaks again.
        if isSilent { routes[index].adverts.removeAll { $0.peer == old } }
        guard routes[index].isFed, !isSilent else {
            return send(.detach(source: routes[index].source), to: old)
        }
        keepFormer(old, index, at: now)
        let isIdle = now - routes[index].mediaAt > Self.inFlightTime
        let way = UInt64(cost) + UInt64(link(to: old)?.cost ?? 0)
        let isClose = routes[index].advert(from: old).map {
            UInt64($0.metric) < UInt64(new.metric) + way
        }
        guard routes[index].move?.isAsked == true || isIdle || isClose == true else { return }
        dismissFormer(routes[index].formers.count - 1, index, at: now)
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

    /// Whether the source was received here, and nobody sends it now: a parent that has no place for
    /// us yet does not, either.
    func isStarving(_ index: Int) -> Bool {
        routes[index].feasibility != nil && !routes[index].isLocal
            && (routes[index].parent == nil || !routes[index].isFed || isParentSuspect(index))
    }

    /// The same of any source.
    var isAnyStarving: Bool { routes.indices.contains { isStarving($0) } }

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
        routes[index].attachDue = now + (isReachable ? Self.mendingTime : Self.lastMendingTime)
        if isReachable {
            keepFormer(parent, index, at: now)
        }
        isTableStale = true
        actions.append(.report(.orphaned(source: routes[index].source)))
    }

    /// Leaves a parent that asked us to move under who hangs below us.
    ///
    /// That peer waits for our place, and we for a number of it that it only gets through us: for
    /// ever, if nobody goes first. What is missed until it feeds us is repaired.
    mutating func giveWay(_ index: Int, at now: Instant, into actions: inout [Action]) {
        guard let parent = routes[index].parent else { return }
        send(.detach(source: routes[index].source), to: parent)
        pauseParent(parent, isFirm: true, index, at: now)
        loseParent(index, isReachable: true, at: now, into: &actions)
    }

    /// Goes on listening to a parent that was replaced.
    ///
    /// There can be several: a new parent may feed us only after a while, and may itself be
    /// replaced before it does.
    private mutating func keepFormer(_ peer: PeerID, _ index: Int, at now: Instant) {
        routes[index].formers.removeAll { $0.peer == peer }
        if routes[index].formers.count == Self.formerLimit { forgetFormer(0, index, at: now) }
        routes[index].formers.append(.init(peer: peer, until: now + configuration.overlap))
    }

    /// The parent's feed has met that of the former ones: nothing is missing between them.
    mutating func dismissFormers(of source: PeerID, at now: Instant) {
        guard let index = routeIndex(source), routes[index].parent != nil else { return }
        for place in routes[index].formers.indices where !routes[index].formers[place].isDismissed {
            dismissFormer(place, index, at: now)
        }
    }

    private mutating func dismissFormer(_ place: Int, _ index: Int, at now: Instant) {
        routes[index].formers[place].isDismissed = true
        routes[index].formers[place].until = now + Self.inFlightTime
        let peer = routes[index].formers[place].peer
        if peer != routes[index].parent, peer != routes[index].attempt?.peer {
            send(.detach(source: routes[index].source), to: peer)
        }
    }

    /// Stops to listen to a former parent.
    private mutating func forgetFormer(_ place: Int, _ index: Int, at now: Instant) {
        if !routes[index].formers[place].isDismissed { dismissFormer(place, index, at: now) }
        routes[index].formers.remove(at: place)
        isTableStale = true
    }

    /// Media of a source came from a neighbor that is not its parent here: it should stop.
    mutating func declineMedia(on token: LinkToken, source: PeerID, at now: Instant) {
        guard let link = links.first(where: { $0.localToken == token }) else { return }
        if let index = routeIndex(source) {
            // Who is starving may just be about to hear that it was accepted.
            if routes[index].upstreamPeers.contains(link.peer) || isStarving(index) { return }
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
            forgetFormer(old, index, at: now)
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
            if routes[index].move == nil { improve(index, at: now, into: &actions) }
            reconsider(index, at: now, into: &actions)
        } else if routes[index].move != nil || routes[index].parent == nil || isStarving(index) {
            reconsider(index, at: now, into: &actions)
        }
    }

    private mutating func retry(
        _ attempt: SourceRoute.Attempt, _ index: Int, at now: Instant,
        into actions: inout [Action]
    ) {
        if attempt.isFeeding {
            return acceptedBy(
                attempt.peer, source: routes[index].source, isFed: true, at: now, into: &actions)
        }
        if attempt.isPending { return decline(attempt.peer, index, at: now) }
        // Who has nobody to receive from does not wait for a peer that may be dead, too; nor does who
        // is to make way for such a one.
        let isAsked = routes[index].move?.isAsked == true
        let isPressing = routes[index].parent == nil || attempt.isUrgent || isAsked
        guard attempt.tries < (isPressing ? 1 : configuration.attachTries) else {
            routes[index].attempt = nil
            // The parent repeats its wish, and others are looked at.
            if isAsked, routes[index].move?.target == attempt.peer { routes[index].move = nil }
            isTableStale = true
            pauseParent(attempt.peer, index, at: now)
            // None of those who were asked is there, as little as the parent: maybe most are dead.
            if isPressing, !isAsked, routes[index].feasibility != nil { probe(at: now) }
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
