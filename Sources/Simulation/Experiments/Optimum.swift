import Management
import NetBasics

// How near to what is possible with full knowledge.

extension Experiment {
    /// Delays against those of a tree that is planned with full knowledge.
    static func makeOptimum(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "optimum", title: "Against a centralised tree",
            text: """
                The same members, the same limit of six children: the tree that Polycast's peers \
                have in the end, and the tree that the compact-tree heuristic (Shi and Turner, 2002) \
                makes with knowledge of all delays. Compared are delays along the trees, in the \
                network and over access links. A transit-stub network of 10,000 routers, one source, \
                four packets a second. Groups of 8 have a limit of two children instead, and are \
                compared with the best of all trees, too: that with the least mean, and that with \
                the least worst delay.
                """,
            xTitle: "members",
            columns: [
                .delayRatioMean, .delayRatioWorst, .exactRatioMean, .exactRatioWorst,
                .packetDelayRatioWorst, .latencyMean, .latencyWorst, .stretchMedian, .stressMean,
                .usage,
            ])
        for size in settings.sizes([8, 16, 32, 64, 128, 256, 512], quick: [8, 32]) {
            for contender in Contender.againstOptimum {
                var plan = contender.plan(on: try topology("transit-stub:10000"), settings)
                plan.scenario.peers = size
                plan.scenario.fanout = size <= ExactTree.memberLimit ? 2 : 6
                plan.scenario.rate = 4
                plan.scenario.duration = plan.scenario.warmUp + .seconds(15)
                plan.scenario.keepsTrees = true
                experiment.add(
                    plan, x: Double(size), seeds: contender.seeds(settings),
                    title: contender.title, measure: measureAgainstPlan)
            }
        }
        experiment.plots = [.init(metric: .delayRatioMean), .init(metric: .delayRatioWorst)]
        experiment.cumulatives = [.latency(at: settings.isQuick ? 32 : 128)]
        let sizes = experiment.cells.map(\.x).filter { $0 > Double(ExactTree.memberLimit) }
        experiment.targets = [
            .init(
                "mean delay at most 1.10 times", .shortestPathTree, .delayRatioMean,
                .atMost(1.1), xs: sizes),
            .init(
                "worst delay at most 1.20 times", .shortestPathTree, .delayRatioWorst,
                .atMost(1.2), xs: sizes),
        ]
        experiment.remarks = """
            No tree is faster on average than the unicast star, where the source feeds everybody \
            itself: its row is the lower bound that the limit of children keeps all others from. The \
            centralised tree is a heuristic; how far it is from the best of all trees shows in groups \
            of 8.
            """
        return experiment
    }

    /// Runs a simulation, and compares its tree with what can be planned for the same members.
    static let measureAgainstPlan: @Sendable (PreparedRun) throws(Failure) -> Figures = {
        run throws(Failure) in
        let scenario = run.plan.scenario
        let outcome = try run.run { _ in Interruption.pending != nil }
        var figures = Figures(outcome, of: run)
        let delays = DelayTable(try run.underlay(), hosts: Array(0..<scenario.peers))
        let limits = [Int](repeating: scenario.fanout ?? scenario.peers, count: scenario.peers)
        let ideal = CompactTree.plan(delays, source: 0, degreeLimits: limits).cost(delays)
        guard let tree = outcome.trees.first, ideal.worst > 0 else { return figures }
        let cost = tree.cost(delays)
        figures[.delayRatioMean] = cost.mean / ideal.mean
        figures[.delayRatioWorst] = Double(cost.worst) / Double(ideal.worst)
        figures[.packetDelayRatioWorst] = outcome.latency.maximum / Double(ideal.worst)
        let best = ExactTree.Objective.allCases.map { objective in
            ExactTree.plan(delays, source: 0, degreeLimits: limits, objective: objective)?
                .cost(delays)
        }
        if let mean = best[0], let worst = best[1], worst.worst > 0 {
            figures[.exactRatioMean] = cost.mean / mean.mean
            figures[.exactRatioWorst] = Double(cost.worst) / Double(worst.worst)
        }
        return figures
    }
}

extension DeliveredTree {
    /// Mean and largest delay along the tree, in microseconds.
    ///
    /// A member that has no path to the source, because its last packet came while places changed,
    /// counts with that packet's delay.
    package func cost(_ table: DelayTable) -> (mean: Double, worst: Int) {
        var parents = [Int32](repeating: -1, count: table.count)
        for receiver in receivers where parents.indices.contains(receiver.host) {
            parents[receiver.host] = Int32(clamping: receiver.parent)
        }
        let along = OverlayTree(source: source, parents: parents).delays(table)
        let delays = receivers.compactMap { receiver -> Int? in
            guard along.indices.contains(receiver.host) else { return nil }
            return along[receiver.host] ?? Int(receiver.delay.nanoseconds / 1000)
        }
        return (
            Double(delays.reduce(0, +)) / Double(max(1, delays.count)), delays.max() ?? 0
        )
    }
}

extension Contender {
    /// Polycast, soon and settled, what is planned, and the bound of all.
    fileprivate static var againstOptimum: [Contender] {
        onRouters(settling: .seconds(300)).filter { $0.system == .shortestPathTree }
            + [.init(.compactTree, settling: .seconds(20)), .init(.star, settling: .seconds(20))]
    }
}
