import Management
import NetBasics

// The experiments that compare with published set-ups without routers: messages among nodes.

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
        experiment.remarks = """
            Naive flooding passes each message over every link, and so shows the least delay that 20 \
            links, dialled at random, allow. Delays are independent for each pair, so that a way over \
            others is often faster than the direct one: the star is no lower bound here. Polycast spt \
            is free to close links and try others, and can therefore be faster than flooding. How far \
            GossipSub is here what its author published, [simulation.md](../simulation.md) says.
            """
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
                and a last hop below 15, 18 and 30. Polycast chooses its algorithm by itself (auto), \
                and has nothing but flooding (flood).
                """,
            xTitle: "nodes",
            columns: [.delivered, .missed, .redundancy, .lastHop, .latency99, .control])
        let published: [UInt64] = [0, 1, 212_312_388_123, 123]
        let all = Array((published + settings.seeds).prefix(settings.seeds.count))
        for (name, senders, rounds, sizes) in [
            ("single", Scenario.Senders.inTurn, 30, settings.sizes([20, 100, 1000], quick: [20])),
            ("random", .inTurn, 30, settings.sizes([20, 100, 1000], quick: [20])),
            ("all", .all, 5, settings.sizes([20, 100], quick: [20])),
        ] {
            for size in sizes {
                for system in SimulatedSystem.inMatrix
                where system != .floodAndPrune || size <= 100 {
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
                        plan, x: Double(size), seeds: all, title: "\(system.title), \(name)")
                }
            }
        }
        experiment.remarks = """
            A tree makes no redundant message: what RMR there is comes from repairs, from members that \
            change places, and from messages that cross. The star has neither redundancy nor hops, \
            but a sender that uploads everything.
            """
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
}

extension Experiment.Target {
    /// The target of one of several variants of a system.
    fileprivate func of(_ variant: String) -> Experiment.Target {
        var target = self
        target.system += ", \(variant)"
        return target
    }
}
