/// A moment on a monotonic clock, in nanoseconds since an origin that the driver chose.
///
/// Cores receive it as an argument and never read a clock; a simulation starts at zero. Sums and
/// differences saturate.
@usableFromInline package struct Instant: Comparable, Hashable, Sendable {
    @usableFromInline package var nanoseconds: Int64

    @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    @inlinable package static var zero: Instant { Instant(nanoseconds: 0) }
    @inlinable package static var distantFuture: Instant { Instant(nanoseconds: .max) }

    @inlinable package static func == (left: Instant, right: Instant) -> Bool {
        left.nanoseconds == right.nanoseconds
    }

    @inlinable package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    @inlinable package static func + (instant: Instant, duration: Duration) -> Instant {
        let step = duration.nanoseconds
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(step)
        return Instant(nanoseconds: overflow ? (step < 0 ? .min : .max) : sum)
    }

    @inlinable package static func - (left: Instant, right: Instant) -> Duration {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(
            right.nanoseconds)
        return .nanoseconds(overflow ? (left < right ? Int64.min : Int64.max) : difference)
    }
}

extension Duration {
    /// The whole duration in nanoseconds; saturates beyond 292 years.
    @inlinable package var nanoseconds: Int64 {
        let all = attoseconds
        // Up to nine seconds: a division of 128 bits takes many times as long.
        if let few = Int64(exactly: all) { return few / 1_000_000_000 }
        return Int64(clamping: all / 1_000_000_000)
    }

    package var milliseconds: Double { Double(nanoseconds) / 1e6 }
    package var seconds: Double { Double(nanoseconds) / 1e9 }
}
