/// Who feeds whom for one source: a parent for each member, negative where there is none.
package struct OverlayTree: Sendable, Equatable {
    package var source: Int
    package var parents: [Int32]

    package init(source: Int, parents: [Int32]) {
        self.source = source
        self.parents = parents
    }

    /// The members the source reaches, it included, each behind its parent; siblings ascend.
    package var topDown: [Int] {
        var starts = [Int32](repeating: 0, count: parents.count + 1)
        for member in parents.indices where isFed(member) { starts[Int(parents[member]) + 1] += 1 }
        for member in parents.indices { starts[member + 1] += starts[member] }
        var children = [Int32](repeating: 0, count: Int(starts[parents.count]))
        var next = starts
        for member in parents.indices where isFed(member) {
            children[Int(next[Int(parents[member])])] = Int32(member)
            next[Int(parents[member])] += 1
        }
        var order = [source]
        var place = 0
        while place < order.count {
            let member = order[place]
            place += 1
            order += children[Int(starts[member])..<Int(starts[member + 1])].map(Int.init)
        }
        return order
    }

    private func isFed(_ member: Int) -> Bool {
        member != source && parents.indices.contains(Int(parents[member]))
    }

    /// How many each member feeds.
    package var outDegrees: [Int] {
        var degrees = [Int](repeating: 0, count: parents.count)
        for member in parents.indices where isFed(member) { degrees[Int(parents[member])] += 1 }
        return degrees
    }

    /// The delay of each member in microseconds; `nil` where the source does not reach it.
    package func delays(_ table: DelayTable) -> [Int?] {
        var delays = [Int?](repeating: nil, count: parents.count)
        delays[source] = 0
        for member in topDown.dropFirst() {
            let parent = Int(parents[member])
            delays[member] = delays[parent].map { $0 + table[parent, member] }
        }
        return delays
    }

    /// Mean and largest delay of the receivers that are reached, in microseconds.
    package func cost(_ table: DelayTable) -> (mean: Double, worst: Int) {
        let reached = delays(table).enumerated().filter { $0.offset != source }
            .compactMap(\.element)
        let sum = reached.reduce(0, +)
        return (Double(sum) / Double(max(1, reached.count)), reached.max() ?? 0)
    }
}

/// One-way delays between members, in whole microseconds: what a centralised planner knows.
package struct DelayTable: Sendable, Equatable {
    package let count: Int
    private var cells: ContiguousArray<Int32>

    package init(count: Int, _ delay: (_ from: Int, _ to: Int) -> Int) {
        self.count = count
        cells = []
        cells.reserveCapacity(count * count)
        for from in 0..<count {
            for to in 0..<count { cells.append(Int32(clamping: from == to ? 0 : delay(from, to))) }
        }
    }

    /// The delays between the given hosts, in their order.
    package init(_ underlay: Underlay, hosts: [Int]) {
        self.init(count: hosts.count) { from, to in
            Int((underlay.nanoseconds(from: hosts[from], to: hosts[to]) + 500) / 1000)
        }
    }

    package subscript(from: Int, to: Int) -> Int { Int(cells[from * count + to]) }
}
