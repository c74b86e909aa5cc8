import NetBasics
import Wire

/// Whether media comes on a link without pauses, so that its silence is suspicious sooner.
///
/// It does if one stream has 40 packets or more in a second, and the parent had no need for
/// heartbeats of late.
struct MediaPace: Sendable {
    /// Mean time between the packets of a dense stream, at most.
    private static let interval: Duration = .milliseconds(25)
    /// Over which it is measured.
    private static let window: Duration = .seconds(1)
    /// How long a measurement counts, and for how long after a pause nothing is measured.
    private static let memory: Duration = .seconds(4)

    private var begin: OverlayPeer.MediaSign?
    private var denseUntil: Instant = .zero
    private var restUntil: Instant = .zero

    func isDense(at now: Instant) -> Bool { now < denseUntil }

    mutating func note(_ sign: OverlayPeer.MediaSign) {
        guard sign.at >= restUntil else { return }
        guard let first = begin, sign.at - first.at <= Self.window * 2 else {
            begin = sign
            return
        }
        let elapsed = sign.at - first.at
        guard sign.stream == first.stream, elapsed >= Self.window else { return }
        let packets = Int64(Int32(bitPattern: sign.sequence &- first.sequence))
        if packets >= elapsed.nanoseconds / Self.interval.nanoseconds {
            denseUntil = sign.at + Self.memory
        }
        begin = nil
    }

    /// The parent had nothing to send for a while, and said so.
    mutating func notePause(at now: Instant) {
        begin = nil
        denseUntil = .zero
        restUntil = now + Self.memory
    }
}
