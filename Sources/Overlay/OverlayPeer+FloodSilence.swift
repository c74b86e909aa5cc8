import NetBasics
import Wire

// A flooded source falls silent: because its upstream died, or lost it, or has nothing to say.

extension OverlayPeer {
    /// Neighbors that are asked besides the best.
    private static let parallelGrafts = 2

    /// Silence of a steady feed after which others are asked, and how long they may take.
    private static let silenceTime: Duration = .milliseconds(400)
    private static let searchTime: Duration = .milliseconds(300)
    private static let searchRounds = 3
    private static let searchWidth = 4

    // MARK: - Suspicion

    /// The upstream is silent though something of it is due: another one is asked already.
    mutating func suspectUpstream(_ peer: PeerID, at now: Instant) {
        guard !isLeaving else { return }
        for index in floods.indices {
            if floods[index].attempt?.peer == peer { floods[index].attempt = nil }
            guard floods[index].upstream == peer, floods[index].attempt == nil else { continue }
            replaceUpstream(index, at: now)
        }
    }

    /// Asks another neighbor to feed us; the upstream stays until that one does.
    mutating func replaceUpstream(_ index: Int, at now: Instant) {
        if let best = bestUpstream(floods[index], at: now) {
            graft(best.peer, index, isUrgent: true, at: now)
            askBesides(best.peer, index, at: now)
        } else if !graftAny(index, at: now) {
            requestAnnouncement(index, at: now)
            // Those that send digests would have told.
            floods[index].silenceDue = now
            floods[index].searchRound = 1
        }
        touch(index)
    }

    /// Asks others, too, since the best may be dead as well.
    private mutating func askBesides(_ best: PeerID, _ index: Int, at now: Instant) {
        var asked = [best]
        while asked.count <= Self.parallelGrafts,
            let other = bestUpstream(floods[index], at: now, except: asked)
        {
            asked.append(other.peer)
            sendGraft(to: other.peer, index, isLazy: false)
        }
        floods[index].spares = Array(asked.dropFirst())
    }

    /// Asks the best of all neighbors, if it is safe to; and the source for a newer announcement.
    mutating func graftAny(_ index: Int, at now: Instant) -> Bool {
        guard let best = anyUpstream(floods[index], at: now) else { return false }
        floods[index].looseSeqno = floods[index].distance.seqno
        graft(best.peer, index, isUrgent: true, at: now)
        requestAnnouncement(index, at: now)
        return true
    }

    /// The best of all neighbors, for who feeds nobody: nothing can come back to it.
    ///
    /// It feeds nobody either before it has a newer number.
    private func anyUpstream(_ route: FloodRoute, at now: Instant) -> FloodRank? {
        guard route.eagerCount == 0 else { return nil }
        return route.neighbors.compactMap { neighbor in
            guard neighbor.peer != route.upstream else { return nil }
            return rank(neighbor, at: now)
        }.min()
    }

    /// The upstream has spoken again: it stays.
    mutating func trustUpstream(_ peer: PeerID) {
        for index in floods.indices where floods[index].upstream == peer {
            guard let attempt = floods[index].attempt, attempt.isUrgent else { continue }
            floods[index].attempt = nil
            floods[index].looseSeqno = nil
            spoilRow(index)
            for asked in [attempt.peer] + floods[index].spares { endCopies(from: asked, index) }
        }
    }

    // MARK: - Silence

    /// A stream has advanced; if it does so steadily, its silence will be noticed.
    mutating func expectFeed(_ index: Int, at now: Instant) {
        guard !floods[index].isLocal else { return }
        floods[index].searchRound = 0
        floods[index].silenceDue =
            floods[index].isSteady ? now + Self.silenceTime : .distantFuture
        touch(index)
    }

    /// Asks neighbors how far a steady feed that fell silent has come with them: first those that
    /// send digests anyway, then others.
    mutating func searchFeed(_ index: Int, at now: Instant) {
        let round = floods[index].searchRound
        guard round < Self.searchRounds, !isLeaving else {
            floods[index].silenceDue = .distantFuture
            floods[index].searchRound = 0
            floods[index].lazyDue = now + Self.lazySettleTime
            return
        }
        floods[index].searchRound = round + 1
        floods[index].silenceDue = now + Self.searchTime
        let idle = floods[index].neighbors.indices.filter { place in
            let neighbor = floods[index].neighbors[place]
            return neighbor.isLazySource == (round == 0) && neighbor.role != .eager
                && neighbor.heard != nil && !floods[index].isFeeder(neighbor.peer)
        }
        for place in round == 0 ? idle : generator.sample(Self.searchWidth, of: idle) {
            floods[index].neighbors[place].isLazySource = true
            floods[index].neighbors[place].pausedUntil = .zero
            sendGraft(to: floods[index].neighbors[place].peer, index, isLazy: true)
        }
    }
}
