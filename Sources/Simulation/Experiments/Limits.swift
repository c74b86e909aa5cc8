import Management
import NetBasics

// Experiments that ask how near to what is possible, and how large.

extension Experiment {
    /// Delays against those of a tree that is planned with full knowledge.
    static func makeOptimum(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "optimum", title: "Against a centralised tree",
            text: """
                The same members, the same limit of six children: Polycast's tree after five \
                minutes, and the tree that the compact-tree heuristic (Shi and Turner, 2002) \
                makes with knowledge of all delays. A transit-stub network of 10,000 routers.
                """,
            xTitle: "members",
            columns: [
                .delayRatioMean, .delayRatioWorst, .latencyMean, .latencyWorst, .stretchMedian,
                .stressMean, .usage,
            ])
        for size in settings.sizes([16, 32, 64, 128, 256, 512], quick: [16, 32]) {
            for system in [SimulatedSystem.shortestPathTree, .compactTree] {
                var plan = RunPlan(topology: try topology("transit-stub:10000"), system: system)
                plan.scenario.peers = size
                plan.scenario.fanout = 6
                plan.scenario.rate = 4
                plan.scenario.warmUp = .seconds(settings.isQuick ? 30 : 300)
                plan.scenario.duration = plan.scenario.warmUp + .seconds(15)
                let measured = plan
                experiment.cells.append(
                    Cell(system: system.title, x: Double(size), seeds: settings.seeds) {
                        seed throws(Failure) in
                        try relativeToPlan(measured, seed: seed)
                    })
            }
        }
        experiment.plots = [.init(metric: .delayRatioMean), .init(metric: .delayRatioWorst)]
        experiment.cumulatives = [.latency(at: settings.isQuick ? 32 : 128)]
        experiment.targets = [
            .init(
                "mean delay at most 1.10 times", .shortestPathTree, .delayRatioMean,
                .atMost(1.1)),
            .init(
                "worst delay at most 1.20 times", .shortestPathTree, .delayRatioWorst,
                .atMost(1.2)),
        ]
        return experiment
    }

    private static func relativeToPlan(
        _ plan: RunPlan, seed: UInt64
    ) throws(Failure) -> Figures {
        var plan = plan
        plan.scenario.seed = seed
        let run = try plan.prepared()
        var figures = Figures(try run.run { _ in Interruption.pending != nil }, of: run)
        let limits = [Int](repeating: plan.scenario.fanout ?? 6, count: plan.scenario.peers)
        let delays = DelayTable(try run.underlay(), hosts: Array(0..<plan.scenario.peers))
        let ideal = CompactTree.plan(delays, source: 0, degreeLimits: limits).cost(delays)
        if let mean = figures[.latencyMean], let worst = figures[.latencyWorst], ideal.worst > 0 {
            figures[.delayRatioMean] = mean * 1000 / ideal.mean
            figures[.delayRatioWorst] = worst * 1000 / Double(ideal.worst)
        }
        return figures
    }

    static func makeConference(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "conference", title: "A conference with residential uplinks",
            text: """
                Everybody is a source: 50 members with uplinks of 1 to 20 Mbit/s, as homes have \
                them, on a transit-stub network of 10,000 routers. The rate of the streams is \
                chosen so that all copies together take 30, 45 and 60 % of all uplinks: a plan \
                exists. Each member's own uplink carries its stream at least twice.
                """,
            xTitle: "demand, % of all uplinks",
            columns: [
                .delivered, .timely, .unreached, .uplinkUse, .latencyMedian, .latency99,
                .violations, .control,
            ])
        let peers = settings.isQuick ? 12 : 50
        for load in settings.sizes([30, 45, 60], quick: [30]) {
            for system in SimulatedSystem.inConferences {
                var plan = RunPlan(topology: try topology("transit-stub:10000"), system: system)
                plan.uplinks = .residential
                plan.scenario.peers = peers
                plan.scenario.sources = peers
                plan.scenario.bodyBytes = 300
                // 5.95 Mbit/s is the mean of these uplinks; 352 bytes a packet with all headers.
                let streamRate = 5.95e6 * Double(load) / 100 / Double(peers - 1)
                plan.scenario.rate = (streamRate / (352 * 8)).rounded(.down)
                plan.scenario.duration = .seconds(60)
                plan.scenario.warmUp = .seconds(40)
                plan.scenario.checksInvariants = true
                plan.scenario.followedStride = 0
                experiment.add(plan, x: Double(load), seeds: settings.seeds)
            }
        }
        experiment.plots = [
            .init(metric: .delivered, xScale: .linear), .init(metric: .uplinkUse, xScale: .linear),
        ]
        experiment.targets = [
            .init("all are fed", .automatic, .unreached, .atMost(0)),
            .init("nobody above budget", .automatic, .uplinkUse, .atMost(100)),
            .init("no invariant violated", .automatic, .violations, .atMost(0)),
        ]
        return experiment
    }

    static func makeGrowth(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "growth", title: "From ten to a hundred thousand",
            text: """
                One source with two packets a second, at most six children each, delays of 10 to \
                150 ms for each pair. Everybody joins within 30 s, or within as many as it takes at \
                1,000 joins a second. One run at a time on one processor; time and memory are those \
                of the process and differ from machine to machine. The largest group has one seed.
                """,
            xTitle: "members",
            columns: [
                .control, .controlWorst, .joinMedian, .join99, .delivered, .unreached, .seconds,
                .megabytes,
            ])
        experiment.isSequential = true
        for size in settings.sizes([10, 100, 1000, 10_000, 100_000], quick: [10, 100]) {
            var plan = RunPlan(
                topology: try topology("pairwise:10-150"), system: .shortestPathTree)
            plan.scenario.peers = size
            plan.scenario.fanout = 6
            plan.scenario.rate = 2
            plan.scenario.joinSpread = .seconds(max(30, size / 1000))
            plan.scenario.warmUp = plan.scenario.joinSpread + .seconds(20)
            plan.scenario.duration = plan.scenario.warmUp + .seconds(20)
            plan.scenario.followedStride = 0
            let measured = plan
            experiment.cells.append(
                Cell(
                    system: plan.system.title, x: Double(size),
                    seeds: size > 10_000 ? Array(settings.seeds.prefix(1)) : settings.seeds
                ) { seed throws(Failure) in
                    try withCost(measured, seed: seed)
                })
        }
        experiment.plots = [
            .init(metric: .control), .init(metric: .joinMedian), .init(metric: .join99),
            .init(metric: .seconds, yScale: .logarithmic),
            .init(metric: .megabytes, yScale: .logarithmic),
        ]
        experiment.targets = [
            .init("nobody left out", .shortestPathTree, .unreached, .atMost(0)),
            .init("within 10 minutes", .shortestPathTree, .seconds, .atMost(600)),
            .init("within 10 GB", .shortestPathTree, .megabytes, .atMost(10_000)),
        ]
        return experiment
    }

    private static func withCost(_ plan: RunPlan, seed: UInt64) throws(Failure) -> Figures {
        var plan = plan
        plan.scenario.seed = seed
        Machine.forgetPeakMemory()
        let start = Machine.seconds
        let run = try plan.prepared()
        var figures = Figures(try run.run { _ in Interruption.pending != nil }, of: run)
        figures[.seconds] = Machine.seconds - start
        figures[.megabytes] = Machine.peakBytes.map { Double($0) / 1e6 }
        return figures
    }
}

// MARK: - Which systems take part

extension SimulatedSystem {
    /// Where no routers are: messages among nodes.
    static let onPlainGraphs: [SimulatedSystem] = [
        .shortestPathTree, .floodAndPrune, .gossipSub10, .gossipSub11, .plumtree, .flooding, .star,
    ]
    static let inMatrix: [SimulatedSystem] = [.automatic] + onPlainGraphs
    /// Where trees are compared with the network's own.
    static let onRouters: [SimulatedSystem] = [
        .shortestPathTree, .floodAndPrune, .narada, .plumtree, .gossipSub11, .star, .ipMulticast,
        .compactTree,
    ]
    static let underChurn: [SimulatedSystem] = [
        .shortestPathTree, .floodAndPrune, .plumtree, .gossipSub11,
    ]
    static let inCrowds: [SimulatedSystem] = [.shortestPathTree, .floodAndPrune, .plumtree]
    static let inConferences: [SimulatedSystem] = [
        .automatic, .shortestPathTree, .floodAndPrune, .star,
    ]

    /// Members beyond which a system's own cost makes a simulation take too long.
    var sizeLimit: Int {
        switch self {
        case .compactTree: 512
        // Every member tells every neighbor of every member.
        case .narada: 256
        // Its announcements make as many events.
        case .floodAndPrune: 256
        default: .max
        }
    }

    /// How much longer than others a system needs until its structure has settled.
    var extraSettling: Duration {
        switch self {
        // Its authors look at it after 40 minutes; links are tried every ten seconds.
        case .narada: .seconds(840)
        // Its trees go on getting better for some minutes.
        case .shortestPathTree: .seconds(250)
        default: .zero
        }
    }
}
