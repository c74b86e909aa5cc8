import NetBasics
import Wire

/// What the control plane tells the forwarding plane; replaced whole, never edited.
package struct ForwardingTable: Equatable, Sendable {
    /// One child of one source: where its copy goes and what to write on its link.
    package struct Child: Equatable, Sendable {
        package var token: LinkToken
        package var endpoint: Endpoint

        package init(token: LinkToken, endpoint: Endpoint) {
            self.token = token
            self.endpoint = endpoint
        }
    }

    /// How one source's packets travel through this peer.
    package struct Route: Equatable, Sendable {
        package var source: PeerID
        /// Our tokens of the links that may bring the source in.
        ///
        /// The parent's and, while the parent changes, the former one's; empty for a source on
        /// this peer.
        package var upstreams: [LinkToken]
        package var children: [Child]
        /// Wait before a missing packet is asked for again; `nil`: the forwarder's default.
        package var repairRetry: Duration?
        /// How long the parent may need to repair what it lacks itself: before that, others are
        /// not asked in its stead.
        package var repairPatience: Duration

        package init(
            source: PeerID, upstreams: [LinkToken], children: [Child],
            repairRetry: Duration? = nil, repairPatience: Duration = .zero
        ) {
            self.source = source
            self.upstreams = upstreams
            self.children = children
            self.repairRetry = repairRetry
            self.repairPatience = repairPatience
        }
    }

    /// Ordered by source.
    package var routes: [Route]
    /// Our tokens of all links, so that strangers can be told from neighbors; ordered.
    package var links: [LinkToken]

    package init(routes: [Route] = [], links: [LinkToken] = []) {
        self.routes = routes
        self.links = links
    }
}
