import Management
import NetBasics

// The experiments that compare with published set-ups on routers: trees against the network's own.

extension Experiment {
    /// Trees over a random graph, as Narada was examined.
    static func makeE3(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "E3", title: "Trees over a random network",
            text: """
                As Narada was examined: a Waxman graph of 1,024 routers, members on random routers, \
                at most six children per source. Up to eight members of each group, a random \
                sample, are sources at the same time; their trees do not compete, as uplinks are \
                not limited. Polycast's peers weigh a parent's distance with 0.55 here, which \
                spares the network (0.85 otherwise). \(Contender.settlingText(ours: "15, as Narada"))
                """,
            xTitle: "members",
            columns: [
                .delivered, .stretchMedian, .stretch90, .stretchWorst, .stressMean, .stressWorst,
                .usage, .control,
            ])
        for size in settings.sizes([16, 32, 64, 128, 256], quick: [16, 32]) {
            for contender in Contender.onRouters(settling: .seconds(900))
            where size <= contender.sizeLimit {
                var plan = contender.plan(on: try topology("waxman:1024"), settings)
                plan.scenario.peers = size
                plan.scenario.sources = min(8, size)
                plan.scenario.fanout = 6
                plan.scenario.distanceWeight = 0.55
                plan.scenario.rate = 2
                plan.scenario.duration = plan.scenario.warmUp + .seconds(20)
                let seeds = contender.seeds(settings)
                experiment.add(plan, x: Double(size), seeds: seeds, title: contender.title)
            }
        }
        experiment.plots = [
            .init(metric: .stretchMedian), .init(metric: .stretch90),
            .init(metric: .stressWorst, yScale: .logarithmic),
            .init(metric: .usage),
        ]
        experiment.cumulatives = [.stretch(at: settings.isQuick ? 32 : 128)]
        experiment.remarks = """
            IP multicast is 1 in every ratio, by definition; no overlay is, for members are copied to \
            over access links, and feed six others at most. What that costs at least, the two \
            centralised trees show, which know all delays: one is made for least delay, the other for \
            least use of the network. What one gains the other loses, and a tree that members find \
            for themselves lies between them or behind. The star has the least stretch, and \
            everything crosses its source's own link.
            """
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

    private static let deathsTitle = ", 16 die"

    /// A large network, the cost of control, and sudden deaths, as NICE was examined.
    static func makeE4(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "E4", title: "Stress, control traffic and sudden deaths",
            text: """
                As NICE was examined: a transit-stub network of 10,000 routers and one source, with \
                10 packets a second. At most six children each. In other runs with 128 members 16 \
                die in the same instant, 20 s before the end, without a word. Control traffic counts \
                the headers of IP and UDP. Polycast's peers weigh a parent's distance with 0.3 \
                here, which spares the network more than it spares delay (0.85 otherwise). The \
                rendezvous names members of the same block of addresses first, and addresses \
                follow the numbers of the routers, domain by domain; when it named members at random, \
                mean stress at 2,048 was 1.8. \
                \(Contender.settlingText(ours: "five"))
                """,
            xTitle: "members",
            columns: [
                .delivered, .timely, .stressMean, .stressWorst, .stretchMedian, .usage, .control,
                .controlWorst, .outage99, .outageWorst,
            ])
        let deathsSize = settings.isQuick ? 32 : 128
        for size in settings.sizes([32, 128, 512, 2048], quick: [32]) {
            for contender in Contender.onRouters(settling: .seconds(300))
            where size <= contender.sizeLimit {
                var plan = contender.plan(on: try topology("transit-stub:10000"), settings)
                plan.scenario.peers = size
                plan.scenario.fanout = 6
                plan.scenario.distanceWeight = 0.3
                plan.scenario.duration = plan.scenario.warmUp + .seconds(30)
                let seeds = contender.seeds(settings)
                experiment.add(plan, x: Double(size), seeds: seeds, title: contender.title)
                guard size == deathsSize, !contender.system.isPlanned else { continue }
                let at = plan.scenario.warmUp + .seconds(10)
                plan.scenario.failures = [.init(count: 16, at: at)]
                experiment.add(
                    plan, x: Double(size), seeds: seeds, title: contender.title + deathsTitle)
            }
        }
        experiment.plots = [
            .init(metric: .stressMean), .init(metric: .control, yScale: .logarithmic),
        ]
        experiment.cumulatives = [.outage(at: settings.isQuick ? 32 : 128)]
        experiment.remarks = """
            Stress has a lower bound, which the network sets: many members behind few routers share \
            links, and each member that feeds others uses its access link once for each. The \
            centralised trees know all delays and keep the same limit of children: what the one for \
            least use has is about as low as any tree gets, and the one for least delay pays for its \
            delay with stress. A death is noticed by silence: a parent is suspect after about three \
            heartbeats, some 0.3 s, and then another has to be asked and to answer. Packets of that \
            time are asked for again, so that few are late by more than that.
            """
        experiment.targets = [
            .init("mean stress at most 1.5", .shortestPathTree, .stressMean, .atMost(1.5)),
            .init(
                "control at most 2 kbit/s at 128", .shortestPathTree, .control, .atMost(2),
                xs: [128]),
            .init(
                "control at most 3 kbit/s at 2048", .shortestPathTree, .control, .atMost(3),
                xs: [2048]),
        ]
        for (text, metric, bound) in [
            ("outage p99 at most 500 ms", Metric.outage99, Target.Bound.atMost(500)),
            ("all within 1 s", .timely, .atLeast(100)),
        ] {
            var target = Target("16 of 128 die: \(text)", .shortestPathTree, metric, bound)
            target.system += deathsTitle
            experiment.targets.append(target)
        }
        return experiment
    }
}
