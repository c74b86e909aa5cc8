import NetBasics
import Testing

@testable import Simulation

@Suite struct SwarmScenarioTests {
    @Test(arguments: [1, 2, 6, 9, 14, 15, 17, 18] as [UInt64])
    func invariantsHoldAndEverybodyIsServedOnceFaultsStop(seed: UInt64) throws {
        let problems = try SwarmScenario(seed: seed).problems()

        #expect(problems == [], "repeat: polycast simulate --swarm-seed \(seed)")
    }

    @Test func oneSeedIsOneScenario() {
        #expect("\(SwarmScenario(seed: 77))" == "\(SwarmScenario(seed: 77))")
        #expect("\(SwarmScenario(seed: 77))" != "\(SwarmScenario(seed: 78))")
    }

    @Test func scenariosAreWithinTheirBounds() {
        for seed in 0..<500 as Range<UInt64> {
            let scenario = SwarmScenario(seed: seed)
            #expect((4...50).contains(scenario.hosts))
            #expect((1...3).contains(scenario.sources))
            #expect(scenario.uplinks.count == scenario.hosts)
            #expect(scenario.faults.partitions.allSatisfy { $0.until <= scenario.calmAt })
            #expect(scenario.steps.allSatisfy { $0.at <= scenario.calmAt })
        }
    }

    @Test func theLedgerFindsWhatIsForwardedTwice() {
        var ledger = ForwardingLedger()
        let packet = MediaPacket(source: 1, number: 5)

        func note(to: Int = 3, life: Int = 1, link: UInt64 = 7) -> Bool {
            ledger.note(packet, from: 2, to: to, life: life, link: link)
        }
        #expect(note())
        #expect(note(to: 4))
        #expect(note(life: 2))
        #expect(note(link: 8))
        #expect(!note())
    }
}
