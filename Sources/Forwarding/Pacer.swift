import NetBasics

/// When the next packet may leave: a token bucket that one packet may overdraw.
struct Pacer: Sendable {
    /// Bytes per second; at least one.
    var rate: Double {
        didSet { rate = max(1, rate) }
    }
    private var credit: Double = 0
    private var filledAt: Instant

    /// Time whose worth may leave at once after a pause.
    private static let burst = 0.005
    /// A whole packet in any case; bytes.
    private static let leastBurst = 1500.0

    init(rate: Double, at now: Instant) {
        self.rate = max(1, rate)
        filledAt = now
    }

    mutating func mayLeave(at now: Instant) -> Bool {
        let elapsed = max(0, (now - filledAt).seconds)
        credit = min(credit + elapsed * rate, max(Self.leastBurst, rate * Self.burst))
        filledAt = max(filledAt, now)
        return credit >= 0
    }

    mutating func spend(_ bytes: Int) { credit -= Double(bytes) }

    /// When the next may leave, if nothing does before.
    var opensAt: Instant {
        guard credit < 0 else { return filledAt }
        return filledAt + .nanoseconds(Int64(min(-credit / rate, 60) * 1e9) + 1)
    }
}
