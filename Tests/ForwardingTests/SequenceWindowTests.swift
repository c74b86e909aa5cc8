import NetBasics
import Testing

@testable import Forwarding

@Suite struct SequenceWindowTests {
    /// Positions from which the tests count, around every wrap.
    static let starts: [UInt32] = [0, 1, 2047, 0x7FFF_FFF0, 0xFFFF_F000, 0xFFFF_FFFF]

    @Test(arguments: starts)
    func eachNumberIsNewOnce(start: UInt32) {
        var window = SequenceWindow()

        for step in 0..<5000 as Range<UInt32> {
            #expect(window.insert(start &+ step) == .new)
            #expect(window.insert(start &+ step) == .duplicate)
        }
    }

    @Test(arguments: starts)
    func reorderedNumbersAreNewWithinTheWindow(start: UInt32) {
        var window = SequenceWindow()

        #expect(window.insert(start) == .new)
        #expect(window.insert(start &+ 2047) == .new)
        #expect(window.insert(start &+ 1) == .new)
        #expect(window.insert(start) == .duplicate)
        #expect(window.insert(start &+ 2048) == .new)
        #expect(window.insert(start) == .tooOld)
        #expect(window.insert(start &+ 1) == .duplicate)
    }

    /// Numbers that follow each other are recorded at once as they would be one by one.
    @Test(arguments: starts)
    func manyAtOnceAreAsOneByOne(start: UInt32) {
        var generator = SeededGenerator(seed: UInt64(start))
        var (together, apart) = (SequenceWindow(), SequenceWindow())
        var (next, taken) = (start, 0)

        for _ in 0..<3000 {
            let count = 1 + generator.uniform(below: 63)
            if generator.uniform(below: 4) == 0 { next &+= 1 }
            let isNext = (1...5).allSatisfy { apart.contains(next &- $0) }
            #expect(together.insertNext(next, count: count) == isNext)
            for step in 0..<UInt32(count) {
                let verdict = apart.insert(next &+ step)
                if !isNext { #expect(together.insert(next &+ step) == verdict) }
            }
            taken += isNext ? 1 : 0
            next &+= UInt32(count)
        }

        for behind in 0..<2048 as Range<UInt32> {
            #expect(together.contains(next &- behind) == apart.contains(next &- behind))
        }
        #expect(together.latest == apart.latest)
        #expect(taken > 1000)
    }

    @Test func aLongJumpForgetsWhatWasBehind() {
        var window = SequenceWindow()
        _ = window.insert(10)

        #expect(window.insert(1_000_010) == .new)
        #expect(window.insert(1_000_009) == .new)
        #expect(window.insert(10) == .tooOld)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func agreesWithASetUnderLossRepetitionAndReordering(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var window = SequenceWindow()
        var seen: Set<UInt32> = []
        let base: UInt32 = 0xFFFF_E000

        for step in 0..<20_000 as Range<UInt32> {
            let sequence = base &+ step &+ UInt32(generator.uniform(below: 1000))
            let expected: SequenceWindow.Verdict =
                seen.insert(sequence).inserted ? .new : .duplicate
            #expect(window.insert(sequence) == expected, "seed \(seed) step \(step)")
        }
    }
}
