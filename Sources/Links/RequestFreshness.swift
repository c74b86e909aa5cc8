import NetBasics
import Wire

/// Tells requests for links from their repetitions, and bounds how many are looked into.
///
/// A request is bound to its sender's address by a cookie that is valid for two minutes at most;
/// within these it must not work twice.
struct RequestFreshness {
    /// Agreements that requests may cost, per second and at once: about a tenth of a processor.
    private static let perSecond = 400
    private static let burst = 200
    /// Requests and peers that are remembered.
    private static let limit = 1024
    /// Longer than a cookie lasts.
    private static let memory: Duration = .seconds(125)

    private var codes: [ArraySlice<UInt8>] = []
    private var nextCode = 0
    private var newest: [PeerID: (time: Int64, at: Instant)] = [:]
    /// When the bucket will be full again (ITU-T I.371).
    private var full = Instant.zero

    /// Whether a request may be opened: its code is new, and the bucket is not empty.
    mutating func admits(_ code: ArraySlice<UInt8>, at now: Instant) -> Bool {
        guard !codes.contains(code), !isExhausted(at: now) else { return false }
        full = max(full, now) + .nanoseconds(Int64(1_000_000_000 / Self.perSecond))
        if codes.count < Self.limit {
            codes.append(code)
        } else {
            codes[nextCode] = code
            nextCode = (nextCode + 1) % Self.limit
        }
        return true
    }

    func isExhausted(at now: Instant) -> Bool {
        full - now > .nanoseconds(Int64(1_000_000_000 / Self.perSecond * (Self.burst - 1)))
    }

    /// Whether the peer's request is later than all that were answered; then it is remembered.
    mutating func isNewer(_ time: Int64, of peer: PeerID, at now: Instant) -> Bool {
        if let known = newest[peer], known.time >= time, known.at + Self.memory > now {
            return false
        }
        if newest.count >= Self.limit { newest = newest.filter { $0.value.at + Self.memory > now } }
        if newest.count >= Self.limit {
            let oldest = newest.min { ($0.value.at, $0.key) < ($1.value.at, $1.key) }
            if let oldest { newest[oldest.key] = nil }
        }
        newest[peer] = (time, now)
        return true
    }
}
