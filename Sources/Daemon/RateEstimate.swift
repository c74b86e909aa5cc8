/// What one copy of this peer's media costs, where the publisher did not say.
///
/// Starts with a guess, follows the mean of the last seconds that had media, and changes only when
/// it is wrong by much, because every change makes parents count their children anew.
struct RateEstimate {
    /// What parents are told; kbit/s.
    private(set) var announced: UInt32
    private var window: [UInt32] = []
    private var isGuess = true

    private static let windowSeconds = 5
    private static let secondsBeforeFirst = 2

    init(guess: UInt32) { announced = guess }

    /// Takes what the last second carried, in kbit/s; returns the new estimate if it changed.
    mutating func add(_ rate: UInt32) -> UInt32? {
        // Silence says nothing about what the media needs when it flows.
        guard rate > 0 else { return nil }
        if window.count == Self.windowSeconds { window.removeFirst() }
        window.append(rate)
        guard window.count >= Self.secondsBeforeFirst else { return nil }
        let mean = UInt32(window.reduce(0) { $0 + UInt64($1) } / UInt64(window.count))
        let isFar = mean > announced / 10 * 11 || mean < announced / 5 * 4
        guard isGuess || isFar, mean > 0, mean != announced else { return nil }
        isGuess = false
        announced = mean
        return mean
    }
}
