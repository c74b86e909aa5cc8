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
        var late = 0
        var added: [Double] = []
        var repairs = 0.0
        var requests = 0.0
    }

    private static let budget = Duration.milliseconds(500)

    /// Twelve members on four subnets, one source, `seconds` of media.
    private static func run(seed: UInt64, loss: Double, seconds: Int) -> (SimulatedGroup, Outcome) {
        var group = SimulatedGroup(seed: seed)
        for index in 0..<12 { group.add(lan: index / 3, children: 3) }
        for index in 0..<12 { group.join(index) }
        group.run(for: .seconds(2))
        group.publish(0)
        group.run(for: .seconds(4))
        group.forgetCounts()
        group.forgetDeliveries()
        group.loss = loss
        group.run(for: .seconds(seconds))
        group.loss = 0
        let end = group.now
        group.run(for: .seconds(1))
        return (group, outcome(of: group, until: end))
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
            let usual = delays.sorted().first?.milliseconds ?? 0
            for delay in delays {
                outcome.added.append(delay.milliseconds - usual)
                if delay > .milliseconds(usual) + Self.budget { outcome.late += 1 }
            }
        }
        outcome.added.sort()
        outcome.repairs = Double(group.repairDatagrams) / Double(max(1, group.lostMedia))
        outcome.requests = Double(group.repairRequests) / Double(max(1, group.lostMedia))
        return outcome
    }

    @Test(arguments: [0.01, 0.02, 0.05], [1, 2, 3] as [UInt64])
    func whatIsLostIsRepaired(loss: Double, seed: UInt64) {
        let (group, outcome) = Self.run(seed: seed, loss: loss, seconds: 20)
        let share = Double(outcome.delivered - outcome.late) / Double(outcome.expected)
        func at(_ q: Double) -> Double { outcome.added[Int(Double(outcome.added.count - 1) * q)] }
        print("loss \(loss) seed \(seed): \(share) of \(outcome.expected), late \(outcome.late), "
            + "p50 \(at(0.5)) p90 \(at(0.9)) p99 \(at(0.99)) p999 \(at(0.999)) max \(at(1)), "
            + "repairs/lost \(outcome.repairs), requests/lost \(outcome.requests) lost \(group.lostMedia)")
        #expect(group.violations.isEmpty)
        #expect(group.duplicates == 0)
        #expect(share >= 0.999)
        #expect(outcome.repairs <= 1.3)
        #expect(group.lostMedia > 50)
    }
}
