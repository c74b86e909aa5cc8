import NetBasics
import Wire

/// What arrived of one remote stream; a fixed 8 KiB, nothing allocated per packet.
///
/// Test streams are judged by the sequence number inside the payload, which the forwarding plane
/// never sees; others by the number in the media header.
package struct StreamMeter: Sendable {
    /// Beyond it a packet is of no use to a conference; 500 ms, as repair has it.
    package static let delayBudget = Duration.milliseconds(500)

    package let format: StreamFormat
    /// Packets of both flows, each counted once.
    package private(set) var receivedCount: UInt64 = 0
    package private(set) var duplicateCount: UInt64 = 0
    /// Received packets that came behind a later one.
    package private(set) var reorderedCount: UInt64 = 0
    /// Test packets with a wrong length or wrong bytes; not received.
    package private(set) var corruptedCount: UInt64 = 0
    /// Packets too far behind to tell whether they are repeated; not received.
    package private(set) var lateCount: UInt64 = 0
    /// Received test packets that took longer than ``delayBudget``.
    package private(set) var overdueCount: UInt64 = 0
    /// Payload of the received packets.
    package private(set) var byteCount: UInt64 = 0
    package private(set) var firstArrival: Instant?
    package private(set) var lastArrival: Instant?
    /// One-way latency of test packets, as good as the two hosts' clocks agree.
    package private(set) var latency = LatencyHistogram()

    private var tracker = SequenceTracker()

    package init(format: StreamFormat) { self.format = format }

    /// Packets missing between the first and the last received.
    package var lostCount: UInt64 { tracker.missingCount }

    package var medianLatency: Duration? { latency.quantile(0.5) }
    package var latency99: Duration? { latency.quantile(0.99) }

    /// Counts one packet: its body, its number in the media header, and both clocks' time.
    package mutating func record(
        _ body: RawSpan, sequence: UInt32, at now: Instant, wallNanoseconds: UInt64
    ) {
        guard format == .testPattern else {
            _ = count(unwrapped(sequence), bytes: body.byteCount, at: now)
            return
        }
        do {
            let payload = try TestPayload(decoding: body)
            guard count(payload.sequence, bytes: body.byteCount, at: now) else { return }
            let sent = payload.sendTime
            let taken = wallNanoseconds > sent ? wallNanoseconds - sent : 0
            latency.record(nanoseconds: taken)
            if taken > Self.delayBudget.nanoseconds { overdueCount &+= 1 }
        } catch {
            corruptedCount &+= 1
        }
    }

    /// Whether the packet is received, not repeated.
    private mutating func count(_ sequence: UInt64, bytes: Int, at now: Instant) -> Bool {
        switch tracker.record(sequence) {
        case .advanced: break
        case .reordered: reorderedCount &+= 1
        case .duplicate:
            duplicateCount &+= 1
            return false
        case .late:
            lateCount &+= 1
            return false
        }
        receivedCount &+= 1
        byteCount &+= UInt64(bytes)
        if firstArrival == nil { firstArrival = now }
        lastArrival = now
        return true
    }

    /// The 64-bit number nearest to the highest so far whose low half is `sequence`.
    private func unwrapped(_ sequence: UInt32) -> UInt64 {
        // Room below the first number for those that it overtook.
        guard !tracker.isEmpty else { return 1 << 32 | UInt64(sequence) }
        let step = Int32(bitPattern: sequence &- UInt32(truncatingIfNeeded: tracker.highest))
        return tracker.highest &+ UInt64(bitPattern: Int64(step))
    }
}
