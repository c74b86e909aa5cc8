import NetBasics

/// What all repairs together may take of the uplink: a token bucket.
///
/// Without it repairs are sent on top of copies that fill the uplink: queues grow, more is late or
/// lost, and more is asked for.
struct RepairBucket: Sendable {
    /// Bytes that may be sent now.
    private(set) var credit = Self.least
    private var filledAt: Instant = .zero

    /// What it holds at least, whatever the rate: what a child misses while its parent changes.
    private static let least = 32 * 1024

    /// Adds what `rate` kbit/s carried since the last time, up to a second's worth.
    mutating func fill(rate: UInt32, at now: Instant) {
        let elapsed = min(max(0, (now - filledAt).nanoseconds), 1_000_000_000)
        // Whole bytes only, and the rest of the time next time, or slow rates starve.
        let earned = Int(rate) * Int(elapsed) / 8_000_000
        guard earned > 0 else { return }
        credit = min(credit + earned, max(Self.least, Int(rate) * 125))
        filledAt = now
    }

    mutating func spend(_ bytes: Int) { credit -= bytes }
}
