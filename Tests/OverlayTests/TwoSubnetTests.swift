import NetBasics
import Testing

/// Two subnets with a source on each, and uplinks that carry two copies: hardly any to spare.
@Suite struct TwoSubnetTests {
    private static let seeds = 1...80 as ClosedRange<UInt64>

    /// The first second from which on one copy of every packet crosses between the subnets.
    private static func settledAfter(seed: UInt64, of seconds: Int) -> Int {
        var group = SimulatedGroup(seed: seed)
        group.farDelay = (.microseconds(200), 100)
        for lan in [1, 2, 1, 1, 2] { group.add(lan: lan, children: 2) }
        for host in 0..<5 {
            if host < 2 { group.publish(host) }
            group.join(host)
            group.run(for: .milliseconds(60))
        }
        var settled = 0
        for second in 0..<seconds {
            group.forgetCounts()
            group.run(for: .seconds(1))
            let crossesOnce = (0..<2).allSatisfy { source in
                let peer = group.peer(source)
                let copies = Double(group.crossings[peer] ?? 0) / Double(group.sent[peer] ?? 1)
                return abs(copies - 1) <= 0.05
            }
            if !crossesOnce { settled = second + 1 }
        }
        #expect(group.violations.isEmpty, "seed \(seed)")
        return settled
    }

    /// Places are exchanged in rings, each waiting for another to be free, until one goes first.
    @Test func onePacketCrossesOnceAfterAWhile() {
        let seconds = Self.seeds.map { Self.settledAfter(seed: $0, of: 15) }

        func late(_ limit: Int) -> Int { seconds.count { $0 > limit } }
        print("not settled after 2, 4 and 6 s:", late(2), late(4), late(6))
        #expect(late(4) <= seconds.count / 8)
        #expect(late(6) == 0)
    }
}
