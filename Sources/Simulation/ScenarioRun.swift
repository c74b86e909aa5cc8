import Glibc
import NetBasics

// A scenario as steps on the clock of a simulator, and what came of it.

extension Simulator {
    /// Schedules everything that `scenario` wants to happen, sends nothing yet.
    package mutating func schedule(
        _ scenario: Scenario, generator: inout SeededGenerator, first: [Int] = []
    ) {
        for host in first { schedule(.start(host: host, contacts: []), at: .zero) }
        measurements.deadline = scenario.deadline
        measurements.paths.stride = scenario.followedStride
        checksInvariants = scenario.checksInvariants
        // What is sent before measuring starts is not followed either.
        measurements.measuredFrom = .zero + scenario.warmUp
        schedule(.startMeasuring, at: .zero + scenario.warmUp)
        var script = Script(scenario: scenario, generator: generator.child())
        for (step, at) in script.write() { schedule(step, at: at) }
    }

    private struct Script {
        typealias Step = SimulationStep
        let scenario: Scenario
        var generator: SeededGenerator
        /// Hosts that are up, as far as the script goes.
        var present: [Int] = []
        var steps: [(Step, Instant)] = []

        init(scenario: Scenario, generator: SeededGenerator) {
            self.scenario = scenario
            self.generator = generator
        }

        mutating func write() -> [(Step, Instant)] {
            join()
            publish()
            change()
            return steps
        }

        /// Sources come first, so that the others have something to wait for.
        private mutating func join() {
            let sources = Array(0..<min(scenario.sources, scenario.peers))
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
            let contacts = generator.sample(scenario.contactCount, of: present)
            steps.append((.start(host: host, contacts: contacts), instant))
            present.append(host)
        }

        private mutating func publish() {
            let interval = Duration.nanoseconds(Int64(1e9 / scenario.rate))
            let end = Instant.zero + scenario.duration
            for source in 0..<min(scenario.sources, scenario.peers) {
                let step = Step.publish(host: source, interval: interval, until: end)
                steps.append((step, .zero + scenario.publishAt))
            }
        }

        /// Churn and failures, in order of time.
        private mutating func change() {
            var changes: [(at: Instant, failing: Int)] = scenario.failures.map {
                (.zero + $0.at, $0.count)
            }
            var at = Instant.zero + scenario.warmUp
            while scenario.churn > 0 {
                let wait = -Glibc.log1p(-generator.uniformFraction()) / scenario.churn
                at = at + .nanoseconds(Int64(wait * 1e9) + 1)
                guard at < .zero + scenario.duration else { break }
                changes.append((at, 0))
            }
            var nextHost = scenario.peers
            for change in changes.sorted(by: { $0.at < $1.at }) {
                if change.failing > 0 {
                    for _ in 0..<change.failing { depart(at: change.at, isGraceful: false) }
                } else if generator.next() & 1 == 0, nextHost < scenario.hostCount {
                    start(nextHost, at: change.at)
                    nextHost += 1
                } else {
                    let isGraceful = generator.uniformFraction() < scenario.gracefulShare
                    depart(at: change.at, isGraceful: isGraceful)
                }
            }
        }

        /// Any member but a source goes.
        private mutating func depart(at instant: Instant, isGraceful: Bool) {
            let places = present.indices.filter { present[$0] >= scenario.sources }
            guard !places.isEmpty else { return }
            let host = present.remove(at: places[generator.uniform(below: places.count)])
            steps.append((isGraceful ? .leave(host: host) : .crash(host: host), instant))
        }
    }
}
