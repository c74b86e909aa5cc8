import NetBasics

/// Whether it is worth while to keep bodies for those who may ask for them again.
///
/// Requests come when the default ``RepairConfiguration/reorderTolerance`` of 10 ms and a round trip
/// are over: what is overwritten by then is not kept. That is so beyond 1.7 Gbit/s.
struct KeepingPace {
    /// That tolerance and a round trip of 10 ms.
    private static let horizon: Duration = .milliseconds(20)

    private var bytes = 0
    private var turnBegan: Instant?
    private var isWorthwhile = true

    /// Counts a body; whether it is to be kept.
    mutating func keeps(_ count: Int, at now: Instant) -> Bool {
        bytes &+= count
        if bytes >= BodyRing.byteCount { endTurn(at: now) }
        return isWorthwhile
    }

    private mutating func endTurn(at now: Instant) {
        isWorthwhile = turnBegan.map { now - $0 >= Self.horizon } ?? true
        turnBegan = now
        bytes = 0
    }
}
