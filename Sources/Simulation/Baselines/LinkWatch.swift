import NetBasics

/// Notices dead neighbors as a connection would: what is sent is acknowledged, or sent again, and
/// in the end the link has failed.
///
/// One question is under way per neighbor at most; the first message after its answer asks again.
struct LinkWatch: Sendable {
    private struct Entry: Sendable {
        var host: Int32
        var askedAt: Instant
        var deadline: Instant = .distantFuture
        var repetitions: UInt8 = 0
        /// Smoothed round trip; negative: unknown.
        var roundTrip: Int64 = -1
    }

    private let answerTimeout: Duration
    private let repetitionLimit: UInt8
    private let keepAliveInterval: Duration
    private var entries: ContiguousArray<Entry> = []
    /// A round trip is taken to be at least this long.
    private static let leastTimeout: Duration = .milliseconds(10)

    init(_ parameters: HyParViewParameters) {
        answerTimeout = parameters.answerTimeout
        repetitionLimit = parameters.repetitionLimit
        keepAliveInterval = parameters.keepAliveInterval
    }

    var nextWakeup: Instant {
        var earliest = Instant.distantFuture
        for entry in entries { earliest = min(earliest, due(entry)) }
        return earliest
    }

    /// When the answer is due, or the next question.
    private func due(_ entry: Entry) -> Instant {
        entry.deadline == .distantFuture ? entry.askedAt + keepAliveInterval : entry.deadline
    }

    mutating func add(_ host: Int32, at now: Instant) {
        entries.append(Entry(host: host, askedAt: now))
    }

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

    /// Neighbors that have to be asked now, and those that have failed.
    mutating func due(
        at now: Instant, asked: inout ContiguousArray<Int32>, failed: inout ContiguousArray<Int32>
    ) {
        for place in entries.indices where due(entries[place]) <= now {
            let isFirst = entries[place].deadline == .distantFuture
            guard isFirst || entries[place].repetitions < repetitionLimit else {
                failed.append(entries[place].host)
                continue
            }
            if isFirst {
                entries[place].askedAt = now
                entries[place].repetitions = 0
            } else {
                entries[place].repetitions += 1
            }
            entries[place].deadline = now + timeout(of: entries[place])
            asked.append(entries[place].host)
        }
    }

    private func timeout(of entry: Entry) -> Duration {
        guard entry.roundTrip >= 0 else { return answerTimeout }
        return max(.nanoseconds(2 * entry.roundTrip), Self.leastTimeout)
    }
}
