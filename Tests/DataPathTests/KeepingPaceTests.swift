import NetBasics
import Testing

@testable import DataPath

@Suite struct KeepingPaceTests {
    private let start = Instant(nanoseconds: 0)

    /// Bodies of a quarter of the ring, `gap` apart; what is kept.
    private func kept(_ gaps: [Duration]) -> [Bool] {
        var pace = KeepingPace()
        var now = start
        return gaps.map { gap in
            now = now + gap
            return pace.keeps(BodyRing.byteCount / 4, at: now)
        }
    }

    @Test func ordinaryMediaIsKept() {
        #expect(!kept(Array(repeating: .milliseconds(5), count: 40)).contains(false))
    }

    @Test func whatIsOverwrittenBeforeAnybodyCanAskIsNotKept() {
        let kept = kept(Array(repeating: .milliseconds(4), count: 12))
        #expect(kept == Array(repeating: true, count: 7) + Array(repeating: false, count: 5))
    }

    @Test func keepingBeginsAgainWhenItIsWorthwhile() {
        let fast = Array(repeating: Duration.milliseconds(1), count: 8)
        let slow = Array(repeating: Duration.milliseconds(10), count: 8)
        #expect(kept(fast + slow).suffix(5) == Array(repeating: true, count: 5)[...])
    }
}
