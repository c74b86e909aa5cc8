import Management
import NetBasics
import Testing

@testable import Simulation

/// A small plan; `change` makes it what a test needs.
func smallPlan(
    _ system: SimulatedSystem, on topology: String = "waxman:60",
    change: (inout Scenario) -> Void = { _ in }
) throws -> RunPlan {
    var plan = RunPlan(topology: try TopologySpec(parsing: topology), system: system)
    plan.scenario.peers = 12
    plan.scenario.rate = 5
    plan.scenario.duration = .seconds(20)
    plan.scenario.warmUp = .seconds(10)
    plan.scenario.joinSpread = .seconds(2)
    plan.scenario.followedStride = 1
    change(&plan.scenario)
    return plan
}

@Suite struct RunPlanTests {
    @Test func theSameSeedGivesTheSameRun() throws {
        func text(seed: UInt64) throws -> String {
            var plan = try smallPlan(.shortestPathTree)
            plan.scenario.seed = seed
            plan.scenario.churn = 1
            plan.scenario.faults.loss = 0.02
            plan.scenario.keepsTrees = true
            let run = try plan.prepared()
            let outcome = try run.run()
            return "\(run.json(of: outcome))\(run.treeLines(of: outcome))\(outcome.events)"
        }

        #expect(try text(seed: 3) == text(seed: 3))
        #expect(try text(seed: 3) != text(seed: 4))
    }

    @Test func theNetworkAndTheScriptDoNotDependOnTheSystem() throws {
        let runs = try [SimulatedSystem.shortestPathTree, .star, .compactTree].map {
            try smallPlan($0).prepared()
        }

        #expect(runs.allSatisfy { $0.topology == runs[0].topology })
    }

    @Test func everybodyIsServedWithoutFaults() throws {
        let outcome = try smallPlan(.shortestPathTree) { $0.checksInvariants = true }
            .prepared().run()

        #expect(outcome.missed == 0)
        #expect(outcome.deliveries == 11 * 50)
        #expect(outcome.duplicates == 0)
        #expect(outcome.unreached == 0)
        #expect(outcome.violations == [])
    }

    @Test func whatDiesIsMissedAndSeenAsSuch() throws {
        let outcome = try smallPlan(.star) { $0.faults.loss = 0.2 }.prepared().run()

        let share = Double(outcome.missed) / Double(outcome.deliveries + outcome.missed)
        #expect((0.1...0.3).contains(share))
        #expect(outcome.deliveries + outcome.missed == 11 * 50)
    }

    @Test func aStarLoadsTheSourcesLinkWithEveryCopy() throws {
        let outcome = try smallPlan(.star).prepared().run()

        #expect(outcome.quality.stressMaximum == 11)
        #expect(outcome.lastHop == 1)
        #expect(outcome.rmr == 0)
        #expect(abs(outcome.quality.stretch.maximum / TreeQuality.stretchScale - 1) < 1e-6)
        #expect(outcome.quality.nru > 1)
    }

    @Test func multicastIsTheMeasureOfAllOthers() throws {
        let outcome = try smallPlan(.ipMulticast).prepared().run()

        #expect(outcome.quality.stressMaximum == 1)
        #expect(outcome.quality.stressMean == 1)
        #expect(outcome.quality.nru == 1)
    }

    /// The simulator's own figures, against those of a meter that looks at the tree alone.
    @Test(arguments: [SimulatedSystem.star, .compactTree])
    func qualityIsThatOfTheTree(system: SimulatedSystem) throws {
        let run = try smallPlan(system) {
            $0.fanout = 3
            $0.keepsTrees = true
        }.prepared()
        let outcome = try run.run()
        let tree = try #require(outcome.trees.first)
        var parents = [Int32](repeating: -1, count: run.topology.hosts.count)
        for receiver in tree.receivers { parents[receiver.host] = Int32(receiver.parent) }

        var meter = TreeMeter(try run.underlay())
        let metrics = meter.measure(source: tree.source, parents: parents)

        #expect(tree.receivers.count == 11)
        #expect(abs(metrics.meanStress - outcome.quality.stressMean) < 1e-9)
        #expect(metrics.maxStress == outcome.quality.stressMaximum)
        #expect(abs(metrics.nru - outcome.quality.nru) < 1e-6)
        for (receiver, delay) in zip(tree.receivers, metrics.delaysMs) {
            #expect(abs(receiver.delay.milliseconds - delay) < 1e-3)
        }
    }

    @Test func plannedTreesKeepToTheFanOut() throws {
        let outcome = try smallPlan(.compactTree) {
            $0.fanout = 2
            $0.keepsTrees = true
        }.prepared().run()

        let parents = try #require(outcome.trees.first).receivers.map(\.parent)
        #expect(Set(parents).allSatisfy { parent in parents.count { $0 == parent } <= 2 })
        #expect(outcome.missed == 0)
    }

    @Test func aRunCanBeEndedEarly() throws {
        let outcome = try smallPlan(.shortestPathTree) { $0.peers = 40 }.prepared().run {
            $0 >= .zero + .seconds(15)
        }

        #expect(outcome.endedAt < .zero + .seconds(18))
        #expect(outcome.deliveries > 0)
        #expect(outcome.missed == 0)
    }

    @Test func theJSONHasTheNamesOfTheDocumentation() throws {
        let run = try smallPlan(.shortestPathTree).prepared()

        guard case .object(let members) = run.json(of: try run.run()) else {
            Issue.record("no object")
            return
        }

        let names = members.map { member in
            guard case .object(let inner) = member.value else { return member.name }
            return "\(member.name){\(inner.map(\.name).joined(separator: ","))}"
        }
        #expect(
            names == [
                "schema", "algorithm", "seed", "peers", "deliveries", "missed", "duplicates",
                "rmr", "last_hop", "stretch{mean,p50,p90,p99,max}", "stress{mean,max}", "nru",
                "latency_ms{p50,p90,p99,max}", "control_bps{mean,max}", "join_ms{p50,p99}",
                "outage_ms{p50,p99,max}", "violations", "late", "unreached", "payloads_sent",
                "uplink_use", "simulated_s",
            ])
        #expect(members.first?.value == "polycast.simulate/1")
    }

    @Test func whatDoesNotFitInMemoryIsRefusedBeforeItStarts() throws {
        let plan = try smallPlan(.shortestPathTree, on: "pairwise:1-2") { $0.peers = 1_000_000 }
        guard (Machine.availableBytes ?? 0) < 60_000_000_000 else { return }

        let failure = try #require(throws: Failure.self) { try plan.prepared() }

        #expect(failure.message.contains("MB"))
    }

    @Test func aNetworkWithoutAHostToSpareNeedsNoRendezvous() throws {
        let run = try smallPlan(.shortestPathTree, on: "figure") { $0.peers = 10 }.prepared()

        #expect(run.server == nil)
        #expect(try run.run().missed == 0)
    }
}
