/// Counts of latencies from 1 µs to 60 s; a quantile is within 1.6 % of the exact one.
///
/// Each power of two is cut into 32 buckets of equal width, and a bucket stands for its middle.
/// Values outside the range count as its ends.
package struct LatencyHistogram: Sendable {
    package static let shortest = Duration.microseconds(1)
    package static let longest = Duration.seconds(60)

    private static let stepBits = 5
    private static let range = shortest.nanoseconds...longest.nanoseconds
    private static let firstBucket = bucket(of: range.lowerBound)

    private var counts = [UInt64](
        repeating: 0, count: bucket(of: range.upperBound) - firstBucket + 1)
    package private(set) var sampleCount: UInt64 = 0

    package init() {}

    package mutating func record(nanoseconds: UInt64) {
        let clamped = min(
            max(Int64(clamping: nanoseconds), Self.range.lowerBound), Self.range.upperBound)
        counts[Self.bucket(of: clamped) - Self.firstBucket] &+= 1
        sampleCount &+= 1
    }

    /// The smallest latency that a share `fraction` (0 to 1) of the samples does not exceed.
    ///
    /// `nil` without samples.
    package func quantile(_ fraction: Double) -> Duration? {
        guard sampleCount > 0 else { return nil }
        let share = min(max(fraction, 0), 1) * Double(sampleCount)
        let whole = UInt64(share)
        let rank = max(1, Double(whole) < share ? whole &+ 1 : whole)
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total &+= count
            if total >= rank { return Self.middle(of: index + Self.firstBucket) }
        }
        return Self.longest
    }

    /// The power of two and the five bits behind the leading one.
    private static func bucket(of value: Int64) -> Int {
        let exponent = Int64.bitWidth - 1 - value.leadingZeroBitCount
        let step = Int(value >> Int64(exponent - stepBits)) & (1 << stepBits - 1)
        return exponent << stepBits | step
    }

    private static func middle(of bucket: Int) -> Duration {
        let exponent = bucket >> stepBits
        let step = Int64(bucket & (1 << stepBits - 1))
        let width = Int64(1) << Int64(exponent - stepBits)
        return .nanoseconds((1 << stepBits + step) * width + width / 2)
    }
}
