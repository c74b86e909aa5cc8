import NetBasics

/// What neighbors that ask for repair have got, so that nobody gets everything twice.
///
/// Each has a credit in bytes that grows as media passes, and gets each packet a few times only.
struct AnswerLedger: Sendable {
    struct Key: Hashable, Sendable {
        var source: UInt64
        var index: UInt8
        var sequence: UInt32
    }

    private struct Asker: Sendable {
        var endpoint: Endpoint
        var lastAsked: Instant
        var credit: Int
        /// What had passed here when the credit was last topped up; bytes.
        var passedBytes: UInt64
        /// Answers per packet, in this span of time and in the one before; only looked up.
        var recent: [Key: Int] = [:]
        var former: [Key: Int] = [:]
        var turnDue: Instant
        /// Packets asked for in this span of time, be they there or not.
        var asked = 0
    }

    private var askers: [Asker] = []

    /// Notes that `endpoint` asks now, and returns its place for ``grant(_:bytes:to:limit:)``.
    mutating func open(
        _ endpoint: Endpoint, passedBytes: UInt64, at now: Instant,
        configuration: RepairConfiguration
    ) -> Int {
        let place = place(of: endpoint, passedBytes: passedBytes, at: now, configuration)
        askers[place].lastAsked = now
        let earned = Int(clamping: passedBytes &- askers[place].passedBytes)
        let (sum, overflow) = askers[place].credit.addingReportingOverflow(earned)
        askers[place].credit =
            overflow
            ? configuration.answerBurst
            : min(
                sum, configuration.answerBurst)
        askers[place].passedBytes = passedBytes
        if askers[place].turnDue <= now {
            let isLongAgo = askers[place].turnDue + configuration.answerHorizon <= now
            askers[place].former = isLongAgo ? [:] : askers[place].recent
            askers[place].recent = [:]
            askers[place].asked = 0
            askers[place].turnDue = now + configuration.answerHorizon
        }
        return place
    }

    /// Whether the asker at `place` may ask for `count` more; notes that it has.
    mutating func mayAsk(_ count: Int, at place: Int, limit: Int) -> Bool {
        guard askers[place].asked + count <= limit else { return false }
        askers[place].asked += count
        return true
    }

    /// Whether the asker at `place` may have one more packet of `bytes`; charges it if so.
    mutating func grant(_ key: Key, bytes: Int, to place: Int, limit: Int) -> Bool {
        let count = (askers[place].recent[key] ?? 0) + (askers[place].former[key] ?? 0)
        guard count < limit, askers[place].credit >= bytes else { return false }
        askers[place].credit -= bytes
        askers[place].recent[key, default: 0] += 1
        return true
    }

    private mutating func place(
        of endpoint: Endpoint, passedBytes: UInt64, at now: Instant,
        _ configuration: RepairConfiguration
    ) -> Int {
        if let known = askers.firstIndex(where: { $0.endpoint == endpoint }) { return known }
        if askers.count >= configuration.askerLimit,
            let oldest = askers.indices.min(by: { askers[$0].lastAsked < askers[$1].lastAsked })
        {
            askers.remove(at: oldest)
        }
        askers.append(
            Asker(
                endpoint: endpoint, lastAsked: now, credit: configuration.answerBurst,
                passedBytes: passedBytes, turnDue: now + configuration.answerHorizon))
        return askers.count - 1
    }
}
