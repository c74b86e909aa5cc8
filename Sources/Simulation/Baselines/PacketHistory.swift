import NetBasics

/// The latest packets of each source that a baseline's member has got, and over how many hops.
///
/// A ring of ``limit`` packets a source; older ones count as got, so that nothing comes twice.
struct PacketHistory: Sendable {
    /// Packets remembered per source; a power of two.
    static let limit: Int32 = 128
    private static let absent: UInt8 = 255
    private static let oldest: UInt8 = 254

    private struct Source: Sendable {
        var highest: Int32
        var rounds: ContiguousArray<UInt8>
    }

    private var places: [Int32: Int32] = [:]
    private var sources: ContiguousArray<Source> = []

    /// Hops of a packet that is still remembered.
    func round(of packet: MediaPacket) -> UInt8? {
        guard let place = places[packet.source] else { return nil }
        let source = sources[Int(place)]
        let isInside =
            packet.number <= source.highest
            && source.highest - packet.number < Self.limit
        guard isInside else { return nil }
        let round = source.rounds[Int(packet.number & (Self.limit - 1))]
        return round == Self.absent ? nil : round
    }

    func contains(_ packet: MediaPacket) -> Bool {
        guard let place = places[packet.source] else { return false }
        if sources[Int(place)].highest - packet.number >= Self.limit { return true }
        return round(of: packet) != nil
    }

    /// Notes a packet as got over `round` hops; `false` if it was already.
    mutating func insert(_ packet: MediaPacket, round: UInt8) -> Bool {
        guard !contains(packet) else { return false }
        let place = place(of: packet)
        let slot = Int(packet.number & (Self.limit - 1))
        advance(place, to: packet.number)
        sources[place].rounds[slot] = min(round, Self.oldest)
        return true
    }

    private mutating func place(of packet: MediaPacket) -> Int {
        if let known = places[packet.source] { return Int(known) }
        places[packet.source] = Int32(sources.count)
        let rounds = ContiguousArray(repeating: Self.absent, count: Int(Self.limit))
        sources.append(Source(highest: packet.number, rounds: rounds))
        return sources.count - 1
    }

    private mutating func advance(_ place: Int, to number: Int32) {
        let highest = sources[place].highest
        guard number > highest else { return }
        let first = max(highest + 1, number - Self.limit + 1)
        for forgotten in first...number {
            sources[place].rounds[Int(forgotten & (Self.limit - 1))] = Self.absent
        }
        sources[place].highest = number
    }
}
