import NetBasics
import Overlay
import Testing
import Wire

/// Random groups under loss, joins, leaves and crashes: the invariants hold throughout, and once
/// the faults stop everybody receives everything.
@Suite struct SwarmTests {
    @Test(arguments: Array(1...16) as [UInt64])
    func everybodyReceivesEverySourceOnceFaultsStop(seed: UInt64) {
        var generator = SeededGenerator(seed: seed &* 7919)
        var group = SimulatedGroup(seed: seed)
        let lanCount = 1 + generator.uniform(below: 4)
        let memberCount = 6 + generator.uniform(below: 9)
        for _ in 0..<memberCount {
            // Sources need room of their own; in all there is room for twice the demand.
            group.add(
                lan: generator.uniform(below: lanCount), children: 3 + generator.uniform(below: 3))
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
            #expect(missing.isEmpty, "seed \(seed)")
        }
    }

    /// Crashes, farewells and newcomers, a second or so apart.
    private func disturb(
        _ group: inout SimulatedGroup, sparing sources: [Int], _ generator: inout SeededGenerator
    ) {
        for _ in 0..<6 {
            let victims = group.hosts.indices.filter {
                group.hosts[$0].isUp && !sources.contains($0)
            }
            let choice = generator.uniform(below: 3)
            if choice == 2 || victims.count < 4 {
                let newcomer = group.add(lan: generator.uniform(below: 3), children: 4)
                group.join(newcomer)
            } else {
                let victim = victims[generator.uniform(below: victims.count)]
                if choice == 0 { group.crash(victim) } else { group.leave(victim) }
            }
            group.run(for: .milliseconds(Int64(200 + generator.uniform(below: 2000))))
        }
    }

    @Test func aGroupOfThirtyOnSixLANsIsServedWithinItsBudgets() {
        var group = SimulatedGroup(seed: 99)
        for index in 0..<30 { group.add(lan: index % 6, children: 3) }
        for index in 0..<30 {
            group.join(index)
            group.run(for: .milliseconds(20))
        }
        group.publish(0)
        group.run(for: .seconds(20))
        group.forgetCounts()

        group.run(for: .seconds(5))

        #expect(group.violations.isEmpty)
        #expect(group.missingDeliveries(of: 0, since: group.now + .milliseconds(-500)).isEmpty)
        #expect(group.duplicates == 0)
        for host in group.hosts {
            let neighbors = host.overlay.view.neighbors
            // Others may open links too, so the target is exceeded by what they add.
            #expect(neighbors.count <= 20, "\(neighbors.count) links")
            #expect(neighbors.contains { !$0.isNear }, "an island")
            #expect(neighbors.contains { $0.isNear })
        }
        let source = group.peer(0)
        #expect(group.crossings[source, default: 0] <= 12 * group.sent[source, default: 0])
    }
}
