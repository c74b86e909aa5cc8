import NetBasics
import Overlay
import Testing
import Wire

/// Five members on two LANs, each uplink worth two children: the product's own picture.
@Suite struct ConferenceTests {
    static let seeds: [UInt64] = Array(1...12)

    private func conference(seed: UInt64, order: [Int]? = nil) -> SimulatedGroup {
        var group = SimulatedGroup(seed: seed)
        for lan in [0, 0, 0, 1, 1] { group.add(lan: lan, children: 2) }
        var generator = SeededGenerator(seed: seed)
        for index in order ?? generator.sample(5, of: [0, 1, 2, 3, 4]) {
            group.join(index)
            group.run(for: .milliseconds(Int64(generator.uniform(below: 300))))
        }
        return group
    }

    /// A member, not the first, that feeds another.
    private func interiorPeer(of group: SimulatedGroup) -> Int? {
        group.hosts.indices.first { index in
            index != 0
                && group.hosts[index].overlay.view.sources.contains { !$0.children.isEmpty }
        }
    }

    @Test(arguments: seeds)
    func oneSourceReachesEverybodyWithOneCopyBetweenTheLANs(seed: UInt64) {
        var group = conference(seed: seed)
        group.publish(0)
        group.run(for: .seconds(10))
        group.forgetCounts()

        group.run(for: .seconds(10))

        let source = group.peer(0)
        #expect(group.violations.isEmpty, "seed \(seed)")
        #expect(group.missingDeliveries(of: 0, since: group.now + .milliseconds(-200)).isEmpty)
        #expect(group.duplicates == 0)
        #expect(group.crossings[source] == group.sent[source], "seed \(seed)")
        #expect(group.mostCopies == 2, "seed \(seed)")
        for index in 1...4 { #expect(group.lost(of: 0, at: index) == 0, "seed \(seed) \(index)") }
    }

    @Test(arguments: seeds)
    func twoSourcesCrossOnceEach(seed: UInt64) {
        var group = conference(seed: seed)
        group.publish(0)
        group.run(for: .seconds(3))
        group.publish(3)
        group.run(for: .seconds(12))
        group.forgetCounts()

        group.run(for: .seconds(10))

        #expect(group.violations.isEmpty, "seed \(seed)")
        #expect(group.duplicates == 0)
        #expect(group.mostCopies == 2, "seed \(seed)")
        for source in [0, 3] {
            let id = group.peer(source)
            #expect(
                group.missingDeliveries(of: source, since: group.now + .milliseconds(-200)).isEmpty,
                "seed \(seed)")
            #expect(group.crossings[id] == group.sent[id], "seed \(seed) source \(source)")
            for index in 0...4 where index != source {
                #expect(group.lost(of: source, at: index) == 0, "seed \(seed) \(source)→\(index)")
            }
        }
    }

    /// The real world: members come and go within a second, machines are busy.
    @Test(arguments: Array(1...30) + [55, 138, 194, 242, 249] as [UInt64])
    func nothingIsLostWhileTheTreesFormOnBusyMachines(seed: UInt64) {
        var group = SimulatedGroup(seed: seed)
        group.stallShare = 0.01
        for lan in [0, 0, 0, 1, 1] { group.add(lan: lan, children: 2) }
        for index in [0, 3, 1, 2, 4] {
            group.join(index)
            if [0, 3].contains(index) { group.publish(index) }
            group.run(for: .milliseconds(20))
        }

        group.run(for: .seconds(12))
        // Let what is on its way arrive.
        group.stallShare = 0
        group.run(for: .milliseconds(200))

        #expect(group.violations.isEmpty, "seed \(seed)")
        #expect(group.mostCopies <= 2, "seed \(seed)")
        for source in [0, 3] {
            for index in 0...4 where index != source {
                #expect(group.lost(of: source, at: index) == 0, "seed \(seed) \(source)→\(index)")
            }
        }
    }

    @Test(arguments: seeds)
    func aMemberThatJoinsReceivesWithin300Milliseconds(seed: UInt64) {
        var group = conference(seed: seed, order: [0, 1, 2, 3])
        group.publish(0)
        group.run(for: .seconds(5))
        let joined = group.now

        group.join(4)
        group.run(for: .milliseconds(300))

        #expect(
            group.hosts[4].delivered[group.peer(0)]?.isEmpty == false,
            "seed \(seed), joined at \(joined)")
        #expect(group.hosts[4].describedSources[group.peer(0)]?.count == 1)
    }

    @Test(arguments: seeds)
    func theRestReceivesAgainWithinTwoSecondsOfASilentDeath(seed: UInt64) throws {
        var group = conference(seed: seed)
        group.publish(0)
        group.run(for: .seconds(10))
        let interior = try #require(interiorPeer(of: group), "seed \(seed)")
        group.forgetGaps()

        group.crash(interior)
        group.run(for: .seconds(5))

        #expect(group.violations.isEmpty)
        #expect(group.missingDeliveries(of: 0, since: group.now + .milliseconds(-200)).isEmpty)
        for host in group.hosts where host.isUp {
            let gap = host.longestGap[group.peer(0)] ?? .zero
            #expect(gap <= .seconds(2), "seed \(seed)")
        }
    }

    @Test(arguments: seeds)
    func nothingIsLostWhenAnInteriorPeerSaysGoodbye(seed: UInt64) throws {
        var group = conference(seed: seed)
        group.publish(0)
        group.run(for: .seconds(10))
        let interior = try #require(interiorPeer(of: group), "seed \(seed)")

        group.leave(interior)
        group.run(for: .seconds(5))

        #expect(group.hosts[interior].hasLeft)
        #expect(group.missingDeliveries(of: 0, since: group.now + .milliseconds(-200)).isEmpty)
        for index in group.hosts.indices where group.hosts[index].isUp && index != 0 {
            #expect(group.lost(of: 0, at: index) == 0, "seed \(seed) at \(index)")
        }
    }

    @Test func aSourceThatLeavesIsGoneForEverybodyAtOnce() {
        var group = conference(seed: 3)
        group.publish(0)
        group.run(for: .seconds(5))

        group.leave(0)
        group.run(for: .seconds(1))

        for host in group.hosts where host.isUp {
            #expect(host.goneSources == [group.peer(0)])
            #expect(host.overlay.view.sources.isEmpty)
        }
        group.run(for: .seconds(30))
        #expect(group.hosts.allSatisfy { !$0.isUp || $0.overlay.view.sources.isEmpty })
    }

    @Test func aSourceThatDiesSilentlyIsForgotten() {
        var group = conference(seed: 4)
        group.publish(0)
        group.run(for: .seconds(5))

        group.crash(0)
        group.run(for: .seconds(20))

        for host in group.hosts where host.isUp {
            #expect(host.goneSources == [group.peer(0)])
            #expect(host.overlay.view.sources.isEmpty)
        }
    }

    @Test func childrenThatTheUplinkNoLongerCarriesAreRefusedWhenARateRises() {
        var group = conference(seed: 5)
        group.publish(0)
        group.run(for: .seconds(5))

        group.handle(.rateMeasured(1500), on: 0)
        group.run(for: .seconds(5))

        #expect(group.violations.isEmpty)
        for host in group.hosts {
            for source in host.overlay.view.sources { #expect(source.children.count <= 1) }
        }
        for index in 1...4 { #expect(group.lost(of: 0, at: index) == 0, "at \(index)") }
        #expect(group.missingDeliveries(of: 0, since: group.now + .milliseconds(-200)).isEmpty)
    }

    @Test func theSameSeedGivesTheSameActions() {
        func trace() -> [String] {
            var group = SimulatedGroup(seed: 11)
            group.keepsTrace = true
            group.loss = 0.02
            for lan in [0, 0, 1, 1, 2, 2, 2] { group.add(lan: lan, children: 2) }
            for index in 0..<7 { group.join(index) }
            group.publish(0)
            group.publish(5)
            group.run(for: .seconds(20))
            group.crash(1)
            group.run(for: .seconds(10))
            return group.trace
        }

        let first = trace()

        #expect(first.count > 500)
        #expect(first == trace())
    }
}
