import Forwarding
import NetBasics
import Overlay
import Testing
import Wire

/// Groups of real planes on lossy networks: what arrives, how late, and at which cost.
@Suite struct RepairTests {
    struct Outcome {
        /// Packets that could have been delivered: per receiver, those between its first and the
        /// last that is old enough to have been repaired.
        var expected = 0
        var delivered = 0
        /// Delivered later than the fastest by more than the budget.
        var late = 0
        /// Datagrams per lost media datagram.
        var repairs = 0.0
        var requests = 0.0
    }

    private static let budget = Duration.milliseconds(500)

    /// Twelve members on four subnets, of which one publishes.
    private static func group(seed: UInt64, tryLimit: Int = 5) -> SimulatedGroup {
        var group = SimulatedGroup(seed: seed)
        group.repair.tryLimit = tryLimit
        for index in 0..<12 { group.add(lan: index / 3, children: 3) }
        for index in 0..<12 { group.join(index) }
        group.run(for: .seconds(2))
        group.publish(0)
        group.run(for: .seconds(4))
        return group
    }

    private static func run(seed: UInt64, loss: Double, seconds: Int) -> (SimulatedGroup, Outcome) {
        var group = group(seed: seed)
        let outcome = run(&group, loss: loss, seconds: seconds)
        return (group, outcome)
    }

    private static func run(_ group: inout SimulatedGroup, loss: Double, seconds: Int) -> Outcome {
        group.forgetCounts()
        group.forgetDeliveries()
        group.loss = loss
        group.run(for: .seconds(seconds))
        group.loss = 0
        let end = group.now
        group.run(for: .seconds(1))
        return outcome(of: group, until: end)
    }

    private static func outcome(of group: SimulatedGroup, until end: Instant) -> Outcome {
        var outcome = Outcome()
        let source = group.peer(0)
        let times = group.sendTimes[source] ?? [:]
        for index in group.hosts.indices.dropFirst() {
            let host = group.hosts[index]
            let arrived = host.delivered[source] ?? []
            let delays = host.delays[source] ?? []
            guard let first = arrived.min() else { continue }
            let expected = Set(times.filter { $0.key >= first && $0.value < end }.keys)
            outcome.expected += expected.count
            outcome.delivered += Set(arrived).intersection(expected).count
            let usual = delays.min() ?? .zero
            outcome.late += delays.count { $0 > usual + Self.budget }
        }
        outcome.repairs = Double(group.repairDatagrams) / Double(max(1, group.lostMedia))
        outcome.requests = Double(group.repairRequests) / Double(max(1, group.lostMedia))
        return outcome
    }

    @Test(arguments: [0.01, 0.02, 0.05], [1, 2] as [UInt64])
    func whatIsLostIsRepairedInTime(loss: Double, seed: UInt64) {
        let (group, outcome) = Self.run(seed: seed, loss: loss, seconds: 10)

        #expect(group.violations.isEmpty)
        #expect(group.duplicates == 0)
        #expect(group.lostMedia > 40, "without losses nothing is shown")
        #expect(Double(outcome.delivered - outcome.late) >= 0.999 * Double(outcome.expected))
        #expect(outcome.repairs <= 1.3, "repairs per lost packet")
        #expect(outcome.requests <= 4, "requests per lost packet")
    }

    @Test func withoutRepairLossesStay() {
        var group = Self.group(seed: 1, tryLimit: 0)
        let outcome = Self.run(&group, loss: 0.02, seconds: 5)

        #expect(outcome.delivered < outcome.expected * 99 / 100)
        #expect(group.repairDatagrams == 0)
    }

    @Test func withoutLossNothingIsAskedFor() {
        var group = Self.group(seed: 1)
        let outcome = Self.run(&group, loss: 0, seconds: 5)

        #expect(outcome.delivered == outcome.expected)
        #expect(group.repairRequests == 0 && group.repairDatagrams == 0)
    }

    /// What all survivors lack after the peer with the most children died without a word.
    private static func lossesOfFailover(_ group: inout SimulatedGroup) throws -> [Int] {
        group.run(for: .seconds(4))
        let source = group.peer(0)
        let parent = try #require(
            group.hosts.indices.dropFirst().max {
                group.children(of: $0, in: source) < group.children(of: $1, in: source)
            })
        #expect(group.children(of: parent, in: source) > 0)
        group.crash(parent)
        group.run(for: .seconds(5))
        return group.hosts.indices.filter { $0 != 0 && $0 != parent }.map {
            group.lost(of: 0, at: $0)
        }
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func aFailoverCostsDelayAndNoPackets(seed: UInt64) throws {
        var group = Self.group(seed: seed)
        var groupWithout = Self.group(seed: seed, tryLimit: 0)

        let lost = try Self.lossesOfFailover(&group)
        let lostWithout = try Self.lossesOfFailover(&groupWithout)

        #expect(lost.allSatisfy { $0 == 0 }, "\(lost)")
        #expect(lostWithout.contains { $0 > 5 }, "nothing was to be repaired: \(lostWithout)")
        #expect(group.duplicates == 0)
        #expect(group.violations.isEmpty)
    }

    /// The last packets of a burst are missed only because the parent tells how far it came.
    @Test func aLossAtTheEndOfABurstIsRepaired() throws {
        var group = Self.group(seed: 3)
        let stream = StreamID(source: group.peer(0), index: 0)
        group.loss = 0.5
        group.run(for: .milliseconds(200))
        group.loss = 0
        group.pause(0)
        let before = group.hosts.dropFirst().map { $0.forwarder.highest(of: stream) }
        let ofSource = group.hosts[0].forwarder.highest(of: stream)
        let highest = try #require(ofSource)
        try #require(before.contains { $0 != highest })

        group.run(for: .seconds(2))

        #expect(group.hosts.allSatisfy { $0.forwarder.highest(of: stream) == highest })
    }
}
