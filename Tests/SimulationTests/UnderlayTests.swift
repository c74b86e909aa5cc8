import NetBasics
import Testing

@testable import Simulation

@Suite struct UnderlayTests {
    /// A connected random graph with delays that often tie.
    private func randomTopology(seed: UInt64) -> Topology {
        var generator = SeededGenerator(seed: seed)
        let count = 2 + generator.uniform(below: 12)
        var links: [Topology.Link] = []
        func add(_ a: Int, _ b: Int) {
            links.append(
                .init(
                    a: Int32(a), b: Int32(b),
                    delay: .microseconds(generator.uniform(below: 4) * 700),
                    loss: Double(generator.uniform(below: 3)) / 10))
        }
        for router in 1..<count { add(generator.uniform(below: router), router) }
        for _ in 0..<count {
            let (a, b) = (generator.uniform(below: count), generator.uniform(below: count))
            if a != b { add(a, b) }
        }
        let hosts = (0..<8).map {
            Topology.Host(
                name: "h\($0)", router: Int32(generator.uniform(below: count)),
                access: .microseconds(generator.uniform(below: 300)))
        }
        return Topology(routerCount: count, links: links, hosts: hosts)
    }

    /// Floyd and Warshall's algorithm.
    private func leastDelays(_ topology: Topology) -> [[Int64]] {
        let count = topology.routerCount
        var table = [[Int64]](
            repeating: [Int64](repeating: 1 << 50, count: count), count: count)
        for router in 0..<count { table[router][router] = 0 }
        for link in topology.links {
            let (a, b) = (Int(link.a), Int(link.b))
            table[a][b] = min(table[a][b], link.delay.nanoseconds)
            table[b][a] = table[a][b]
        }
        for via in 0..<count {
            for from in 0..<count {
                for to in 0..<count {
                    table[from][to] = min(table[from][to], table[from][via] + table[via][to])
                }
            }
        }
        return table
    }

    @Test(arguments: 0..<60)
    func delaysAreLeastAndPathsAddUpToThem(seed: Int) throws {
        let topology = randomTopology(seed: UInt64(seed))
        let underlay = try Underlay(topology)
        let expected = leastDelays(topology)

        for (from, source) in topology.hosts.enumerated() {
            for (to, target) in topology.hosts.enumerated() where from != to {
                let delay =
                    source.access + target.access
                    + .nanoseconds(expected[Int(source.router)][Int(target.router)])
                var sum = Duration.zero
                var survival = 1.0
                var place = source.router
                underlay.forEachLink(from: from, to: to) { id in
                    sum += underlay.delayOfLink(id)
                    survival *= 1 - underlay.lossOfLink(id)
                    if underlay.isAccessLink(id) { return }
                    let link = topology.links[Int(id) / 2 - 8]
                    #expect(place == (id % 2 == 0 ? link.a : link.b))
                    place = id % 2 == 0 ? link.b : link.a
                }
                #expect(underlay.delay(from: from, to: to) == delay)
                #expect(sum == delay)
                #expect(place == target.router)
                #expect(underlay.pathLoss(from: from, to: to) == 1 - survival)
            }
        }
    }

    @Test func aTightMemoryBoundChangesNoPath() throws {
        let topology = try madeTopology("waxman:60", hosts: 40)
        let roomy = try Underlay(topology)
        let tight = try Underlay(topology, routeByteLimit: 3 * (4 * 40 + 2 * 60))
        func path(_ underlay: Underlay, _ from: Int, _ to: Int) -> [Int32] {
            var path: [Int32] = []
            underlay.forEachLink(from: from, to: to) { path.append($0) }
            return path
        }

        var generator = SeededGenerator(seed: 4)
        for _ in 0..<2000 {
            let (from, to) = (generator.uniform(below: 40), generator.uniform(below: 40))
            #expect(path(roomy, from, to) == path(tight, from, to))
            #expect(roomy.delay(from: from, to: to) == tight.delay(from: from, to: to))
        }
        #expect {
            try Underlay(topology, routeByteLimit: 4 * 40 + 2 * 60 - 1)
        } throws: {
            "\($0)".contains("memory")
        }
    }

    @Test func directedLinksAreNumberedAsStated() throws {
        let underlay = try Underlay(LectureFigure.topology)
        func path(_ from: Int, _ to: Int) -> [Int32] {
            var path: [Int32] = []
            underlay.forEachLink(from: from, to: to) { path.append($0) }
            return path
        }

        // Ten hosts: links of routers start at 20. h0 on r0, h7 on r4: r0 r1 r2 r4.
        #expect(path(0, 7) == [0, 20, 22, 28, 15])
        #expect(path(7, 0) == [14, 29, 23, 21, 1])
        #expect(path(0, 1) == [0, 3])
        #expect(path(4, 4) == [])
        #expect(underlay.delay(from: 0, to: 7) == .milliseconds(22))
        #expect(underlay.directedLinkCount == 38)
    }

    @Test func pairwiseTopologiesHaveAccessLinksOnly() throws {
        let underlay = try Underlay(try madeTopology("pairwise", hosts: 10))
        var path: [Int32] = []
        underlay.forEachLink(from: 3, to: 8) { path.append($0) }

        #expect(path == [6, 17])
        #expect(underlay.directedLinkCount == 20)
        #expect(underlay.delay(from: 3, to: 3) == .zero)
    }

    @Test func longPathsAreMeasuredInCoarserTicks() throws {
        let links = (0..<100).map {
            Topology.Link(a: Int32($0), b: Int32($0 + 1), delay: .seconds(10))
        }
        let hosts = [Topology.Host(name: "a", router: 0), Topology.Host(name: "b", router: 100)]
        let underlay = try Underlay(Topology(routerCount: 101, links: links, hosts: hosts))

        #expect(underlay.delay(from: 0, to: 1) == .seconds(1000))
        #expect {
            let far = (0..<500).map {
                Topology.Link(a: Int32($0), b: Int32($0 + 1), delay: .seconds(60))
            }
            _ = try Underlay(Topology(routerCount: 501, links: far, hosts: hosts))
        } throws: {
            "\($0)".contains("half an hour")
        }
    }
}
