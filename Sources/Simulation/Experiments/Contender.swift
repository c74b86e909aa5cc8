import NetBasics

/// A system as it takes part in a comparison on routers: how it is set up, and how long it settles.
struct Contender: Sendable {
    var system: SimulatedSystem
    var title: String
    /// Until its figures are taken.
    var settling: Duration
    /// Media flows for so long before; `nil`: from the start.
    var mediaLead: Duration?
    var treeRule = CompactTree.Rule.published
    /// Members beyond which a simulation takes too long.
    var sizeLimit = Int.max
    var hasAllSeeds = false

    init(_ system: SimulatedSystem, settling: Duration, title: String? = nil) {
        self.system = system
        self.settling = settling
        self.title = title ?? system.title
    }

    /// What a page says of it.
    static func settlingText(ours: String) -> String {
        """
        Figures are taken when a system has settled. Polycast spt goes on improving its trees for \
        some minutes and is looked at after one minute and again after \(ours); Narada, whose authors \
        look at it after 40, after 15. The figures of the others are the same, or worse, after five \
        minutes: they have one. Trees that are planned need no time.
        """
    }

    /// Polycast, soon and settled; what was published; and what is possible.
    static func onRouters(settling: Duration) -> [Contender] {
        var settled = Contender(.shortestPathTree, settling: settling)
        settled.hasAllSeeds = true
        var early = Contender(
            .shortestPathTree, settling: .seconds(60),
            title: "\(SimulatedSystem.shortestPathTree.title), after 60 s")
        early.sizeLimit = 512
        var flood = Contender(.floodAndPrune, settling: .seconds(60))
        flood.hasAllSeeds = true
        // Its announcements make many events.
        flood.sizeLimit = 512
        var narada = Contender(.narada, settling: .seconds(900))
        // It needs no media to improve, but every member tells every neighbor of every member.
        narada.mediaLead = .seconds(59)
        narada.sizeLimit = 256
        narada.hasAllSeeds = true
        let plumtree = Contender(.plumtree, settling: .seconds(60))
        let gossip = Contender(.gossipSub11, settling: .seconds(60))
        return [settled, early, flood, narada, plumtree, gossip] + planned
    }

    /// What knows all delays from the start.
    static let planned: [Contender] =
        [SimulatedSystem.star, .ipMulticast, .compactTree].map {
            Contender($0, settling: .seconds(20))
        } + [leastUsage]

    /// The centralised tree that counts only the new link: near to the least use of the network.
    static let leastUsage: Contender = {
        var tree = Contender(
            .compactTree, settling: .seconds(20), title: "centralised tree, least use")
        tree.treeRule = .init(delayWeight: 0)
        return tree
    }()

    /// The plan but for members and duration.
    func plan(on topology: TopologySpec, _ settings: ExperimentSettings) -> RunPlan {
        var plan = RunPlan(topology: topology, system: system)
        plan.treeRule = treeRule
        plan.scenario.warmUp = settings.isQuick ? min(settling, .seconds(50)) : settling
        if let mediaLead {
            plan.scenario.publishAt = max(.seconds(1), plan.scenario.warmUp + (.zero - mediaLead))
        }
        return plan
    }

    func seeds(_ settings: ExperimentSettings) -> [UInt64] {
        hasAllSeeds || system.isPlanned ? settings.seeds : settings.fewSeeds
    }
}
