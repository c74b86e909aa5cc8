import Foundation
import FoundationXML
import Testing

@testable import Simulation

/// Whole experiments, as the command runs them, on small groups.
@Suite struct ReportTests {
    @Test func aPageNamesEverySystemAndTargetAndItsPicturesAreXML() async throws {
        var request = SimulateConfiguration.ExperimentRequest(names: ["optimum"])
        request.isQuick = true
        request.firstSeed = 3
        request.seedCount = 1
        let settings = ExperimentSettings(request)
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("polycast-report-\(UInt64.random(in: 0...UInt64.max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }

        let results = try await Experiment.named("optimum", settings).results { _, _ in }
        try results.write(to: directory.path)

        let page = try String(
            contentsOf: directory.appendingPathComponent("optimum.md"), encoding: .utf8)
        let systems = results.systems
        #expect(results.isComplete && systems.count == 4)
        for system in systems { #expect(page.contains("| \(system) |"), "\(system)") }
        for verdict in results.verdicts {
            #expect(page.contains("| \(verdict.text) |"), "\(verdict.text)")
            #expect(verdict.isMet != nil)
        }
        let pictures = page.split(separator: "(").compactMap { part -> String? in
            part.range(of: ".svg)").map { String(part[..<$0.lowerBound]) + ".svg" }
        }
        #expect(pictures.count == results.experiment.plots.count + 1)
        for picture in pictures {
            let data = try Data(contentsOf: directory.appendingPathComponent(picture))
            #expect(XMLParser(data: data).parse(), "\(picture)")
            let text = String(decoding: data, as: UTF8.self)
            for system in systems { #expect(text.contains(">\(system)<"), "\(picture)") }
        }
        let index = reportIndex(of: [results])
        for verdict in results.verdicts { #expect(index.contains(verdict.text)) }
    }

    /// The simulator, the planner and the search over all trees must agree on delays.
    @Test(arguments: [(8, 2), (40, 6)])
    func theCentralisedTreeIsOnceItself(members: Int, fanout: Int) throws {
        var plan = RunPlan(topology: try topology("transit-stub:500"), system: .compactTree)
        plan.scenario.peers = members
        plan.scenario.fanout = fanout
        plan.scenario.keepsTrees = true
        plan.scenario.warmUp = .seconds(2)
        plan.scenario.duration = .seconds(6)
        plan.scenario.joinSpread = .seconds(1)
        let run = try plan.prepared()

        let figures = try Experiment.measureAgainstPlan(run)

        #expect(figures[.delayRatioMean] == 1)
        #expect(figures[.delayRatioWorst] == 1)
        let packets = try #require(figures[.packetDelayRatioWorst])
        #expect(abs(packets - 1) < 0.001, "access links count in both")
        let delays = DelayTable(try run.underlay(), hosts: Array(0..<members))
        let tree = try #require(try run.run().trees.first)
        let mean = try #require(figures[.latencyMean])
        #expect(abs(tree.cost(delays).mean / 1000 - mean) < 0.1)
        #expect(figures[.exactRatioMean].map { $0 >= 1 } ?? (members > ExactTree.memberLimit))
        #expect(figures[.exactRatioWorst].map { $0 >= 1 } ?? (members > ExactTree.memberLimit))
    }

    @Test func delaysFollowTheTreeAndNotThePacket() {
        let table = DelayTable(count: 5) { 1000 * (1 + $0 + $1) }
        func receiver(_ host: Int, _ parent: Int, _ late: Int64) -> DeliveredTree.Receiver {
            .init(host: host, parent: parent, delay: .microseconds(late))
        }
        // 0 feeds 1 (2 ms), which feeds 2 (4 ms more); 3 and 4 each say the other fed them.
        let tree = DeliveredTree(
            source: 0,
            receivers: [
                receiver(1, 0, 90_000), receiver(2, 1, 90_000), receiver(3, 4, 7000),
                receiver(4, 3, 5000),
            ])

        let cost = tree.cost(table)

        #expect(cost.mean == 5000)
        #expect(cost.worst == 7000)
    }
}
