import NetBasics

/// Says when each packet of a test pattern is due; whole nanoseconds, no drift.
///
/// The driver wakes at ``nextDue`` and calls ``takeDue(at:)`` until it answers `nil`.
package struct TestPatternSender: Sendable {
    /// How much of the schedule is caught up in a burst after a late wake-up; the rest is skipped.
    ///
    /// Unmeasured: more would overrun receivers' socket buffers, less would thin out the rate on
    /// a busy host.
    package static let catchUpLimit = Duration.milliseconds(50)

    package let pattern: TestPattern
    package private(set) var nextDue: Instant
    /// The sequence number of the next packet.
    package private(set) var nextSequence: UInt64 = 0
    /// Packets that were never sent because the driver woke too late.
    package private(set) var skippedCount: UInt64 = 0

    /// Whole nanoseconds between packets, and what is left of one, in units of 1/rate.
    private let interval: Int64
    private let intervalRemainder: Int64
    private var remainder: Int64 = 0

    /// The first packet is due at `start`.
    package init(_ pattern: TestPattern, startingAt start: Instant) {
        self.pattern = pattern
        nextDue = start
        // At most 1400 bytes: no overflow.
        let bits = Int64(pattern.payloadByteCount) * 8 * 1_000_000_000
        (interval, intervalRemainder) = bits.quotientAndRemainder(
            dividingBy: pattern.rate.bitsPerSecond)
    }

    /// The sequence number of a packet that is due by `now`, and on to the next.
    package mutating func takeDue(at now: Instant) -> UInt64? {
        guard nextDue <= now else { return nil }
        skipMissed(at: now)
        nextDue = nextDue + .nanoseconds(interval)
        remainder += intervalRemainder
        if remainder >= pattern.rate.bitsPerSecond {
            remainder -= pattern.rate.bitsPerSecond
            nextDue = nextDue + .nanoseconds(1)
        }
        defer { nextSequence &+= 1 }
        return nextSequence
    }

    private mutating func skipMissed(at now: Instant) {
        let excess = (now - nextDue).nanoseconds - Self.catchUpLimit.nanoseconds
        // A slow pattern is late by less than a packet: that one goes out.
        let missed = excess / interval
        guard missed > 0 else { return }
        skippedCount &+= UInt64(missed)
        nextDue = nextDue + .nanoseconds(missed * interval)
    }
}
