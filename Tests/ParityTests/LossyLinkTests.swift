import NetBasics
import Testing

/// A minute of 25 000 packets over one link, with real forwarding planes at its ends.
@Suite struct LossyLinkTests {
    /// `delay` one way; losses by themselves, and in runs of five.
    private func figures(
        _ milliseconds: Int64, _ loss: Double, _ burst: Double, rows: Int, seed: UInt64
    ) -> (LossyLink.Figures, restored: UInt64) {
        let link = LossyLink(
            delay: .milliseconds(milliseconds), loss: loss, burst: burst, rows: rows, seed: seed)
        link.run(seconds: 60)
        return (link.figures, link.counts.restored)
    }

    /// What two links that lose 5 % and 2 % in bursts do together: one exchange in four fails.
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func requestsAloneRepairNearLinks(seed: UInt64) {
        let (link, restored) = figures(1, 0.10, 0.034, rows: 0, seed: seed)

        #expect(link.sent == 25_000 && link.sent - link.timely <= 1)
        #expect(link.price > 0.98 && link.price < 1.02)
        #expect(restored == 0)
    }

    /// Over long ways parity spares the round trip of a request, at a price.
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func parityRepairsFarLinksSooner(seed: UInt64) {
        let (without, _) = figures(50, 0.02, 0, rows: 0, seed: seed)
        let (with, restored) = figures(50, 0.02, 0, rows: 4, seed: seed)

        #expect(without.delay(0.99) > 100 && with.delay(0.99) < 50)
        #expect(with.timely >= without.timely)
        #expect(restored > 300)
        #expect(with.requests * 3 < without.requests)
        // One shard with 16 packets, and few repairs.
        #expect(Double(with.extraBytes) < 0.11 * Double(with.sentBytes))
    }

    @Test func parityThatNobodyNeedsIsNotSent() {
        let (link, _) = figures(50, 0.005, 0, rows: 4, seed: 1)

        #expect(link.price < 1.1)
    }
}
