/// What runs on the hosts of a simulation: Polycast with one of its algorithms, or a baseline.
package enum SimulatedSystem: String, Sendable, CaseIterable {
    /// Polycast, with the algorithm that suits the scenario.
    case automatic = "auto"
    case shortestPathTree = "spt"
    case floodAndPrune = "flood"
    /// Narada: a mesh of all members, and routes over it (End System Multicast).
    case narada
    /// HyParView, with Plumtree over it.
    case plumtree
    /// GossipSub, as its specifications say.
    case gossipSub10 = "gossipsub-1.0"
    case gossipSub11 = "gossipsub-1.1"
    /// Everybody passes every new message on to all neighbors.
    case flooding
    /// The source sends to everybody itself.
    case star
    /// The network copies packets: the shortest-path tree of routers.
    case ipMulticast = "ip-multicast"
    /// A tree of bounded degree made with knowledge of all delays.
    case compactTree = "compact-tree"

    /// For tables and legends.
    package var title: String {
        switch self {
        case .automatic: "Polycast auto"
        case .shortestPathTree: "Polycast spt"
        case .floodAndPrune: "Polycast flood"
        case .narada: "Narada"
        case .plumtree: "HyParView+Plumtree"
        case .gossipSub10: "GossipSub v1.0"
        case .gossipSub11: "GossipSub v1.1"
        case .flooding: "flooding"
        case .star: "unicast star"
        case .ipMulticast: "IP multicast"
        case .compactTree: "centralised tree"
        }
    }

    package var isPolycast: Bool {
        switch self {
        case .automatic, .shortestPathTree, .floodAndPrune: true
        case .narada, .plumtree, .gossipSub10, .gossipSub11, .flooding, .star, .ipMulticast,
            .compactTree:
            false
        }
    }

    /// Whether nothing about it changes while it runs.
    package var isPlanned: Bool {
        switch self {
        case .star, .ipMulticast, .compactTree: true
        case .automatic, .shortestPathTree, .floodAndPrune, .narada, .plumtree, .gossipSub10,
            .gossipSub11, .flooding:
            false
        }
    }
}
