import NetBasics
import Overlay
import Testing

/// How long the children of a peer that dies get nothing from any parent; without repair.
@Suite struct ParentDeathTests {
    private static let source = 0

    /// Two subnets, uplinks of two copies: who needs a place often finds parents full, among them with the dead.
    private struct Conference {
        var group: SimulatedGroup
        /// Each place of a receiver: its subnet, and who is there.
        var places: [(lan: Int, host: Int)] = []

        init(seed: UInt64, stallShare: Double) {
            group = SimulatedGroup(seed: seed)
            group.farDelay = (.microseconds(200), 100)
            group.stallShare = stallShare
            group.repair.tryLimit = 0
            group.add(lan: 1, children: 2)
            for lan in [1, 1, 2, 2] { places.append((lan, group.add(lan: lan, children: 2))) }
            group.publish(source)
            for host in 0..<5 {
                group.join(host)
                group.run(for: .milliseconds(60))
            }
            group.run(for: .milliseconds(4000 + Int64(seed * 7 % 131)))
        }

        private func children(of host: Int) -> [Int] {
            places.map(\.host).filter { other in
                let parents = group.hosts[other].overlay.parents
                return parents.contains {
                    $0.source == group.peer(source) && $0.parent == group.peer(host)
                }
            }
        }

        /// Kills one of those that feed others, and puts a new member in its place; what its children missed.
        mutating func kill(_ number: Int) -> [Duration] {
            let interior = places.indices.filter { !children(of: places[$0].host).isEmpty }
            guard !interior.isEmpty else { return [] }
            let place = interior[number % interior.count]
            let orphans = children(of: places[place].host)
            group.forgetGaps()
            group.crash(places[place].host)
            group.run(for: .seconds(5))
            places[place].host = group.add(lan: places[place].lan, children: 2)
            group.join(places[place].host)
            group.run(for: .seconds(4))
            return orphans.map { group.hosts[$0].longestGap[group.peer(source)] ?? .zero }
        }
    }

    /// `stallShare` of all datagrams find their host busy for up to 60 ms.
    @Test(arguments: [(0.0, 0.0), (0.01, 0.01)])
    func hardlyAnyOutageLastsLong(stallShare: Double, lateShare: Double) {
        var outages: [Duration] = []
        for seed in 1...50 as ClosedRange<UInt64> {
            var conference = Conference(seed: seed, stallShare: stallShare)
            for number in 0..<6 { outages += conference.kill(number) }
            #expect(conference.group.violations.isEmpty, "seed \(seed)")
        }

        let late = outages.filter { $0 > .milliseconds(300) }
        print("\(outages.count) outages, late:", late, "longest:", outages.max() ?? .zero)
        #expect(outages.count >= 250)
        #expect(Double(late.count) <= lateShare * Double(outages.count), "\(late)")
    }
}
