import NetBasics
import Testing

@testable import Simulation

@Suite struct NaradaTests {
    private func network(_ spec: String, _ hosts: Int, seed: UInt64) throws -> Underlay {
        var generator = SeededGenerator(seed: seed)
        return try Underlay(
            TopologySpec(parsing: spec).make(hostCount: hosts, generator: &generator))
    }

    /// All members are sources, one after the other, once the mesh has settled.
    private func settled(_ peers: Int, seed: UInt64, seconds: Int = 600) -> Scenario {
        var scenario = Scenario()
        scenario.seed = seed
        scenario.peers = peers
        scenario.sources = peers
        scenario.rate = 0.2
        scenario.joinSpread = .seconds(30)
        scenario.publishAt = .seconds(seconds - 20)
        scenario.warmUp = .seconds(seconds - 10)
        scenario.duration = .seconds(seconds)
        scenario.followedStride = 1
        return scenario
    }

    // MARK: - The mesh

    @Test func everyPacketReachesEveryMemberOnce() throws {
        let outcome = simulateNarada(
            settled(32, seed: 1, seconds: 300), underlay: try network("waxman:256", 32, seed: 1))

        #expect(outcome.deliveries >= 32 * 31)
        #expect(outcome.missed == 0)
        #expect(outcome.rmr == 0)
    }

    /// The paper's figures for 128 members: 90 % of pairs within 4, worst stress 9, usage 1.8;
    /// a smaller group is below.
    @Test func theMeshIsNearTheNetwork() throws {
        let outcome = simulateNarada(
            settled(40, seed: 2, seconds: 400), underlay: try network("waxman:1024", 40, seed: 2))

        #expect(outcome.quality.stretch.quantile(0.9) / TreeQuality.stretchScale < 4)
        #expect(outcome.quality.stressMaximum <= 10)
        #expect(outcome.quality.nru < 1.9)
    }

    @Test func improvementMakesTheMeshBetter() throws {
        var still = NaradaParameters()
        still.addShare = 10
        still.dropShare = 0

        let grown = simulateNarada(
            settled(24, seed: 3, seconds: 400), underlay: try network("waxman:256", 24, seed: 3))
        let random = simulateNarada(
            settled(24, seed: 3, seconds: 400), underlay: try network("waxman:256", 24, seed: 3),
            parameters: still)

        #expect(grown.quality.stretch.mean < 0.9 * random.quality.stretch.mean)
        #expect(grown.quality.nru < random.quality.nru)
    }

    @Test func routesAreTheShortestOverTheMesh() throws {
        let count = 24
        let underlay = try network("waxman:256", count, seed: 4)
        var distances = [[Double]](
            repeating: [Double](repeating: .infinity, count: count), count: count)

        _ = simulateNarada(
            settled(count, seed: 4), underlay: try network("waxman:256", count, seed: 4),
            inspect: { members in
                for (host, member) in members.enumerated() {
                    #expect(member?.knownMembers == count)
                    #expect((1...8).contains(member?.degree ?? 0))
                    for neighbor in member?.neighborHosts ?? [] {
                        distances[host][Int(neighbor)] =
                            underlay.delay(from: host, to: Int(neighbor)).milliseconds
                    }
                }
                for via in 0..<count {
                    for from in 0..<count {
                        for to in 0..<count {
                            let over = distances[from][via] + distances[via][to]
                            distances[from][to] = min(distances[from][to], over)
                        }
                    }
                }
                for (host, member) in members.enumerated() {
                    for to in 0..<count where to != host {
                        let cost = Double(member?.routes[to].cost ?? 0)
                        // Changes of less than a twentieth are not told, at each hop.
                        #expect(abs(cost - distances[host][to]) < 0.15 * distances[host][to])
                    }
                }
            })
    }

    // MARK: - Failures

    @Test func failuresHealAfterTheNeighborTimeout() throws {
        var scenario = settled(32, seed: 5, seconds: 300)
        scenario.sources = 1
        scenario.rate = 5
        scenario.publishAt = .seconds(100)
        scenario.warmUp = .seconds(150)
        scenario.failures = [.init(count: 6, at: .seconds(200))]

        let outcome = simulateNarada(
            scenario, underlay: try network("waxman:256", 32, seed: 5), parameters: .fast)

        #expect(outcome.outages.count > 0)
        #expect(outcome.outages.maximum < 25_000)
        // Each outage is bounded, so nobody is lost for good.
        #expect(outcome.missed < 31 * 5 * 25)
    }

    @Test func aPartitionIsMended() throws {
        var scenario = settled(16, seed: 6, seconds: 300)
        scenario.faults.partitions = [
            .init(
                boundary: 8, from: .zero + .seconds(100), until: .zero + .seconds(120),
                isOneWay: false)
        ]

        let outcome = simulateNarada(
            scenario, underlay: try network("waxman:256", 16, seed: 6), parameters: .fast,
            inspect: { members in
                for member in members { #expect(member?.knownMembers == 16) }
            })

        #expect(outcome.missed == 0)
        #expect(outcome.deliveries >= 16 * 15)
    }

    @Test func whoLeavesIsForgottenAtOnce() throws {
        var scenario = settled(16, seed: 7, seconds: 200)
        scenario.churn = 0.2
        scenario.gracefulShare = 1
        scenario.sources = 1
        scenario.rate = 5
        scenario.publishAt = .seconds(50)
        scenario.warmUp = .seconds(100)

        let outcome = simulateNarada(
            scenario, underlay: try network("waxman:256", scenario.hostCount, seed: 7))

        #expect(outcome.outages.maximum < 10_000)
    }

    @Test func oneSeedIsOneRun() throws {
        let first = simulateNarada(
            settled(16, seed: 8, seconds: 120), underlay: try network("waxman:256", 16, seed: 8))
        let second = simulateNarada(
            settled(16, seed: 8, seconds: 120), underlay: try network("waxman:256", 16, seed: 8))

        #expect(first.events == second.events)
        #expect(first.control.sum == second.control.sum)
    }

    // MARK: - Messages

    @Test func tablesAreAsLargeAsTheirLines() {
        let line = NaradaMessage.Entry(host: 1, sequence: 1, cost: 1, path: [2, 3, 1])

        let complete = NaradaMessage.update([line, line], degree: 3, isComplete: true)
        let partial = NaradaMessage.update([line], degree: 3, isComplete: false)
        let large = NaradaMessage.update(
            ContiguousArray(repeating: line, count: 128), degree: 3, isComplete: true)

        // A line: address and port 6, sequence 4, cost 2, count 1, and 2 or 6 a hop.
        #expect(complete.byteCount == 5 + 2 * 19)
        #expect(partial.byteCount == 5 + 31)
        // 2437 bytes need a second datagram with its headers.
        #expect(large.byteCount == 5 + 128 * 19 + 28 + 4)
    }
}
