import NetBasics
import Overlay
import Testing

/// What parents say, and when, while there is little media.
@Suite struct HeartbeatTests {
    /// Five sources of which one sends a packet each second: heartbeats are rare, and other control
    /// datagrams come between them.
    @Test(arguments: [DeliveryAlgorithm.shortestPathTree, .floodAndPrune])
    func soundParentsAreNotSuspectedWhileMediaIsRare(algorithm: DeliveryAlgorithm) {
        var group = SimulatedGroup(seed: 3)
        group.farDelay = (.milliseconds(10), 140_000)
        let members = 40
        for index in 0..<members {
            group.add(lan: index, children: 1000) {
                $0.algorithm = algorithm
                $0.neighborTarget = 20
            }
        }
        for index in 0..<members { group.join(index) }
        group.run(for: .seconds(1))
        for index in 0..<5 { group.publish(index, isSilent: true) }
        group.run(for: .seconds(20))
        group.forgetCounts()
        let before = Self.admissions(in: group)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<30 {
            group.sendPacket(generator.uniform(below: 5))
            group.run(for: .seconds(1))
        }

        #expect(group.violations.isEmpty)
        #expect(group.deliveries == 30 * (members - 1))
        // Some change to nearer parents.
        #expect(Self.admissions(in: group) - before <= 5 * members)
        #expect(Double(group.copies) / Double(group.deliveries) - 1 <= 0.02)
    }

    private static func admissions(in group: SimulatedGroup) -> Int {
        group.hosts.reduce(0) { sum, host in
            sum + host.occurrences.count { if case .childAdmitted = $0 { true } else { false } }
        }
    }
}
