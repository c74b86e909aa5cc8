import Forwarding
import NetBasics
import Wire

// Media that passes, and flooded sources that are not silent: their links are watched as those of trees are, and what
// gets lost on them is asked for again.

extension OverlayPeer {
    /// How long after its last packet a source is watched for silence of the upstream, and how
    /// long those that feed others make sure that theirs is not suspicious.
    private static let inflowTime: Duration = .seconds(10)
    private static let outflowTime: Duration = .seconds(14)

    // MARK: - Who feeds whom

    /// Neighbors from which, and to which, flooded media flows; to look up only.
    var floodFlows: (from: Set<PeerID>, to: Set<PeerID>) {
        var flows: (from: Set<PeerID>, to: Set<PeerID>) = ([], [])
        for source in floodClock.flowing {
            guard let index = floodIndex(source) else { continue }
            if floods[index].isFlowingIn, let upstream = floods[index].upstream {
                flows.from.insert(upstream)
            }
            guard floods[index].isFlowingOut, floods[index].eagerCount > 0 else { continue }
            for neighbor in floods[index].neighbors where neighbor.role == .eager {
                flows.to.insert(neighbor.peer)
            }
        }
        return flows
    }

    /// Takes in that media passed; on its own only right before an event of the same moment.
    package mutating func noteMedia(_ signs: [MediaSign], at now: Instant) {
        for sign in signs {
            if let route = routeIndex(sign.stream.source) {
                routes[route].notePassed(sign.sequence, of: sign.stream.index, at: sign.at)
            } else if let index = floodIndex(sign.stream.source) {
                noteFlow(sign, index, at: now)
            }
            guard let token = sign.link,
                let index = links.firstIndex(where: { $0.localToken == token })
            else { continue }
            noteFeed(of: sign.stream.source, from: links[index].peer, at: now)
            links[index].pace.note(sign)
            noteHeard(index, at: sign.at, next: configuration.heartbeatInterval)
        }
    }

    private mutating func noteFlow(_ sign: MediaSign, _ index: Int, at now: Instant) {
        let pause = sign.at - floods[index].mediaAt
        floods[index].mediaAt = max(floods[index].mediaAt, sign.at)
        floods[index].mark(sign.sequence, of: sign.stream.index)
        if pause > configuration.heartbeatInterval { hurryHeartbeats(index, at: now) }
        let isFlowing =
            floods[index].isFlowingIn || (floods[index].isLocal && floods[index].isFlowingOut)
        if !isFlowing { refreshFlow(index, at: now) }
    }

    /// Whom we feed expects the next sign of life soon after media.
    private mutating func hurryHeartbeats(_ index: Int, at now: Instant) {
        guard floods[index].eagerCount > 0 else { return }
        let due = now + configuration.heartbeatInterval
        for place in links.indices
        where links[place].heartbeatDue > due && links[place].isFedByUs
            && floods[index].feeds(links[place].peer)
        {
            links[place].heartbeatDue = due
        }
    }

    /// Takes in whether media of the source passed a short while ago.
    mutating func refreshFlow(_ index: Int, at now: Instant) {
        let pause = now - floods[index].mediaAt
        let isIn = pause < Self.inflowTime && !floods[index].isLocal
        let isOut = pause < Self.outflowTime
        if isOut != floods[index].isFlowingOut {
            floodClock.flowing.removeAll { $0 == floods[index].source }
            if isOut { floodClock.flowing.append(floods[index].source) }
        }
        if isIn != floods[index].isFlowingIn || isOut != floods[index].isFlowingOut {
            floodClock.areRolesStale = true
        }
        floods[index].isFlowingIn = isIn
        floods[index].isFlowingOut = isOut
        let end = isIn ? Self.inflowTime : Self.outflowTime
        floods[index].restDue = isOut ? floods[index].mediaAt + end : .distantFuture
        touch(index)
    }

    /// When media that floods last passed here to `peer`.
    func floodedMediaAt(_ peer: PeerID) -> Instant {
        floodClock.flowing.reduce(.zero) { latest, source in
            guard let index = floodIndex(source), floods[index].feeds(peer) else { return latest }
            return max(latest, floods[index].mediaAt)
        }
    }

    // MARK: - Repair

    mutating func requestFlooded(_ repair: WantedRepair, _ index: Int, at now: Instant) {
        guard !floods[index].isLocal else { return }
        let others = repairers(of: floods[index], at: now)
        guard !others.isEmpty else { return }
        let later = max(0, repair.attempt - WantedRepair.parentAttempts)
        send(.repairRequest(repair.request), to: others[later % others.count])
    }

    /// Whom to ask, in this order: who had what we lacked, the upstream, who is about to become
    /// it and who was, then all others that have the source and not from us.
    private func repairers(of route: FloodRoute, at now: Instant) -> [PeerID] {
        let helper = route.helper.flatMap { $0.until > now ? $0.peer : nil }
        var peers: [PeerID] = []
        let named = [helper, route.upstream, route.attempt?.peer, route.former?.peer]
        let lazy = route.neighbors.filter(\.isLazySource).map(\.peer)
        let rest = route.neighbors.filter { $0.heard != nil && $0.role != .eager }.map(\.peer)
        for peer in named.compactMap(\.self) + lazy + rest where !peers.contains(peer) {
            guard let link = link(to: peer), !link.isSuspect else { continue }
            peers.append(peer)
        }
        return peers
    }

    func floodPatience(of route: FloodRoute) -> Duration {
        guard let upstream = route.upstream, let heard = route.heard(from: upstream), heard.hops > 0
        else { return .zero }
        return repairPatience(metric: heard.distance.metric)
    }

    mutating func tellHighestFlooded(to child: PeerID) {
        for source in floodClock.flowing {
            guard let index = floodIndex(source), floods[index].feeds(child) else { continue }
            for mark in floods[index].marks {
                let stream = StreamID(source: source, index: mark.stream)
                send(.heardUpTo(stream: stream, highest: mark.highest), to: child)
            }
        }
    }
}
