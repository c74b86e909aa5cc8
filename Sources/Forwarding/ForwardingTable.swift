import NetBasics
import Wire

/// What the control plane tells the forwarding plane; replaced whole, never edited.
package struct ForwardingTable: Equatable, Sendable {
    /// One child of one source: where its copy goes and what to write on its link.
    package struct Child: Hashable, Sendable {
        package var token: LinkToken
        package var endpoint: Endpoint
        /// Our own token of the child's link: it names the link's keys, and what came on it does
        /// not go back on it.
        package var localToken: LinkToken

        package init(
            token: LinkToken, endpoint: Endpoint, localToken: LinkToken
        ) {
            self.token = token
            self.endpoint = endpoint
            self.localToken = localToken
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
        /// Any link may bring the source in; ``upstreams`` only says which should.
        package var isFlooded: Bool
        /// Wait before a missing packet is asked for again; `nil`: the forwarder's default.
        package var repairRetry: Duration?
        /// Wait after the first request if the second goes to another neighbor, who is asked for the
        /// first time then; `nil`: both go to the same.
        package var repairFirst: Duration?
        /// How long the parent may need to repair what it lacks itself: before that, others are
        /// not asked in its stead.
        package var repairPatience: Duration
        /// Nobody sends the source now: what comes next is asked for, too.
        package var isStarving: Bool

        package init(
            source: PeerID, upstreams: [LinkToken], children: [Child], isFlooded: Bool = false,
            repairRetry: Duration? = nil, repairFirst: Duration? = nil,
            repairPatience: Duration = .zero, isStarving: Bool = false
        ) {
            self.source = source
            self.upstreams = upstreams
            self.children = children
            self.isFlooded = isFlooded
            self.repairRetry = repairRetry
            self.repairFirst = repairFirst
            self.repairPatience = repairPatience
            self.isStarving = isStarving
        }

        package var isLocal: Bool { upstreams.isEmpty }
    }

    /// Ordered by source.
    package var routes: [Route]
    /// Our tokens of all links, so that strangers can be told from neighbors; ordered.
    package var links: [LinkToken]

    /// What repairs may take of the uplink; kbit/s.
    package var repairRate: UInt32

    package init(routes: [Route] = [], links: [LinkToken] = [], repairRate: UInt32 = .max) {
        self.routes = routes
        self.links = links
        self.repairRate = repairRate
    }
}
