import Management
import NetBasics
import Simulation

let simulateVerb = Verb(
    name: "simulate", summary: "try the overlay on simulated networks",
    details: """
        Runs the program's own control and forwarding planes, or another system, on a simulated \
        network in virtual time, and prints what was delivered and what it cost. The same seed \
        gives the same run.
        TOPOLOGY is transit-stub:N, waxman:N, barabasi-albert:N,M, pairwise:LO-HI (ms), king:N, \
        figure, or a file. Shares are from 0 to 1.
        """,
    options: runOptions + faultOptions + outputOptions + campaignOptions,
    examples: [
        .init(
            "polycast simulate --peers 128 --fanout 6 --fail 16@60s --seed 7",
            "a group of 128, in which 16 die at once"),
        .init(
            "polycast simulate --topology waxman:1024 --loss 0.02 --churn 5/s --json",
            "loss and churn, for a program"),
        .init(
            "polycast simulate --experiment all --report docs/overlay-report",
            "every experiment, with pages and plots"),
        .init("polycast simulate --swarm 1000", "random groups and faults, to find mistakes"),
    ],
    exitCodes: [.success, .runtimeFailure, .usage, .checkFailed, .configuration],
    isService: true,
    makeCommand: makeSimulate)

private let systems = SimulatedSystem.allCases.map(\.rawValue)
private let uplinkModels = UplinkModel.allCases.map(\.rawValue)

private let runOptions: [Option] = [
    .value(
        "topology", "TOPOLOGY", completion: .file, help: "the network (default transit-stub:10000)"),
    .value("peers", "N", help: "members at the start (default 32)"),
    .value("sources", "N", help: "how many of them publish (default 1)"),
    .value(
        "algorithm", "NAME", completion: .words(systems),
        help: "\(systems.joined(separator: ", ")) (default auto)"),
    .value("fanout", "N", help: "children per source at most (default: by the uplink)"),
    .value(
        "distance-weight", "SHARE",
        help: "a parent's own distance against that to it; Polycast's peers only (default 0.85)"),
    .value(
        "uplinks", "MODEL", completion: .words(uplinkModels),
        help: "\(uplinkModels.joined(separator: ", ")) (default: as the topology says)"),
    .value("rate", "N", help: "packets a second and source (default 10)"),
    .value("packet-size", "BYTES", help: "media in a packet (default 1000)"),
    .value("duration", "TIME", help: "of virtual time (default 120s)"),
    .value("warmup", "TIME", help: "before anything is measured (default: a third)"),
    .value("deadline", "TIME", help: "later deliveries are late (default 1s)"),
    .value("seed", "N", help: "decides everything (default 1)"),
]

private let faultOptions: [Option] = [
    .value("loss", "SHARE", help: "datagrams lost from host to host"),
    .value("burst-loss", "SHARE", help: "time in which half of all is lost, in bursts"),
    .value("jitter", "SHARE", help: "extra delay up to this share of the path's"),
    .value("duplication", "SHARE", help: "datagrams that arrive twice"),
    .value("reordering", "SHARE", help: "datagrams held up and overtaken"),
    .value("clock-drift", "SHARE", help: "clocks run wrong by up to this"),
    .value("churn", "N/s", help: "joins and departures together, once measured"),
    .value("graceful", "SHARE", help: "departures that are announced (default 0.5)"),
    .value("fail", "N@TIME", isRepeatable: true, help: "so many die at once; may be repeated"),
    .value(
        "crowd", "N@TIME", isRepeatable: true, help: "so many join within ten seconds"),
    .value(
        "partition", "N@FROM-UNTIL", isRepeatable: true,
        help: "the first N hosts and the others lose each other; with :out behind it, only what "
            + "the N send is lost"),
]

private let outputOptions: [Option] = [
    .value(
        "trees", "FILE", completion: .file, help: "write who fed whom in the end, a line per source"
    ),
    .value("topology-out", "FILE", completion: .file, help: "write the network, to use it again"),
    .value("plot", "DIR", completion: .directory, help: "write distributions as SVG there"),
    .toggle("json", "J", "j", help: "print one JSON object instead of text"),
]

private let campaignOptions: [Option] = [
    .value(
        "experiment", "NAME", completion: .words(Experiment.names + ["all"]),
        help: "\(Experiment.names.joined(separator: ", ")) or all"),
    .value(
        "report", "DIR", completion: .directory, help: "write pages and plots of experiments there"),
    .value("runs", "N", help: "seeds of an experiment, from --seed (default 5, from 101)"),
    .toggle("quick", help: "experiments on small groups, to see that all works"),
    .value("swarm", "N", help: "run so many random scenarios and check invariants"),
    .value("swarm-seed", "N", help: "repeat one of them; with --swarm, begin there"),
]

// MARK: - Reading

/// Members at most; what memory allows is less on most machines.
private let peerLimit = 1_000_000

func makeSimulate(_ words: Words, _: CommandTable) throws(Failure) -> Command {
    let task: SimulateConfiguration.Task
    if words.has("experiment") {
        try words.refuseAll(but: experimentWords, beside: "experiment")
        task = .experiments(try words.experiments())
    } else if words.has("swarm") || words.has("swarm-seed") {
        try words.refuseAll(
            but: swarmWords, beside: words.has("swarm") ? "swarm" : "swarm-seed")
        task = .swarm(try words.swarm())
    } else {
        for option in ["report", "runs", "quick"] where words.has(option) {
            throw Failure(
                .usage, "--\(option) needs experiments", advice: "add --experiment all, or a name")
        }
        task = .run(try words.runPlan())
    }
    var configuration = SimulateConfiguration(task: task)
    configuration.isJSON = words.has("json")
    configuration.treesPath = try words.filledText("trees", "a file")
    configuration.topologyPath = try words.filledText("topology-out", "a file")
    configuration.plotDirectory = try words.filledText("plot", "a directory")
    return .simulate(configuration)
}

private let experimentWords = ["experiment", "report", "runs", "seed", "quick", "json"]
private let swarmWords = ["swarm", "swarm-seed", "json"]

extension Words {
    /// Options that say nothing about what is asked for are mistakes.
    fileprivate func refuseAll(
        but allowed: [String], beside chosen: String
    ) throws(Failure) {
        for option in simulateVerb.options where has(option.name) && !allowed.contains(option.name)
        {
            throw Failure(
                .usage, "--\(option.name) means nothing beside --\(chosen)",
                advice: "keep one of them")
        }
    }

    fileprivate func experiments() throws(Failure) -> SimulateConfiguration.ExperimentRequest {
        let name = text("experiment") ?? ""
        guard name == "all" || Experiment.names.contains(name) else {
            let near = nearest(name, among: Experiment.names + ["all"])
            throw Failure(
                .usage, "no experiment is called \(quoted(name))",
                advice: near.map { "did you mean '\($0)'?" }
                    ?? "choose \(Experiment.names.joined(separator: ", ")) or all")
        }
        var request = SimulateConfiguration.ExperimentRequest(
            names: name == "all" ? Experiment.names : [name])
        request.reportDirectory = try filledText("report", "a directory")
        request.firstSeed = try seed("seed") ?? request.firstSeed
        request.seedCount = try integer("runs", in: 1...1000) ?? request.seedCount
        request.isQuick = has("quick")
        return request
    }

    fileprivate func swarm() throws(Failure) -> SimulateConfiguration.SwarmRequest {
        let count = try integer("swarm", in: 1...100_000_000)
        let seed = try seed("swarm-seed")
        return .init(firstSeed: seed ?? 1, count: count ?? 1)
    }

    // MARK: - One simulation

    fileprivate func runPlan() throws(Failure) -> RunPlan {
        var plan = RunPlan(topology: try topology("topology", default: "transit-stub:10000"))
        plan.system = try choice("algorithm", SimulatedSystem.self) ?? plan.system
        plan.uplinks = try choice("uplinks", UplinkModel.self)
        plan.scenario = try scenario()
        return plan
    }

    private func scenario() throws(Failure) -> Scenario {
        var scenario = Scenario()
        scenario.seed = try seed("seed") ?? scenario.seed
        scenario.peers = try integer("peers", in: 2...peerLimit) ?? scenario.peers
        scenario.sources = try integer("sources", in: 1...peerLimit) ?? scenario.sources
        scenario.fanout = try integer("fanout", in: 1...10_000)
        scenario.distanceWeight = try decimal("distance-weight", in: 0...1)
        scenario.rate = try decimal("rate", in: 0.1...10_000) ?? scenario.rate
        scenario.bodyBytes = try integer("packet-size", in: 1...1400) ?? scenario.bodyBytes
        scenario.duration =
            try duration("duration", in: .seconds(1) ... .seconds(86400)) ?? scenario.duration
        scenario.warmUp = scenario.duration / 3
        if let warmUp = try duration("warmup", in: .zero ... .seconds(86400)) {
            guard warmUp < scenario.duration else {
                throw Failure(
                    .usage, "--warmup leaves nothing of the duration to measure",
                    advice: "give a shorter --warmup or a longer --duration")
            }
            scenario.warmUp = warmUp
        }
        scenario.joinSpread = min(scenario.joinSpread, scenario.warmUp / 2)
        scenario.deadline = try duration("deadline") ?? scenario.deadline
        scenario.checksInvariants = scenario.peers * scenario.sources <= 5000
        try addFaults(to: &scenario)
        return scenario
    }

    private func addFaults(to scenario: inout Scenario) throws(Failure) {
        scenario.faults.loss = try share("loss") ?? 0
        scenario.faults.burstLoss = try share("burst-loss") ?? 0
        scenario.faults.jitter = try decimal("jitter", in: 0...100) ?? 0
        scenario.faults.duplication = try share("duplication") ?? 0
        scenario.faults.reordering = try share("reordering") ?? 0
        scenario.faults.clockDrift = try decimal("clock-drift", in: 0...0.1) ?? 0
        scenario.churn = try changesPerSecond("churn") ?? 0
        scenario.gracefulShare =
            try decimal("graceful", in: 0...1) ?? scenario.gracefulShare
        for text in all("fail") {
            let (count, at) = try countAt("fail", text, scenario)
            guard count <= scenario.peers - scenario.sources else {
                throw Failure(
                    .usage,
                    "--fail \(quoted(text)) kills more than the "
                        + "\(max(0, scenario.peers - scenario.sources)) peers that are no sources",
                    advice: "give fewer, or more --peers")
            }
            scenario.failures.append(.init(count: count, at: at))
        }
        for text in all("crowd") {
            let (count, at) = try countAt("crowd", text, scenario)
            scenario.crowds.append(.init(count: count, at: at, over: .seconds(10)))
        }
        for text in all("partition") {
            scenario.faults.partitions.append(try partition(text, scenario))
        }
    }
}
