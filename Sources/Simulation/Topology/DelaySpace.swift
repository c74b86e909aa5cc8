import Glibc
import NetBasics

/// Hosts at places in a five-dimensional space, each with a height, that yield round-trip times as
/// the King data set has them.
///
/// The raw distance of two hosts is the Euclidean distance of their places plus both heights. Places
/// lie in clusters, as hosts do on continents. Raw distances are mapped, order kept, on a log-normal
/// distribution with a median of 159 ms and a mean of 182 ms, the round trips of King; the one-way
/// delay is half of that. The triangle inequality does not hold for all triples, as in the data set.
package struct DelaySpace: Sendable, Equatable {
    package static let medianRoundTripMs = 159.0
    package static let meanRoundTripMs = 182.0
    package static let hostLimit = 1_000_000

    package private(set) var count: Int
    /// Five coordinates and the height of each host.
    private var places: ContiguousArray<Float>
    /// Raw distances at evenly spaced ranks, ascending.
    private var ranks: ContiguousArray<Float> = []
    /// The one-way delay in microseconds at the same ranks.
    private var delays: ContiguousArray<Float> = []

    package init(count: Int, generator: inout SeededGenerator) {
        self.count = count
        places = []
        places.reserveCapacity(6 * count)
        let centers = (0..<5 * clusterCount).map { _ in generator.normal() }
        for _ in 0..<count {
            let cluster = generator.uniform(below: clusterCount)
            for axis in 0..<5 {
                let offset = clusterSpread * generator.normal()
                places.append(Float(centers[5 * cluster + axis] + offset))
            }
            places.append(Float(-meanHeight * log(1 - generator.uniformFraction())))
        }
        if count > 1 { fitRanks(&generator) }
    }

    func microseconds(from: Int, to: Int) -> Int64 {
        let raw = distance(from, to)
        var (low, high) = (0, ranks.count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if ranks[middle] <= raw { low = middle } else { high = middle }
        }
        let width = ranks[high] - ranks[low]
        let share = width > 0 ? max(0, min(1, (raw - ranks[low]) / width)) : 0
        return Int64(delays[low] + share * (delays[high] - delays[low]))
    }

    /// The same space with the given hosts only, in their order.
    func selecting(_ hosts: [Int]) -> DelaySpace {
        var part = self
        part.count = hosts.count
        part.places = []
        for host in hosts { part.places += places[(6 * host)..<(6 * host + 6)] }
        return part
    }

    private func distance(_ left: Int, _ right: Int) -> Float {
        var sum: Float = 0
        for axis in 0..<5 {
            let difference = places[6 * left + axis] - places[6 * right + axis]
            sum += difference * difference
        }
        return sum.squareRoot() + places[6 * left + 5] + places[6 * right + 5]
    }

    /// Learns the ranks from distances of pairs drawn at random.
    private mutating func fitRanks(_ generator: inout SeededGenerator) {
        var sample: [Float] = []
        sample.reserveCapacity(sampleCount)
        for _ in 0..<sampleCount {
            let left = generator.uniform(below: count)
            let right = (left + 1 + generator.uniform(below: count - 1)) % count
            sample.append(distance(left, right))
        }
        sample.sort()
        // The logarithm has this deviation, for the mean is median * exp(deviation^2 / 2).
        let deviation = (2 * log(Self.meanRoundTripMs / Self.medianRoundTripMs)).squareRoot()
        for rank in 0..<rankCount {
            let share = (Double(rank) + 0.5) / Double(rankCount)
            ranks.append(sample[Int(share * Double(sampleCount))])
            let roundTripMs = Self.medianRoundTripMs * exp(deviation * normalQuantile(share))
            delays.append(Float(roundTripMs * 1000 / 2))
        }
    }
}

private let clusterCount = 7
private let clusterSpread = 0.4
private let meanHeight = 0.3
private let sampleCount = 1 << 17
private let rankCount = 1024

/// The argument at which the normal distribution reaches `share`, by bisection.
private func normalQuantile(_ share: Double) -> Double {
    var (low, high) = (-9.0, 9.0)
    for _ in 0..<60 {
        let middle = (low + high) / 2
        if erfc(-middle / 2.0.squareRoot()) / 2 < share { low = middle } else { high = middle }
    }
    return (low + high) / 2
}

extension SeededGenerator {
    /// A draw from the normal distribution with mean 0 and deviation 1 (Box and Muller, 1958).
    mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniformFraction())).squareRoot()
        return radius * cos(2 * Double.pi * uniformFraction())
    }

    /// A uniform draw of whole microseconds from a range.
    mutating func microseconds(_ range: ClosedRange<Int>) -> Duration {
        .microseconds(range.lowerBound + uniform(below: range.count))
    }
}
