import NetBasics
import Testing

@testable import Sealing

/// The window beside a set that forgets nothing.
@Suite struct ReplayWindowTests {
    @Test(arguments: [0, 1, 1023, 1024, 1_000_000, UInt32.max])
    func aWindowAgreesWithASet(first: UInt32) {
        var window = ReplayWindow(first: first)
        var seen: Set<UInt64> = []
        var generator = SeededGenerator(seed: UInt64(first) + 7)

        for _ in 0..<20_000 {
            let spread: Int64 = Bool.random(using: &generator) ? 1200 : 40
            let ahead: Int64 = Int.random(in: 0..<50, using: &generator) == 0 ? 3000 : 20
            let target = window.highest + Int64.random(in: -spread...ahead, using: &generator)
            guard let counter = UInt64(exactly: target) else { continue }
            let isInReach = target > window.highest - 1024
            #expect(window.isNew(counter) == (isInReach && !seen.contains(counter)))
            if window.isNew(counter) {
                window.insert(counter)
                seen.insert(counter)
            }
            #expect(!window.isNew(counter))
        }
    }

    /// RFC 4303, appendix A2.2, with a window of 1024: `T` is what was highest, and both cases.
    @Test(
        arguments: [
            (0x1_A000, 0x1C01, 0x1_9C01),  // case A, lowest in the window
            (0x1_A000, 0x1C00, 0x2_1C00),  // case A, below: the next subspace
            (0x1_A000, 0x7FFF, 0x1_FFFF),
            (0x1_8010, 0x7C11, 0x1_7C11),  // case B, lowest in the window
            (0x1_8010, 0x7C10, 0x1_FC10),  // case B, below: this subspace
            (0x1_8010, 0x0005, 0x1_8005),
            (0x0_7FFF, 0x0000, 0x0_8000),
            (0x0_7FFF, 0x8000, 0x0_8000),  // the bit above is not the counter's
        ] as [(Int64, UInt16, UInt64)])
    func countersAreRestoredAsForExtendedSequenceNumbers(
        highest: Int64, low: UInt16, counter: UInt64
    ) {
        var window = ReplayWindow()
        window.insert(UInt64(highest))

        #expect(window.restored(low) == counter)
    }

    @Test func nothingLiesBeforeZeroOrBeyondTheLast() {
        var window = ReplayWindow()
        #expect(window.restored(0x7FFF) == nil)
        #expect(window.restored(0) == 0)
        #expect(!window.isNew(1 << 63))

        window.insert(UInt64(Int64.max))

        #expect(window.restored(0) == nil)
        #expect(window.restored(0x7FFF) == UInt64(Int64.max))
        #expect(!window.isNew(UInt64(Int64.max)))
        #expect(window.isNew(UInt64(Int64.max) - 1023))
        #expect(!window.isNew(UInt64(Int64.max) - 1024))
    }
}
