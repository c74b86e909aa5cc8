import NetBasics
import Wire

/// Sequence numbers of one stream that have not arrived, and when to ask for them.
///
/// Ordered by number; empty, and without storage, while nothing is lost.
struct MissingPackets: Sendable {
    struct Entry: Sendable {
        var sequence: UInt32
        var tries: Int32
        /// When the gap was noticed; nanoseconds, as ``due``.
        var noticed: Int64
        /// When to ask (again).
        var due: Int64
        /// The parent has said that it lacks it, too.
        var isAwaited = false
    }

    private(set) var entries: ContiguousArray<Entry> = []
    /// How many the parent was found to lack, too, so far.
    private(set) var awaitedCount: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }

    /// Adds the numbers between `old` and `new`, both exclusive; returns how many were given up
    /// to keep within `limit` and within the window behind `new`.
    mutating func add(
        after old: UInt32, before new: UInt32, noticed: Int64, due: Int64, limit: Int
    ) -> Int {
        let gap = Int(new &- old) - 1
        let added = min(gap, limit)
        let behind = entries.firstIndex { Int(new &- $0.sequence) < SequenceWindow.size }
        let dropped = max(behind ?? entries.count, entries.count + added - limit)
        entries.removeFirst(dropped)
        for step in stride(from: added, to: 0, by: -1) {
            entries.append(
                Entry(
                    sequence: new &- UInt32(step), tries: 0, noticed: noticed, due: due))
        }
        return dropped + gap - added
    }

    /// Whether `sequence` was asked for and has not come.
    func isWanted(_ sequence: UInt32) -> Bool {
        index(of: sequence).map { entries[$0].tries > 0 } ?? false
    }

    /// Whether it was missing.
    @discardableResult
    mutating func remove(_ sequence: UInt32) -> Bool {
        guard let index = index(of: sequence) else { return false }
        entries.remove(at: index)
        return true
    }

    func contains(_ sequence: UInt32) -> Bool { index(of: sequence) != nil }

    /// Lets a packet that nobody was asked for pass as a repair.
    mutating func allow(_ sequence: UInt32) {
        if let index = index(of: sequence) { entries[index].tries = max(entries[index].tries, 1) }
    }

    /// How many of the `span` numbers from `base` on are missing.
    func count(from base: UInt32, span: Int) -> Int {
        entries.count { $0.sequence &- base < UInt32(span) }
    }

    /// Does not ask before `until` for the last `count` that are missing of `span` numbers.
    mutating func spare(_ count: Int, from base: UInt32, span: Int, until: Int64) {
        let inside = entries.indices.filter { entries[$0].sequence &- base < UInt32(span) }
        for index in inside.suffix(count) where entries[index].tries == 0 {
            entries[index].due = max(entries[index].due, until)
        }
    }

    /// Lets everything be asked for at once: whoever was asked is gone.
    mutating func hurry() {
        for index in entries.indices {
            entries[index].due = .min
            entries[index].tries = min(entries[index].tries, 1)
            entries[index].isAwaited = false
        }
    }

    /// Takes in which packets before `sequence` the parent lacks (``MediaHeader/lacks``); returns
    /// when the first of these is due.
    ///
    /// What it lacks it will send once it has it: for `patience` nobody is asked. What it has was
    /// lost on the way here.
    mutating func note(
        lacks: UInt8, before sequence: UInt32, at now: Int64, patience: Int64, tolerance: Int64
    ) -> Int64 {
        var earliest = Int64.max
        for offset in 0..<MediaHeader.lacksSpan {
            guard let index = index(of: sequence &- UInt32(offset) &- 1) else { continue }
            let isLacking = lacks >> UInt8(offset) & 1 == 1
            if isLacking, !entries[index].isAwaited {
                entries[index].due = max(entries[index].due, entries[index].noticed + patience)
                awaitedCount &+= 1
            } else if !isLacking, entries[index].isAwaited {
                entries[index].due = now + tolerance
            }
            entries[index].isAwaited = isLacking
            earliest = min(earliest, entries[index].due)
        }
        return earliest
    }

    /// Appends requests for all that is due; returns the next due time, and counts.
    mutating func ask(
        for stream: StreamID, at now: Int64, pace: RepairPace, budget: Int64, tryLimit: Int,
        counts: inout RepairCounts, into wanted: inout [WantedRepair]
    ) -> Int64 {
        var next = Int64.max
        var kept = 0
        var open: WantedRepair?
        for index in entries.indices {
            var entry = entries[index]
            let deadline = entry.noticed + budget
            guard now < deadline else {
                counts.gaveUp &+= 1
                continue
            }
            if entry.due <= now {
                // An answer that comes too late is not worth asking for.
                let isWorthIt = entry.tries < tryLimit && deadline - now > pace.retry / 2
                entry.due = deadline
                if isWorthIt {
                    if entry.tries == 0 { counts.requested &+= 1 }
                    entry.tries += 1
                    entry.due = min(now + pace.wait(after: Int64(entry.tries)), deadline)
                    Self.append(entry, of: stream, to: &open, into: &wanted)
                }
            }
            next = min(next, entry.due, deadline)
            entries[kept] = entry
            kept += 1
        }
        entries.removeLast(entries.count - kept)
        if let open { wanted.append(open) }
        return next
    }

    private static func append(
        _ entry: Entry, of stream: StreamID, to open: inout WantedRepair?,
        into wanted: inout [WantedRepair]
    ) {
        if let last = open {
            let offset = entry.sequence &- last.request.base
            if offset < RepairRequest.span, last.attempt == Int(entry.tries),
                last.isAwaited == entry.isAwaited
            {
                open?.request.bitmap |= 1 << UInt64(offset)
                return
            }
            wanted.append(last)
        }
        let request = RepairRequest(stream: stream, base: entry.sequence, bitmap: 1)
        open = WantedRepair(request: request, attempt: Int(entry.tries), isAwaited: entry.isAwaited)
    }

    private func index(of sequence: UInt32) -> Int? {
        guard let first = entries.first else { return nil }
        let offset = sequence &- first.sequence
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].sequence &- first.sequence < offset {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < entries.count && entries[low].sequence == sequence ? low : nil
    }
}

/// When packets of one source are asked for again; nanoseconds.
struct RepairPace: Sendable {
    /// After the first try, if the second goes to somebody else.
    var first: Int64?
    var retry: Int64
    var patience: Int64

    /// Twice as long from the third time on, and four times from the fifth.
    ///
    /// Where queues delay answers, asking faster lengthens them; were it longer, few tries would be
    /// left within the budget.
    func wait(after tries: Int64) -> Int64 {
        if tries <= 1, let first { return first }
        return retry << min(max(0, tries - 1) / 2, 2)
    }
}

/// Missing packets to ask a neighbor for.
package struct WantedRepair: Equatable, Sendable {
    package var request: RepairRequest
    /// Counts from one; the control plane asks others after ``parentAttempts``.
    package var attempt: Int
    /// The parent lacks them, too, as far as it has said.
    package var isAwaited: Bool

    /// Attempts that go to the parent, which most likely has the packet or is about to.
    package static let parentAttempts = 2

    package init(request: RepairRequest, attempt: Int, isAwaited: Bool = false) {
        self.request = request
        self.attempt = attempt
        self.isAwaited = isAwaited
    }
}
