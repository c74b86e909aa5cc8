import NetBasics
import Overlay
import Testing

/// Random groups under loss, joins, leaves and crashes: the invariants hold throughout, and once
/// the faults stop everybody receives everything.
@Suite struct SwarmTests {
    @Test(arguments: Array(1...16) as [UInt64])
    func everybodyReceivesEverySourceOnceFaultsStop(seed: UInt64) {
        var group = RandomGroup(seed: seed, salt: 7919, newcomerChildren: 4) {
            group, lanCount, generator in
            // Sources need room of their own; in all there is room for twice the demand.
            group.add(
                lan: generator.uniform(below: lanCount), children: 3 + generator.uniform(below: 3))
        }

        let problems = group.problemsOnceFaultsStop()

        #expect(problems == [], "seed \(seed)")
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
