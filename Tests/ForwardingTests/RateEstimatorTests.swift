import Forwarding
import NetBasics
import Testing
import Wire

@Suite struct RateEstimatorTests {
    @Test func answersThatMakeNoSenseDoNoHarm() {
        var generator = SeededGenerator(seed: 5)
        var estimator = RateEstimator()
        var now = Instant.zero
        for round in 0..<5000 {
            now = now + .milliseconds(100)
            let wild = { round % 3 == 0 ? generator.next() : UInt64(round) * 1000 }
            estimator.add(
                RateEstimator.Sample(
                    sentAt: Int64(bitPattern: wild()), arrivedAt: Int64(bitPattern: wild()),
                    sent: LinkCount(packets: wild(), bytes: wild()),
                    received: LinkCount(packets: wild(), bytes: wild())),
                isBusy: round % 2 == 0, excess: Int64(bitPattern: wild()), at: now)
            if round % 7 == 0 {
                estimator.addSilence(sentRate: Double(wild()), at: now)
            }
            if let rate = estimator.rate {
                #expect(rate >= RateEstimator.leastRate)
                #expect(rate <= 1e10)
            }
        }
    }

    /// A hundred packets a second of a thousand bytes, all of which arrive after so long.
    private func feed(
        _ estimator: inout RateEstimator, from: Int, until: Int, delay: (Int) -> Int64
    ) {
        for step in from..<until {
            let sent = LinkCount(packets: UInt64(step * 10), bytes: UInt64(step * 10_000))
            let sentAt = Int64(step) * 100_000_000
            let arrived = sentAt + delay(step) * 1_000_000
            estimator.add(
                RateEstimator.Sample(
                    sentAt: sentAt, arrivedAt: arrived, sent: sent, received: sent),
                isBusy: false, at: Instant(nanoseconds: arrived))
        }
    }

    @Test func aQueueThatGrowsIsALimit() {
        var estimator = RateEstimator()

        feed(&estimator, from: 0, until: 6) { 20 + Int64($0) * 30 }

        // 102,800 bytes a second sent, stretched by three tenths.
        #expect((50_000...68_000).contains(estimator.rate ?? 0), "\(estimator.rate ?? 0)")
    }

    @Test func jitterIsNoLimit() {
        var estimator = RateEstimator()

        feed(&estimator, from: 0, until: 100) { 20 + Int64($0 % 3) * 80 }

        #expect(estimator.rate == nil)
    }

    @Test func silenceIsALimit() {
        var estimator = RateEstimator()

        estimator.addSilence(sentRate: 100_000, at: .zero)
        #expect(estimator.rate == 70_000)
        estimator.addSilence(sentRate: 100_000, at: .zero)
        #expect(estimator.rate == 49_000)
    }
}
