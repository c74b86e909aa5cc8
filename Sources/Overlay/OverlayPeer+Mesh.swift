import NetBasics
import Wire

// The mesh: which peers this one keeps links with. Peers of the same subnet come first, then those
// of the same blocks of addresses; a few places are kept for random peers elsewhere, and links that
// nothing uses are closed when there are too many.

extension OverlayPeer {
    private static let meshInterval: Duration = .seconds(1)
    private static let gossipInterval: Duration = .seconds(9)
    /// Of the peers that a neighbor is told of: those nearest to it, and any others.
    private static let gossipNear = 5
    private static let gossipRandom = 2
    /// Links beyond the target while some source has no spare.
    private static let spareLinks = 2
    /// Sources by which the use of a link is judged, and for which trials become more frequent.
    private static let rankedRoutes = 4
    /// Sources for which a better parent is looked for at once.
    private static let triedRoutes = 8

    // MARK: - Candidates

    mutating func learn(_ contacts: [Contact], at now: Instant) {
        for contact in contacts where contact.peer != configuration.peer {
            if let index = candidates.firstIndex(where: { $0.contact.peer == contact.peer }) {
                candidates[index].contact = contact
                candidates[index].learnedAt = now
            } else if candidates.count < configuration.candidateLimit || dropOldestCandidate() {
                candidates.append(Candidate(contact: contact, learnedAt: now))
            }
        }
    }

    mutating func learn(_ peers: [Acquaintance], source: PeerID, at now: Instant) {
        learn(peers.map(\.contact), at: now)
        for peer in peers {
            guard
                let index = candidates.firstIndex(where: {
                    $0.contact.peer == peer.contact.peer
                })
            else { continue }
            if peer.coordinate.isKnown { candidates[index].coordinate = peer.coordinate }
            guard peer.metric != RouteAdvert.unreachable else { continue }
            candidates[index].note(
                .init(source: source, metric: peer.metric, admitCost: peer.admitCost, at: now))
        }
    }

    /// Keeps what a link that ends has taught.
    mutating func remember(_ link: Link, at now: Instant) {
        guard let index = candidates.firstIndex(where: { $0.contact.peer == link.peer }) else {
            return
        }
        if link.roundTrip != nil { candidates[index].cost = link.cost }
        for route in routes where !route.isLocal {
            guard let advert = route.advert(from: link.peer) else { continue }
            candidates[index].note(
                .init(
                    source: route.source, metric: advert.metric, admitCost: advert.admitCost,
                    at: now))
        }
    }

    /// Makes room by forgetting the candidate that was heard of least recently and is no neighbor.
    private mutating func dropOldestCandidate() -> Bool {
        var oldest: Int?
        for index in candidates.indices {
            let isOlder = oldest.map { candidates[index].learnedAt < candidates[$0].learnedAt }
            if isOlder ?? true, !isLinked(candidates[index].contact.peer) { oldest = index }
        }
        guard let oldest else { return false }
        candidates.remove(at: oldest)
        return true
    }

    mutating func pauseCandidate(_ peer: PeerID, until end: Instant) {
        for index in candidates.indices where candidates[index].contact.peer == peer {
            candidates[index].pausedUntil = max(candidates[index].pausedUntil, end)
        }
    }

    /// Leaves a peer alone whose link was of no use; longer each time.
    mutating func restCandidate(_ peer: PeerID, at now: Instant) {
        for index in candidates.indices where candidates[index].contact.peer == peer {
            let factor = 1 << min(4, candidates[index].rests)
            candidates[index].rests += 1
            candidates[index].pausedUntil =
                now + generator.jittered(configuration.rest * factor, by: 0.5)
        }
    }

    // MARK: - Upkeep

    mutating func serveMesh(at now: Instant, into actions: inout [Action]) {
        if meshDue <= now {
            meshDue = now + generator.jittered(Self.meshInterval, by: 0.2)
            let linked = links.map(\.peer)
            let lifetime = configuration.candidateLifetime
            candidates.removeAll {
                now - $0.learnedAt > lifetime && !linked.contains($0.contact.peer)
            }
            maintainMesh(at: now, into: &actions)
            closeSurplusLinks(at: now, into: &actions)
        }
        if gossipDue <= now {
            gossipDue = now + generator.jittered(Self.gossipInterval, by: 0.2)
            gossip()
        }
        if trialDue <= now {
            trialWait = nextTrialWait
            trialDue = now + generator.jittered(trialWait, by: 0.3)
            tryPeer(at: now, into: &actions)
        }
    }

    /// Longer each time, until a trial helps; it may help any of the sources.
    private var nextTrialWait: Duration {
        let sources = min(Self.rankedRoutes, routes.count { !$0.isLocal })
        let longest = configuration.idleTrialInterval / Int64(max(1, sources))
        return max(configuration.trialInterval, min(longest, trialWait * 5 / 4))
    }

    /// Asks for links until the target is met.
    mutating func maintainMesh(at now: Instant, into actions: inout [Action]) {
        // Who has not answered by the third request may be dead: others are asked meanwhile. An
        // orphan waits for no second one, nor for neighbors that may be dead.
        let isHurried = isAnyStarving
        let silent =
            handshakes.count { $0.tries > (isHurried ? 1 : 2) }
            + (isHurried ? links.count { isDoubted($0) } : 0)
        let count = links.count + handshakes.count - silent
        guard !isLeaving, count < configuration.neighborTarget + Self.spareLinks,
            count < configuration.neighborTarget || isShortOfSpares
        else { return }
        let target = configuration.neighborTarget + (isShortOfSpares ? Self.spareLinks : 0)
        var pool = freeCandidates(at: now).map(\.contact)
        while links.count + handshakes.count - silent < target,
            let next = takeNeighbor(from: &pool)
        {
            requestLink(to: next, at: now, into: &actions)
        }
    }

    private var isShortOfSpares: Bool {
        routes.contains { !$0.isLocal && spares(of: $0).isEmpty }
    }

    private func freeCandidates(at now: Instant) -> [Candidate] {
        candidates.filter { candidate in
            candidate.pausedUntil <= now && !isLinked(candidate.contact.peer)
                && !handshakes.contains { $0.contact.peer == candidate.contact.peer }
                && !links.contains { $0.endpoint == candidate.contact.endpoint }
        }
    }

    /// The next peer to ask: a random far one while too few are far, then one of our subnet, then,
    /// for up to half of the target, one whose address is as much like ours as any.
    private mutating func takeNeighbor(from pool: inout [Contact]) -> Contact? {
        guard !pool.isEmpty else { return nil }
        let near = pool.indices.filter { isNear(pool[$0].endpoint) }
        let far = pool.indices.filter { !isNear(pool[$0].endpoint) }
        let others = (links.map(\.endpoint) + handshakes.map(\.contact.endpoint))
            .filter { !isNear($0) }
        let akinCount = others.count { sharedBlocks($0) > 0 }
        let choices =
            if others.count < configuration.farNeighborMinimum, !far.isEmpty {
                far
            } else if !near.isEmpty {
                near
            } else if akinCount < configuration.neighborTarget / 2 {
                mostAkin(far, in: pool)
            } else {
                far
            }
        return pool.remove(at: choices[generator.uniform(below: choices.count)])
    }

    /// Of those at `places`, the ones whose addresses share most blocks with ours.
    private func mostAkin(_ places: [Int], in pool: [Contact]) -> [Int] {
        let shared = places.map { sharedBlocks(pool[$0].endpoint) }
        let most = shared.max()
        return zip(places, shared).filter { $0.1 == most }.map(\.0)
    }

    private func sharedBlocks(_ endpoint: Endpoint) -> Int {
        endpoint.address.subnet.blocks.count { ownBlocks.contains($0) }
    }

    /// Whether `endpoint` shares a subnet with this peer, as far as it knows its own addresses.
    func isNear(_ endpoint: Endpoint) -> Bool {
        configuration.localSubnets.contains(endpoint.address.subnet)
    }

    /// Ends trials by closing whatever link is of least use, and what others opened beyond limit.
    private mutating func closeSurplusLinks(at now: Instant, into actions: inout [Action]) {
        for index in links.indices
        where links[index].isTrial && now - links[index].establishedAt >= configuration.trialTime {
            links[index].isTrial = false
            guard links.count > configuration.neighborTarget else { continue }
            closeLeastUseful(at: now, into: &actions)
            return
        }
        if links.count > configuration.neighborTarget + configuration.neighborSlack {
            closeLeastUseful(at: now, into: &actions)
        }
    }

    private mutating func closeLeastUseful(at now: Instant, into actions: inout [Action]) {
        if let peer = leastUsefulPeer(at: now) { endLink(peer, .surplus, at: now, into: &actions) }
    }

    private func leastUsefulPeer(at now: Instant) -> PeerID? {
        let wanted =
            routes.flatMap { route in
                [route.attempt?.peer].compactMap(\.self) + route.formers.map(\.peer)
                    + spares(of: route)
            }
            + floodLinkPeers
        let idle = links.filter {
            now - $0.establishedAt >= configuration.trialTime && !$0.isTrial && !$0.feedsUs
                && !$0.isFedByUs && !wanted.contains($0.peer)
        }
        // The first by id are as good as random: they hold the mesh together.
        let kept = idle.filter { !$0.isNear }.prefix(configuration.farNeighborMinimum).map(\.peer)
        return idle.filter { !kept.contains($0.peer) }
            .map { uselessness($0) }.max { $0 < $1 }.map { $0.2 }
    }

    /// Higher for links that matter less: far ones, by the delay that sources would have by them.
    private func uselessness(_ link: Link) -> (Int, UInt64, PeerID) {
        let remote = routes.filter { !$0.isLocal }.prefix(Self.rankedRoutes)
        let delay = remote.reduce(UInt64(link.cost)) { sum, route in
            let metric = route.advert(from: link.peer)?.metric ?? RouteAdvert.unreachable
            return sum + UInt64(min(metric, 10_000_000)) + UInt64(link.cost)
        }
        return (link.isNear ? 0 : 1, delay, link.peer)
    }

    /// Tells one neighbor of some others: so the mesh outlives its rendezvous.
    private mutating func gossip() {
        guard links.count > 1 else { return }
        introduceOthers(to: links[generator.uniform(below: links.count)])
    }

    /// Tells a neighbor of others, mostly of those that stand near it: so everybody gets to know who
    /// is close (as in T-Man, Jelasity 2009).
    mutating func introduceOthers(to listener: Link) {
        let subject = routes.isEmpty ? nil : routes[generator.uniform(below: routes.count)]
        let others = links.filter { $0.peer != listener.peer }
        let order = generator.sample(others.count, of: others)
        let nearFirst = order.enumerated().sorted { left, right in
            let a = left.element.coordinate.delay(to: listener.coordinate) ?? .infinity
            let b = right.element.coordinate.delay(to: listener.coordinate) ?? .infinity
            return (a, left.offset) < (b, right.offset)
        }.map(\.element)
        let chosen = Array(nearFirst.prefix(Self.gossipNear))
        let rest = order.filter { link in !chosen.contains { $0.peer == link.peer } }
        let told = (chosen + rest.prefix(Self.gossipRandom)).map { acquaintance($0, of: subject) }
        let source = subject?.source ?? configuration.peer
        send(.peers(told, source: source), to: listener.peer)
    }

    private func acquaintance(_ link: Link, of subject: SourceRoute?) -> Acquaintance {
        let advert = subject?.advert(from: link.peer)
        return Acquaintance(
            contact: link.contact, coordinate: link.coordinate,
            metric: advert?.metric ?? RouteAdvert.unreachable, admitCost: advert?.admitCost ?? 0)
    }

    // MARK: - Trying others

    /// Links with a peer that may be a better parent, so that its adverts can tell; now and then
    /// with any, to learn.
    private mutating func tryPeer(at now: Instant, into actions: inout [Action]) {
        guard !isLeaving, handshakes.isEmpty, links.count < configuration.linkLimit else { return }
        let remote = routes.indices.filter { !routes[$0].isLocal && routes[$0].parent != nil }
        let free = freeCandidates(at: now)
        guard !remote.isEmpty, !free.isEmpty else { return }
        let looked = generator.sample(min(Self.triedRoutes, remote.count), of: remote)
        if let (best, source) = mostPromising(free, for: looked, at: now) {
            return requestLink(to: best, for: .trial(source: source), at: now, into: &actions)
        }
        guard exploreDue <= now else { return }
        exploreDue = now + generator.jittered(configuration.idleTrialInterval, by: 0.3)
        let any = free[generator.uniform(below: free.count)]
        requestLink(to: any.contact, for: .exploration, at: now, into: &actions)
    }

    /// Whose link promises a better place than the present one, by far enough: the one that would
    /// be better by most, and for which source.
    private func mostPromising(
        _ free: [Candidate], for looked: [Int], at now: Instant
    ) -> (Contact, source: PeerID)? {
        var best: (Contact, source: PeerID)?
        var most: UInt64 = 0
        for index in looked {
            let required = requiredPromise(for: routes[index])
            for candidate in free {
                guard let promise = promise(of: candidate, for: routes[index], at: now),
                    promise < required, required - promise > most
                else { continue }
                most = required - promise
                best = (candidate.contact, routes[index].source)
            }
        }
        return best
    }

    /// What another parent must promise less than: the present place, by far enough.
    private func requiredPromise(for route: SourceRoute) -> UInt64 {
        guard let parent = route.parent.flatMap({ link(to: $0) }) else { return 0 }
        let present = weighted(
            route.distance.metric - min(parent.cost, route.distance.metric), parent.cost)
        return present - min(present, neededGain(present))
    }

    /// Whether to go on with a handshake whose first half took so long.
    ///
    /// The challenge tells the distance: who turns out to be no better is let go before there is a
    /// link, at a quarter of what a link costs.
    mutating func isWorthwhile(
        _ handshake: Handshake, roundTrip: Duration, at now: Instant
    ) -> Bool {
        guard case .trial(let source) = handshake.purpose, let route = routeIndex(source),
            let place = candidates.firstIndex(where: { $0.contact.peer == handshake.contact.peer })
        else { return true }
        candidates[place].cost =
            UInt32(clamping: roundTrip.nanoseconds / 2000) &+ OverlayConfiguration.hopCost
        let promise = promise(of: candidates[place], for: routes[route], at: now)
        return promise.map { $0 < requiredPromise(for: routes[route]) } ?? false
    }

    /// The weighted distance that a candidate would give us, as far as can be told.
    private func promise(
        of candidate: Candidate, for route: SourceRoute, at now: Instant
    ) -> UInt64? {
        let here = coordinates.coordinate
        let estimate = candidate.coordinate.delay(to: here).map {
            UInt32(clamping: Int($0)) &+ OverlayConfiguration.hopCost
        }
        guard let cost = candidate.cost ?? estimate else { return nil }
        if let hint = candidate.hint(of: route.source),
            now - hint.at < configuration.candidateLifetime
        {
            // Not nearer than we: it may hang below us.
            guard cost < hint.admitCost, hint.metric < route.distance.metric else { return nil }
            return weighted(hint.metric, cost)
        }
        return candidate.coordinate.delay(to: route.origin).map {
            weighted(UInt32(clamping: Int($0)), cost)
        }
    }
}
