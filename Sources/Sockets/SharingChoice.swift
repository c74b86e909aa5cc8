import NetBasics

/// Whether it pays to let others send: what goes out in a time with them, against what does alone.
///
/// Most goes the way that got more out, and now and then a little the other way, as processors come
/// and go; from the owner alone less often while that finds the same. Others gain nothing where the
/// owner waits for packets anyway, shares its processor with them, or where who feeds it or reads
/// from it needs theirs. A look takes so little that the processor may have been faster or slower
/// just then; but where all had one processor, their processor time is no longer than the time that passed.
struct SharingChoice {
    /// The least load that leaves the other way in a row, to look what that takes; some 3 ms of work.
    static let look = 1 << 14
    /// How much more leaves the better way then.
    ///
    /// Alone, it doubles with each look that finds the same, up to so many times, and as long as it is
    /// no more than `stayLimit`, some 5 s.
    static let stayRatio = 128
    private static let doublings = 4
    private static let stayLimit = 1 << 25
    /// The most that a unit of load may take with others, of what it takes alone.
    static let worth = 0.85
    /// The least processor time of all in a unit of time for which more than one processor ran.
    static let parallel = 1.05
    /// Waiting between two rounds counts for so much at most.
    static let waitLimit: Duration = .milliseconds(1)
    /// Whether others send in this round.
    private(set) var isShared = true
    private var alone = Cost()
    private var shared = Cost()
    /// Whether more than one processor ran when others last sent.
    private var isParallel = true
    private var processorStart: Duration?
    private var stretch = look
    /// Looks in a row that found the same way better.
    private var confirmations = 0
    private var wasSharedBetter = true
    private var elapsed: Duration = .zero
    private var load = 0
    private var lastEnd: Instant?

    /// A round in which so much `load` left has ended, see ``SendBatch/load``; `processorTime`: that of
    /// all who send, so far.
    mutating func note(
        load: Int, from start: Instant, to end: Instant, processorTime: @autoclosure () -> Duration
    ) {
        if let lastEnd { elapsed += min(start - lastEnd, Self.waitLimit) }
        elapsed += end - start
        lastEnd = end
        self.load += load
        guard self.load >= stretch else { return }
        learn(Double(elapsed.nanoseconds) / Double(self.load))
        let processorEnd = processorTime()
        if isShared, let processorStart {
            let spent = Double((processorEnd - processorStart).nanoseconds)
            isParallel = spent > Self.parallel * Double(elapsed.nanoseconds)
        }
        processorStart = processorEnd
        goOn(after: self.load)
        (elapsed, self.load) = (.zero, 0)
    }

    private mutating func learn(_ cost: Double) {
        if isShared { shared.learn(cost) } else { alone.learn(cost) }
    }

    /// Chooses a look at what is not known, or after the better way; else the better way.
    ///
    /// `load`: what left since the last choice; rounds may be longer than a look.
    private mutating func goOn(after load: Int) {
        guard let ownMean = alone.mean, let mean = shared.mean else {
            (isShared, stretch) = (alone.mean != nil, Self.look)
            return
        }
        let isSharedBetter = isParallel && mean < Self.worth * ownMean
        guard isShared != isSharedBetter else {
            (isShared, stretch) = (!isSharedBetter, Self.look)
            return
        }
        isShared = isSharedBetter
        let isLatestTheSame =
            (isParallel && shared.latest < Self.worth * alone.latest) == isSharedBetter
        guard isSharedBetter == wasSharedBetter, isLatestTheSame else {
            (wasSharedBetter, confirmations) = (isSharedBetter, 0)
            stretch = Self.stayRatio * Self.look
            return
        }
        // What was the other way until now was a look.
        confirmations = min(confirmations + 1, Self.doublings)
        let most = Self.stayRatio * load << (isShared ? 0 : Self.doublings)
        stretch = min(Self.stayRatio * Self.look << confirmations, most, Self.stayLimit)
    }
}

/// Nanoseconds that a unit of load takes.
private struct Cost {
    /// What the latest counts in the mean of all.
    private static let weight = 0.5

    private(set) var mean: Double?
    private(set) var latest = 0.0

    mutating func learn(_ cost: Double) {
        latest = cost
        mean = mean.map { $0 + (cost - $0) * Self.weight } ?? cost
    }
}
