import Glibc
import NetBasics

// A scenario as steps on the clock of a simulator.

extension Simulator {
    /// Schedules everything that `scenario` wants to happen, sends nothing yet.
    ///
    /// `generator` decides who does what when; the system on the hosts has no part in it. `first`
    /// are hosts that start before all others.
    package mutating func schedule(
        _ scenario: Scenario, generator: SeededGenerator, first: [Int] = []
    ) {
        for host in first { schedule(.start(host: host, contacts: []), at: .zero) }
        measurements.deadline = scenario.deadline
        measurements.paths.stride = scenario.followedStride
        checksInvariants = scenario.checksInvariants
        // What is sent before measuring starts is not followed either.
        measurements.measuredFrom = .zero + scenario.warmUp
        schedule(.startMeasuring, at: .zero + scenario.warmUp)
        var script = ScenarioScript(scenario: scenario, generator: generator)
        for (step, at) in script.write() { schedule(step, at: at) }
    }
}

/// Writes down who does what when; the same for every system that runs the scenario.
struct ScenarioScript {
    typealias Step = SimulationStep

    private enum Change {
        case join
        case churn
        case fail(Int)
    }

    let scenario: Scenario
    private var generator: SeededGenerator
    /// Hosts that are up, as far as the script goes.
    private var present: [Int] = []
    private var nextHost: Int
    private var steps: [(Step, Instant)] = []

    init(scenario: Scenario, generator: SeededGenerator) {
        self.scenario = scenario
        self.generator = generator
        nextHost = scenario.peers
    }

    private var sourceCount: Int { min(scenario.sources, scenario.peers) }

    mutating func write() -> [(Step, Instant)] {
        join()
        publish()
        change()
        return steps
    }

    /// Sources come first, so that the others have something to wait for.
    private mutating func join() {
        let sources = Array(0..<sourceCount)
        let others = Array(sources.count..<max(sources.count, scenario.peers))
        let order = sources + generator.sample(others.count, of: others)
        var instants = order.map { _ in
            Int64(Double(scenario.joinSpread.nanoseconds) * generator.uniformFraction())
        }
        instants.sort()
        for (place, host) in order.enumerated() {
            let at = place < sources.count ? Int64(place) * 1_000_000 : instants[place]
            start(host, at: Instant(nanoseconds: at))
        }
    }

    private mutating func start(_ host: Int, at instant: Instant) {
        let known = scenario.contactsAreAll ? scenario.peers : present.count
        var contacts: [Int] = []
        var draws = 0
        while contacts.count < min(scenario.contactCount, known), draws < 4 * scenario.contactCount
        {
            draws += 1
            let place = generator.uniform(below: known)
            let drawn = scenario.contactsAreAll ? place : present[place]
            if drawn != host, !contacts.contains(drawn) { contacts.append(drawn) }
        }
        steps.append((.start(host: host, contacts: contacts), instant))
        present.append(host)
    }

    // MARK: - Media

    private mutating func publish() {
        let end = Instant.zero + scenario.duration
        let start = Instant.zero + scenario.publishAt
        switch scenario.workload {
        case .steady:
            let interval = Duration.nanoseconds(Int64(1e9 / scenario.rate))
            for source in 0..<sourceCount {
                steps.append((.publish(host: source, interval: interval, until: end), start))
            }
        case .rounds(let count, let interval, let senders):
            for source in 0..<sourceCount {
                // They announce themselves, and wait for their rounds.
                let step = Step.publish(host: source, interval: .seconds(1), until: start)
                steps.append((step, start))
            }
            send(rounds: count, interval, senders)
        }
    }

    private mutating func send(rounds: Int, _ interval: Duration, _ senders: Scenario.Senders) {
        guard sourceCount > 0 else { return }
        for round in 0..<rounds {
            let at = Instant.zero + scenario.warmUp + interval * (Double(round) + 0.5)
            switch senders {
            case .random:
                steps.append((.burst(host: generator.uniform(below: sourceCount)), at))
            case .inTurn:
                steps.append((.burst(host: round % sourceCount), at))
            case .all:
                for source in 0..<sourceCount { steps.append((.burst(host: source), at)) }
            }
        }
    }

    // MARK: - Changes

    /// Crowds, churn and failures, in order of time.
    private mutating func change() {
        var changes: [(at: Instant, change: Change)] = scenario.failures.map {
            (.zero + $0.at, .fail($0.count))
        }
        for crowd in scenario.crowds {
            for _ in 0..<crowd.count {
                let wait = Double(crowd.over.nanoseconds) * generator.uniformFraction()
                changes.append((.zero + crowd.at + .nanoseconds(Int64(wait)), .join))
            }
        }
        var at = Instant.zero + scenario.warmUp
        while scenario.churn > 0 {
            let wait = -log1p(-generator.uniformFraction()) / scenario.churn
            at = at + .nanoseconds(Int64(wait * 1e9) + 1)
            guard at < .zero + scenario.duration else { break }
            changes.append((at, .churn))
        }
        let ordered = changes.enumerated().sorted {
            ($0.element.at, $0.offset) < ($1.element.at, $1.offset)
        }
        for (_, change) in ordered { perform(change.change, at: change.at) }
    }

    private mutating func perform(_ change: Change, at instant: Instant) {
        switch change {
        case .join:
            joinNext(at: instant)
        case .fail(let count):
            for _ in 0..<count { depart(at: instant, isGraceful: false) }
        case .churn:
            if generator.next() & 1 == 0, nextHost < scenario.hostCount {
                joinNext(at: instant)
            } else {
                let isGraceful = generator.uniformFraction() < scenario.gracefulShare
                depart(at: instant, isGraceful: isGraceful)
            }
        }
    }

    private mutating func joinNext(at instant: Instant) {
        start(nextHost, at: instant)
        nextHost += 1
    }

    /// Any member but a source goes.
    private mutating func depart(at instant: Instant, isGraceful: Bool) {
        // Sources came first and stay, so they hold the first places.
        guard present.count > sourceCount else { return }
        let place = sourceCount + generator.uniform(below: present.count - sourceCount)
        let host = present.remove(at: place)
        steps.append((isGraceful ? .leave(host: host) : .crash(host: host), instant))
    }
}
