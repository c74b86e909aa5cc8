import NetBasics

/// Routers and links arranged for Dijkstra's algorithm, and its scratch space.
///
/// Ties go to the path over the router of lower number, so that paths are a matter of the topology
/// alone.
struct RouterGraph {
    /// Where the neighbors of each router start; one more at the end.
    private var starts: ContiguousArray<Int32>
    private var neighbors: ContiguousArray<Int32>
    private var lengths: ContiguousArray<UInt32>
    /// The directed link to that neighbor: `2 * link`, plus one if it runs from `b` to `a`.
    private var directions: ContiguousArray<Int32>

    let routerCount: Int

    /// `lengths` has the delay of each link in ticks.
    init(routerCount: Int, links: [Topology.Link], lengths linkLengths: ContiguousArray<UInt32>) {
        self.routerCount = routerCount
        starts = ContiguousArray(repeating: 0, count: routerCount + 1)
        for link in links {
            starts[Int(link.a) + 1] += 1
            starts[Int(link.b) + 1] += 1
        }
        for router in 0..<routerCount { starts[router + 1] += starts[router] }
        neighbors = ContiguousArray(repeating: 0, count: 2 * links.count)
        lengths = ContiguousArray(repeating: 0, count: 2 * links.count)
        directions = ContiguousArray(repeating: 0, count: 2 * links.count)
        var next = starts
        for (index, link) in links.enumerated() {
            for (from, to, direction) in [(link.a, link.b, 0), (link.b, link.a, 1)] {
                let slot = Int(next[Int(from)])
                next[Int(from)] += 1
                neighbors[slot] = to
                lengths[slot] = linkLengths[index]
                directions[slot] = Int32(2 * index + direction)
            }
        }
    }

    /// The neighbor at `slot` of a router and the directed link from there to the router.
    @inline(__always)
    func step(from router: Int, slot: UInt16) -> (router: Int, incoming: Int32) {
        let place = Int(starts[router]) + Int(slot)
        return (Int(neighbors[place]), directions[place] ^ 1)
    }

    /// The most neighbors that a slot can number.
    static let degreeLimit = Int(UInt16.max)

    var largestDegree: Int {
        (0..<routerCount).map { Int(starts[$0 + 1] - starts[$0]) }.max() ?? 0
    }

    /// Least delays in ticks from `source`, and for each router the slot of the neighbor before it.
    ///
    /// Calls `settled` for each router, nearest first.
    func shortestPaths(
        from source: Int, _ settled: (_ router: Int, _ ticks: UInt64, _ slot: UInt16) -> Void
    ) {
        var ticks = ContiguousArray(repeating: UInt64.max, count: routerCount)
        var before = ContiguousArray(repeating: Int32.max, count: routerCount)
        var slots = ContiguousArray(repeating: UInt16(0), count: routerCount)
        var done = ContiguousArray(repeating: false, count: routerCount)
        var queue = RouterQueue()
        ticks[source] = 0
        queue.insert(router: source, ticks: 0)
        while let (router, distance) = queue.popFirst() {
            if done[router] { continue }
            done[router] = true
            settled(router, distance, slots[router])
            for place in Int(starts[router])..<Int(starts[router + 1]) {
                let other = Int(neighbors[place])
                if done[other] { continue }
                let candidate = distance + UInt64(lengths[place])
                let isShorter = candidate < ticks[other]
                guard isShorter || (candidate == ticks[other] && Int32(router) < before[other])
                else { continue }
                before[other] = Int32(router)
                slots[other] = slot(of: router, linkedBy: directions[place] ^ 1, at: other)
                guard isShorter else { continue }
                ticks[other] = candidate
                queue.insert(router: other, ticks: candidate)
            }
        }
    }

    /// At which of its slots `router` has the directed link to the neighbor.
    private func slot(of neighbor: Int, linkedBy direction: Int32, at router: Int) -> UInt16 {
        let start = Int(starts[router])
        for place in start..<Int(starts[router + 1]) where directions[place] == direction {
            return UInt16(truncatingIfNeeded: place - start)
        }
        preconditionFailure("link \(direction) is not one of router \(router)")
    }
}

/// A heap of routers by distance, then by number.
private struct RouterQueue {
    private struct Entry {
        var ticks: UInt64
        var router: Int32

        func precedes(_ other: Entry) -> Bool {
            ticks != other.ticks ? ticks < other.ticks : router < other.router
        }
    }

    private var heap: ContiguousArray<Entry> = []

    mutating func insert(router: Int, ticks: UInt64) {
        let entry = Entry(ticks: ticks, router: Int32(router))
        heap.append(entry)
        var place = heap.count - 1
        while place > 0, entry.precedes(heap[(place - 1) / 4]) {
            heap[place] = heap[(place - 1) / 4]
            place = (place - 1) / 4
        }
        heap[place] = entry
    }

    mutating func popFirst() -> (router: Int, ticks: UInt64)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last) }
        return (Int(first.router), first.ticks)
    }

    private mutating func sink(_ entry: Entry) {
        var place = 0
        while true {
            let first = 4 * place + 1
            guard first < heap.count else { break }
            var least = first
            for child in (first + 1)..<max(first + 1, min(first + 4, heap.count))
            where heap[child].precedes(heap[least]) {
                least = child
            }
            guard heap[least].precedes(entry) else { break }
            heap[place] = heap[least]
            place = least
        }
        heap[place] = entry
    }
}
