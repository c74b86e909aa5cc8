/// Which of the newest 1024 counters were used, and what the rest of a counter is whose low
/// 15 bits arrived.
///
/// The bits are a ring of words as in RFC 6479, one word longer than the window, so that the
/// window moves a word at a time.
struct ReplayWindow: Sendable {
    static let bitCount: Int64 = 1024
    private static let wordBits: Int64 = 64
    private static let wordCount: Int64 = bitCount / wordBits + 1

    /// The highest counter that was inserted.
    private(set) var highest: Int64
    private var words = InlineArray<17, UInt64>(repeating: 0)

    /// Expects `first`; what is lower counts as not seen, as far as the window reaches.
    init(first: UInt32 = 0) { highest = Int64(first) - 1 }

    /// The one counter with these low 15 bits from the window's lower edge on.
    ///
    /// That is the rule for extended sequence numbers of RFC 4303, appendix A2.2: both of its
    /// cases say that a number is in the window or ahead of it. `nil` for one before zero or
    /// beyond 2^63.
    func restored(_ low: UInt16) -> UInt64? {
        let edge = highest - (Self.bitCount - 1)
        let distance = (low &- UInt16(truncatingIfNeeded: edge)) & 0x7FFF
        let (counter, overflow) = edge.addingReportingOverflow(Int64(distance))
        return overflow ? nil : UInt64(exactly: counter)
    }

    /// Whether the counter is ahead, or in the window and unused.
    func isNew(_ counter: UInt64) -> Bool {
        guard let counter = Int64(exactly: counter) else { return false }
        if counter > highest { return true }
        guard counter > highest - Self.bitCount else { return false }
        return words[Self.index(of: counter)] & Self.mask(of: counter) == 0
    }

    /// Marks a counter that ``isNew(_:)`` accepts; call it for authentic datagrams only.
    mutating func insert(_ counter: UInt64) {
        guard isNew(counter), let counter = Int64(exactly: counter) else { return }
        if counter > highest {
            let last = max(highest, 0) / Self.wordBits
            let steps = min(counter / Self.wordBits - last, Self.wordCount)
            for step in 0..<max(steps, 0) {
                words[Int((counter / Self.wordBits - step) % Self.wordCount)] = 0
            }
            highest = counter
        }
        words[Self.index(of: counter)] |= Self.mask(of: counter)
    }

    private static func index(of counter: Int64) -> Int { Int(counter / wordBits % wordCount) }

    private static func mask(of counter: Int64) -> UInt64 { 1 << UInt64(counter % wordBits) }
}
