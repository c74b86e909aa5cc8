import Testing

@testable import Forwarding

/// What is remembered of recent packets takes no more room than it needs.
@Suite struct PacketCacheTests {
    /// Remembers packets of one slot each, and returns those that are found afterwards; `bodies`: how
    /// many packets the driver has, `every`: milliseconds between two.
    private func kept(_ count: UInt32, bodies: Int, every interval: UInt32 = 0) -> [UInt32] {
        var cache = PacketCache()
        for sequence in 0..<count {
            let slot = Int(sequence)
            let entry = PacketCache.Entry(
                sequence: sequence, time: sequence * interval, slot: slot, isUsed: true)
            cache.keep(entry, .init(age: 2000, slot: slot + 1 - bodies), limit: 1024)
        }
        return (0..<count).filter {
            cache.entry($0, at: count * interval, age: 2000) != nil
        }
    }

    @Test func asManyAsTheLimitAreRememberedAtMost() {
        #expect(kept(5000, bodies: .max) == Array(3976..<5000))
    }

    /// So many streams take no more memory than few: the driver has the same room for their bodies.
    @Test func noPlaceIsKeptForWhatTheDriverHasNot() {
        #expect(kept(5000, bodies: 40) == Array(4936..<5000))
        #expect(kept(5000, bodies: 1) == Array(4984..<5000))
    }

    @Test func noPlaceIsKeptForWhatIsOld() {
        #expect(kept(5000, bodies: .max, every: 50) == Array(4960..<5000))
    }
}
