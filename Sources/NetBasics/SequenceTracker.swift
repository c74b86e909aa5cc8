/// Tells new sequence numbers from repeated ones, in bounded memory.
///
/// It remembers the last ``windowSize`` numbers below the highest; numbers run as 64-bit. The first
/// one takes no memory, so that whoever invents streams gets little.
package struct SequenceTracker: Sendable {
    package enum Arrival: Sendable {
        /// Above all before it, or the first.
        case advanced
        /// Below the highest, and not seen before.
        case reordered
        case duplicate
        /// So far below the highest that nothing is remembered.
        case late
    }

    /// A power of two, 64 at least.
    package let windowSize: UInt64
    private var seen: [UInt64] = []
    package private(set) var highest: UInt64 = 0
    private var lowest: UInt64 = 0
    package private(set) var distinctCount: UInt64 = 0

    /// The default is four seconds of 20 Mbit/s in packets of 1200 bytes, and then some.
    package init(windowSize: UInt64 = 8192) {
        precondition(windowSize >= 64 && windowSize & (windowSize - 1) == 0)
        self.windowSize = windowSize
    }

    package var isEmpty: Bool { distinctCount == 0 }

    /// Numbers between the lowest and the highest that did not arrive.
    package var missingCount: UInt64 {
        guard !isEmpty else { return 0 }
        let span = (highest &- lowest) &+ 1
        return span > distinctCount ? span - distinctCount : 0
    }

    package mutating func record(_ sequence: UInt64) -> Arrival {
        if isEmpty {
            lowest = sequence
            highest = sequence
            distinctCount = 1
            return .advanced
        }
        if seen.isEmpty { begin() }
        if sequence > highest {
            forget(after: highest, through: sequence)
            highest = sequence
            mark(sequence)
            return .advanced
        }
        return recordBelow(sequence)
    }

    private mutating func begin() {
        seen = [UInt64](repeating: 0, count: Int(windowSize / 64))
        let (word, bit) = position(of: highest)
        seen[word] = bit
    }

    private mutating func recordBelow(_ sequence: UInt64) -> Arrival {
        guard highest - sequence < windowSize else { return .late }
        let (word, bit) = position(of: sequence)
        guard seen[word] & bit == 0 else { return .duplicate }
        lowest = min(lowest, sequence)
        mark(sequence)
        return .reordered
    }

    private mutating func mark(_ sequence: UInt64) {
        let (word, bit) = position(of: sequence)
        seen[word] |= bit
        distinctCount &+= 1
    }

    /// Clears the places that the numbers in `(old, new]` take over.
    private mutating func forget(after old: UInt64, through new: UInt64) {
        var left = min(new - old, windowSize)
        var sequence = old
        while left > 0 {
            sequence &+= 1
            let (word, bit) = position(of: sequence)
            if bit == 1, left >= 64 {
                seen[word] = 0
                sequence &+= 63
                left -= 64
            } else {
                seen[word] &= ~bit
                left -= 1
            }
        }
    }

    private func position(of sequence: UInt64) -> (word: Int, bit: UInt64) {
        (Int((sequence & (windowSize - 1)) / 64), 1 << (sequence % 64))
    }
}
