import Management
import NetBasics

// Experiments that ask how much, and how large.

extension Experiment {
    static func makeConference(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "conference", title: "A conference with residential uplinks",
            text: """
                Everybody is a source: 50 members with uplinks of 1 to 20 Mbit/s, as homes have \
                them, on a transit-stub network of 10,000 routers. The rate of the streams is \
                chosen so that all copies together take 30 and 60 % of all uplinks: a plan \
                exists. Each member's own uplink carries its stream at least twice.
                """,
            xTitle: "demand, % of all uplinks",
            columns: [
                .delivered, .timely, .unreached, .uplinkUse, .latencyMedian, .latency99,
                .violations, .control,
            ])
        let peers = settings.isQuick ? 12 : 50
        for load in settings.sizes([30, 60], quick: [30]) {
            for system in SimulatedSystem.inConferences {
                var plan = RunPlan(topology: try topology("transit-stub:10000"), system: system)
                plan.uplinks = .residential
                plan.scenario.peers = peers
                plan.scenario.sources = peers
                plan.scenario.bodyBytes = 300
                // 5.95 Mbit/s is the mean of these uplinks; 352 bytes a packet with all headers.
                let streamRate = 5.95e6 * Double(load) / 100 / Double(peers - 1)
                plan.scenario.rate = (streamRate / (352 * 8)).rounded(.down)
                plan.scenario.duration = .seconds(50)
                plan.scenario.warmUp = .seconds(30)
                plan.scenario.checksInvariants = system.isPolycast
                plan.scenario.followedStride = 0
                // Fifty trees at a time take minutes: what is no target has one seed.
                let isTarget = [.automatic, .floodAndPrune].contains(system)
                let count = isTarget ? settings.seeds.count : 1
                let seeds = Array(settings.seeds.prefix(count))
                experiment.add(plan, x: Double(load), seeds: seeds)
            }
        }
        experiment.plots = [
            .init(metric: .delivered, xScale: .linear), .init(metric: .uplinkUse, xScale: .linear),
        ]
        experiment.remarks = """
            The star shows that no source feeds all others by itself: its own uplink carries its \
            stream only a few times. A member of 1 Mbit/s, one in five, feeds hardly anybody, so that \
            those with 10 and 20 carry most of the load. While children change \
            places, copies go to both parents, and repairs come on top: they are bounded by what \
            copies leave. The automatic choice learns from the rendezvous how many sources there are, and floods: the targets \
            are its own.
            """
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
                One source with eight packets a second, which serve as heartbeats, at most six \
                children each, delays of 10 to 150 ms for each pair. Everybody joins within 10 s, \
                or within as many as it takes at 8,000 joins a second. Figures are taken from 5 s \
                afterwards on. One run at a time on one processor; time and memory are those \
                of the process and differ from machine to machine.
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
            plan.scenario.rate = 8
            plan.scenario.joinSpread = .seconds(max(10, size / 8000))
            plan.scenario.warmUp = plan.scenario.joinSpread + .seconds(5)
            plan.scenario.duration = plan.scenario.warmUp + .seconds(5)
            plan.scenario.followedStride = 0
            experiment.add(plan, x: Double(size), seeds: settings.seeds, measure: measureCost)
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

    /// Runs a simulation, and tells what it takes of the machine; the network is made before.
    private static let measureCost: @Sendable (PreparedRun) throws(Failure) -> Figures = {
        run throws(Failure) in
        Machine.forgetPeakMemory()
        let start = Machine.seconds
        var figures = try measureAll(run)
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
    /// Without trees by themselves, which the automatic choice has where they suit.
    static let inMatrix: [SimulatedSystem] =
        [.automatic] + onPlainGraphs.filter { $0 != .shortestPathTree }
    static let underChurn: [SimulatedSystem] = [
        .shortestPathTree, .floodAndPrune, .plumtree, .gossipSub11,
    ]
    static let inCrowds: [SimulatedSystem] = [.shortestPathTree, .floodAndPrune, .plumtree]
    static let inConferences: [SimulatedSystem] = [
        .automatic, .shortestPathTree, .floodAndPrune, .star,
    ]
}
