import NetBasics
import Wire

/// Packets that wait for a child whose link is too slow, the important ones first.
///
/// It holds no bodies but where the driver has them. It is bounded in number and in age, and what it
/// drops it drops in runs: once the oldest packet of a level is too old, the level's whole queue
/// goes. Media suffers less from one long gap than from many short ones, and what comes next is
/// fresh. Storage is allocated with the first packet.
struct ShedQueue: Sendable {
    /// Levels of priority; what counts for less than the last is on the last.
    static let levelCount = 8

    /// A packet in the queue.
    struct Entry: Sendable {
        var copy: WaitingCopy
        var enteredAt: Instant
        fileprivate var next: Int32 = -1

        init(_ copy: WaitingCopy, at enteredAt: Instant) {
            self.copy = copy
            self.enteredAt = enteredAt
        }
    }

    /// One level: a list through ``entries``.
    private struct Level: Sendable {
        var head: Int32 = -1
        var tail: Int32 = -1
        var isEmpty: Bool { head < 0 }
    }

    let capacity: Int
    let ageLimit: Duration
    private(set) var count = 0
    private(set) var byteCount = 0
    private var entries: ContiguousArray<Entry> = []
    private var free: Int32 = -1
    private var levels: InlineArray<8, Level> = .init(repeating: Level())

    init(capacity: Int, ageLimit: Duration) {
        self.capacity = min(max(1, capacity), Int(Int16.max))
        self.ageLimit = ageLimit
    }

    /// Adds a packet; what had to go for it is appended to `shed`, perhaps itself.
    mutating func add(
        _ copy: WaitingCopy, priority: UInt8, at now: Instant, shedding shed: inout [WaitingCopy]
    ) {
        let level = min(Int(priority), Self.levelCount - 1)
        if count == capacity {
            let last = levels.indices.last { !levels[$0].isEmpty } ?? level
            guard last >= level else {
                shed.append(copy)
                return
            }
            clear(last, into: &shed)
        }
        let place = takePlace(for: Entry(copy, at: now))
        if levels[level].isEmpty {
            levels[level].head = place
        } else {
            entries[Int(levels[level].tail)].next = place
        }
        levels[level].tail = place
        count += 1
        byteCount += copy.bodyBytes
    }

    /// Takes out the next packet: the oldest one of the first level that has any.
    mutating func take() -> WaitingCopy? {
        for level in levels.indices where !levels[level].isEmpty { return removeFirst(of: level) }
        return nil
    }

    /// Empties the levels whose oldest packet is older than ``ageLimit``.
    mutating func shedOld(at now: Instant, into shed: inout [WaitingCopy]) {
        for level in levels.indices where !levels[level].isEmpty {
            let first = entries[Int(levels[level].head)]
            if now - first.enteredAt > ageLimit { clear(level, into: &shed) }
        }
    }

    /// How long the oldest packet has waited.
    func age(at now: Instant) -> Duration {
        var age = Duration.zero
        for level in levels.indices where !levels[level].isEmpty {
            age = max(age, now - entries[Int(levels[level].head)].enteredAt)
        }
        return age
    }

    private mutating func clear(_ level: Int, into shed: inout [WaitingCopy]) {
        while !levels[level].isEmpty { shed.append(removeFirst(of: level)) }
    }

    private mutating func removeFirst(of level: Int) -> WaitingCopy {
        let place = levels[level].head
        let entry = entries[Int(place)]
        levels[level].head = entry.next
        if entry.next < 0 { levels[level].tail = -1 }
        entries[Int(place)].next = free
        free = place
        count -= 1
        byteCount -= entry.copy.bodyBytes
        return entry.copy
    }

    private mutating func takePlace(for entry: Entry) -> Int32 {
        guard free >= 0 else {
            if entries.isEmpty { entries.reserveCapacity(capacity) }
            entries.append(entry)
            return Int32(entries.count - 1)
        }
        let place = free
        free = entries[Int(place)].next
        entries[Int(place)] = entry
        return place
    }
}

/// A packet for one child that has not left yet.
package struct WaitingCopy: Equatable, Sendable {
    /// As it is to be written, but for what belongs to the link's present key.
    package var header: MediaHeader
    /// Our own token of the child's link, which names its keys.
    package var link: LinkToken
    /// Where the driver has the body.
    package var slot: Int
    package var bodyBytes: Int

    package init(header: MediaHeader, link: LinkToken, slot: Int, bodyBytes: Int) {
        self.header = header
        self.link = link
        self.slot = slot
        self.bodyBytes = bodyBytes
    }
}
