import NetBasics
import Testing

@testable import Simulation

@Suite struct PlannedTreeTests {
    private func randomDelays(_ count: Int, seed: UInt64) -> DelayTable {
        var generator = SeededGenerator(seed: seed)
        let values = (0..<count * count).map { _ in 1000 + generator.uniform(below: 100_000) }
        return DelayTable(count: count) { values[min($0, $1) * count + max($0, $1)] }
    }

    /// Each labelled tree of `count` nodes as its edges, by Pruefer's bijection.
    private func allTrees(_ count: Int) -> [[(Int, Int)]] {
        var codes: [[Int]] = [[]]
        for _ in 0..<(count - 2) {
            codes = codes.flatMap { code in (0..<count).map { code + [$0] } }
        }
        return codes.map { code in
            var degrees = [Int](repeating: 1, count: count)
            for node in code { degrees[node] += 1 }
            var edges: [(Int, Int)] = []
            for node in code {
                let leaf = degrees.firstIndex(of: 1) ?? 0
                edges.append((leaf, node))
                degrees[leaf] -= 1
                degrees[node] -= 1
            }
            let last = degrees.indices.filter { degrees[$0] == 1 }
            return edges + [(last[0], last[1])]
        }
    }

    /// The tree hung up at the source.
    private func rooted(_ edges: [(Int, Int)], at source: Int, count: Int) -> OverlayTree {
        var parents = [Int32](repeating: -1, count: count)
        var open = [source]
        while let node = open.popLast() {
            for (a, b) in edges where a == node || b == node {
                let other = a == node ? b : a
                guard other != source, Int(parents[node]) != other else { continue }
                parents[other] = Int32(node)
                open.append(other)
            }
        }
        return OverlayTree(source: source, parents: parents)
    }

    @Test(arguments: 0..<40)
    func theExactTreeIsTheBestOfAllEnumerated(seed: Int) throws {
        let delays = randomDelays(5, seed: UInt64(seed))
        let source = seed % 5
        let limits = (0..<5).map { 1 + (seed + $0) % 3 }
        let trees = allTrees(5).map { rooted($0, at: source, count: 5) }.filter {
            zip($0.outDegrees, limits).allSatisfy { $0 <= $1 }
        }
        #expect(allTrees(5).count == 125)

        let best = try #require(
            ExactTree.plan(delays, source: source, degreeLimits: limits, objective: .mean))
        let least = try #require(
            ExactTree.plan(delays, source: source, degreeLimits: limits, objective: .worst))

        #expect(best.topDown.count == 5)
        #expect(zip(best.outDegrees, limits).allSatisfy { $0 <= $1 })
        #expect(best.cost(delays).mean == trees.map { $0.cost(delays).mean }.min())
        #expect(least.cost(delays).worst == trees.map { $0.cost(delays).worst }.min())
    }

    @Test(arguments: 0..<20)
    func theHeuristicIsNoBetterThanTheBestAndNotFarFromIt(seed: Int) throws {
        let count = 3 + seed % 5
        let delays = randomDelays(count, seed: UInt64(100 + seed))
        let limits = [Int](repeating: 2, count: count)

        let planned = CompactTree.plan(delays, source: 0, degreeLimits: limits).cost(delays)
        let mean = try #require(
            ExactTree.plan(delays, source: 0, degreeLimits: limits, objective: .mean))
        let worst = try #require(
            ExactTree.plan(delays, source: 0, degreeLimits: limits, objective: .worst))

        #expect(mean.cost(delays).mean <= planned.mean)
        #expect(worst.cost(delays).worst <= planned.worst)
        #expect(planned.mean <= 2 * mean.cost(delays).mean)
    }

    @Test func eightMembersAreSearchedAndNineAreNot() {
        let limits = [Int](repeating: 3, count: 9)

        #expect(
            ExactTree.plan(
                randomDelays(8, seed: 1), source: 7, degreeLimits: [3, 3, 3, 3, 3, 3, 3, 3],
                objective: .worst)?.topDown.count == 8)
        #expect(
            ExactTree.plan(
                randomDelays(9, seed: 1), source: 0, degreeLimits: limits, objective: .mean) == nil)
        #expect(
            ExactTree.plan(
                randomDelays(3, seed: 1), source: 0, degreeLimits: [1, 0, 0], objective: .mean)
                == nil)
    }

    @Test(arguments: 1...6)
    func allAreFedAndNobodyFeedsMoreThanItsLimit(limit: Int) throws {
        let underlay = try Underlay(try madeTopology("waxman:200", hosts: 90))
        let delays = DelayTable(underlay, hosts: Array(0..<90))
        for weight in [0, 0.5, 1] {
            let tree = CompactTree.plan(
                delays, source: 11, degreeLimits: [Int](repeating: limit, count: 90),
                rule: .init(delayWeight: weight, slackShare: 0.1))

            #expect(tree.topDown.count == 90)
            #expect(tree.outDegrees.allSatisfy { $0 <= limit })
        }
    }

    @Test func withoutSlotsMembersStayOutside() {
        let tree = CompactTree.plan(
            randomDelays(6, seed: 3), source: 2, degreeLimits: [0, 0, 3, 0, 0, 0])

        #expect(tree.topDown.count == 4)
        #expect(tree.outDegrees[2] == 3)
    }

    @Test func withoutLimitsTheTreeIsThatOfShortestPaths() {
        let count = 12
        let delays = randomDelays(count, seed: 5)
        var least = (0..<count).map { delays[4, $0] }
        for _ in 0..<count {
            for via in 0..<count {
                for to in 0..<count { least[to] = min(least[to], least[via] + delays[via, to]) }
            }
        }

        let tree = CompactTree.plan(
            delays, source: 4, degreeLimits: [Int](repeating: count, count: count))

        #expect(tree.delays(delays) == least)
    }

    /// Kruskal's algorithm gives the weight to reach.
    @Test func withoutLimitsAndWeightTheTreeSpansAtLeastDelayInAll() {
        let count = 15
        let delays = randomDelays(count, seed: 6)
        let pairs = (0..<count).flatMap { a in (0..<a).map { b in (delays[a, b], a, b) } }.sorted {
            $0 < $1
        }
        var labels = Array(0..<count)
        var expected = 0
        for (delay, a, b) in pairs where labels[a] != labels[b] {
            expected += delay
            let (old, new) = (labels[a], labels[b])
            labels = labels.map { $0 == old ? new : $0 }
        }

        let tree = CompactTree.plan(
            delays, source: 0, degreeLimits: [Int](repeating: count, count: count),
            rule: .init(delayWeight: 0))

        let weight = tree.topDown.dropFirst().reduce(0) { $0 + delays[Int(tree.parents[$1]), $1] }
        #expect(weight == expected)
    }
}
