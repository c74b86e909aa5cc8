import Glibc
import NetBasics

struct Underlay {
    let hostCount: Int
    let seed: UInt64
    var hasRates: Bool { false }
    var hasLossyLinks: Bool { false }
    var directedLinkCount: Int { 2 * hostCount }
    mutating func delay(from: Int, to: Int) -> Duration {
        var g = SeededGenerator(
            seed: seed &+ UInt64(min(from, to)) &* 1_000_003 &+ UInt64(max(from, to)))
        return .microseconds(10_000 + g.uniform(below: 140_000))
    }
    mutating func forEachLink(from: Int, to: Int, _ body: (Int32) -> Void) {
        body(Int32(2 * from)); body(Int32(2 * to + 1))
    }
    func delayOfLink(_ id: Int32) -> Duration { .zero }
    func rateOfLink(_ id: Int32) -> Double? { nil }
    func pathLoss(from: Int, to: Int) -> Double { 0 }
}
