import NetBasics
import Wire

// Which parent to want: the ranking, better places, and places that the parent asks us to take.

extension OverlayPeer {
    /// Neighbors that an orphan asks besides the best.
    private static let parallelAsks = 2
    /// How long a parent's wish that we move holds: it repeats it many times meanwhile.
    private static let askedMoveTime: Duration = .milliseconds(700)
    /// How often one asks for a newer number of who it should move under while the parent has
    /// one, before it goes first, and the time between.
    private static let vainAskLimit = 2
    private static let vainAskInterval: Duration = .milliseconds(400)
    /// How often neighbors of our subnet are asked where they stand after a change of parents, and
    /// how many at a time.
    private static let homeAskLimit = 6
    private static let homeAskWidth = 3
    /// Neighbors named as spares at most.
    private static let spareLimit = 2

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
        guard let index = linkIndex(entry.peer), !links[index].isSuspect else { return nil }
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
                now.map({ entry.refusedUntil <= $0 }) ?? true, !hangsBelow(entry, route)
            else { return nil }
            return rank(entry, in: route)
        }.sorted()
    }

    /// Whether a neighbor gets the source from us, as far as we know.
    ///
    /// A child that is nearer or newer than we ever were has found another parent, and not told
    /// us yet.
    private func hangsBelow(_ entry: SourceRoute.NeighborAdvert, _ route: SourceRoute) -> Bool {
        route.children.contains { $0.peer == entry.peer } && !route.isFeasible(entry.advert)
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
        if routes[index].parent == nil || isStarving(index) {
            findParent(index, at: now)
        } else if let move = routes[index].move {
            followMove(index, move, at: now, into: &actions)
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
            // Those whom to ask may be as dead as the parent.
            probe(at: now)
        }
    }

    // MARK: - A parent that fell silent

    func isParentSuspect(_ index: Int) -> Bool {
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
            isTableStale = true
            // If it lives, it may have lost us: our refreshes, or an answer to its probes.
            sendAttach(to: peer, index)
            reconsider(index, at: now, into: &actions)
            // No neighbor can take its place: others are needed at once.
            if routes[index].attempt == nil { meshDue = now }
        }
    }

    /// The neighbor has spoken again: it stays our parent, unless it does not feed us anyway.
    mutating func trustParent(_ peer: PeerID) {
        for index in routes.indices where routes[index].parent == peer && routes[index].isFed {
            isTableStale = true
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
    mutating func improve(_ index: Int, at now: Instant, into actions: inout [Action]) {
        let route = routes[index]
        guard let parent = route.parent, route.attempt == nil, route.move == nil, !isLeaving,
            let parentLink = link(to: parent), let parentAdvert = route.advert(from: parent)
        else { return }
        let isParentFar = !parentLink.isNear
        if isParentFar, comeHome(index, at: now, into: &actions) { return }
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
    /// One without room is asked, too, if no other will do: it may have a far child that makes way
    /// for us. Where that peer is no nearer than we, we wait at our sequence number until it has a
    /// newer one. Of two that could wait for each other, only the worse entry does.
    private mutating func comeHome(
        _ index: Int, at now: Instant, into actions: inout [Action]
    ) -> Bool {
        let route = routes[index]
        let neighbors = route.adverts.filter { entry in
            guard let index = linkIndex(entry.peer), links[index].isNear else { return false }
            return entry.advert.metric != RouteAdvert.unreachable
                && !route.children.contains { $0.peer == entry.peer }
        }
        let nearby = neighbors.filter { $0.refusedUntil <= now }
        let open = nearby.filter { $0.advert.freeRate >= route.childRate }
        let nearer = (open + nearby).first { route.isLikelyFeasible($0.advert) }
        if let nearer {
            attempt(nearer.peer, index, at: now)
            return true
        }
        let ownEntry = (freeRate(for: route) < route.childRate, route.distance.metric)
        let better = open.first { entry in
            if ownEntry.0 { return true }
            return (entry.advert.metric, entry.peer) < (ownEntry.1, configuration.peer)
        }
        guard let better else {
            askNearby(neighbors.map(\.peer), index)
            return false
        }
        let until = now + configuration.handoverLimit
        wait(for: better.peer, isAsked: false, index, until: until, at: now, into: &actions)
        return true
    }

    /// Asks neighbors of our subnet where they stand.
    ///
    /// They may have got room, or come nearer, since their last hello. Only for some time after a
    /// change of parents: one member of a subnet stays with a far one.
    private mutating func askNearby(_ peers: [PeerID], _ index: Int) {
        guard routes[index].homeAsks < Self.homeAskLimit else { return }
        routes[index].homeAsks += 1
        let request = ControlMessage.seqnoRequest(
            source: routes[index].source, seqno: routes[index].distance.seqno, hopLimit: 1,
            isUrgent: false)
        for peer in peers.prefix(Self.homeAskWidth) { send(request, to: peer) }
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
        let until = now + Self.askedMoveTime
        if routes[index].move?.isAsked == true { routes[index].move?.until = until }
        guard routes[index].move == nil, routes[index].attempt == nil else { return }
        let others = likelyParents(routes[index], at: now).filter { !$0.isFull }
        let best = others.first { $0.peer != target.peer }
        if let best,
            best < (others.first { $0.peer == target.peer } ?? best) || best == others.first,
            let advert = routes[index].advert(from: best.peer), routes[index].isFeasible(advert)
        {
            routes[index].move = .init(target: best.peer, isAsked: true, until: until)
            return attempt(best.peer, index, at: now)
        }
        wait(for: target.peer, isAsked: true, index, until: until, at: now, into: &actions)
        reconsider(index, at: now, into: &actions)
    }

    private mutating func wait(
        for target: PeerID, isAsked: Bool, _ index: Int, until: Instant, at now: Instant,
        into actions: inout [Action]
    ) {
        routes[index].move = .init(target: target, isAsked: isAsked, until: until)
        askToFollow(index, at: now, into: &actions)
    }

    /// Asks to be told of a newer sequence number than ours.
    ///
    /// If the parent asked us to move, the next one that the source makes anyway will do.
    private mutating func askToFollow(
        _ index: Int, at now: Instant, into actions: inout [Action]
    ) {
        guard let move = routes[index].move else { return }
        let target = isLinked(move.target) ? move.target : nil
        guard move.isAsked else {
            return requestSeqno(index, via: target, isUrgent: false, at: now)
        }
        guard let target, move.askDue <= now else { return }
        if isLeftBehind(target, index) {
            guard move.vainAsks < Self.vainAskLimit else {
                return giveWay(index, at: now, into: &actions)
            }
            routes[index].move?.vainAsks += 1
        }
        routes[index].move?.askDue = now + Self.vainAskInterval
        let request = ControlMessage.seqnoRequest(
            source: routes[index].source, seqno: routes[index].distance.seqno &+ 1, hopLimit: 1,
            isUrgent: false)
        send(request, to: target)
    }

    /// Whether a neighbor with room seems to get the source from us, or from who gets it from us.
    ///
    /// It is our child; or it is farther, and has not got the newer number that our parent has.
    private func isLeftBehind(_ peer: PeerID, _ index: Int) -> Bool {
        let route = routes[index]
        guard let newest = route.parent.flatMap({ route.advert(from: $0)?.seqno }),
            isNewer(newest, than: route.distance.seqno)
        else { return false }
        // A child does not tell its parent of its route.
        if let child = route.children.first(where: { $0.peer == peer }) {
            return child.freeRate >= route.childRate
        }
        guard let advert = route.advert(from: peer) else { return false }
        return advert.freeRate >= route.childRate
            && !isNewer(advert.seqno, than: route.distance.seqno)
            && advert.metric > route.distance.metric
    }

    private mutating func followMove(
        _ index: Int, _ move: SourceRoute.Move, at now: Instant, into actions: inout [Action]
    ) {
        guard let advert = routes[index].advert(from: move.target),
            routes[index].isFeasible(advert), link(to: move.target) != nil
        else {
            return askToFollow(index, at: now, into: &actions)
        }
        attempt(move.target, index, at: now)
    }
}
