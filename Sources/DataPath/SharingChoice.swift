import NetBasics

/// Whether it pays to let others send: what goes out in a time with them, against what does alone.
///
/// Others gain nothing where the owner waits for packets anyway, shares its processor with them, or
/// where who feeds it or reads from it needs theirs. Most goes the way that got more out, and now and
/// then a little the other way, as processors come and go. A little may go well by chance: who never
/// has to wait for a processor for long gets one at once. So others are let in for longer and longer,
/// and where it ends badly, the owner is alone for longer each time.
struct SharingChoice {
    /// The least load that leaves one way in a row, to look what that takes; some 3 ms of work.
    static let look = 1 << 14
    /// How much more leaves the next time, while others do well.
    private static let growth = 8
    /// What leaves with others before that is judged again, at most; some 0.1 s of work.
    private static let judgement = 1 << 19
    /// What leaves with others between two looks at what it takes alone, at least; some 0.3 s of work.
    static let stay = 1 << 21
    /// The same, of what leaves in a look, which may be more than is wanted.
    private static let lookRatio = 256
    /// What leaves alone in a row at first and at most; some 50 ms and 5 s of work.
    private static let patience = 1 << 18
    private static let patienceLimit = 1 << 25
    /// The most that a unit of load may take with others, of what it takes alone.
    static let worth = 0.85
    /// The least share of the time in which each of the others must have had a processor.
    static let parallel = 0.6
    /// Waiting between two rounds counts for so much at most.
    static let waitLimit: Duration = .milliseconds(1)

    /// Whether others send in this round.
    private(set) var isShared = true
    private let others: Int
    private var alone = Cost()
    private var shared = Cost()
    /// Whether others had processors when they last sent.
    private var isParallel = true
    private var othersStart: Duration?
    private var stretch = look
    private var patience = Self.patience
    /// What has left with others since the last look at what it takes alone, and what shall.
    private var sinceLook = 0
    private var sharedStay = stay
    /// Whether the owner is alone only to look what that takes.
    private var isLook = false
    /// In rounds, and with what was waited between them.
    private var sending: Duration = .zero
    private var elapsed: Duration = .zero
    private var load = 0
    private var lastEnd: Instant?

    /// `others`: how many there are beside the owner.
    init(others: Int = 1) { self.others = others }

    /// A round in which so much `load` left has ended, see ``SendBatch/load``; `othersTime`: what the
    /// others have had of processors so far.
    mutating func note(
        load: Int, from start: Instant, to end: Instant, othersTime: @autoclosure () -> Duration
    ) {
        if let lastEnd { elapsed += min(start - lastEnd, Self.waitLimit) }
        elapsed += end - start
        sending += end - start
        lastEnd = end
        self.load += load
        guard self.load >= stretch else { return }
        learn(Double(elapsed.nanoseconds) / Double(self.load), othersTime())
        goOn(after: self.load)
        (elapsed, sending, self.load) = (.zero, .zero, 0)
    }

    private mutating func learn(_ cost: Double, _ othersEnd: Duration) {
        if isShared { shared.learn(cost) } else { alone.learn(cost) }
        if isShared, let othersStart {
            let wanted = Self.parallel * Double(others) * Double(sending.nanoseconds)
            isParallel = Double((othersEnd - othersStart).nanoseconds) > wanted
        }
        othersStart = othersEnd
    }

    /// `load`: what left since the last choice; rounds may be longer than a stretch.
    private mutating func goOn(after load: Int) {
        guard let ownMean = alone.mean, let mean = shared.mean else {
            (isShared, stretch) = (alone.mean != nil, Self.look)
            return
        }
        let isBetter = isParallel && mean < Self.worth * ownMean
        switch (isShared, isBetter) {
        case (true, true) where sinceLook + load < sharedStay:
            sinceLook += load
            stretch = min(stretch * Self.growth, Self.judgement)
        case (true, true):
            patience = Self.patience
            (isShared, isLook, stretch) = (false, true, Self.look)
        case (false, true) where isLook:
            sharedStay = min(max(Self.stay, Self.lookRatio * load), Self.patienceLimit)
            (isShared, stretch, sinceLook) = (true, Self.judgement, 0)
        case (true, false),
            (false, false) where isLook:
            (isShared, isLook, stretch) = (false, false, patience)
            patience = min(2 * patience, Self.patienceLimit)
        default:
            shared = Cost()
            (isShared, stretch, sinceLook) = (true, Self.look, 0)
        }
    }
}

/// Nanoseconds that a unit of load takes.
private struct Cost {
    /// What the latest counts in the mean of all.
    private static let weight = 0.5

    private(set) var mean: Double?

    mutating func learn(_ cost: Double) {
        mean = mean.map { $0 + (cost - $0) * Self.weight } ?? cost
    }
}
