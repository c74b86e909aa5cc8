import NetBasics

/// Whether it pays to let others send: what goes out in a time with them, against what does alone.
///
/// Most goes the way that got more out, and now and then a little the other way, as processors come
/// and go. Others gain nothing where the owner waits for packets anyway, shares its
/// processor with them, or where who feeds it or reads from it needs theirs. A look takes so little
/// that the processor may have been faster or slower just then; but where all had one processor,
/// their processor time is no longer than the time that passed.
struct SharingChoice {
    /// Load that leaves the better way in a row, and the other way, to look what that takes; some
    /// 0.3 s and 3 ms of work.
    static let stay = 1 << 21
    static let look = 1 << 14
    /// The most that a unit of load may take with others, of what it takes alone.
    static let worth = 0.85
    /// The least processor time of all in a unit of time for which more than one processor ran.
    static let parallel = 1.05
    /// Waiting between two rounds counts for so much at most.
    static let waitLimit: Duration = .milliseconds(1)
    /// What the last look counts in the mean of all.
    private static let weight = 0.5

    /// Whether others send in this round.
    private(set) var isShared = true
    private var alone: Double?
    private var shared: Double?
    /// Whether more than one processor ran when others last sent.
    private var isParallel = true
    private var processorStart: Duration?
    private var stretch = look
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
        (elapsed, self.load) = (.zero, 0)
        (isShared, stretch) = next()
    }

    private mutating func learn(_ cost: Double) {
        func mean(_ known: Double?) -> Double {
            known.map { $0 + (cost - $0) * Self.weight } ?? cost
        }
        if isShared { shared = mean(shared) } else { alone = mean(alone) }
    }

    /// How to go on: a look at what is not known, or after the better way; else the better way.
    private func next() -> (isShared: Bool, load: Int) {
        guard let alone else { return (false, Self.look) }
        guard let shared else { return (true, Self.look) }
        let isSharedBetter = isParallel && shared < Self.worth * alone
        return isShared == isSharedBetter
            ? (!isSharedBetter, Self.look) : (isSharedBetter, Self.stay)
    }
}
