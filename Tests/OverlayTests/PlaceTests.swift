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

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func aFarChildMakesWayForWhoSharesTheSubnet(seed: UInt64) {
        let (source, near) = (0, 3)
        var group = SimulatedGroup(seed: seed)
        for (lan, children) in [(0, 2), (1, 3), (2, 3), (0, 2)] {
            group.add(lan: lan, children: children)
        }
        group.cutOff(near, from: source)
        group.publish(source)
        for host in 1...near { group.join(host) }
        group.run(for: .seconds(5))
        group.forgetDeliveries()

        // The source is full, and feeds two subnets that could feed each other. Whom nobody could
        // reach is left alone for a while.
        group.reconnect(near, to: source)
        group.run(for: .seconds(40))

        let parents = group.hosts[near].overlay.parents.map(\.parent)
        #expect(group.violations.isEmpty)
        #expect(parents == [group.peer(source)])
        #expect(group.lost(of: source, at: near) == 0)
    }
}
