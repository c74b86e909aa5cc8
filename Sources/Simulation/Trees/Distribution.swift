/// Values in ascending order, and what reports say of them.
///
/// A quantile lies at rank `q * (count - 1)` counted from zero, interpolated linearly between the two
/// values next to it (definition 7 of Hyndman and Fan, 1996; the default of NumPy and R). Without
/// values all figures are NaN.
package struct Distribution: Sendable, Equatable {
    package let sorted: [Double]

    package init(_ values: some Sequence<Double>) { sorted = values.sorted() }

    package var count: Int { sorted.count }
    package var mean: Double { sorted.reduce(0, +) / Double(sorted.count) }
    package var median: Double { quantile(0.5) }
    package var min: Double { sorted.first ?? .nan }
    package var max: Double { sorted.last ?? .nan }

    /// The quantile at `share`, which is clamped to 0...1.
    package func quantile(_ share: Double) -> Double {
        guard let last = sorted.indices.last else { return .nan }
        let rank = Swift.max(0, Swift.min(1, share)) * Double(last)
        let low = Int(rank)
        let next = sorted[Swift.min(low + 1, last)]
        return sorted[low] + (rank - Double(low)) * (next - sorted[low])
    }
}
