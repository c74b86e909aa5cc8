import Wire

/// Which of a stream's recent sequence numbers have arrived: a bitmap that slides.
///
/// Numbers are 32 bits and wrap; one more than half the space ahead of the highest counts as
/// behind it (RFC 1982).
package struct SequenceWindow: Sendable {
    /// Numbers behind the highest that can still be told apart from repetitions.
    package static let size = 2048

    package enum Verdict: Equatable, Sendable {
        case new
        case duplicate
        /// Behind the window: it cannot be known, and is treated as a repetition.
        case tooOld
    }

    /// The highest number recorded; meaningless before the first.
    private(set) var highest: UInt32 = 0
    private var isEmpty = true
    private var bits: InlineArray<32, UInt64> = .init(repeating: 0)

    package init() {}

    /// The highest number recorded; `nil` before the first.
    package var latest: UInt32? { isEmpty ? nil : highest }

    /// Records `sequence` and says whether it had been seen.
    package mutating func insert(_ sequence: UInt32) -> Verdict {
        if isEmpty {
            isEmpty = false
            highest = sequence
            setBit(sequence)
            return .new
        }
        let ahead = Int32(bitPattern: sequence &- highest)
        if ahead > 0 {
            advance(to: sequence, by: Int(ahead))
            return .new
        }
        guard Int(ahead) > -Self.size else { return .tooOld }
        let (word, mask) = Self.position(sequence)
        if bits[word] & mask != 0 { return .duplicate }
        bits[word] |= mask
        return .new
    }

    /// Records `count` numbers, fewer than 64, from `sequence` on, if that is right after the highest
    /// and none of the ``MediaHeader/lacksSpan`` before it lacks; else it does nothing.
    @inline(__always)
    mutating func insertNext(_ sequence: UInt32, count: Int) -> Bool {
        guard !isEmpty, sequence == highest &+ 1 else { return false }
        let (word, mask) = Self.position(sequence)
        // The bits before it, which may begin in the word before.
        let span = UInt64(MediaHeader.lacksSpan)
        let bit = UInt64(mask.trailingZeroBitCount)
        let last = bits[(word &- 1) & 31] &>> (64 &- span)
        let before =
            bit < span ? (bits[word] &<< span | last) &>> bit : bits[word] &>> (bit &- span)
        let all: UInt64 = 1 &<< span &- 1
        guard before & all == all else { return false }
        let numbers: UInt64 = 1 &<< UInt64(count) &- 1
        bits[word] |= numbers &<< bit
        // A shift by 64 yields none.
        bits[(word &+ 1) & 31] |= numbers >> (64 &- bit)
        highest = sequence &+ UInt32(count &- 1)
        return true
    }

    /// Whether `sequence` was recorded; `false` for what is behind the window.
    package func contains(_ sequence: UInt32) -> Bool {
        let ahead = Int32(bitPattern: sequence &- highest)
        guard !isEmpty, ahead <= 0, Int(ahead) > -Self.size else { return false }
        let (word, mask) = Self.position(sequence)
        return bits[word] & mask != 0
    }

    /// Which of the numbers right before `sequence` were not recorded, as in ``MediaHeader/lacks``.
    func lacks(before sequence: UInt32) -> UInt8 {
        var lacks: UInt8 = 0
        for offset in 0..<UInt32(MediaHeader.lacksSpan) where !contains(sequence &- offset &- 1) {
            lacks |= 1 << UInt8(offset)
        }
        return lacks
    }

    private mutating func advance(to sequence: UInt32, by distance: Int) {
        if distance >= Self.size {
            bits = .init(repeating: 0)
        } else {
            for step in 1...distance { clearBit(highest &+ UInt32(step)) }
        }
        highest = sequence
        setBit(sequence)
    }

    private mutating func setBit(_ sequence: UInt32) {
        let (word, mask) = Self.position(sequence)
        bits[word] |= mask
    }

    private mutating func clearBit(_ sequence: UInt32) {
        let (word, mask) = Self.position(sequence)
        bits[word] &= ~mask
    }

    private static func position(_ sequence: UInt32) -> (word: Int, mask: UInt64) {
        let bit = Int(sequence % UInt32(size))
        return (bit / 64, 1 << UInt64(bit % 64))
    }
}
