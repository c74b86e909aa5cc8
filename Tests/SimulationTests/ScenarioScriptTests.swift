import NetBasics
import Testing

@testable import Simulation

@Suite struct ScenarioScriptTests {
    private func steps(_ change: (inout Scenario) -> Void) -> [(SimulationStep, Instant)] {
        var scenario = Scenario()
        change(&scenario)
        var script = ScenarioScript(scenario: scenario, generator: SeededGenerator(seed: 5))
        return script.write()
    }

    @Test func everybodyStartsOnceAndKnowsOnlyWhoIsThere() {
        var present: Set<Int> = []
        for (step, _) in steps({ $0.peers = 50 }) {
            guard case .start(let host, let contacts) = step else { continue }
            #expect(!present.contains(host))
            #expect(present.isSuperset(of: contacts))
            #expect(Set(contacts).count == contacts.count)
            present.insert(host)
        }
        #expect(present == Set(0..<50))
    }

    @Test func failuresHitSoManyAtOnceAndSpareSources() {
        let steps = steps {
            $0.peers = 40
            $0.sources = 3
            $0.failures = [.init(count: 16, at: .seconds(60))]
        }

        let dead = steps.compactMap { step, at -> Int? in
            guard case .crash(let host) = step, at == .zero + .seconds(60) else { return nil }
            return host
        }
        #expect(Set(dead).count == 16)
        #expect(dead.allSatisfy { $0 >= 3 })
    }

    @Test func aCrowdArrivesWithinItsTime() {
        let steps = steps {
            $0.peers = 10
            $0.crowds = [.init(count: 100, at: .seconds(50), over: .seconds(10))]
        }

        let late = steps.filter { step, at in
            guard case .start(let host, _) = step else { return false }
            return host >= 10 && at >= .zero + .seconds(50) && at < .zero + .seconds(60)
        }
        #expect(late.count == 100)
    }

    @Test func churnComesAtItsRate() {
        let steps = steps {
            $0.peers = 200
            $0.churn = 5
            $0.warmUp = .seconds(20)
            $0.duration = .seconds(220)
        }

        let changes = steps.filter { step, at in
            if case .publish = step { return false }
            return at >= .zero + .seconds(20)
        }
        // A Poisson process of 1,000: five standard deviations are 158.
        #expect((842...1158).contains(changes.count))
    }

    @Test func inARoundOfAllEverybodySendsInTheSameInstant() {
        let steps = steps {
            $0.peers = 9
            $0.sources = 9
            $0.workload = .rounds(count: 4, interval: .seconds(1), .all)
        }

        let bursts = steps.compactMap { step, at -> Instant? in
            guard case .burst = step else { return nil }
            return at
        }
        #expect(bursts.count == 36)
        #expect(Set(bursts).count == 4)
    }
}
