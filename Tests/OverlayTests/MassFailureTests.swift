import NetBasics
import Overlay
import Testing

/// Most of a group dies in the same instant.
@Suite struct MassFailureTests {
    /// Every member lives in a subnet of its own and feeds three others at most; four of five die,
    /// so that most survivors lose their parent, their spares and most other neighbors.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func everySurvivorIsReachedAgain(seed: UInt64) {
        let members = 60
        var group = SimulatedGroup(seed: seed)
        group.farDelay = (.milliseconds(10), 140_000)
        for index in 0..<members { group.add(lan: index, children: 1000, childLimit: 3) }
        group.publish(0)
        for index in 0..<members {
            group.join(index)
            group.run(for: .milliseconds(100))
        }
        group.run(for: .seconds(20))
        #expect(group.missingDeliveries(of: 0, since: group.now + .milliseconds(-400)) == [])
        var generator = SeededGenerator(seed: seed)
        let dead = generator.sample(members * 4 / 5, of: Array(1..<members))
        group.forgetGaps()

        for index in dead { group.crash(index) }
        group.run(for: .seconds(10))

        #expect(group.violations.isEmpty)
        #expect(group.missingDeliveries(of: 0, since: group.now + .milliseconds(-400)) == [])
        let worst = group.hosts.filter(\.isUp).compactMap { $0.longestGap[group.peer(0)] }.max()
        #expect(worst.map { $0 <= .seconds(3) } == true, "\(worst ?? .zero), seed \(seed)")
    }
}
