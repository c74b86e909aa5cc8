import NetBasics

/// How much a link carries, from what its far end says has arrived.
///
/// The sender asks now and then what has arrived so far, and knows what it had sent by then. Both
/// counts and both clocks give, for the time between two answers, the rate sent, the rate delivered,
/// the share lost and how the delay changed. As in Google's congestion control
/// (draft-ietf-rmcat-gcc-02, sections 5.5 and 6) the rate is cut to 0.85 of what was delivered when
/// the delay grows, or when very much is lost, and grows by up to a tenth in a second
/// otherwise. As in LEDBAT (RFC 6817, section 3.4.2) the delay of a queue is the least of the last
/// delays above the least in many seconds.
///
/// Two things differ. Loss alone is believed only if it passes when less is sent: what a cut did not
/// change is the link's own, and no reason to cut for a minute. And what three cuts did not shorten
/// is no queue of ours.
package struct RateEstimator: Sendable {
    /// One answer of the far end, and what had been sent when it was asked.
    package struct Sample: Sendable {
        /// By our clock; nanoseconds.
        package var sentAt: Int64
        /// When the question arrived, by the far end's clock; nanoseconds.
        package var arrivedAt: Int64
        package var sent: LinkCount
        package var received: LinkCount

        package init(sentAt: Int64, arrivedAt: Int64, sent: LinkCount, received: LinkCount) {
            self.sentAt = sentAt
            self.arrivedAt = arrivedAt
            self.sent = sent
            self.received = received
        }

        var delay: Int64 { arrivedAt &- sentAt }
    }

    /// A cut made for loss, until it shows whether the loss was ours.
    private struct Trial: Sendable {
        var loss: Double
        var sentRate: Double
        var formerRate: Double?
    }

    /// What the link carries, headers of UDP and IP included, in bytes per second; `nil` while nothing
    /// speaks for a limit.
    package private(set) var rate: Double?
    /// Since the last cut, the newest last.
    private var samples: [Sample] = []
    private var base = LeastDelay()
    /// Delivered when the rate was last cut; bytes per second.
    private var ceiling = 0.0
    private var isDraining = false
    /// Cuts in a row of which each left at least nine tenths of the queue that the last one met.
    private var vainCuts = 0
    private var delayAtCut = Int64.max
    private var trial: Trial?
    /// Loss that is the link's own, and until when that is believed.
    private var ownLoss = 0.0
    private var ownLossEnd: Instant = .zero
    /// Questions asked before are about what was sent before the last cut.
    private var judgedFrom = Int64.min
    private var lastAt: Int64?

    private static let sampleLimit = 32
    /// Of what was delivered (GCC: beta).
    private static let cut = 0.85
    /// Loss that is not taken for a full link before there is any other sign of one.
    ///
    /// GCC has 10 %. Links lose more in bursts, and repair copes with that, but not with less being sent:
    /// with 5 % at random and 2 % in bursts on every link, and so twice that on the way to a neighbor,
    /// 10 % led to cuts that cost more than the loss.
    private static let freeLoss = 0.3
    /// The same once the link is known to be full at times.
    private static let limitedLoss = 0.03
    private static let ownLossTime = Duration.seconds(60)
    /// Delay of a queue that is no matter, besides that of two packets; seconds.
    private static let freeDelay = 0.03
    /// 32 kbit/s.
    package static let leastRate = 4000.0

    package init() {}

    /// Takes in an answer; `isBusy`: whether packets waited since the last one, `excess`: how much longer
    /// than ever the round trip of this one took, nanoseconds.
    package mutating func add(
        _ sample: Sample, isBusy: Bool, excess: Int64 = 0, at now: Instant
    ) {
        guard isPlausible(sample) else {
            samples.removeAll(keepingCapacity: true)
            base = LeastDelay()
            return
        }
        base.add(sample.delay &- (base.isEmpty ? max(0, excess) : 0), at: now)
        defer { lastAt = sample.sentAt }
        guard sample.sentAt >= judgedFrom else { return }
        if samples.count == Self.sampleLimit { samples.removeFirst() }
        samples.append(sample)
        guard concludeTrial(at: now) else { return }
        judge(isBusy: isBusy, at: now)
    }

    /// Takes in that answers have stopped: less is sent until there are some again.
    package mutating func addSilence(sentRate: Double, at now: Instant) {
        setRate((rate ?? sentRate) * 0.7)
        trial = nil
        restart(at: now)
    }

    /// Forgets everything but which loss is the link's own: a new watch begins.
    package mutating func beginAgain() {
        var new = Self()
        new.ownLoss = ownLoss
        new.ownLossEnd = ownLossEnd
        self = new
    }

    /// Forgets the limit.
    package mutating func release() {
        rate = nil
        trial = nil
        isDraining = false
    }

    /// Whether it goes on from what is known; the far end may have begun to count anew, or be hostile.
    private func isPlausible(_ sample: Sample) -> Bool {
        guard let last = samples.last else { return true }
        let step = sample.received - last.received
        return sample.sentAt > last.sentAt && sample.arrivedAt >= last.arrivedAt
            && sample.arrivedAt &- last.arrivedAt < 60_000_000_000
            && step.packets < 1 << 32 && step.bytes < 1 << 40
    }

    // MARK: - Judging

    private mutating func judge(isBusy: Bool, at now: Instant) {
        let queue = queueDelay
        let isLong = queue > delayLimit
        if isLong, samples.count >= 4, !isShrinking {
            cutForDelay(queue, at: now)
        } else if isLong, isDraining {
            setRate(drainingRate(queue))
        } else if !isLong {
            vainCuts = 0
            delayAtCut = .max
            if isDraining {
                isDraining = false
                setRate(ceiling * Self.cut)
            }
            if let loss = excessiveLoss(at: now) {
                cutForLoss(loss, at: now)
            } else {
                grow(isBusy: isBusy)
            }
        }
    }

    private mutating func cutForDelay(_ queue: Double, at now: Instant) {
        guard let span = span(packets: 4, seconds: 0.15) else { return }
        let standing = standingDelay
        let isVain = standing > delayAtCut &- Int64(queue * 1e8)
        vainCuts = isVain ? vainCuts + 1 : 1
        delayAtCut = standing
        if vainCuts > 3 {
            vainCuts = 0
            base.reset(to: standing, at: now)
            return
        }
        ceiling = span.deliveredRate
        isDraining = true
        setRate(drainingRate(queue))
        trial = nil
        restart(at: now)
    }

    private mutating func cutForLoss(_ span: Span, at now: Instant) {
        trial = Trial(loss: span.loss, sentRate: span.sentRate, formerRate: rate)
        ceiling = span.deliveredRate
        setRate(ceiling * Self.cut)
        restart(at: now)
    }

    /// Less than the link carries, the less the longer its queue is, so that the queue goes.
    private func drainingRate(_ queue: Double) -> Double {
        ceiling * max(0.25, Self.cut - queue)
    }

    /// What was lost if it is too much: at once if it is very much, else after some packets.
    private func excessiveLoss(at now: Instant) -> Span? {
        if let span = span(packets: 40, seconds: 0.3), span.loss > max(0.6, tolerance(at: now)) {
            return span
        }
        guard let span = span(packets: 128, seconds: 0.8), span.loss > tolerance(at: now) else {
            return nil
        }
        return span
    }

    private func tolerance(at now: Instant) -> Double {
        let own = now < ownLossEnd ? ownLoss * 1.5 + 0.03 : 0
        return max(own, rate == nil ? Self.freeLoss : Self.limitedLoss)
    }

    /// Looks whether the last cut for loss was right; `false` if it was undone.
    private mutating func concludeTrial(at now: Instant) -> Bool {
        guard let trial, let span = span(packets: 64, seconds: 0.3) else { return true }
        self.trial = nil
        ownLoss = span.loss
        ownLossEnd = now + Self.ownLossTime
        guard span.loss > trial.loss * 0.4, span.sentRate < trial.sentRate * 0.97 else {
            return true
        }
        rate = trial.formerRate
        restart(at: now)
        return false
    }

    private mutating func grow(isBusy: Bool) {
        guard let old = rate, let last = samples.last else { return }
        let step = min(Double(last.sentAt &- (lastAt ?? last.sentAt)) / 1e9, 1)
        guard isBusy, step > 0 else { return }
        // Slowly where the limit was met.
        let isNear = old > 0.93 * ceiling && old < 1.12 * ceiling
        let grown = old * (1 + (isNear ? 0.02 : 0.1) * step)
        let delivered = span(packets: 8, seconds: 0.3)?.deliveredRate ?? .infinity
        setRate(min(grown, max(old, 1.5 * delivered)))
    }

    private mutating func setRate(_ new: Double) {
        rate = min(max(new, Self.leastRate), 1e10)
    }

    private mutating func restart(at now: Instant) {
        samples.removeAll(keepingCapacity: true)
        judgedFrom = now.nanoseconds
    }

    // MARK: - Delay

    /// The least of the last three delays: a single late answer says nothing.
    private var standingDelay: Int64 {
        samples.suffix(3).reduce(Int64.max) { min($0, $1.delay) }
    }

    /// Seconds that packets wait in a queue on their way.
    private var queueDelay: Double {
        samples.isEmpty ? 0 : max(0, Double(standingDelay &- base.value) / 1e9)
    }

    private var delayLimit: Double {
        min(0.15, Self.freeDelay + (rate.map { 3000 / $0 } ?? 0))
    }

    private var isShrinking: Bool {
        let former = samples.dropLast(3).suffix(3).reduce(Int64.max) { min($0, $1.delay) }
        let margin = max(5_000_000, Int64(queueDelay * 1e9) / 20)
        return standingDelay < former &- margin
    }

    // MARK: - Spans

    /// What happened between two answers.
    private struct Span {
        var sent: LinkCount
        var received: LinkCount
        var sentSeconds: Double
        var arrivedSeconds: Double

        var loss: Double {
            guard sent.packets > 0 else { return 0 }
            return max(0, 1 - Double(received.packets) / Double(sent.packets))
        }
        var sentRate: Double { sent.wireBytes / max(sentSeconds, 0.001) }
        var deliveredRate: Double { received.wireBytes / max(arrivedSeconds, 0.001) }
    }

    /// The shortest time up to now in which so many packets were sent; `nil` if they were too few.
    private func span(packets: UInt64, seconds: Double) -> Span? {
        guard let last = samples.last else { return nil }
        for first in samples.dropLast().reversed() {
            let sent = last.sent - first.sent
            let duration = Double(last.sentAt &- first.sentAt) / 1e9
            guard sent.packets >= packets, duration >= seconds else { continue }
            return Span(
                sent: sent, received: last.received - first.received, sentSeconds: duration,
                arrivedSeconds: Double(last.arrivedAt &- first.arrivedAt) / 1e9)
        }
        return nil
    }
}

/// The least delay of the last ten to twenty seconds; the origin is the far end's clock.
private struct LeastDelay: Sendable {
    private var recent = Int64.max
    private var former = Int64.max
    private var turnDue: Instant = .zero

    private static let turn = Duration.seconds(10)

    var isEmpty: Bool { value == .max }
    var value: Int64 { min(recent, former) }

    mutating func add(_ delay: Int64, at now: Instant) {
        if now >= turnDue {
            former = recent
            recent = .max
            turnDue = now + Self.turn
        }
        recent = min(recent, delay)
    }

    mutating func reset(to delay: Int64, at now: Instant) {
        recent = delay
        former = .max
        turnDue = now + Self.turn
    }
}
