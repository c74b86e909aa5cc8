import Forwarding
import NetBasics
import Wire

// What we send to neighbors of a flooded source: copies to those that grafted us, within the
// uplink budget; digests to those that asked for them; nothing to the others.

extension OverlayPeer {
    /// A neighbor that sends unasked is told to stop this often.
    private static let pruneInterval: Duration = .milliseconds(500)
    /// Digests go this often while media flows, and this soon after it begins.
    private static let digestInterval: Duration = .milliseconds(200)
    private static let firstDigestTime: Duration = .milliseconds(50)
    /// Digests of one interval at most.
    private static let digestLimit = 1024

    // MARK: - Budget

    /// What the uplink still carries for one more copy of `route`; kbit/s.
    func floodFreeRate(for route: FloodRoute) -> UInt32 {
        if let limit = configuration.childLimit, route.eagerCount >= limit { return 0 }
        return freeRate(isLocal: route.isLocal)
    }

    /// What copies of flooded sources cost; kbit/s.
    func floodSpentRate(onOwnSource: Bool) -> UInt64 {
        onOwnSource ? floodClock.spentOnOwn : floodClock.spentOnOthers
    }

    /// Adds up what copies cost, after a role, a rate or a route has changed.
    mutating func countFloodSpending() {
        (floodClock.spentOnOwn, floodClock.spentOnOthers) = (0, 0)
        for index in floods.indices where floods[index].eagerCount > 0 {
            let cost = UInt64(floods[index].copyRate) * UInt64(floods[index].eagerCount)
            if floods[index].isLocal {
                floodClock.spentOnOwn += cost
            } else {
                floodClock.spentOnOthers += cost
            }
        }
    }

    mutating func prune(_ place: Int, _ index: Int) {
        changeRole(of: place, index, to: .pruned)
    }

    private mutating func changeRole(
        of place: Int, _ index: Int, to role: FloodRoute.Role
    ) {
        let old = floods[index].neighbors[place].role
        floods[index].setRole(role, at: place)
        guard (old == .eager) != (role == .eager) else { return }
        isTableStale = true
        countFloodSpending()
    }

    /// Prunes what the budget no longer covers, the last neighbor of the last source first.
    mutating func enforceFloodBudget(into actions: inout [Action]) {
        for index in floods.indices.reversed() {
            while reservedRate > UInt64(configuration.uplinkRate),
                let place = floods[index].neighbors.lastIndex(where: { $0.role == .eager })
            {
                let child = floods[index].neighbors[place].peer
                prune(place, index)
                refuseGraft(of: child, floods[index].source, .full, into: &actions)
            }
        }
    }

    /// Sends away whom we should feed, since nobody feeds us: without them we may graft anybody.
    mutating func sendEagerAway(_ index: Int, into actions: inout [Action]) {
        for place in floods[index].neighbors.indices
        where floods[index].neighbors[place].role == .eager {
            prune(place, index)
            let peer = floods[index].neighbors[place].peer
            refuseGraft(of: peer, floods[index].source, .noRoute, into: &actions)
        }
    }

    // MARK: - Requests

    mutating func receiveGraft(
        of source: PeerID, seqno: UInt32, isLazy: Bool, from peer: PeerID, at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = floodIndex(source), !isLeaving, floods[index].upstream != peer,
            !floods[index].isAsking(peer), isLazy || !floods[index].isLoose
        else {
            if !isLazy { refuseGraft(of: peer, source, .noRoute, into: &actions) }
            return
        }
        let place = floods[index].makePlace(of: peer)
        floods[index].neighbors[place].acknowledged = seqno
        let old = floods[index].neighbors[place].role
        if isLazy {
            setRole(.lazy, place, index, at: now)
            for mark in floods[index].marks {
                let stream = StreamID(source: source, index: mark.stream)
                send(.have(stream: stream, sequence: mark.highest), to: peer)
            }
            return
        }
        guard old == .eager || floodFreeRate(for: floods[index]) >= floods[index].copyRate else {
            return refuseGraft(of: peer, source, .full, into: &actions)
        }
        setRole(.eager, place, index, at: now)
        send(.attachAccepted(source: source, isFed: true), to: peer)
        if old != .eager {
            actions.append(.report(.childAdmitted(source: source, child: peer)))
        }
    }

    private mutating func setRole(
        _ role: FloodRoute.Role, _ place: Int, _ index: Int, at now: Instant
    ) {
        let expiry = now + configuration.floodRoleTimeout
        changeRole(of: place, index, to: role)
        floods[index].neighbors[place].expiry = expiry
        floods[index].neighborExpiryDue = min(floods[index].neighborExpiryDue, expiry)
        touch(index)
    }

    private mutating func refuseGraft(
        of peer: PeerID, _ source: PeerID, _ reason: AttachRefusalReason,
        into actions: inout [Action]
    ) {
        var referrals: [Contact] = []
        if reason == .full, let index = floodIndex(source) {
            referrals = floods[index].neighbors.filter { $0.role == .eager && $0.peer != peer }
                .prefix(ControlMessage.referralLimit).compactMap { link(to: $0.peer)?.contact }
        }
        let refusal = ControlMessage.attachRefused(
            source: source, reason: reason, referrals: referrals)
        send(refusal, to: peer)
        if reason == .full {
            actions.append(.report(.childRefused(source: source, child: peer)))
        }
    }

    mutating func receivePrune(
        of source: PeerID, from peer: PeerID, into actions: inout [Action]
    ) {
        guard let index = floodIndex(source), let place = floods[index].place(of: peer) else {
            return
        }
        let old = floods[index].neighbors[place].role
        prune(place, index)
        guard old == .eager else { return }
        actions.append(.report(.childGone(source: source, child: peer)))
    }

    mutating func expireNeighbors(_ index: Int, at now: Instant, into actions: inout [Action]) {
        floods[index].neighborExpiryDue = .distantFuture
        for neighbor in floods[index].neighbors where neighbor.role != .pruned {
            if neighbor.expiry <= now {
                receivePrune(of: floods[index].source, from: neighbor.peer, into: &actions)
            } else {
                floods[index].neighborExpiryDue = min(
                    floods[index].neighborExpiryDue, neighbor.expiry)
            }
        }
    }

    /// A flooded source came on a link that we did not ask: it should stop.
    mutating func declineFloodedMedia(on token: LinkToken, source: PeerID, at now: Instant) {
        guard let index = floodIndex(source),
            let link = links.first(where: { $0.localToken == token }),
            !floods[index].isFeeder(link.peer)
        else { return }
        let place = floods[index].makePlace(of: link.peer)
        guard floods[index].neighbors[place].pruneDue <= now else { return }
        floods[index].neighbors[place].pruneDue = now + Self.pruneInterval
        endCopies(from: link.peer, index)
    }

    /// Tells a neighbor to send no copies; digests, if it was asked for them.
    mutating func endCopies(from peer: PeerID, _ index: Int) {
        if let place = floods[index].place(of: peer), floods[index].neighbors[place].isLazySource {
            sendGraft(to: peer, index, isLazy: true)
        } else {
            send(.prune(source: floods[index].source), to: peer)
        }
    }

    // MARK: - Digests

    /// Media of a flooded source flows again.
    mutating func mediaBegan(at now: Instant) {
        guard floodClock.progressDue == .distantFuture else { return }
        floodClock.progressDue = max(floodClock.digestDue, now + Self.firstDigestTime)
    }

    mutating func mediaAdvanced(
        _ progress: [StreamProgress], at now: Instant, into actions: inout [Action]
    ) {
        for entry in progress {
            guard let index = floodIndex(entry.stream.source) else { continue }
            floods[index].mark(entry.highest, of: entry.stream.index)
            expectFeed(index, at: now)
        }
        settleMissing(at: now, into: &actions)
        if floodClock.digestDue <= now {
            floodClock.digestDue = now + Self.digestInterval
            sendDigests()
        }
        if !progress.isEmpty {
            floodClock.progressDue = min(floodClock.progressDue, floodClock.digestDue)
        }
    }

    private mutating func sendDigests() {
        var left = Self.digestLimit
        for index in floods.indices {
            for place in floods[index].marks.indices where floods[index].marks[place].isNews {
                guard left > 0 else { return }
                guard floods[index].takeDigest(at: place) else { continue }
                let mark = floods[index].marks[place]
                let stream = StreamID(source: floods[index].source, index: mark.stream)
                for neighbor in floods[index].neighbors where neighbor.role == .lazy {
                    send(.have(stream: stream, sequence: mark.highest), to: neighbor.peer)
                    left -= 1
                }
            }
        }
    }
}
