import Forwarding
import NetBasics
import Wire

// Repair, the control plane's share: whom to ask for what the forwarding plane misses, and who
// may ask us. The parent is asked first; later tries go to others as well, in turn.

extension OverlayPeer {
    /// Requests that one event may send; the rest is asked for again later.
    private static let repairRequestLimit = 256

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

    /// Whom to ask: the parent at first, then one of the others and the parent in turn; at once
    /// one of the others for what the parent lacks.
    private func repairer(of route: SourceRoute, attempt: Int, isAwaited: Bool) -> PeerID? {
        let parent = route.parent.flatMap { link(to: $0) == nil ? nil : $0 }
        let later = isAwaited ? attempt : attempt - WantedRepair.parentAttempts
        if let parent, later <= 0 || later % 2 == 0 { return parent }
        let others = otherRepairers(of: route)
        guard !others.isEmpty else { return parent }
        return others[max(0, attempt / 2 - 1) % others.count]
    }

    /// Neighbors that have the source and do not have it from us: former parents, then spares,
    /// then any other.
    private func otherRepairers(of route: SourceRoute) -> [PeerID] {
        let serving = route.adverts.filter { $0.advert.metric != RouteAdvert.unreachable }
        var others: [PeerID] = []
        for peer in route.formers.map(\.peer) + spares(of: route) + serving.map(\.peer)
        where peer != route.parent && !others.contains(peer) && link(to: peer) != nil
            && !route.children.contains(where: { $0.peer == peer })
        {
            others.append(peer)
        }
        return others
    }

    mutating func serveRepairRequest(
        _ request: RepairRequest, from peer: PeerID, into actions: inout [Action]
    ) {
        let source = request.stream.source
        guard let link = link(to: peer), routeIndex(source) != nil || isFlooded(source) else {
            return
        }
        let asker = RepairAsker(
            token: link.remoteToken, endpoint: link.endpoint, roundTrip: link.roundTrip)
        actions.append(.repairRequested(request, by: asker))
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
    /// to notice; in steps of 20 ms.
    func repairPatience(of route: SourceRoute) -> Duration {
        guard let parent = route.parent, let advert = route.advert(from: parent), advert.hops > 0
        else { return .zero }
        return repairPatience(metric: advert.metric)
    }

    func repairPatience(metric: UInt32) -> Duration {
        .milliseconds(20 * (1 + Int64(min(metric, 1_000_000)) / 10_000))
    }
}
