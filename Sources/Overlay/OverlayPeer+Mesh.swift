import NetBasics
import Wire

// The mesh: which peers this one keeps links with. Peers of the same subnet come first, a few
// places are kept for random peers elsewhere, and links that nothing uses are closed when there
// are too many.

extension OverlayPeer {
    private static let meshInterval: Duration = .seconds(1)
    private static let gossipInterval: Duration = .seconds(5)
    /// Of the peers that a neighbor is told of: those nearest to it, and any others.
    private static let gossipNear = 5
    private static let gossipRandom = 2
    /// Sources by which the use of a link is judged.
    private static let rankedRoutes = 4

    // MARK: - Candidates

    mutating func learn(_ contacts: [Contact], at now: Instant) {
        for contact in contacts where contact.peer != configuration.peer {
            if let index = candidates.firstIndex(where: { $0.contact.peer == contact.peer }) {
                candidates[index].contact = contact
                candidates[index].learnedAt = now
            } else if candidates.count < configuration.candidateLimit || dropOldestCandidate() {
                candidates.append(
                    Candidate(contact: contact, learnedAt: now, pausedUntil: .zero))
            }
        }
    }

    mutating func learn(_ peers: [Acquaintance], at now: Instant) {
        learn(peers.map(\.contact), at: now)
        for peer in peers where peer.coordinate.isKnown {
            for index in candidates.indices
            where candidates[index].contact.peer == peer.contact.peer {
                candidates[index].coordinate = peer.coordinate
            }
        }
    }

    /// Makes room by forgetting the candidate that was heard of least recently and is no neighbor.
    private mutating func dropOldestCandidate() -> Bool {
        let idle = candidates.indices.filter { link(to: candidates[$0].contact.peer) == nil }
        guard let oldest = idle.min(by: { candidates[$0].learnedAt < candidates[$1].learnedAt })
        else { return false }
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
            trialWait = max(
                configuration.trialInterval, min(configuration.idleTrialInterval, trialWait * 5 / 4)
            )
            trialDue = now + generator.jittered(trialWait, by: 0.3)
            tryPeer(at: now, into: &actions)
        }
    }

    /// Asks for links until the target is met.
    mutating func maintainMesh(at now: Instant, into actions: inout [Action]) {
        guard !isLeaving else { return }
        let isShortOfSpares = routes.contains { !$0.isLocal && spares(of: $0).isEmpty }
        let target = configuration.neighborTarget + (isShortOfSpares ? 2 : 0)
        var pool = candidates.filter { candidate in
            candidate.pausedUntil <= now && link(to: candidate.contact.peer) == nil
                && !handshakes.contains { $0.contact.peer == candidate.contact.peer }
        }.map(\.contact)
        while links.count + handshakes.count < target, let next = takeNeighbor(from: &pool) {
            requestLink(to: next, at: now, into: &actions)
        }
    }

    /// The next peer to ask: a random far one while too few are far, else one of our subnet.
    private mutating func takeNeighbor(from pool: inout [Contact]) -> Contact? {
        guard !pool.isEmpty else { return nil }
        let near = pool.indices.filter { isNear(pool[$0].endpoint) }
        let far = pool.indices.filter { !isNear(pool[$0].endpoint) }
        let farCount =
            links.count { !isNear($0.endpoint) }
            + handshakes.count { !isNear($0.contact.endpoint) }
        let wantsFar = near.isEmpty || (farCount < configuration.farNeighborMinimum && !far.isEmpty)
        let choices = wantsFar ? far : near
        return pool.remove(at: choices[generator.uniform(below: choices.count)])
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
        let flooded = floodLinkPeers
        let idle = links.filter {
            now - $0.establishedAt >= configuration.trialTime && !$0.isTrial && !isInUse($0.peer)
                && !flooded.contains($0.peer)
        }
        // The first by id are as good as random: they hold the mesh together.
        let far = idle.filter { !isNear($0.endpoint) }
        let kept = far.prefix(configuration.farNeighborMinimum).map(\.peer)
        let least = idle.filter { !kept.contains($0.peer) }.max {
            uselessness($0) < uselessness($1)
        }
        if let least { endLink(least.peer, .surplus, at: now, into: &actions) }
    }

    /// Higher for links that matter less: far ones, by the delay that sources would have by them.
    private func uselessness(_ link: Link) -> (Int, UInt64, PeerID) {
        let remote = routes.filter { !$0.isLocal }.prefix(Self.rankedRoutes)
        let delay = remote.reduce(UInt64(link.cost)) { sum, route in
            let metric = route.advert(from: link.peer)?.metric ?? RouteAdvert.unreachable
            return sum + UInt64(min(metric, 10_000_000)) + UInt64(link.cost)
        }
        return (isNear(link.endpoint) ? 0 : 1, delay, link.peer)
    }

    private func isInUse(_ peer: PeerID) -> Bool {
        isTreeLink(peer)
            || routes.contains { $0.attempt?.peer == peer || spares(of: $0).contains(peer) }
    }

    /// Tells one neighbor of some others, mostly of those that stand near it: so the mesh outlives
    /// its rendezvous, and everybody gets to know who is close (as in T-Man, Jelasity 2009).
    private mutating func gossip() {
        guard links.count > 1 else { return }
        let listener = links[generator.uniform(below: links.count)]
        let others = links.filter { $0.peer != listener.peer }
        let order = generator.sample(others.count, of: others.map(\.acquaintance))
        let nearFirst = order.enumerated().sorted { left, right in
            let a = left.element.coordinate.delay(to: listener.coordinate) ?? .infinity
            let b = right.element.coordinate.delay(to: listener.coordinate) ?? .infinity
            return (a, left.offset) < (b, right.offset)
        }.map(\.element)
        let chosen = nearFirst.prefix(Self.gossipNear)
        let rest = order.filter { !chosen.contains($0) }.prefix(Self.gossipRandom)
        send(.peers(Array(chosen) + rest), to: listener.peer)
    }

    // MARK: - Trying others

    /// Links with a peer that may be a better parent, so that its adverts can tell.
    private mutating func tryPeer(at now: Instant, into actions: inout [Action]) {
        guard !isLeaving, handshakes.isEmpty, links.count < configuration.linkLimit else { return }
        let remote = routes.filter { !$0.isLocal && $0.parent != nil }
        let free = candidates.filter {
            $0.pausedUntil <= now && link(to: $0.contact.peer) == nil
        }
        guard !remote.isEmpty, !free.isEmpty else { return }
        let route = remote[generator.uniform(below: remote.count)]
        let isExploring = generator.uniform(below: 4) == 0
        let pick =
            isExploring
            ? free[generator.uniform(below: free.count)] : mostPromising(free, for: route)
        if let pick { requestLink(to: pick.contact, isTrial: true, at: now, into: &actions) }
    }

    /// Whom the coordinates put on the shortest way from the source to us.
    private func mostPromising(_ free: [Candidate], for route: SourceRoute) -> Candidate? {
        guard let parent = route.parent.flatMap({ link(to: $0) }) else { return nil }
        let here = coordinates.coordinate
        let present = Double(
            weighted(route.distance.metric - min(parent.cost, route.distance.metric), parent.cost))
        var best: (delay: Double, candidate: Candidate)?
        for candidate in free {
            guard let near = candidate.coordinate.delay(to: here),
                let far = candidate.coordinate.delay(to: route.origin)
            else { continue }
            let delay = near + configuration.distanceWeight * far
            if delay < best?.delay ?? present { best = (delay, candidate) }
        }
        return best?.candidate
    }
}
