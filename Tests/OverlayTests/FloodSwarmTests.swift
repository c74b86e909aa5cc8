import NetBasics
import Overlay
import Testing
import Wire

/// Random groups whose sources flood, under loss, joins, leaves and crashes; some sources use
/// trees beside them.
@Suite struct FloodSwarmTests {
    @Test(arguments: Array(1...12) as [UInt64])
    func everybodyReceivesEverySourceOnceFaultsStop(seed: UInt64) {
        var generator = SeededGenerator(seed: seed &* 104_729)
        var group = SimulatedGroup(seed: seed)
        let lanCount = 1 + generator.uniform(below: 4)
        for _ in 0..<6 + generator.uniform(below: 9) {
            let algorithm: DeliveryAlgorithm =
                generator.uniform(below: 4) == 0 ? .shortestPathTree : .floodAndPrune
            group.add(
                lan: generator.uniform(below: lanCount), children: 5 + generator.uniform(below: 4)
            ) { $0.algorithm = algorithm }
        }
        group.loss = Double(generator.uniform(below: 5)) / 100
        let sources = generator.sample(1 + generator.uniform(below: 2), of: [0, 1, 2])
        for index in group.hosts.indices {
            group.join(index)
            if sources.contains(index) { group.publish(index) }
            group.run(for: .milliseconds(Int64(generator.uniform(below: 400))))
        }
        group.run(for: .seconds(5))
        disturb(&group, sparing: sources, &generator)
        group.loss = 0

        group.run(for: .seconds(20))

        #expect(group.violations.isEmpty, "seed \(seed)")
        #expect(group.duplicates == 0, "seed \(seed)")
        for source in sources {
            let missing = group.missingDeliveries(
                of: source, since: group.now + .milliseconds(-500))
            #expect(missing.isEmpty, "seed \(seed): \(missing)")
        }
    }

    private func disturb(
        _ group: inout SimulatedGroup, sparing sources: [Int], _ generator: inout SeededGenerator
    ) {
        for _ in 0..<6 {
            let victims = group.hosts.indices.filter {
                group.hosts[$0].isUp && !sources.contains($0)
            }
            let choice = generator.uniform(below: 3)
            if choice == 2 || victims.count < 4 {
                let newcomer = group.add(lan: generator.uniform(below: 3), children: 6)
                group.join(newcomer)
            } else {
                let victim = victims[generator.uniform(below: victims.count)]
                if choice == 0 { group.crash(victim) } else { group.leave(victim) }
            }
            group.run(for: .milliseconds(Int64(200 + generator.uniform(below: 2000))))
        }
    }
}
