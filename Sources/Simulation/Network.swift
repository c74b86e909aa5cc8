import Glibc
import NetBasics

/// Carries datagrams between hosts: delay along the path, queues, loss, and what faults add.
struct Network {
    let underlay: Underlay
    var faults: Faults
    private var generator: SeededGenerator
    /// When each directed link has sent what waits for it; empty if no link has a rate.
    private var busyUntil: ContiguousArray<Int64> = []
    /// Per host: in a bad spell until, else in a good one until.
    private var spells: ContiguousArray<Spell> = []
    private let hasLossyLinks: Bool
    private var path: ContiguousArray<Int32> = []

    private struct Spell {
        var isBad = false
        var until: Instant = .zero
    }

    /// A queue that would hold a datagram for longer drops it.
    private static let queueLimit: Duration = .milliseconds(250)
    /// Bytes of IPv4 and UDP headers.
    static let headerBytes = 28

    /// What became of one datagram.
    struct Transit {
        var first: Instant?
        /// The duplicate's arrival.
        var second: Instant?
    }

    init(underlay: Underlay, faults: Faults, generator: SeededGenerator) {
        self.underlay = underlay
        self.faults = faults
        self.generator = generator
        hasLossyLinks = underlay.isLossy
        if underlay.hasRates {
            busyUntil = ContiguousArray(repeating: 0, count: underlay.directedLinkCount)
        }
        if faults.burstLoss > 0 {
            spells = ContiguousArray(repeating: Spell(), count: underlay.hostCount)
        }
    }

    /// Sends a datagram of `bytes` of UDP payload.
    mutating func transmit(from: Int, to: Int, bytes: Int, at now: Instant) -> Transit {
        let isFaulty = now < faults.until
        if isFaulty ? !faults.isHarmless || hasLossyLinks : hasLossyLinks,
            isLost(from: from, to: to, isFaulty: isFaulty, at: now)
        {
            return Transit()
        }
        var delay = underlay.delay(from: from, to: to)
        if isFaulty, faults.jitter > 0 {
            let extra = Double(delay.nanoseconds) * faults.jitter * generator.uniformFraction()
            delay += .nanoseconds(Int64(extra))
        }
        var arrival = now + delay
        if !busyUntil.isEmpty {
            guard let wait = queue(from: from, to: to, bytes: bytes + Self.headerBytes, at: now)
            else { return Transit() }
            arrival = arrival + wait
        }
        if isFaulty, faults.reordering > 0, generator.uniformFraction() < faults.reordering {
            arrival = arrival + .microseconds(Int64(generator.uniform(below: 50_000)))
        }
        var transit = Transit(first: arrival)
        if isFaulty, faults.duplication > 0, generator.uniformFraction() < faults.duplication {
            transit.second = arrival + .microseconds(Int64(generator.uniform(below: 20_000)))
        }
        return transit
    }

    mutating func delay(from: Int, to: Int) -> Duration { underlay.delay(from: from, to: to) }

    mutating func forEachLink(from: Int, to: Int, _ body: (Int32) -> Void) {
        underlay.forEachLink(from: from, to: to, body)
    }

    func delayOfLink(_ link: Int32) -> Duration { underlay.delayOfLink(link) }

    // MARK: - Loss

    private mutating func isLost(
        from: Int, to: Int, isFaulty: Bool, at now: Instant
    ) -> Bool {
        if hasLossyLinks, generator.uniformFraction() < underlay.pathLoss(from: from, to: to) {
            return true
        }
        guard isFaulty else { return false }
        for partition in faults.partitions where partition.cuts(from, to, at: now) { return true }
        if faults.loss > 0, generator.uniformFraction() < faults.loss { return true }
        return faults.burstLoss > 0 && isInBadSpell(to, at: now) && generator.next() & 1 == 0
    }

    /// Good and bad spells take turns, exponentially long (Gilbert, 1960).
    private mutating func isInBadSpell(_ host: Int, at now: Instant) -> Bool {
        var spell = spells[host]
        let bad = faults.burstLength.seconds
        let good = bad * (1 - faults.burstLoss) / faults.burstLoss
        while spell.until <= now {
            spell.isBad.toggle()
            let mean = spell.isBad ? bad : good
            let length = -mean * log1p(-generator.uniformFraction())
            spell.until = spell.until + .nanoseconds(Int64(length * 1e9) + 1)
        }
        spells[host] = spell
        return spell.isBad
    }

    // MARK: - Queues

    /// How long the datagram waits for and is being sent by links with a rate; `nil`: dropped.
    ///
    /// Links are taken to see datagrams in the order in which they were sent, which is true of a
    /// host's own uplink and nearly so elsewhere.
    private mutating func queue(
        from: Int, to: Int, bytes: Int, at now: Instant
    ) -> Duration? {
        var links = ContiguousArray<Int32>()
        swap(&links, &path)
        links.removeAll(keepingCapacity: true)
        underlay.forEachLink(from: from, to: to) { links.append($0) }
        defer { swap(&links, &path) }
        var reached = now.nanoseconds
        var waited: Int64 = 0
        for link in links {
            if let rate = underlay.rateOfLink(link) {
                let start = max(reached, busyUntil[Int(link)])
                guard start - reached <= Self.queueLimit.nanoseconds else { return nil }
                let end = start + Int64(Double(bytes) * 8000 / rate)
                busyUntil[Int(link)] = end
                waited += end - reached
                reached = end
            }
            reached += underlay.delayOfLink(link).nanoseconds
        }
        return .nanoseconds(waited)
    }
}
