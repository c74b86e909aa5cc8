import NetBasics
import Wire

/// What the control plane looks like at one moment, for people, tests and checkers.
package struct OverlayView: Equatable, Sendable {
    package struct Neighbor: Equatable, Sendable {
        package var peer: PeerID
        package var name: MemberName
        package var endpoint: Endpoint
        package var roundTrip: Duration?
        package var isNear: Bool
        /// Whether media of any source flows on the link.
        package var isTreeLink: Bool
    }

    package struct Source: Equatable, Sendable {
        package var source: PeerID
        package var isLocal: Bool
        package var seqno: UInt32
        package var hops: Int
        /// Estimated delay from the source; microseconds, `nil` while there is no parent.
        package var metric: UInt32?
        package var parent: PeerID?
        /// Whether the parent sends already; at the source, always.
        package var isFed: Bool
        /// Whether a first parent is being asked.
        package var isAttaching: Bool
        package var children: [PeerID]
        /// Children that were asked to move elsewhere and have not gone yet; part of `children`.
        package var leavingChildren: [PeerID]
        package var spares: [PeerID]
        /// kbit/s.
        package var rate: UInt32
        package var algorithm: DeliveryAlgorithm
    }

    package var neighbors: [Neighbor]
    package var sources: [Source]
    package var candidates: [Contact]
    /// What children cost in all, and the uplink budget; kbit/s.
    package var reservedRate: UInt64
    package var uplinkRate: UInt64
}

extension OverlayPeer {
    /// Who feeds each remote source here, in the order of the sources; cheap, for checkers.
    package var parents: [(source: PeerID, parent: PeerID?)] {
        routes.filter { !$0.isLocal }.map { ($0.source, $0.parent) }
    }

    /// Who feeds `source` here; cheap, for checkers.
    package func parent(of source: PeerID) -> PeerID? {
        routeIndex(source).flatMap { routes[$0].parent }
    }

    /// The first table that holds more than it may; `nil`: all are within their bounds.
    package var overfullTable: String? {
        if links.count > configuration.linkLimit { return "links" }
        if links.count + handshakes.count > 2 * configuration.linkLimit { return "handshakes" }
        if candidates.count > configuration.candidateLimit { return "candidates" }
        if routes.count > configuration.sourceLimit { return "routes" }
        return nil
    }

    /// Whether the children cost no more than the uplink carries; cheap, for checkers.
    package var isWithinBudget: Bool { reservedRate <= UInt64(configuration.uplinkRate) }

    /// Whether those who are fed cost no more, the ones on their way to another parent included; once a
    /// rate has risen, children are dismissed until it is so again.
    package var feedsWithinBudget: Bool {
        fedRate <= UInt64(configuration.uplinkRate)
            || routes.contains { $0.children.contains(where: \.isDismissed) }
    }

    package var view: OverlayView {
        let flooded = floodLinkPeers
        return OverlayView(
            neighbors: links.map { link in
                OverlayView.Neighbor(
                    peer: link.peer, name: names[link.peer] ?? configuration.name,
                    endpoint: link.endpoint,
                    roundTrip: link.roundTrip, isNear: link.isNear,
                    isTreeLink: isTreeLink(link.peer) || flooded.contains(link.peer))
            },
            sources: (routes.map { view(of: $0) } + floods.map { view(of: $0) }).sorted {
                $0.source < $1.source
            },
            candidates: candidates.map(\.contact).sorted(),
            reservedRate: reservedRate, uplinkRate: UInt64(configuration.uplinkRate))
    }

    private func view(of route: SourceRoute) -> OverlayView.Source {
        OverlayView.Source(
            source: route.source, isLocal: route.isLocal, seqno: route.distance.seqno,
            hops: Int(route.hops), metric: route.isServing ? route.distance.metric : nil,
            parent: route.parent, isFed: route.isLocal || (route.parent != nil && route.isFed),
            isAttaching: route.parent == nil && route.attempt != nil,
            children: route.children.map(\.peer),
            leavingChildren: route.children.filter { $0.handover != nil }.map(\.peer),
            spares: spares(of: route), rate: route.rate, algorithm: .shortestPathTree)
    }

    /// The upstream as the parent, eager neighbors as children, and those that send us digests
    /// as spares.
    private func view(of route: FloodRoute) -> OverlayView.Source {
        let hasWay = route.isLocal || route.upstream != nil
        return OverlayView.Source(
            source: route.source, isLocal: route.isLocal, seqno: route.distance.seqno,
            hops: Int(route.hops), metric: hasWay ? route.distance.metric : nil,
            parent: route.upstream, isFed: hasWay,
            isAttaching: route.upstream == nil && route.attempt != nil,
            children: route.neighbors.filter { $0.role == .eager }.map(\.peer),
            leavingChildren: [], spares: route.neighbors.filter(\.isLazySource).map(\.peer),
            rate: route.rate, algorithm: .floodAndPrune)
    }
}
