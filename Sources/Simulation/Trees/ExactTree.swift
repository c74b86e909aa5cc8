/// The best degree-bounded tree of a few members, by search over all of them.
///
/// Trees grow breadth first: the first member not yet expanded takes any set of those left as its
/// children, so that each tree is met once. Branches that cannot beat the best are cut; the bound is
/// the least delay over any number of members in between.
package struct ExactTree {
    /// There are at most 262,144 trees of eight members.
    package static let memberLimit = 8

    package enum Objective: Sendable, CaseIterable {
        /// The least mean delay; among those, the least worst.
        case mean
        /// The least worst delay; among those, the least mean.
        case worst
    }

    private struct Cost: Comparable {
        var first = Int.max
        var second = Int.max

        static func < (left: Cost, right: Cost) -> Bool {
            (left.first, left.second) < (right.first, right.second)
        }
    }

    private let delays: DelayTable
    private let degreeLimits: [Int]
    private let objective: Objective
    /// From the source, through any others.
    private let leastDelays: [Int]
    private var queue: [Int]
    private var totals: [Int]
    private var parents: [Int32]
    private var bestCost = Cost()
    private var bestParents: [Int32]?

    /// The best tree; `nil` if the limits allow none, or there are more than ``memberLimit`` members.
    package static func plan(
        _ delays: DelayTable, source: Int, degreeLimits: [Int], objective: Objective
    ) -> OverlayTree? {
        guard (1...memberLimit).contains(delays.count) else { return nil }
        var search = ExactTree(delays, source, degreeLimits, objective)
        search.expand(at: 0, left: (1 << delays.count) - 1 - (1 << source))
        return search.bestParents.map { OverlayTree(source: source, parents: $0) }
    }

    private init(
        _ delays: DelayTable, _ source: Int, _ degreeLimits: [Int], _ objective: Objective
    ) {
        self.delays = delays
        self.degreeLimits = degreeLimits
        self.objective = objective
        var least = (0..<delays.count).map { delays[source, $0] }
        for _ in 0..<delays.count {
            for via in least.indices {
                for member in least.indices {
                    least[member] = min(least[member], least[via] + delays[via, member])
                }
            }
        }
        leastDelays = least
        queue = [source]
        totals = [Int](repeating: 0, count: delays.count)
        parents = [Int32](repeating: -1, count: delays.count)
    }

    /// Chooses children for the member at `place` of the queue, and so on.
    private mutating func expand(at place: Int, left: Int) {
        if left == 0 {
            let cost = cost(left: 0)
            if cost < bestCost { (bestCost, bestParents) = (cost, parents) }
            return
        }
        guard place < queue.count, cost(left: left) < bestCost else { return }
        let member = queue[place]
        var chosen = left
        while true {
            if chosen.nonzeroBitCount <= degreeLimits[member] {
                let children = totals.indices.filter { chosen & (1 << $0) != 0 }
                for child in children {
                    parents[child] = Int32(member)
                    totals[child] = totals[member] + delays[member, child]
                }
                queue += children
                expand(at: place + 1, left: left & ~chosen)
                queue.removeLast(children.count)
            }
            if chosen == 0 { return }
            chosen = (chosen - 1) & left
        }
    }

    /// The cost of a tree, or the least it can come to if members are `left`.
    private func cost(left: Int) -> Cost {
        var sum = 0
        var worst = 0
        for member in totals.indices where member != queue[0] {
            let delay = left & (1 << member) == 0 ? totals[member] : leastDelays[member]
            sum += delay
            worst = max(worst, delay)
        }
        switch objective {
        case .mean: return Cost(first: sum, second: worst)
        case .worst: return Cost(first: worst, second: sum)
        }
    }
}
