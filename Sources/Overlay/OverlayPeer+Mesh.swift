import NetBasics
import Wire

// The mesh: which peers this one keeps links with. Peers of the same subnet come first, a few
// places are kept for random peers elsewhere, and links that nothing uses are closed when there
// are too many.

extension OverlayPeer {
    private static let meshInterval: Duration = .seconds(1)
    private static let gossipInterval: Duration = .seconds(5)
    /// A link is not called surplus before this age.
    private static let youth: Duration = .seconds(10)

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

    private mutating func closeSurplusLinks(at now: Instant, into actions: inout [Action]) {
        let limit = configuration.neighborTarget + configuration.neighborSlack
        var surplus = links.count - limit
        guard surplus > 0 else { return }
        let farCount = links.count { !isNear($0.endpoint) }
        var spareFar = farCount - configuration.farNeighborMinimum
        let flooded = floodLinkPeers
        let idle = links.filter {
            now - $0.establishedAt >= Self.youth && !isInUse($0.peer)
                && !flooded.contains($0.peer)
        }
        for link in idle.sorted(by: { !isNear($0.endpoint) && isNear($1.endpoint) })
        where surplus > 0 {
            if !isNear(link.endpoint) {
                guard spareFar > 0 else { continue }
                spareFar -= 1
            }
            endLink(link.peer, .surplus, at: now, into: &actions)
            surplus -= 1
        }
    }

    private func isInUse(_ peer: PeerID) -> Bool {
        isTreeLink(peer)
            || routes.contains { $0.attempt?.peer == peer || spares(of: $0).contains(peer) }
    }

    /// Tells one neighbor of some others, so that the mesh outlives its rendezvous.
    private mutating func gossip() {
        guard links.count > 1 else { return }
        let listener = links[generator.uniform(below: links.count)].peer
        let others = links.filter { $0.peer != listener }.map(\.contact)
        send(.peers(generator.sample(ControlMessage.peerLimit, of: others)), to: listener)
    }
}
