import NetBasics
import Testing

@testable import Simulation

@Suite struct TreeMetricsTests {
    /// Three routers in a row, 10 ms apart; h0 on r0, h1 and h2 on r2; access links of 1 ms.
    private func rowUnderlay() throws -> Underlay {
        try Underlay(
            Topology(
                routerCount: 3,
                links: [
                    .init(a: 0, b: 1, delay: .milliseconds(10)),
                    .init(a: 1, b: 2, delay: .milliseconds(10)),
                ],
                hosts: [0, 2, 2].enumerated().map {
                    .init(name: "h\($0)", router: $1, access: .milliseconds(1))
                }))
    }

    @Test func aRelayedReceiverIsMeasuredByHand() throws {
        var meter = TreeMeter(try rowUnderlay())

        let metrics = meter.measure(source: 0, parents: [-1, 0, 1])

        // h2 hears h1 over both access links: 22 + 2 ms instead of 22.
        #expect(metrics.receivers == [1, 2])
        #expect(metrics.delaysMs == [22, 24])
        #expect(metrics.stretches == [1, 24.0 / 22])
        // One copy on each of the uplinks, the two links between and the downlinks of h1 and h2.
        #expect(metrics.meanStress == 1)
        #expect(metrics.maxStress == 1)
        // 24 ms of links, as multicast has 1 + 20 + 1 + 1 = 23.
        #expect(metrics.nru == 24.0 / 23)
        #expect(metrics.maxOutDegree == 1)
    }

    @Test func aStarLoadsTheSourceWithEachCopy() throws {
        var meter = TreeMeter(try rowUnderlay())

        let metrics = meter.measure(
            source: 0, parents: StaticDelivery.unicastStar(source: 0, count: 3))

        #expect(metrics.stretches == [1, 1])
        #expect(metrics.maxStress == 2)
        #expect(metrics.meanStress == 8.0 / 5)
        #expect(metrics.nru == 44.0 / 23)
        #expect(metrics.maxOutDegree == 2)
    }

    @Test func whoIsCutOffOrInACircleIsNoReceiver() throws {
        var meter = TreeMeter(try rowUnderlay())

        #expect(meter.measure(source: 0, parents: [-1, 2, 1]).receivers == [])
        #expect(meter.measure(source: 0, parents: [-1, -1, 0]).receivers == [2])
    }

    @Test func measuringAgainStartsAfresh() throws {
        let underlay = try Underlay(try madeTopology("waxman:100", hosts: 30))
        var meter = TreeMeter(underlay)
        let star = StaticDelivery.unicastStar(source: 4, count: 30)

        let first = meter.measure(source: 4, parents: star)

        #expect(first.maxStress == 29)
        #expect(meter.measure(source: 4, parents: star) == first)
    }

    @Test func withoutRoutersTheUseOfResourcesIsTheDelayOfCopies() throws {
        let underlay = try Underlay(try madeTopology("pairwise", hosts: 3))
        var meter = TreeMeter(underlay)
        func ms(_ a: Int, _ b: Int) -> Double { underlay.delay(from: a, to: b).milliseconds }

        let nru = meter.measure(source: 0, parents: [-1, 0, 1]).nru

        #expect(abs(nru - (ms(0, 1) + ms(1, 2)) / (ms(0, 1) + ms(0, 2))) < 1e-9)
    }

    /// Expected values from `numpy.quantile`.
    @Test func quantilesAreThoseOfNumPy() {
        let values = Distribution([15, 20, 35, 40, 50])

        #expect(values.quantile(0.05) == 16)
        #expect(abs(values.quantile(0.4) - 29) < 1e-9)
        #expect(values.median == 35)
        #expect(values.quantile(0.9) == 46)
        #expect(values.quantile(2) == 50)
        #expect(values.mean == 32)
        #expect(Distribution([Double]()).median.isNaN)
        #expect(Distribution([7]).quantile(0.99) == 7)
    }

    @Test(arguments: 0..<10)
    func aFloodSendsOverEachLinkTwiceButForFirstCopies(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let count = 20
        var neighbors = [[Int32]](repeating: [], count: count)
        func join(_ a: Int, _ b: Int) {
            guard a != b, !neighbors[a].contains(Int32(b)) else { return }
            neighbors[a].append(Int32(b))
            neighbors[b].append(Int32(a))
        }
        for node in 1..<count { join(node, generator.uniform(below: node)) }
        for _ in 0..<30 { join(generator.uniform(below: count), generator.uniform(below: count)) }
        let delays = DelayTable(count: count) { abs($0 - $1) * 37 % 101 + 5 }

        let flood = StaticDelivery.flood(neighbors: neighbors, source: 3, delays: delays)

        let linkEnds = neighbors.reduce(0) { $0 + $1.count }
        #expect(flood.copies == linkEnds - (count - 1))
        #expect(flood.duplicates == linkEnds - 2 * (count - 1))
        #expect(OverlayTree(source: 3, parents: flood.parents).topDown.count == count)
    }
}
