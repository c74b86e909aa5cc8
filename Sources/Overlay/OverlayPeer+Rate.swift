import NetBasics
import Wire

// How much links carry: the forwarding planes of parent and child talk of it over their link.

/// Who said something of a link's rate.
package struct RateNeighbor: Equatable, Sendable {
    package var endpoint: Endpoint
    /// Our own token of its link.
    package var localToken: LinkToken
    /// The shortest round trip of its link; `nil` before the first.
    package var leastRoundTrip: Duration?

    package init(endpoint: Endpoint, localToken: LinkToken, leastRoundTrip: Duration?) {
        self.endpoint = endpoint
        self.localToken = localToken
        self.leastRoundTrip = leastRoundTrip
    }
}

extension OverlayPeer {
    /// A round trip longer than that, and than twice the shortest, is no accident.
    private static let longDelay = Duration.milliseconds(100)

    mutating func tellRate(_ message: RateMessage, to endpoint: Endpoint) {
        guard let link = links.first(where: { $0.endpoint == endpoint }) else { return }
        send(.rate(message), to: link.peer)
    }

    /// Hands on what a parent asks and tells, and what a child answers.
    mutating func hearRate(
        _ message: RateMessage, from peer: PeerID, into actions: inout [Action]
    ) {
        guard let link = link(to: peer) else { return }
        switch message {
        case .measure: guard link.feedsUs else { return }
        case .received: guard link.isFedByUs else { return }
        case .shed(let run): guard isUpstream(peer, of: run.stream.source) else { return }
        }
        let neighbor = RateNeighbor(
            endpoint: link.endpoint, localToken: link.localToken,
            leastRoundTrip: link.leastRoundTrip)
        actions.append(.rateHeard(message, from: neighbor))
    }

    private func isUpstream(_ peer: PeerID, of source: PeerID) -> Bool {
        let upstreams =
            routeIndex(source).map { routes[$0].upstreamPeers }
            ?? floodIndex(source).map { floods[$0].upstreamPeers }
        return upstreams?.contains(peer) ?? false
    }

    func noteDelay(
        since time: UInt32, from peer: PeerID, at now: Instant, into actions: inout [Action]
    ) {
        guard let link = link(to: peer), link.isFedByUs, let least = link.leastRoundTrip else {
            return
        }
        let delay = Duration.microseconds(Int64(Self.pingTime(now) &- time))
        guard delay > least * 2 + Self.longDelay, delay < .seconds(60) else { return }
        actions.append(.childDelayed(link.endpoint))
    }
}
