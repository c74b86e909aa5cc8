import NetBasics
import Overlay

/// A random small group, and what befalls it; all of it from one seed.
struct SwarmScenario: Sendable {
    var seed: UInt64
    var topology: String
    /// Members, those that join late included.
    var hosts: Int
    var sources: Int
    var fanout: Int?
    var algorithm = DeliveryAlgorithm.shortestPathTree
    /// kbit/s per host.
    var uplinks: [UInt32]
    var faults = Faults()
    var steps: [(step: SimulationStep, at: Instant)] = []
    /// From when on nothing is disturbed any more.
    var calmAt: Instant

    /// Packets a second of each source.
    static let rate = 20.0
    static let bodyBytes = 500
    /// kbit/s that a stream takes on a link, headers included.
    static let streamRate: UInt32 = 90
    /// How long after the last fault everybody must receive everything.
    static let settleTime: Duration = .seconds(25)
    /// For how long that is watched.
    static let watchTime: Duration = .seconds(5)

    var end: Instant { calmAt + Self.settleTime + Self.watchTime }
    /// Hosts that are no members: the rendezvous, and behind it the stranger.
    var rendezvous: Int { hosts }
    var stranger: Int { hosts + 1 }

    init(seed: UInt64) {
        self.seed = seed
        var generator = SeededGenerator(seed: seed)
        let members = 4 + generator.uniform(below: 37)
        let late = generator.uniform(below: 1 + members / 4)
        hosts = members + late
        sources = 1 + generator.uniform(below: min(3, members - 1))
        topology = Self.topologies[generator.uniform(below: Self.topologies.count)]
        calmAt = .zero + .seconds(Int64(20 + generator.uniform(below: 20)))
        uplinks = []
        drawUplinks(&generator)
        drawFaults(&generator)
        drawSteps(members: members, &generator)
        algorithm = [.shortestPathTree, .floodAndPrune, .automatic][generator.uniform(below: 3)]
    }

    private static let topologies = [
        "pairwise:5-80", "pairwise:10-150", "pairwise:1-3", "waxman:100", "transit-stub:200",
        "barabasi-albert:60,2", "king:200",
    ]

    /// Everybody carries each stream twice, which leaves room for all; sources carry more.
    private mutating func drawUplinks(_ generator: inout SeededGenerator) {
        let floor = UInt32(sources) * 2
        for host in 0..<hosts {
            let share = floor + UInt32(generator.uniform(below: 8)) + (host < sources ? 2 : 0)
            uplinks.append(share * Self.streamRate)
        }
        if generator.uniform(below: 2) == 0 { fanout = 2 + generator.uniform(below: 5) }
    }

    private mutating func drawFaults(_ generator: inout SeededGenerator) {
        func sometimes(_ most: Double) -> Double {
            generator.uniform(below: 2) == 0 ? 0 : most * generator.uniformFraction()
        }
        faults.loss = sometimes(0.08)
        faults.burstLoss = sometimes(0.1)
        faults.burstLength = .milliseconds(Int64(20 + generator.uniform(below: 400)))
        faults.jitter = sometimes(0.5)
        faults.duplication = sometimes(0.05)
        faults.reordering = sometimes(0.1)
        faults.clockDrift = sometimes(0.001)
        faults.until = calmAt
        for _ in 0..<generator.uniform(below: 3) {
            let from = Double(generator.uniform(below: 1000)) / 1000 * calmAt.nanosecondsAsDouble
            let length = Duration.milliseconds(Int64(200 + generator.uniform(below: 8000)))
            let start = Instant(nanoseconds: Int64(from))
            faults.partitions.append(
                .init(
                    boundary: 1 + generator.uniform(below: hosts - 1), from: start,
                    until: min(start + length, calmAt), isOneWay: generator.next() & 1 == 0))
        }
    }

    // MARK: - Steps

    private mutating func drawSteps(members: Int, _ generator: inout SeededGenerator) {
        steps.append((.start(host: rendezvous, contacts: []), .zero))
        steps.append((.start(host: stranger, contacts: []), .zero))
        for host in 0..<members {
            let at = host < sources ? 1 : 1 + generator.uniform(below: 4000)
            steps.append((.start(host: host, contacts: []), .zero + .milliseconds(Int64(at))))
        }
        for source in 0..<sources {
            let at = Instant.zero + .milliseconds(Int64(500 + generator.uniform(below: 3000)))
            steps.append((publish(source), at))
        }
        for host in members..<hosts {
            steps.append((.start(host: host, contacts: []), moment(&generator)))
        }
        drawDepartures(members: members, &generator)
    }

    private func publish(_ source: Int) -> SimulationStep {
        .publish(
            host: source, interval: .nanoseconds(Int64(1e9 / Self.rate)), until: end)
    }

    private func moment(_ generator: inout SeededGenerator) -> Instant {
        let span = Int((calmAt - .zero).milliseconds) - 6000
        return .zero + .milliseconds(Int64(5000 + generator.uniform(below: max(1, span))))
    }

    /// Deaths, farewells and restarts; at least three members stay throughout.
    private mutating func drawDepartures(members: Int, _ generator: inout SeededGenerator) {
        let mortal = Array(sources..<members)
        let count = generator.uniform(below: 1 + max(0, mortal.count - 2))
        let atOnce = generator.uniform(below: 3) == 0 ? moment(&generator) : nil
        for host in generator.sample(count, of: mortal) {
            let at = atOnce ?? moment(&generator)
            let isGraceful = atOnce == nil && generator.next() & 1 == 0
            steps.append((isGraceful ? .leave(host: host) : .crash(host: host), at))
            guard generator.uniform(below: 2) == 0 else { continue }
            let back = at + .milliseconds(Int64(500 + generator.uniform(below: 5000)))
            if back < calmAt { steps.append((.start(host: host, contacts: []), back)) }
        }
        // A source may die and come back, too.
        guard generator.uniform(below: 4) == 0 else { return }
        let at = moment(&generator)
        let back = at + .milliseconds(Int64(300 + generator.uniform(below: 4000)))
        guard back < calmAt else { return }
        steps.append((.crash(host: 0), at))
        steps.append((.start(host: 0, contacts: []), back))
        steps.append((publish(0), back + .milliseconds(200)))
    }
}

extension Instant {
    fileprivate var nanosecondsAsDouble: Double { Double(nanoseconds) }
}

// MARK: - For people

extension SwarmScenario: CustomStringConvertible {
    /// What the scenario is and does, a line per event.
    package var description: String {
        var text = "seed \(seed): \(hosts) hosts on \(topology), \(sources) sources"
        text += ", \(algorithm.rawValue)"
        text += fanout.map { ", at most \($0) children" } ?? ""
        text += ", uplinks of \(uplinks.map { "\($0 / Self.streamRate)" }.joined(separator: " "))"
        text += " streams\n"
        text += "    loss \(percent(faults.loss)), burst loss \(percent(faults.burstLoss)), jitter "
        text += "\(percent(faults.jitter)), duplication \(percent(faults.duplication)), reordering "
        text += "\(percent(faults.reordering)), clocks off by \(percent(faults.clockDrift)), "
        text += "until \(milliseconds(calmAt))\n"
        for cut in faults.partitions {
            text += "    \(milliseconds(cut.from)): the first \(cut.boundary) hosts are cut off"
            text += "\(cut.isOneWay ? " one way" : "") until \(milliseconds(cut.until))\n"
        }
        for (step, at) in steps.sorted(by: { $0.at < $1.at }) where at >= .zero + .seconds(4) {
            text += "    \(milliseconds(at)): \(Self.words(step))\n"
        }
        return text
    }

    private static func words(_ step: SimulationStep) -> String {
        switch step {
        case .start(let host, _): "host \(host) starts"
        case .crash(let host): "host \(host) dies"
        case .leave(let host): "host \(host) leaves"
        case .publish(let host, _, _): "host \(host) publishes"
        case .burst(let host): "host \(host) sends"
        case .startMeasuring: "measuring starts"
        }
    }

    private func percent(_ share: Double) -> String {
        "\(Double(Int((share * 10000).rounded())) / 100) %"
    }

    private func milliseconds(_ instant: Instant) -> String {
        "\(instant.nanoseconds / 1_000_000) ms"
    }
}
