import NetBasics
import Testing

/// Who gets the place when a parent is full.
@Suite struct PlaceTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func whoCanReachNobodyElseKeepsItsPlaceFromOneWithAParent(seed: UInt64) {
        let (source, relay, weak, strong) = (0, 1, 2, 3)
        var group = SimulatedGroup(seed: seed)
        for (host, children) in [(source, 2), (relay, 2), (weak, 0), (strong, 4)] {
            group.add(lan: host, children: children)
        }
        group.cutOff(weak, from: relay)
        group.cutOff(weak, from: strong)
        group.cutOff(strong, from: source)
        group.publish(source)
        for host in [relay, weak, strong] {
            group.join(host)
            group.run(for: .seconds(2))
        }
        group.forgetDeliveries()

        // It has room for others, so the full source would rather feed it than the weak one.
        group.reconnect(strong, to: source)
        group.run(for: .seconds(40))

        #expect(group.violations.isEmpty)
        for host in [relay, weak, strong] {
            #expect(group.lost(of: source, at: host) == 0, "host \(host), seed \(seed)")
            #expect(
                group.missingDeliveries(of: source, since: group.now + .milliseconds(-200)) == [])
        }
    }
}
