import Glibc

/// A histogram of positive values with bins that grow by half a percent, from 1 to 4e9.
///
/// Quantiles are exact to half a percent; memory does not grow with the number of values.
package struct Histogram: Sendable {
    private static let growth = 1.005
    private static let binLimit = 4500
    private var bins: ContiguousArray<UInt32> = []
    package private(set) var count = 0
    package private(set) var sum = 0.0
    package private(set) var maximum = 0.0

    package init() {}

    package mutating func add(_ value: Double) {
        count += 1
        sum += value
        maximum = max(maximum, value)
        let bin = value <= 1 ? 0 : min(Self.binLimit, Int(log(value) / log(Self.growth)) + 1)
        if bin >= bins.count {
            bins.append(contentsOf: repeatElement(0, count: bin + 1 - bins.count))
        }
        bins[bin] += 1
    }

    package var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// The least value that `fraction` (0 to 1) of all values do not exceed; 0 without values.
    package func quantile(_ fraction: Double) -> Double {
        let rank = max(1, Int((fraction * Double(count)).rounded(.up)))
        var seen = 0
        for (bin, held) in bins.enumerated() {
            seen += Int(held)
            if seen >= rank { return min(maximum, pow(Self.growth, Double(bin))) }
        }
        return maximum
    }

    /// How many values are at most `bound`, to half a percent of it.
    package func count(upTo bound: Double) -> Int {
        let last = bound <= 1 ? 0 : Int(log(bound) / log(Self.growth))
        return bins.prefix(last + 1).reduce(0) { $0 + Int($1) }
    }

    package mutating func merge(_ other: Histogram) {
        if other.bins.count > bins.count {
            bins.append(contentsOf: repeatElement(0, count: other.bins.count - bins.count))
        }
        for (bin, held) in other.bins.enumerated() { bins[bin] += held }
        count += other.count
        sum += other.sum
        maximum = max(maximum, other.maximum)
    }
}
