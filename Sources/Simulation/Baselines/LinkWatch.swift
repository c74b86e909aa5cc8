import NetBasics

/// Notices dead neighbors as a connection would: what is sent is acknowledged, or sent again, and
/// in the end the link has failed.
///
/// One question is under way per neighbor at most; the first message after its answer asks again.
struct LinkWatch: Sendable {
    private struct Entry: Sendable {
        var host: Int32
        var askedAt: Instant = .zero
        var deadline: Instant = .distantFuture
        var repetitions: UInt8 = 0
        /// Smoothed round trip; negative: unknown.
        var roundTrip: Int64 = -1
    }

    private let answerTimeout: Duration
    private let repetitionLimit: UInt8
    private var entries: ContiguousArray<Entry> = []
    /// A round trip is taken to be at least this long.
    private static let leastTimeout: Duration = .milliseconds(10)

    init(_ parameters: HyParViewParameters) {
        answerTimeout = parameters.answerTimeout
        repetitionLimit = parameters.repetitionLimit
    }

    var nextWakeup: Instant { entries.reduce(.distantFuture) { min($0, $1.deadline) } }

    mutating func add(_ host: Int32) { entries.append(Entry(host: host)) }

    mutating func remove(_ host: Int32) { entries.removeAll { $0.host == host } }

    /// A message is about to be sent; `true`: it is to ask for an acknowledgement.
    mutating func willSend(to host: Int32, at now: Instant) -> Bool {
        guard let place = entries.firstIndex(where: { $0.host == host }),
            entries[place].deadline == .distantFuture
        else { return false }
        entries[place].askedAt = now
        entries[place].repetitions = 0
        entries[place].deadline = now + timeout(of: entries[place])
        return true
    }

    mutating func acknowledged(by host: Int32, at now: Instant) {
        guard let place = entries.firstIndex(where: { $0.host == host }),
            entries[place].deadline != .distantFuture
        else { return }
        entries[place].deadline = .distantFuture
        // An answer to a repetition says nothing about the round trip (Karn's algorithm).
        guard entries[place].repetitions == 0 else { return }
        let measured = (now - entries[place].askedAt).nanoseconds
        let known = entries[place].roundTrip
        entries[place].roundTrip = known < 0 ? measured : (7 * known + measured) / 8
    }

    /// Neighbors that have to be asked again, and those that have failed.
    mutating func due(
        at now: Instant, again: inout ContiguousArray<Int32>, failed: inout ContiguousArray<Int32>
    ) {
        for place in entries.indices where entries[place].deadline <= now {
            if entries[place].repetitions < repetitionLimit {
                entries[place].repetitions += 1
                entries[place].deadline = now + timeout(of: entries[place])
                again.append(entries[place].host)
            } else {
                failed.append(entries[place].host)
            }
        }
    }

    private func timeout(of entry: Entry) -> Duration {
        guard entry.roundTrip >= 0 else { return answerTimeout }
        return max(.nanoseconds(2 * entry.roundTrip), Self.leastTimeout)
    }
}
