import Management
import NetBasics
import Simulation
import Testing

@testable import polycast

/// One option of `simulate`, and the command it makes.
struct SimulateSample: Sendable {
    var option: String
    var arguments: [String]
    var expected: SimulateConfiguration
}

private func standardPlan() throws -> RunPlan {
    var plan = RunPlan(topology: try TopologySpec(parsing: "transit-stub:10000"))
    plan.scenario.warmUp = .seconds(40)
    plan.scenario.checksInvariants = true
    return plan
}

private func run(
    _ option: String, _ value: String, _ change: (inout RunPlan) throws -> Void
) -> SimulateSample {
    guard var plan = try? standardPlan(), (try? change(&plan)) != nil else {
        preconditionFailure("the sample of \(option) is a plan")
    }
    return SimulateSample(
        option: option, arguments: ["--\(option)", value],
        expected: SimulateConfiguration(task: .run(plan)))
}

private func output(
    _ option: String, _ value: String?, _ change: (inout SimulateConfiguration) -> Void
) -> SimulateSample {
    guard let plan = try? standardPlan() else { preconditionFailure("the default is a plan") }
    var configuration = SimulateConfiguration(task: .run(plan))
    change(&configuration)
    return SimulateSample(
        option: option, arguments: ["--\(option)"] + (value.map { [$0] } ?? []),
        expected: configuration)
}

private func experiment(
    _ option: String, _ arguments: [String],
    _ change: (inout SimulateConfiguration.ExperimentRequest) -> Void
) -> SimulateSample {
    var request = SimulateConfiguration.ExperimentRequest(names: ["E3"])
    change(&request)
    return SimulateSample(
        option: option, arguments: ["--experiment", "E3"] + arguments,
        expected: SimulateConfiguration(task: .experiments(request)))
}

let simulateSamples: [SimulateSample] = [
    run("topology", "waxman:64") { $0.topology = try TopologySpec(parsing: "waxman:64") },
    run("peers", "64") { $0.scenario.peers = 64 },
    run("sources", "3") { $0.scenario.sources = 3 },
    run("algorithm", "star") { $0.system = .star },
    run("fanout", "6") { $0.scenario.fanout = 6 },
    run("distance-weight", "0.5") { $0.scenario.distanceWeight = 0.5 },
    run("uplinks", "residential") { $0.uplinks = .residential },
    run("rate", "2.5") { $0.scenario.rate = 2.5 },
    run("packet-size", "160") { $0.scenario.bodyBytes = 160 },
    run("duration", "60s") {
        $0.scenario.duration = .seconds(60)
        $0.scenario.warmUp = .seconds(20)
    },
    run("warmup", "5s") {
        $0.scenario.warmUp = .seconds(5)
        $0.scenario.joinSpread = .milliseconds(2500)
    },
    run("deadline", "600ms") { $0.scenario.deadline = .milliseconds(600) },
    run("seed", "7") { $0.scenario.seed = 7 },
    run("loss", "0.02") { $0.scenario.faults.loss = 0.02 },
    run("burst-loss", "0.1") { $0.scenario.faults.burstLoss = 0.1 },
    run("jitter", "0.5") { $0.scenario.faults.jitter = 0.5 },
    run("duplication", "0.01") { $0.scenario.faults.duplication = 0.01 },
    run("reordering", "0.05") { $0.scenario.faults.reordering = 0.05 },
    run("clock-drift", "0.001") { $0.scenario.faults.clockDrift = 0.001 },
    run("churn", "5/s") { $0.scenario.churn = 5 },
    run("graceful", "1") { $0.scenario.gracefulShare = 1 },
    run("fail", "16@60s") { $0.scenario.failures = [.init(count: 16, at: .seconds(60))] },
    run("crowd", "100@20s") {
        $0.scenario.crowds = [.init(count: 100, at: .seconds(20), over: .seconds(10))]
    },
    run("partition", "10@50s-1m:out") {
        $0.scenario.faults.partitions = [
            .init(
                boundary: 10, from: .zero + .seconds(50), until: .zero + .seconds(60),
                isOneWay: true)
        ]
    },
    output("trees", "t.jsonl") { $0.treesPath = "t.jsonl" },
    output("topology-out", "t.json") { $0.topologyPath = "t.json" },
    output("plot", "plots") { $0.plotDirectory = "plots" },
    output("json", nil) { $0.isJSON = true },
    experiment("experiment", []) { _ in },
    experiment("report", ["--report", "out"]) { $0.reportDirectory = "out" },
    experiment("runs", ["--runs", "9"]) { $0.seedCount = 9 },
    experiment("quick", ["--quick"]) { $0.isQuick = true },
    SimulateSample(
        option: "swarm", arguments: ["--swarm", "1000"],
        expected: SimulateConfiguration(task: .swarm(.init(firstSeed: 1, count: 1000)))),
    SimulateSample(
        option: "swarm-seed", arguments: ["--swarm-seed", "1234"],
        expected: SimulateConfiguration(task: .swarm(.init(firstSeed: 1234, count: 1)))),
]

@Suite struct SimulateOptionTests {
    @Test(arguments: simulateSamples.indices)
    func valuesArrive(index: Int) throws {
        let sample = simulateSamples[index]

        let command = try parse(["simulate"] + sample.arguments)

        #expect(command == .simulate(sample.expected), "--\(sample.option)")
        #expect(try parse(["simulate"]) != command, "--\(sample.option) changes nothing")
    }

    @Test func allExperimentsAreThoseOfTheReport() throws {
        let names = [
            "E1", "E2", "E3", "E4", "E5", "E6", "optimum", "flash-crowd", "conference", "growth",
        ]

        let command = try parse(["simulate", "--experiment", "all"])

        #expect(
            command == .simulate(SimulateConfiguration(task: .experiments(.init(names: names)))))
    }

    @Test func pagesOfferCommandsThatRepeatTheirRuns() throws {
        let settings = ExperimentSettings(.init(names: []))
        var offered = 0
        for name in Experiment.names {
            for cell in try Experiment.named(name, settings).cells {
                guard let plan = cell.plan, let command = plan.command else { continue }
                let words = command.split(separator: " ").dropFirst().map(String.init)
                guard case .simulate(let made) = try parse(words), case .run(var run) = made.task
                else {
                    Issue.record("\(command) is no simulation")
                    continue
                }
                offered += 1
                run.scenario.followedStride = plan.scenario.followedStride
                run.scenario.checksInvariants = plan.scenario.checksInvariants
                run.scenario.keepsTrees = plan.scenario.keepsTrees
                #expect(run == plan, "\(command)")
            }
        }
        #expect(offered > 50)
    }

    private static let mistakes: [(arguments: [String], line: String)] = [
        (
            ["--topology", "ring:5"],
            "cannot read ring:5: No such file or directory; use transit-stub:N, waxman:N, "
                + "barabasi-albert:N,M, pairwise:LO-HI, king:N, figure or a file"
        ),
        (
            ["--topology", "waxman:-4"],
            "--topology: topology \"waxman:-4\" needs a number from 2 to 20000; use "
                + "transit-stub:N, waxman:N, barabasi-albert:N,M, pairwise:LO-HI, king:N, figure "
                + "or a file"
        ),
        (["--peers", "1"], "--peers cannot be \"1\"; write a number from 2 to 1000000"),
        (
            ["--algorithm", "sptt"], "--algorithm cannot be \"sptt\"; did you mean 'spt'?"
        ),
        (
            ["--loss", "1"],
            "--loss cannot be \"1\"; write a share from 0 to below 1, such as 0.02"
        ),
        (
            ["--loss", "-0.1"],
            "simulate: --loss needs a value; write --loss SHARE, or --loss=SHARE if it begins "
                + "with a dash"
        ),
        (
            ["--loss=nan"],
            "--loss cannot be \"nan\"; write a share from 0 to below 1, such as 0.02"
        ),
        (
            ["--distance-weight", "1.5"],
            "--distance-weight cannot be \"1.5\"; write a number from 0 to 1"
        ),
        (["--rate", "0"], "--rate cannot be \"0\"; write a number from 0.1 to 10000"),
        (
            ["--churn", "5/m"],
            "--churn cannot be \"5/m\"; write changes a second up to 10000, such as 5/s"
        ),
        (
            ["--fail", "16"], "--fail cannot be \"16\"; write how many and when, such as 16@60s"
        ),
        (
            ["--fail", "16@5m"],
            "--fail \"16@5m\" is behind the end at 2m; give an earlier moment or a longer "
                + "--duration"
        ),
        (
            ["--fail", "32@60s"],
            "--fail \"32@60s\" kills more than the 31 peers that are no sources; give fewer, or "
                + "more --peers"
        ),
        (
            ["--partition", "10@70s-60s"],
            "--partition cannot be \"10@70s-60s\"; write how many of the 32 peers, from and until "
                + "when, such as 10@60s-70s"
        ),
        (
            ["--warmup", "2m"],
            "--warmup leaves nothing of the duration to measure; give a shorter --warmup or a "
                + "longer --duration"
        ),
        (
            ["--experiment", "E7"], "no experiment is called \"E7\"; did you mean 'E1'?"
        ),
        (
            ["--experiment", "E1", "--peers", "4"],
            "--peers means nothing beside --experiment; keep one of them"
        ),
        (
            ["--swarm", "10", "--loss", "0.1"],
            "--loss means nothing beside --swarm; keep one of them"
        ),
        (["--report", "d"], "--report needs experiments; add --experiment all, or a name"),
        (["--swarm", "0"], "--swarm cannot be \"0\"; write a number from 1 to 100000000"),
    ]

    @Test(arguments: mistakes.indices)
    func everyMistakeHasOneLine(index: Int) throws {
        let (arguments, line) = Self.mistakes[index]

        let failure = try #require(throws: Failure.self) {
            guard case .simulate(let configuration) = try parse(["simulate"] + arguments),
                case .run(let plan) = configuration.task
            else { return }
            _ = try plan.prepared()
        }

        #expect(failure.line == "polycast: " + line)
        #expect(failure.code == (line.hasPrefix("cannot read") ? .configuration : .usage))
    }
}
