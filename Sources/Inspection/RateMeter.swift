import NetBasics

/// How much of a stream comes in a while: its peak in a sliding window, and what a buffer would hold.
///
/// The window slides in steps of a tenth, so a peak may be missed by the part of it that lies across
/// the edge of one step. Fixed size.
struct RateMeter: Sendable {
    static let steps = 10

    /// Nanoseconds of a step.
    private let step: Int64
    /// Nanoseconds that a byte takes to leave the modelled buffer; zero: there is none.
    private let byteTime: Double
    private var slots = [Slot](repeating: Slot(), count: steps)
    private var place = 0
    private var slotEnd: Int64 = .min
    private var window = Slot()
    private(set) var peak = Slot()
    /// The packet at which the window held most packets, and when.
    private(set) var burst: (packets: UInt32, number: UInt64) = (0, 0)
    private var level: Double = 0
    private var levelTime: Int64 = 0
    /// The most that the buffer held; bytes.
    private(set) var greatestLevel: Double = 0

    struct Slot: Equatable, Sendable {
        var bytes: UInt64 = 0
        var packets: UInt32 = 0
    }

    /// `drain`: what leaves the modelled buffer; bits per second.
    init(window: Duration, drain: Double?) {
        step = max(1, window.nanoseconds / Int64(Self.steps))
        byteTime = drain.map { 8e9 / $0 } ?? 0
    }

    @inline(__always)
    mutating func record(bytes: Int, at now: Instant, number: UInt64) {
        if now.nanoseconds >= slotEnd { turn(to: now.nanoseconds) }
        slots[place].bytes &+= UInt64(bytes)
        slots[place].packets &+= 1
        window.bytes &+= UInt64(bytes)
        window.packets &+= 1
        if window.bytes > peak.bytes { peak.bytes = window.bytes }
        if window.packets > burst.packets { burst = (window.packets, number) }
        if byteTime > 0 { fillBuffer(bytes, at: now.nanoseconds) }
    }

    /// Begins the step that `now` lies in, and forgets those that the window has left.
    private mutating func turn(to now: Int64) {
        guard slotEnd != .min else {
            slotEnd = now &+ step
            return
        }
        // Hostile stamps may be further apart than a word can say.
        let passed = max(1, (now &- slotEnd) / step &+ 1)
        for _ in 0..<min(passed, Int64(Self.steps)) {
            place = place + 1 == Self.steps ? 0 : place + 1
            window.bytes &-= slots[place].bytes
            window.packets &-= slots[place].packets
            slots[place] = Slot()
        }
        slotEnd = slotEnd &+ passed &* step
    }

    private mutating func fillBuffer(_ bytes: Int, at now: Int64) {
        let drained = Double(max(0, now &- levelTime)) / byteTime
        level = max(0, level - drained) + Double(bytes)
        levelTime = now
        greatestLevel = max(greatestLevel, level)
    }
}
