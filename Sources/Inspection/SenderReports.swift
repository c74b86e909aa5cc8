import NetBasics

/// What RTCP sender reports of a stream tell: how late they come, by both hosts' clocks.
package struct SenderReports: Equatable, Sendable {
    package private(set) var count: UInt64 = 0
    /// Arrival less the report's own time; as good as the clocks agree, so it may be negative.
    package private(set) var leastDelay: Duration?
    package private(set) var latestDelay: Duration?
    /// What the sender says it has sent.
    package private(set) var packets: UInt32 = 0

    /// `sent`: the report's NTP time, since 1970.
    mutating func record(sent: Instant, packets: UInt32, at now: Instant) {
        count &+= 1
        self.packets = packets
        let delay = now - sent
        latestDelay = delay
        leastDelay = leastDelay.map { min($0, delay) } ?? delay
    }
}
