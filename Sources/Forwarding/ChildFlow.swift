import NetBasics
import Wire

/// How one child's link is watched, how much goes there, and what is left out.
///
/// Calm: nothing is measured and nothing waits. Watched: something hints at a link that is too slow,
/// and for two seconds the child is asked ten times a second what has arrived. Limited: the link
/// carries less than there is to send; packets wait in a queue, leave at the rate that was measured,
/// and what waits too long is shed. A flow goes from calm to watched, from there to limited or back,
/// and from limited to calm once nothing has had to wait for five seconds.
package struct ChildFlow: Sendable {
    package enum Phase: String, Sendable {
        case calm
        case watched
        case limited
    }

    /// Packets that the child was not sent, by reason.
    package struct ShedCounts: Equatable, Sendable {
        /// They, or older ones of their priority, had waited too long.
        package var late: UInt64 = 0
        /// The queue was full.
        package var full: UInt64 = 0
        /// Their bodies had been overwritten meanwhile.
        package var overwritten: UInt64 = 0

        package init() {}

        mutating func add(_ other: Self) {
            late &+= other.late
            full &+= other.full
            overwritten &+= other.overwritten
        }

        /// The counts under short stable names.
        package var reasons: [(name: String, count: UInt64)] {
            [("shed_late", late), ("shed_full", full), ("shed_overwritten", overwritten)]
        }
    }

    /// A question to the child that it has not answered.
    private struct Question: Sendable {
        var time: UInt64
        var sent: LinkCount
    }

    package let endpoint: Endpoint
    package private(set) var phase = Phase.calm
    package private(set) var shedCounts = ShedCounts()
    private var estimator = RateEstimator()
    private var pacer: Pacer
    private var queue: ShedQueue
    private var ledger = ShedLedger()
    private var questions: [Question] = []
    private var questionDue: Instant = .distantFuture
    private var answeredAt: Instant = .zero
    private var phaseEnd: Instant = .distantFuture
    /// Whether packets had to wait since the last answer.
    private var isBusy = false
    /// Packets that the child asked for again, since when, and until when that is no matter.
    private var askedCount = 0
    private var askedSince: Instant = .zero
    private var restUntil: Instant = .zero
    private var rest = Self.firstRest
    private var refusedCount: UInt64 = 0
    /// Reused.
    private var shed: [WaitingCopy] = []

    private static let watchTime = Duration.seconds(2)
    private static let watchInterval = Duration.milliseconds(100)
    private static let limitedInterval = Duration.milliseconds(200)
    private static let overdueLimit = Duration.milliseconds(300)
    private static let overdueInterval = Duration.milliseconds(50)
    private static let silenceLimit = Duration.seconds(1)
    private static let calmTime = Duration.seconds(5)
    private static let firstRest = Duration.seconds(2)
    private static let longestRest = Duration.seconds(30)
    private static let questionLimit = 128
    /// Packets asked for within a second that make it worth to watch.
    private static let askedLimit = 4
    /// What is a wait, and not mere pacing.
    private static let shortWait = Duration.milliseconds(30)
    /// Packets that wait; and how long: three fifths of the delay that media may have.
    package static let queueLimit = 1024
    package static let ageLimit = Duration.milliseconds(300)

    package init(endpoint: Endpoint) {
        self.endpoint = endpoint
        pacer = Pacer(rate: 1, at: .zero)
        queue = ShedQueue(capacity: Self.queueLimit, ageLimit: Self.ageLimit)
    }

    package var isLimited: Bool { phase == .limited }
    /// What the link carries; bit/s, `nil` while there is no limit.
    package var rate: Int64? { estimator.rate.map { Int64($0 * 8) } }
    package var queuedPackets: Int { queue.count }
    package var queuedBytes: Int { queue.byteCount }

    // MARK: - Signs

    /// The child asks for packets that did not reach it.
    package mutating func noteAsked(_ count: Int, at now: Instant) {
        if now - askedSince > .seconds(1) {
            askedCount = 0
            askedSince = now
        }
        askedCount += count
        if askedCount >= Self.askedLimit { watch(at: now) }
    }

    /// Something else hints at a link that is too slow: an answer that took long.
    package mutating func watch(at now: Instant) {
        guard phase == .calm, now >= restUntil else { return }
        if now - restUntil > Self.longestRest * 2 { rest = Self.firstRest }
        phase = .watched
        phaseEnd = now + Self.watchTime
        estimator.beginAgain()
        questions.removeAll(keepingCapacity: true)
        questionDue = now
        answeredAt = now
    }

    /// The kernel has refused so many of the child's packets so far.
    package mutating func noteRefused(_ count: UInt64, at now: Instant) {
        guard count > refusedCount else { return }
        refusedCount = count
        watch(at: now)
    }

    private mutating func calm(at now: Instant) {
        phase = .calm
        questionDue = .distantFuture
        phaseEnd = .distantFuture
        restUntil = now + rest
        rest = min(rest * 2, Self.longestRest)
    }

    private mutating func limit(at now: Instant) {
        phase = .limited
        phaseEnd = now + Self.calmTime
        rest = Self.firstRest
        pacer = Pacer(rate: estimator.rate ?? 1, at: now)
    }

    // MARK: - Measuring

    /// When the flow has work of its own; `nil` while it is calm.
    package var nextDue: Instant? {
        guard phase != .calm else { return nil }
        guard queue.count > 0 else { return questionDue }
        return estimator.rate == nil ? .zero : min(questionDue, pacer.opensAt)
    }

    /// The time to ask the child with, if a question is due; `sent`: what has been sent to it so far.
    package mutating func takeQuestion(sent: LinkCount, at now: Instant) -> UInt64? {
        guard questionDue <= now else { return nil }
        if now - answeredAt > Self.silenceLimit { noteSilence(sent: sent, at: now) }
        if phase == .watched, phaseEnd <= now { calm(at: now) }
        if phase == .limited, phaseEnd <= now, queue.count == 0 {
            estimator.release()
            calm(at: now)
        }
        guard phase != .calm else { return nil }
        questionDue = now + questionInterval(at: now)
        if questions.count == Self.questionLimit { questions.removeFirst() }
        let time = UInt64(bitPattern: now.nanoseconds)
        questions.append(Question(time: time, sent: sent))
        return time
    }

    /// Shorter while answers are overdue: where loss takes a third of them, five in a row are soon
    /// missing, and that is no silence.
    private func questionInterval(at now: Instant) -> Duration {
        if now - answeredAt > Self.overdueLimit { return Self.overdueInterval }
        return phase == .limited ? Self.limitedInterval : Self.watchInterval
    }

    private mutating func noteSilence(sent: LinkCount, at now: Instant) {
        answeredAt = now
        guard let first = questions.first else { return }
        let seconds = (now - Instant(nanoseconds: Int64(bitPattern: first.time))).seconds
        let sentRate = (sent - first.sent).wireBytes / max(seconds, 0.1)
        estimator.addSilence(sentRate: sentRate, at: now)
        obey(at: now)
    }

    /// Takes in the child's answer; `leastRoundTrip` of all that its link had.
    package mutating func take(
        _ report: ReceivedReport, leastRoundTrip: Duration?, at now: Instant
    ) {
        guard let place = questions.firstIndex(where: { $0.time == report.time }) else { return }
        let question = questions[place]
        questions.removeFirst(place + 1)
        answeredAt = now
        let sentAt = Int64(bitPattern: question.time)
        let sample = RateEstimator.Sample(
            sentAt: sentAt,
            arrivedAt: Int64(truncatingIfNeeded: report.arrivedAt & UInt64.max >> 2),
            sent: question.sent, received: LinkCount(packets: report.packets, bytes: report.bytes))
        let excess = leastRoundTrip.map { now.nanoseconds &- sentAt &- $0.nanoseconds } ?? 0
        estimator.add(sample, isBusy: isBusy, excess: excess, at: now)
        isBusy = false
        obey(at: now)
    }

    /// Does what the estimator says now.
    private mutating func obey(at now: Instant) {
        guard let rate = estimator.rate else { return }
        if phase == .watched { limit(at: now) }
        pacer.rate = rate
    }

    // MARK: - Queue

    /// Queues a packet for a limited child.
    package mutating func add(_ copy: WaitingCopy, priority: UInt8, at now: Instant) {
        queue.add(copy, priority: priority, at: now, shedding: &shed)
        guard !shed.isEmpty else { return }
        shedCounts.full &+= UInt64(shed.count)
        noteShed(at: now)
    }

    /// The next packet that may leave now, if any; call until there is none.
    package mutating func next(at now: Instant) -> WaitingCopy? {
        guard queue.count > 0 else { return nil }
        queue.shedOld(at: now, into: &shed)
        if !shed.isEmpty {
            shedCounts.late &+= UInt64(shed.count)
            noteShed(at: now)
        }
        if estimator.rate != nil {
            guard pacer.mayLeave(at: now) else {
                if queue.age(at: now) > Self.shortWait { noteWait(at: now) }
                return nil
            }
        }
        guard let copy = queue.take() else { return nil }
        if estimator.rate != nil {
            pacer.spend(copy.bodyBytes + MediaHeader.bodyOffset + LinkCount.packetOverhead)
        }
        return copy
    }

    /// The driver had no body any more for a packet that ``next(at:)`` returned.
    package mutating func noteOverwritten(_ header: MediaHeader) {
        shedCounts.overwritten &+= 1
        ledger.note(header)
    }

    private mutating func noteShed(at now: Instant) {
        for copy in shed { ledger.note(copy.header) }
        shed.removeAll(keepingCapacity: true)
        noteWait(at: now)
    }

    private mutating func noteWait(at now: Instant) {
        isBusy = true
        phaseEnd = now + Self.calmTime
    }

    // MARK: - What was shed

    /// What is left of a request without that which was shed.
    package mutating func unshed(of request: RepairRequest) -> RepairRequest? {
        let bitmap = ledger.remaining(of: request)
        return bitmap == 0
            ? nil : RepairRequest(stream: request.stream, base: request.base, bitmap: bitmap)
    }

    /// Hands over, once, what the child is to be told that it was not sent.
    package mutating func takeShedRuns(into runs: inout [ShedRun]) { ledger.takeNew(into: &runs) }
}
