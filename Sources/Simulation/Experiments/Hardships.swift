import Management
import NetBasics

// Experiments with loss, churn, deaths and crowds.

extension Experiment {
    /// Loss and churn together, as PRM was examined.
    static func makeE5(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var settings = settings
        settings.seeds = settings.seeds.map { $0 &+ 100 }
        var experiment = Experiment(
            name: "E5", title: "Loss and churn",
            text: """
                As PRM was examined: a transit-stub network of 10,000 routers, 1 to 5 % of \
                datagrams lost from host to host, five joins or departures a second, half of the \
                departures without a word, and 600 ms for each packet to arrive in. PRM's authors \
                publish more than 97 % in time, and an overhead below 5 %. Groups of 512, 16 \
                packets of 1000 bytes a second: 128 kbit/s, the audio stream of the conference in \
                which Narada was studied. Overhead is control traffic, and payloads beyond what \
                loss makes necessary, as a share of media. Polycast's peers weigh a parent's distance \
                with 0.5 here, for what is lost near is repaired soon (0.85 otherwise). Seeds are \
                greater by 100 than those of the other experiments, which had been looked at when \
                this weight was chosen.
                """,
            xTitle: "loss %",
            columns: [
                .timely, .delivered, .overhead, .redundancy, .controlShare, .latencyMedian,
                .latency99, .outage99,
            ])
        for loss in settings.sizes([1, 2, 3, 4, 5], quick: [2]) {
            for system in SimulatedSystem.underChurn {
                var plan = RunPlan(topology: try topology("transit-stub:10000"), system: system)
                plan.scenario.peers = settings.isQuick ? 64 : 512
                plan.scenario.rate = 16
                plan.scenario.fanout = 6
                plan.scenario.distanceWeight = 0.5
                plan.scenario.faults.loss = Double(loss) / 100
                plan.scenario.churn = 5
                plan.scenario.deadline = .milliseconds(600)
                plan.scenario.duration = .seconds(settings.isQuick ? 50 : 90)
                plan.scenario.warmUp = .seconds(30)
                let seeds = settings.seeds(of: system)
                experiment.add(plan, x: Double(loss), seeds: seeds)
            }
        }
        experiment.plots = [
            .init(metric: .timely, xScale: .linear), .init(metric: .overhead, xScale: .linear),
        ]
        experiment.cumulatives = [.latency(at: settings.isQuick ? 2 : 5)]
        experiment.remarks = """
            A packet that is lost is asked for where it should have come from, which takes a round \
            trip, and so does asking again when the request or the answer is lost, too. Who loses its \
            parent without a word needs some 0.3 s to notice before it can ask another. Below that \
            time no protocol gets that waits for silence; what is not repaired then is late. At 5 % \
            loss one exchange in ten fails, whether it asks for a packet or for a new parent, and \
            three in a row take longer than the deadline allows. Of the overhead two thirds are \
            control, the greatest part of it links, hellos and requests for repair, which do not \
            grow with the rate of the media.
            """
        experiment.targets = [
            .init("99.9 % within 600 ms", .shortestPathTree, .timely, .atLeast(99.9)),
            .init("overhead below 5 %", .shortestPathTree, .overhead, .atMost(5)),
        ]
        return experiment
    }

    /// Most of a large group dies at once, as HyParView was examined.
    static func makeE6(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "E6", title: "Mass failure",
            text: """
                As HyParView was examined: 10,000 members, of which 10 to 80 % die in the same \
                instant. Delays of 10 to 150 ms for each pair, one source, five packets a second, \
                at most six children each. Healed is who receives again; the longest outage is the \
                time to heal.
                """,
            xTitle: "% that die",
            columns: [
                .delivered, .unreached, .outageMedian, .outage99, .outageWorst, .redundancy,
                .control,
            ])
        let peers = settings.isQuick ? 300 : 10_000
        for share in settings.sizes([10, 50, 80], quick: [50]) {
            for system in SimulatedSystem.inCrowds
            where system != .floodAndPrune || share == 50 {
                var plan = RunPlan(topology: try topology("pairwise:10-150"), system: system)
                plan.scenario.peers = peers
                plan.scenario.fanout = 6
                plan.scenario.rate = 5
                plan.scenario.joinSpread = .seconds(15)
                plan.scenario.warmUp = .seconds(24)
                plan.scenario.duration = .seconds(40)
                plan.scenario.failures = [.init(count: peers * share / 100, at: .seconds(26))]
                plan.scenario.followedStride = 0
                experiment.add(plan, x: Double(share), seeds: massSeeds(system, settings))
            }
        }
        experiment.plots = [.init(metric: .outageWorst, xScale: .linear)]
        experiment.cumulatives = [.outage(at: 50)]
        experiment.remarks = """
            A member with *k* links loses all of them with a probability of *p* to the power of *k* \
            when a share *p* of all members dies: at 80 %, 3 % of those with 16 links. Those have to \
            find the group anew. All others first have to tell death from a late packet, and then to \
            try neighbors, four of five of which are dead and do not answer.
            """
        experiment.targets = [
            .init("every survivor is reached again", .shortestPathTree, .unreached, .atMost(0)),
            .init("healed within 5 s", .shortestPathTree, .outageWorst, .atMost(5000)),
        ]
        return experiment
    }

    /// Groups of 10,000 take minutes.
    private static func massSeeds(
        _ system: SimulatedSystem, _ settings: ExperimentSettings
    ) -> [UInt64] {
        system == .shortestPathTree ? settings.seeds : Array(settings.seeds.prefix(1))
    }

    static func makeFlashCrowd(_ settings: ExperimentSettings) throws(Failure) -> Experiment {
        var experiment = Experiment(
            name: "flash-crowd", title: "A flash crowd",
            text: """
                A group of 32 with one source, 10 packets a second and at most six children each, \
                on a transit-stub network of 10,000 routers. Then many join within ten seconds. \
                A join ends with the first packet.
                """,
            xTitle: "joins in 10 s",
            columns: [.joinMedian, .join99, .joinWorst, .delivered, .unreached, .control])
        for size in settings.sizes([100, 300, 1000], quick: [100]) {
            for system in SimulatedSystem.inCrowds {
                var plan = RunPlan(topology: try topology("transit-stub:10000"), system: system)
                plan.scenario.fanout = 6
                plan.scenario.warmUp = .seconds(20)
                plan.scenario.crowds = [.init(count: size, at: .seconds(20), over: .seconds(10))]
                plan.scenario.duration = .seconds(45)
                plan.scenario.followedStride = 0
                experiment.add(plan, x: Double(size), seeds: settings.seeds(of: system))
            }
        }
        experiment.plots = [.init(metric: .join99)]
        experiment.cumulatives = [.join(at: settings.isQuick ? 100 : 1000)]
        experiment.remarks = """
            A Polycast member that joins asks the rendezvous for members, these for a link, and one \
            of them for media: three round trips, one after the other, and then the next packet has \
            to come, within 100 ms. Members of HyParView+Plumtree are told of others beforehand, and \
            know no rendezvous.
            """
        experiment.targets = [
            .init("join p99 at most 1 s", .shortestPathTree, .join99, .atMost(1000)),
            .init("nobody left out", .shortestPathTree, .unreached, .atMost(0)),
        ]
        return experiment
    }
}
