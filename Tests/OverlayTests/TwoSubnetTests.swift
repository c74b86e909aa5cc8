import NetBasics
import Testing

/// Two subnets with a source on each, and uplinks that carry two copies: hardly any to spare.
@Suite struct TwoSubnetTests {
    private static let seeds = 1...80 as ClosedRange<UInt64>

    /// Whether one copy of every packet crosses between the subnets, second by second.
    private static func crossesOnce(seed: UInt64, seconds: Int) -> [Bool] {
        var group = SimulatedGroup(seed: seed)
        group.farDelay = (.microseconds(200), 100)
        for lan in [1, 2, 1, 1, 2] { group.add(lan: lan, children: 2) }
        for host in 0..<5 {
            if host < 2 { group.publish(host) }
            group.join(host)
            group.run(for: .milliseconds(60))
        }
        return (0..<seconds).map { _ in
            group.forgetCounts()
            group.run(for: .seconds(1))
            return (0..<2).allSatisfy { source in
                let peer = group.peer(source)
                let copies = Double(group.crossings[peer] ?? 0) / Double(group.sent[peer] ?? 1)
                return abs(copies - 1) <= 0.05
            }
        }
    }

    /// Places are exchanged in rings, each waiting for another to be free, until one goes first.
    @Test func onePacketCrossesOnceAfterAWhile() {
        let groups = Self.seeds.map { Self.crossesOnce(seed: $0, seconds: 21) }

        func late(after second: Int) -> Int { groups.count { !$0[second] } }
        print("not settled after 7, 14 and 20 s:", late(after: 7), late(after: 14), late(after: 20))
        #expect(late(after: 14) <= groups.count / 20)
        #expect(late(after: 20) == 0)
    }
}
