import NetBasics
import Testing

@testable import Simulation

/// The topology of that name, from a seed.
func madeTopology(
    _ text: String, hosts: Int, seed: UInt64 = 1
) throws -> Topology {
    var generator = SeededGenerator(seed: seed)
    return try TopologySpec(parsing: text).make(hostCount: hosts, generator: &generator)
}

@Suite struct TopologySpecTests {
    @Test func tenThousandTransitStubRoutersHaveThePublishedProportions() {
        let shape = TransitStub.shape(for: 10_000)

        #expect(
            shape
                == TransitStub.Shape(
                    transitDomains: 10, transitRouters: 10, stubDomainsPerRouter: 9,
                    stubRouters: 11))
    }

    @Test(arguments: [8, 9, 31, 100, 600, 997, 1024, 5050, 10_000])
    func transitStubHasExactlyTheRoutersAskedFor(routers: Int) throws {
        let topology = try madeTopology("transit-stub:\(routers)", hosts: 20)

        #expect(topology.routerCount == routers)
        let meanDegree = 2 * Double(topology.links.count) / Double(routers)
        #expect(routers < 100 || (3...4).contains(meanDegree), "mean degree \(meanDegree)")
    }

    @Test func transitStubDelaysAreInTheStatedRanges() throws {
        let topology = try madeTopology("transit-stub:10000", hosts: 500)

        // Routers 0..<100 are transit, ten per domain; stub domains of 11 follow.
        for link in topology.links {
            let isTransit = (link.a < 100, link.b < 100)
            let range: ClosedRange<Double> =
                switch isTransit {
                case (true, true): link.a / 10 == link.b / 10 ? 2...10 : 10...40
                case (false, false): 0.5...2
                default: 2...8
                }
            #expect(range.contains(link.delay.milliseconds), "\(link)")
        }
        for host in topology.hosts {
            #expect(host.router >= 100)
            #expect((0.1...1).contains(host.access.milliseconds))
        }
        #expect(Set(topology.hosts.map(\.router)).count == 500)
    }

    @Test func packetsBetweenStubDomainsGoThroughTransit() throws {
        let topology = try madeTopology("transit-stub:10000", hosts: 60)
        let underlay = try Underlay(topology)
        func domain(_ host: Int) -> Int32 { (topology.hosts[host].router - 100) / 11 }

        for from in 0..<60 {
            for to in 0..<60 where domain(from) != domain(to) {
                var touchesTransit = false
                underlay.forEachLink(from: from, to: to) { id in
                    guard id >= 120 else { return }
                    let link = topology.links[Int(id - 120) / 2]
                    if min(link.a, link.b) < 100 { touchesTransit = true }
                }
                #expect(touchesTransit)
            }
        }
    }

    @Test func waxmanHasTheLinksOfTheNaradaGraphAndTheStatedDelay() throws {
        let topology = try madeTopology("waxman:1024", hosts: 128)
        let underlay = try Underlay(topology)

        #expect(topology.routerCount == 1024)
        #expect(topology.links.count == 3145)
        #expect(Set(topology.links.map { [$0.a, $0.b] }).count == 3145)
        let delays = Distribution(
            (0..<128 * 128).filter { $0 / 128 != $0 % 128 }.map {
                underlay.delay(from: $0 / 128, to: $0 % 128).milliseconds
            })
        #expect((45...55).contains(delays.mean), "mean \(delays.mean) ms")
        // Half of all pairs lie farther apart than 0.51 sides; links prefer the near ones.
        let lengths = Distribution(topology.links.map { $0.delay.milliseconds / 52 })
        #expect(lengths.median < 0.4)
    }

    @Test(arguments: [2, 3, 10, 50])
    func smallWaxmanGraphsAreConnected(routers: Int) throws {
        for seed in 0..<20 {
            let topology = try madeTopology("waxman:\(routers)", hosts: 1, seed: UInt64(seed))
            try topology.validate()
        }
    }

    @Test func barabasiAlbertHasTheLinksOfNetworkXAndHubs() throws {
        let topology = try madeTopology("barabasi-albert:1000,2", hosts: 10)
        var degrees = [Int](repeating: 0, count: 1000)
        for link in topology.links {
            degrees[Int(link.a)] += 1
            degrees[Int(link.b)] += 1
        }

        #expect(topology.links.count == (1000 - 2) * 2)
        #expect(degrees.filter { $0 >= 2 }.count >= 998)
        #expect((degrees.max() ?? 0) > 30)
    }

    @Test func pairwiseDelaysAreUniformAlikeBothWaysAndNeedNoMemory() throws {
        let underlay = try Underlay(try madeTopology("pairwise:10-150", hosts: 100_000))
        var generator = SeededGenerator(seed: 5)
        var values: [Double] = []
        for _ in 0..<20_000 {
            let (a, b) = (generator.uniform(below: 100_000), generator.uniform(below: 100_000))
            guard a != b else { continue }
            #expect(underlay.delay(from: a, to: b) == underlay.delay(from: b, to: a))
            values.append(underlay.delay(from: a, to: b).milliseconds)
        }

        let delays = Distribution(values)
        #expect(delays.min >= 10)
        #expect(delays.max <= 150)
        #expect(abs(delays.mean - 80) < 1)
        #expect(abs(delays.quantile(0.25) - 45) < 2)
    }

    @Test func kingDelaysHaveTheMarginalsOfTheDataSet() throws {
        let underlay = try Underlay(try madeTopology("king:600", hosts: 600))
        var roundTrips: [Double] = []
        for from in 0..<600 {
            for to in 0..<600 where from != to {
                roundTrips.append(
                    2 * underlay.delay(from: from, to: to).milliseconds)
            }
        }

        let distribution = Distribution(roundTrips)
        #expect(abs(distribution.median - 159) < 2, "median \(distribution.median)")
        #expect(abs(distribution.mean - 182) < 3, "mean \(distribution.mean)")
        #expect(underlay.delay(from: 3, to: 7) == underlay.delay(from: 7, to: 3))
    }

    @Test(arguments: ["transit-stub:600", "waxman:200", "barabasi-albert:95,2", "king:300"])
    func oneSeedMakesOneTopology(text: String) throws {
        let first = try madeTopology(text, hosts: 30, seed: 9)

        #expect(first == (try madeTopology(text, hosts: 30, seed: 9)))
        #expect(first != (try madeTopology(text, hosts: 30, seed: 10)))
        #expect(first.links == (try madeTopology(text, hosts: 40, seed: 9)).links)
    }

    @Test func moreHostsThanRoutersShareThem() throws {
        let topology = try madeTopology("waxman:20", hosts: 50)

        var counts = [Int](repeating: 0, count: 20)
        for host in topology.hosts { counts[Int(host.router)] += 1 }
        #expect(counts.allSatisfy { $0 == 2 || $0 == 3 })
    }

    @Test(arguments: [
        ("", "the topology is empty"), ("waxman:1", "needs a number from 2 to 20000"),
        ("waxman:-5", "needs a number"), ("waxman:99999999999999999999", "needs a number"),
        ("transit-stub:7", "needs a number from 8"), ("transit-stub:", "needs a number"),
        ("barabasi-albert:95", "needs two numbers"), ("barabasi-albert:5,5", "from 1 to 4"),
        ("barabasi-albert:1,1", "needs a number from 2"), ("pairwise:10", "needs delays"),
        ("pairwise:20-10", "needs delays"), ("pairwise:nan-nan", "needs delays"),
        ("pairwise:0-99999999", "needs delays"), ("pairwise:-5-10", "needs delays"),
        ("king:1", "needs a number"),
    ])
    func badSpecsSayWhatIsWrong(text: String, message: String) {
        #expect {
            try TopologySpec(parsing: text)
        } throws: {
            "\($0)".contains(message) && !"\($0)".contains("\n")
        }
    }

    @Test(arguments: [
        ("no-such-file.json", 5, "cannot read no-such-file.json: No such file or directory"),
        ("bad\nname", 5, "cannot read bad?name: "), (".", 5, "not a regular file"),
        ("figure", 11, "figure has 10 hosts, fewer than the 11 asked for"),
        ("king:20", 21, "king:20 has 20 hosts"), ("waxman:20", 0, "0 hosts, not 1 to"),
        ("waxman:20", 2_000_000, "2000000 hosts, not 1 to"),
    ])
    func whatCannotBeMadeSaysWhy(text: String, hosts: Int, message: String) {
        #expect {
            try madeTopology(text, hosts: hosts)
        } throws: {
            "\($0)".contains(message)
        }
    }

    @Test func uplinksFollowTheirMix() throws {
        var topology = try madeTopology("pairwise", hosts: 10_000)
        var generator = SeededGenerator(seed: 3)

        UplinkModel.relay.assign(to: &topology, generator: &generator)

        let strong = topology.hosts.count { $0.uplinkMbps == 200 }
        #expect((400...600).contains(strong))
        #expect(topology.hosts.count { $0.uplinkMbps == 1 } == 10_000 - strong)
        UplinkModel.unlimited.assign(to: &topology, generator: &generator)
        #expect(topology.hosts.allSatisfy { $0.uplinkMbps == nil })
    }
}
