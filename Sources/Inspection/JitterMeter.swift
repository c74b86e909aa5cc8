import NetBasics

/// Interarrival jitter as receivers report it (RFC 3550, sections 6.4.1 and A.8).
///
/// The formula needs the clock that the time stamps count, which only session descriptions tell. Until
/// the clock is known, jitter is computed for every usual one; then the packets themselves show which
/// it is: for the first seconds that may change, as a late start looks like another clock. Fixed size,
/// a few additions per packet.
struct JitterMeter: Sendable {
    /// Clock rates in use; Hz.
    static let usualRates: [Double] = [
        8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 90_000, 96_000,
    ]
    /// The clock is guessed after so long, and again each time that as much has passed.
    private static let guessInterval = Duration.milliseconds(500)
    /// After so long the guess stands.
    private static let settlingTime = Duration.seconds(5)
    /// How far a clock may be from a usual one to be taken for it.
    private static let tolerance = 0.05

    /// Hz; `nil` while nobody knows.
    private(set) var clockRate: Double?
    /// Whether a table or a description told the clock, rather than the packets.
    private(set) var isClockTold = false
    /// Running jitter, its greatest, and its sum over all packets; time stamp units.
    private var running: Double = 0
    private var greatest: Double = 0
    private var sum: Double = 0
    private var count: UInt64 = 0
    /// The jitter by every usual clock, until one is settled for; empty then.
    private var candidates: [Candidate]
    /// The one of them that the time stamps follow, as far as is known.
    private var likely: Int?
    private var first: (arrival: Instant, timestamp: Int64)?
    private var last: (arrival: Instant, timestamp: UInt32) = (.zero, 0)
    /// Time stamps beyond 32 bits, relative to the first.
    private var extended: Int64 = 0
    private var guessDue = Instant.zero

    private struct Candidate: Sendable {
        var running: Double = 0
        var greatest: Double = 0
        var sum: Double = 0
    }

    /// `clockRate`: as the payload type or a description tells it; Hz.
    init(clockRate: Double?) {
        self.clockRate = clockRate
        isClockTold = clockRate != nil
        candidates =
            clockRate == nil
            ? Array(repeating: Candidate(), count: Self.usualRates.count) : []
    }

    /// Milliseconds; `nil` without a clock.
    var milliseconds: (running: Double, greatest: Double, mean: Double)? {
        guard let clockRate, count > 0 else { return nil }
        let unit = 1000 / clockRate
        if !candidates.isEmpty, let likely {
            let jitter = candidates[likely]
            return (
                jitter.running * unit, jitter.greatest * unit, jitter.sum / Double(count) * unit
            )
        }
        return (running * unit, greatest * unit, sum / Double(count) * unit)
    }

    /// Counts a packet, in the order of arrival; `timestamp`: as the header has it.
    @inline(__always)
    mutating func record(_ timestamp: UInt32, at now: Instant) {
        guard first != nil else {
            begin(timestamp, at: now)
            return
        }
        let step = Int32(bitPattern: timestamp &- last.timestamp)
        let arrival = Double(now.nanoseconds &- last.arrival.nanoseconds)
        extended &+= Int64(step)
        last = (now, timestamp)
        count &+= 1
        if candidates.isEmpty, let clockRate {
            let difference = abs(arrival * clockRate * 1e-9 - Double(step))
            running += (difference - running) / 16
            if running > greatest { greatest = running }
            sum += running
        } else {
            recordForAll(step, arrival)
            if now >= guessDue { guess(at: now) }
        }
    }

    /// After a restart of the stream's numbers its time stamps begin anew, too.
    mutating func restart(_ timestamp: UInt32, at now: Instant) {
        begin(timestamp, at: now)
    }

    private mutating func begin(_ timestamp: UInt32, at now: Instant) {
        first = (now, 0)
        extended = 0
        last = (now, timestamp)
        guessDue = now + Self.guessInterval
    }

    private mutating func recordForAll(_ step: Int32, _ arrival: Double) {
        for index in candidates.indices {
            let difference = abs(arrival * Self.usualRates[index] * 1e-9 - Double(step))
            candidates[index].running += (difference - candidates[index].running) / 16
            candidates[index].greatest = max(
                candidates[index].greatest, candidates[index].running)
            candidates[index].sum += candidates[index].running
        }
    }

    /// Time stamp units per second since the stream began; `nil` in its first moments.
    var measuredRate: Double? {
        guard let first else { return nil }
        let time = Double(last.arrival.nanoseconds &- first.arrival.nanoseconds)
        return time > 0 && extended > 0 ? Double(extended) / time * 1e9 : nil
    }

    /// Seconds between the last time stamp and this one; `nil` without a clock.
    func seconds(to timestamp: UInt32) -> Double? {
        guard let clockRate, first != nil else { return nil }
        return Double(Int32(bitPattern: timestamp &- last.timestamp)) / clockRate
    }

    /// When the last packet came, and how many seconds of time stamps there have been since the first.
    var progress: (arrival: Instant, seconds: Double) {
        (last.arrival, clockRate.map { Double(extended) / $0 } ?? 0)
    }

    /// Takes the usual clock that the time stamps follow most closely, if they follow one.
    private mutating func guess(at now: Instant) {
        guessDue = now + Self.guessInterval
        guard let measured = measuredRate, let first else { return }
        func distance(_ index: Int) -> Double { abs(measured / Self.usualRates[index] - 1) }
        likely = candidates.indices.min { distance($0) < distance($1) }
            .flatMap { distance($0) < Self.tolerance ? $0 : nil }
        clockRate = likely.map { Self.usualRates[$0] }
        if let likely, now - first.arrival >= Self.settlingTime { settle(for: likely) }
    }

    private mutating func settle(for index: Int) {
        clockRate = Self.usualRates[index]
        running = candidates[index].running
        greatest = candidates[index].greatest
        sum = candidates[index].sum
        candidates = []
    }

    /// At the end of a stream too short for ``guessInterval``.
    mutating func finish() {
        if clockRate == nil, count >= 8 { guess(at: last.arrival) }
    }

    /// A description tells the clock; what was computed by it so far is kept, if it was a usual one.
    mutating func learn(clockRate rate: Double) {
        guard !isClockTold else { return }
        isClockTold = true
        guard clockRate != rate || !candidates.isEmpty else { return }
        if !candidates.isEmpty, let index = Self.usualRates.firstIndex(of: rate) {
            settle(for: index)
        } else {
            (clockRate, running, greatest, sum, count) = (rate, 0, 0, 0, 0)
            candidates = []
        }
    }
}
