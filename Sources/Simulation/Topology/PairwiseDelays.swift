import NetBasics

/// One-way delays between hosts where no routers are modelled.
package enum PairwiseDelays: Sendable, Equatable {
    /// A table, as measured.
    case matrix(DelayMatrix)
    /// Independent and uniform per unordered pair, computed from a hash of the pair: no memory.
    case uniform(low: Duration, high: Duration, seed: UInt64)
    /// Computed from places in a space; memory proportional to the hosts.
    case coordinates(DelaySpace)

    /// The one-way delay in nanoseconds; zero from a host to itself.
    func nanoseconds(from: Int, to: Int) -> Int64 {
        if from == to { return 0 }
        switch self {
        case .matrix(let matrix): return 1000 * matrix.microseconds(from: from, to: to)
        case .uniform(let low, let high, let seed):
            let (first, second) = (UInt64(min(from, to)), UInt64(max(from, to)))
            let word = mixed(mixed(seed &+ first &* 0x9E37_79B9_7F4A_7C15) ^ (second << 20))
            let lowest = low.nanoseconds / 1000
            let span = UInt64(max(0, high.nanoseconds / 1000 - lowest) + 1)
            return 1000 * (lowest + Int64(word.multipliedFullWidth(by: span).high))
        case .coordinates(let space): return 1000 * space.microseconds(from: from, to: to)
        }
    }

    func validate(hostCount: Int) throws(TopologyError) {
        switch self {
        case .matrix(let matrix):
            guard matrix.count == hostCount else {
                throw TopologyError(
                    "pairwise delays of \(matrix.count) hosts, but \(hostCount) hosts")
            }
        case .uniform(let low, let high, _):
            try Topology.check(low, of: "pairwise", named: "least delay")
            try Topology.check(high, of: "pairwise", named: "greatest delay")
            guard low <= high else {
                throw TopologyError(
                    "pairwise delays from \(low.milliseconds) down to \(high.milliseconds) ms")
            }
        case .coordinates(let space):
            guard space.count == hostCount else {
                throw TopologyError("\(space.count) coordinates, but \(hostCount) hosts")
            }
        }
    }
}

/// One round of SplitMix64.
private func mixed(_ value: UInt64) -> UInt64 {
    var word = value &+ 0x9E37_79B9_7F4A_7C15
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
}

/// One-way delays from each host to each, in whole microseconds.
package struct DelayMatrix: Sendable, Equatable {
    /// 1 GiB of table.
    package static let hostLimit = 16_384

    package let count: Int
    private var cells: ContiguousArray<UInt32>

    /// All zero; `count` is at most ``hostLimit``.
    package init(count: Int) {
        precondition((0...Self.hostLimit).contains(count), "a matrix of \(count) hosts")
        self.count = count
        cells = ContiguousArray(repeating: 0, count: count * count)
    }

    func microseconds(from: Int, to: Int) -> Int64 { Int64(cells[from * count + to]) }

    /// Sets the delay one way; `subject` names the pair in the error.
    mutating func set(
        from: Int, to: Int, to delay: Duration, subject: String
    ) throws(TopologyError) {
        try Topology.check(delay, of: subject, named: "delay")
        cells[from * count + to] = UInt32(clamping: (delay.nanoseconds + 500) / 1000)
    }

    /// The part of it that holds the given hosts, in their order.
    func selecting(_ hosts: [Int]) -> DelayMatrix {
        var part = DelayMatrix(count: hosts.count)
        for (row, from) in hosts.enumerated() {
            for (column, to) in hosts.enumerated() {
                part.cells[row * hosts.count + column] = cells[from * count + to]
            }
        }
        return part
    }
}
