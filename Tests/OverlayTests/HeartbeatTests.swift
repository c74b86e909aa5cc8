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

    /// A packet each 20 ms; round trips of 8 ms within the subnet.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func theDeathOfAParentShowsSoonWhileMediaIsDense(seed: UInt64) throws {
        var group = SimulatedGroup(seed: seed)
        group.repair.tryLimit = 0
        for _ in 0..<8 { group.add(lan: 0, children: 3) }
        for index in 0..<8 { group.join(index) }
        group.publish(0)
        group.run(for: .seconds(10))
        let interior = (1..<8).first { group.children(of: $0, in: group.peer(0)) > 0 }
        group.forgetGaps()

        group.crash(try #require(interior, "seed \(seed)"))
        group.run(for: .seconds(5))

        let worst = group.hosts.filter(\.isUp).compactMap { $0.longestGap[group.peer(0)] }.max()
        #expect(worst.map { $0 > .milliseconds(173) && $0 < .milliseconds(260) } == true)
        #expect(group.violations.isEmpty)
    }

    /// Each parent says that it has nothing to send before its children would doubt it.
    @Test(arguments: [0.0, 0.02])
    func aPauseOfDenseMediaIsNoDeath(loss: Double) {
        var group = SimulatedGroup(seed: 2)
        for _ in 0..<8 { group.add(lan: 0, children: 3) }
        for index in 0..<8 { group.join(index) }
        group.publish(0)
        group.run(for: .seconds(20))
        let before = Self.admissions(in: group)

        group.loss = loss
        group.pause(0)
        group.run(for: .seconds(10))

        // Where the first heartbeat of a pause is lost, a child asks others for a place.
        #expect(Self.admissions(in: group) - before <= (loss > 0 ? 2 : 0))
    }

    private static func admissions(in group: SimulatedGroup) -> Int {
        group.hosts.reduce(0) { sum, host in
            sum + host.occurrences.count { if case .childAdmitted = $0 { true } else { false } }
        }
    }
}
