import Forwarding
import NetBasics
import Wire

// Repair, the control plane's share: whom to ask for what the forwarding plane misses, and who
// may ask us: the parent and other neighbors in turn.

extension OverlayPeer {
    /// Requests that one event may send; the rest is asked for again later.
    private static let repairRequestLimit = 256
    /// Distance of a parent beyond which it gets no more time to repair its own losses; microseconds.
    ///
    /// Others are to answer before it is too late.
    private static let patienceMetric: UInt32 = 100_000

    mutating func requestRepair(_ wanted: [WantedRepair], at now: Instant) {
        for repair in wanted.prefix(Self.repairRequestLimit) {
            if let index = floodIndex(repair.request.stream.source) {
                requestFlooded(repair, index, at: now)
                continue
            }
            guard let index = routeIndex(repair.request.stream.source), !routes[index].isLocal,
                let peer = repairer(
                    of: routes[index], attempt: repair.attempt, isAwaited: repair.isAwaited)
            else { continue }
            send(.repairRequest(repair.request), to: peer)
        }
    }

    /// Whom to ask: the parent and the others in turn; others only while the parent is silent.
    ///
    /// One of the others comes first for what the parent lacks, or if it is much nearer; the parent
    /// is asked twice if nobody is as near that surely has the packet.
    private func repairer(of route: SourceRoute, attempt: Int, isAwaited: Bool) -> PeerID? {
        let others = otherRepairers(of: route)
        guard let parent = speakingParent(of: route) else {
            return others.isEmpty ? route.parent : others[(attempt - 1) % others.count]
        }
        let helper = repairHelper(of: route, among: others)
        let lead =
            if let helper { helper.isNear || isAwaited ? 0 : 1 } else {
                isAwaited ? 0 : WantedRepair.parentAttempts
            }
        let later = attempt - lead
        guard !others.isEmpty, later > 0, later % 2 == 1 else { return parent }
        return others[later / 2 % others.count]
    }

    private func speakingParent(of route: SourceRoute) -> PeerID? {
        guard let parent = route.parent, let link = link(to: parent), !link.isSuspect else {
            return nil
        }
        return parent
    }

    /// A neighbor that most likely has the source and is no farther than the parent, and whether it
    /// is less than half as far.
    private func repairHelper(
        of route: SourceRoute, among others: [PeerID]
    ) -> (peer: PeerID, isNear: Bool)? {
        guard let nearest = others.first, let near = link(to: nearest)?.roundTrip,
            let parent = route.parent, let far = link(to: parent)?.roundTrip, near <= far,
            let advert = route.advert(from: nearest), route.isLikelyFeasible(advert)
        else { return nil }
        return (nearest, near * 2 < far)
    }

    /// How long to wait after a first try; `nil` if the second goes to the same neighbor.
    func repairFirst(of route: SourceRoute) -> Duration? {
        let others = otherRepairers(of: route)
        guard let parent = speakingParent(of: route) else {
            return others.first.flatMap { repairRetry(from: $0) }
        }
        guard let helper = repairHelper(of: route, among: others) else { return nil }
        return repairRetry(from: helper.isNear ? helper.peer : parent)
    }

    /// Neighbors that have the source and do not have it from us, as far as we know: first those
    /// that are nearer to it than we, the nearest to us first.
    private func otherRepairers(of route: SourceRoute) -> [PeerID] {
        let serving = route.adverts.compactMap { entry -> (Int, Duration, PeerID)? in
            guard entry.advert.metric != RouteAdvert.unreachable, entry.peer != route.parent,
                let link = link(to: entry.peer), !link.isSuspect, !isDoubted(link),
                !route.children.contains(where: { $0.peer == entry.peer })
            else { return nil }
            return (
                route.isLikelyFeasible(entry.advert) ? 0 : 1, link.roundTrip ?? .seconds(1),
                entry.peer
            )
        }
        return serving.sorted { $0 < $1 }.map(\.2)
    }

    mutating func serveRepairRequest(
        _ request: RepairRequest, from peer: PeerID, into actions: inout [Action]
    ) {
        let source = request.stream.source
        guard let link = link(to: peer), routeIndex(source) != nil || isFlooded(source) else {
            return
        }
        actions.append(.repairRequested(request, by: asker(link)))
    }

    mutating func askForParity(_ wishes: [ParityWish]) {
        for wish in wishes {
            guard let index = routeIndex(wish.source), let parent = routes[index].parent else {
                continue
            }
            send(.parity(source: wish.source, rows: UInt8(clamping: wish.rows)), to: parent)
        }
    }

    private func asker(_ link: Link) -> RepairAsker {
        RepairAsker(
            token: link.remoteToken, endpoint: link.endpoint, localToken: link.localToken,
            roundTrip: link.roundTrip)
    }

    /// Only children get parity: others get no packets either.
    mutating func serveParityWish(
        of source: PeerID, rows: Int, from peer: PeerID, into actions: inout [Action]
    ) {
        guard let index = routeIndex(source), routes[index].feeds(peer), let link = link(to: peer)
        else { return }
        actions.append(
            .parityRequested(ParityWish(source: source, rows: rows), by: asker(link)))
    }

    /// Believes those only who may send us the stream.
    mutating func noteHighest(
        _ highest: UInt32, of stream: StreamID, from peer: PeerID, into actions: inout [Action]
    ) {
        let upstreams =
            routeIndex(stream.source).map { routes[$0].upstreamPeers }
            ?? floodIndex(stream.source).map { floods[$0].upstreamPeers }
        guard upstreams?.contains(peer) ?? false else { return }
        actions.append(.highestHeard(stream, highest))
    }

    /// Tells a child how far the streams have come that it gets from us, now that they are silent:
    /// it cannot miss the last packets otherwise.
    mutating func tellHighest(to child: PeerID) {
        for route in routes where route.feeds(child) {
            for entry in route.highest {
                let stream = StreamID(source: route.source, index: entry.index)
                send(.heardUpTo(stream: stream, highest: entry.sequence), to: child)
            }
        }
        tellHighestFlooded(to: child)
    }

    /// How long to wait for a repair from the parent before asking again; `nil` if its round trip
    /// is not known.
    ///
    /// A quarter more than it, in steps of 10 ms, so that tables do not change with every measurement.
    func repairRetry(of route: SourceRoute) -> Duration? {
        (route.parent ?? route.attempt?.peer).flatMap { repairRetry(from: $0) }
    }

    func repairRetry(from peer: PeerID) -> Duration? {
        guard let roundTrip = link(to: peer)?.roundTrip else { return nil }
        let steps = min(roundTrip.nanoseconds / 1000 * 5 / 4 / 10_000, 500)
        return .milliseconds(10 * (steps + 1) + 5)
    }

    /// How long the parent's own repair may take: at most a round trip to the source, and the time
    /// to notice and to pass it on; in steps of 20 ms.
    ///
    /// Without the last, of five packets that others sent in its stead four came from it, too,
    /// within 40 ms.
    func repairPatience(of route: SourceRoute) -> Duration {
        guard let parent = route.parent, let advert = route.advert(from: parent), advert.hops > 0
        else { return .zero }
        return repairPatience(metric: advert.metric)
    }

    func repairPatience(metric: UInt32) -> Duration {
        .milliseconds(20 * (3 + Int64(min(metric, Self.patienceMetric)) / 10_000))
    }
}
