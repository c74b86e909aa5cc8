/// Where the driver stored the recent packets of one stream.
///
/// A ring indexed by sequence number that starts small and doubles, up to a limit, while it would
/// lose packets that are not old yet and that the driver still has. It holds no packets itself.
struct PacketCache: Sendable {
    struct Entry: Sendable {
        var sequence: UInt32 = 0
        /// When it was stored; milliseconds, wrapping.
        var time: UInt32 = 0
        var slot = 0
        var bodyBytes: UInt32 = 0
        var isControlFlow = false
        var isUsed = false
    }

    private static let firstSize = 16
    private var entries: ContiguousArray<Entry> = []

    /// What is not worth a place any more: older, in milliseconds, or stored before a slot.
    struct Limits {
        var age: UInt32
        var slot: Int

        fileprivate func isPast(_ entry: Entry, at time: UInt32) -> Bool {
            time &- entry.time > age || entry.slot < slot
        }
    }

    /// Remembers `entry`; `limit`, of entries: a power of two.
    mutating func keep(_ entry: Entry, _ limits: Limits, limit: Int) {
        if entries.isEmpty {
            guard limit > 0 else { return }
            entries = .init(repeating: Entry(), count: min(Self.firstSize, limit))
        }
        var place = place(of: entry.sequence)
        while isTaken(place, for: entry, limits) {
            if entries.count * 2 > limit {
                // The newer packet stays.
                let ahead = Int32(bitPattern: entry.sequence &- entries[place].sequence)
                if ahead < 0 { return }
                break
            }
            grow(at: entry.time, limits)
            place = self.place(of: entry.sequence)
        }
        entries[place] = entry
    }

    func entry(_ sequence: UInt32, at time: UInt32, age: UInt32) -> Entry? {
        guard !entries.isEmpty else { return nil }
        let entry = entries[place(of: sequence)]
        guard entry.isUsed, entry.sequence == sequence, time &- entry.time <= age else {
            return nil
        }
        return entry
    }

    private func place(of sequence: UInt32) -> Int { Int(sequence) & (entries.count - 1) }

    private func isTaken(_ place: Int, for entry: Entry, _ limits: Limits) -> Bool {
        let old = entries[place]
        return old.isUsed && old.sequence != entry.sequence && !limits.isPast(old, at: entry.time)
    }

    private mutating func grow(at time: UInt32, _ limits: Limits) {
        let old = entries
        entries = .init(repeating: Entry(), count: old.count * 2)
        for entry in old where entry.isUsed && !limits.isPast(entry, at: time) {
            entries[place(of: entry.sequence)] = entry
        }
    }
}
