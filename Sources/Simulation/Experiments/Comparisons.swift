import Management
import NetBasics

// The experiments that compare with published set-ups.

extension Experiment {
    /// The set-up of GossipSub's author's simulator.
    static func makeE1(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "E1", title: "Messages on GossipSub's own graph",
            text: """
                The set-up of vyzo/gerbil-simsub: every node dials 20 random nodes, each pair of \
                nodes has a delay of 10 to 150 ms one way, and jitter adds up to a tenth. Five \
                sources; every second one of them, at random, sends a message; 60 messages, after \
                20 s to settle. No loss, no churn, no limit to fan-out or uplinks.
                """,
            xTitle: "nodes",
            columns: [
                .delivered, .payloads, .announcements, .redundancy, .within100, .within200,
                .within300, .latencyMedian, .latency99, .latencyWorst, .lastHop, .control,
            ])
        for size in settings.sizes([100, 250, 500, 1000], quick: [100]) {
            for system in SimulatedSystem.onPlainGraphs {
                var plan = RunPlan(topology: try topology("pairwise:10-150"), system: system)
                plan.usesContacts = true
                plan.neighborTarget = 20
                plan.scenario.peers = size
                plan.scenario.sources = 5
                plan.scenario.contactsAreAll = true
                plan.scenario.joinSpread = .zero
                plan.scenario.warmUp = .seconds(20)
                plan.scenario.workload = .rounds(count: 60, interval: .seconds(1), .random)
                plan.scenario.duration = .seconds(85)
                plan.scenario.faults.jitter = 0.1
                plan.scenario.followedStride = 0
                experiment.add(plan, x: Double(size), seeds: settings.seeds)
            }
        }
        experiment.plots = [.init(metric: .redundancy), .init(metric: .latency99)]
        experiment.cumulatives = [.latency(at: Double(settings.isQuick ? 100 : 1000))]
        experiment.targets = [
            .init("all delivered (spt)", .shortestPathTree, .delivered, .atLeast(100)),
            .init("all delivered (flood)", .floodAndPrune, .delivered, .atLeast(100)),
            .init("RMR at most 0.02 (spt)", .shortestPathTree, .redundancy, .atMost(0.02)),
            .init("RMR at most 0.10 (flood)", .floodAndPrune, .redundancy, .atMost(0.1)),
            .init(
                "delay p50 at most that of GossipSub v1.1 (spt)", .shortestPathTree,
                .latencyMedian, .atMostOf(SimulatedSystem.gossipSub11.title)),
            .init(
                "delay p99 at most that of GossipSub v1.1 (spt)", .shortestPathTree, .latency99,
                .atMostOf(SimulatedSystem.gossipSub11.title)),
            .init(
                "delay p50 at most that of GossipSub v1.1 (flood)", .floodAndPrune,
                .latencyMedian, .atMostOf(SimulatedSystem.gossipSub11.title)),
            .init(
                "delay p99 at most that of GossipSub v1.1 (flood)", .floodAndPrune, .latency99,
                .atMostOf(SimulatedSystem.gossipSub11.title)),
        ]
        return experiment
    }

    /// The matrix of iroh-gossip's simulation tests.
    static func makeE2(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "E2", title: "The matrix of iroh-gossip",
            text: """
                The set-ups of n0-computer/iroh-gossip's `simulations/all.toml`: 10 to 50 ms for \
                each pair of nodes; 30 rounds with a single sender, 30 rounds with another sender \
                each, and 5 rounds in which all nodes send in the same instant. Its seeds are used: \
                0, 1, 123 and 212312388123, and one of ours. Its gates are RMR below 0.2, 1 and 3, \
                and a last hop below 15, 18 and 30.
                """,
            xTitle: "nodes",
            columns: [.delivered, .missed, .redundancy, .lastHop, .latency99, .control])
        let seeds: [UInt64] = settings.isQuick ? [0, 1] : [0, 1, 212_312_388_123, 123, 101]
        for (name, senders, rounds, sizes) in [
            ("single", Scenario.Senders.inTurn, 30, settings.sizes([20, 100, 1000], quick: [20])),
            ("random", .inTurn, 30, settings.sizes([20, 100, 1000], quick: [20])),
            ("all", .all, 5, settings.sizes([20, 100], quick: [20])),
        ] {
            for size in sizes {
                for system in SimulatedSystem.inMatrix {
                    var plan = RunPlan(topology: try topology("pairwise:10-50"), system: system)
                    plan.scenario.peers = size
                    plan.scenario.sources =
                        name == "single" ? 1 : name == "random" ? min(rounds, size) : size
                    plan.scenario.warmUp = .seconds(20)
                    let interval: Duration = name == "all" ? .seconds(3) : .seconds(1)
                    plan.scenario.workload = .rounds(count: rounds, interval: interval, senders)
                    plan.scenario.duration =
                        plan.scenario.warmUp + interval * rounds + .seconds(4)
                    plan.scenario.followedStride = 0
                    experiment.add(
                        plan, x: Double(size), seeds: seeds, title: "\(system.title), \(name)")
                }
            }
        }
        experiment.plots = [.init(metric: .redundancy), .init(metric: .lastHop)]
        for (name, redundancy, hops) in [
            ("single", 0.05, 7.0), ("random", 0.10, 9), ("all", 0.20, 15),
        ] {
            experiment.targets += [
                .init("nothing missed, \(name)", .automatic, .missed, .atMost(0))
                    .of(name),
                .init(
                    "RMR below \(redundancy), \(name)", .automatic, .redundancy,
                    .atMost(redundancy)
                ).of(name),
                .init(
                    "last hop at most \(Int(hops)), \(name)", .automatic, .lastHop,
                    .atMost(hops)
                ).of(name),
            ]
        }
        return experiment
    }

    /// Trees over a random graph, as Narada was examined.
    static func makeE3(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "E3", title: "Trees over a random network",
            text: """
                As Narada was examined: a Waxman graph of 1,024 routers, members on random routers, \
                at most six children per source. Up to eight members of each group, a random \
                sample, are sources at the same time; their trees do not compete, as uplinks are \
                not limited. Figures are taken after a minute, of Narada \
                after a quarter of an hour.
                """,
            xTitle: "members",
            columns: [
                .delivered, .stretchMedian, .stretch90, .stretchWorst, .stressMean, .stressWorst,
                .usage, .control,
            ])
        for size in settings.sizes([16, 32, 64, 128, 256], quick: [16, 32]) {
            for system in SimulatedSystem.onRouters {
                var plan = RunPlan(topology: try topology("waxman:1024"), system: system)
                plan.scenario.peers = size
                plan.scenario.sources = min(8, size)
                plan.scenario.fanout = 6
                plan.scenario.rate = 2
                plan.scenario.warmUp =
                    .seconds(settings.isQuick ? 30 : 60) + system.extraSettling
                plan.scenario.duration = plan.scenario.warmUp + .seconds(20)
                plan.scenario.publishAt =
                    .seconds(1) + (system.isPolycast ? .zero : system.extraSettling)
                experiment.add(plan, x: Double(size), seeds: settings.seeds)
            }
        }
        experiment.plots = [
            .init(metric: .stretchMedian), .init(metric: .stretch90),
            .init(metric: .stressWorst, yScale: .logarithmic),
            .init(metric: .usage),
        ]
        experiment.cumulatives = [.stretch(at: settings.isQuick ? 32 : 128)]
        experiment.targets = [
            .init("stretch p50 at most 1.3", .shortestPathTree, .stretchMedian, .atMost(1.3)),
            .init("stretch p90 at most 2.0", .shortestPathTree, .stretch90, .atMost(2)),
            .init(
                "worst stress at most 8 at 128", .shortestPathTree, .stressWorst, .atMost(8),
                xs: [128]),
            .init("NRU at most 1.4", .shortestPathTree, .usage, .atMost(1.4)),
        ]
        for (name, metric) in [
            ("stretch p50", Metric.stretchMedian), ("stretch p90", .stretch90),
            ("worst stress", .stressWorst), ("NRU", .usage),
        ] {
            let text = "\(name) at most Narada's"
            let bound = Target.Bound.atMostOf(SimulatedSystem.narada.title)
            experiment.targets.append(.init(text, .shortestPathTree, metric, bound))
        }
        return experiment
    }

    /// A large network, the cost of control, and sudden deaths, as NICE was examined.
    static func makeE4(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "E4", title: "Stress, control traffic and sudden deaths",
            text: """
                As NICE was examined: a transit-stub network of 10,000 routers and one source, with \
                10 packets a second. At most six children each. In groups of 128, 16 members die \
                in the same instant, 20 s before the end, without a word. Control traffic counts \
                the headers of IP and UDP. Polycast's peers weigh a parent's distance with one half \
                here, which spares the network (0.7 otherwise). Figures are taken after five minutes.
                """,
            xTitle: "members",
            columns: [
                .delivered, .timely, .stressMean, .stressWorst, .stretchMedian, .usage, .control,
                .controlWorst, .outage99, .outageWorst,
            ])
        for size in settings.sizes([32, 128, 512, 2048], quick: [32]) {
            for system in SimulatedSystem.onRouters where size <= system.sizeLimit {
                var plan = RunPlan(topology: try topology("transit-stub:10000"), system: system)
                plan.scenario.peers = size
                plan.scenario.fanout = 6
                plan.scenario.distanceWeight = 0.5
                let settling = settings.isQuick ? .zero : system.extraSettling
                plan.scenario.warmUp = .seconds(50) + settling
                plan.scenario.duration = plan.scenario.warmUp + .seconds(30)
                plan.scenario.publishAt =
                    .seconds(1) + (system.isPolycast ? .zero : settling)
                if size == 128, !system.isPlanned {
                    let at = plan.scenario.warmUp + .seconds(10)
                    plan.scenario.failures = [.init(count: 16, at: at)]
                }
                experiment.add(plan, x: Double(size), seeds: settings.seeds)
            }
        }
        experiment.plots = [
            .init(metric: .stressMean), .init(metric: .control, yScale: .logarithmic),
        ]
        experiment.cumulatives = [.outage(at: 128)]
        experiment.targets = [
            .init("mean stress at most 1.5", .shortestPathTree, .stressMean, .atMost(1.5)),
            .init(
                "control at most 2 kbit/s at 128", .shortestPathTree, .control, .atMost(2),
                xs: [128]),
            .init(
                "control at most 3 kbit/s at 2048", .shortestPathTree, .control, .atMost(3),
                xs: [2048]),
            .init(
                "16 of 128 die: outage p99 at most 500 ms", .shortestPathTree, .outage99,
                .atMost(500), xs: [128]),
            .init(
                "16 of 128 die: all within 1 s", .shortestPathTree, .timely, .atLeast(100),
                xs: [128]),
        ]
        return experiment
    }
}

extension Experiment.Target {
    /// The target of one of several variants of a system.
    fileprivate func of(_ variant: String) -> Experiment.Target {
        var target = self
        target.system += ", \(variant)"
        return target
    }
}
