import NetBasics

/// Future events in order of time; those of the same instant in order of insertion.
///
/// A heap with four children per place over small keys; payloads stay where they are. Insertion and
/// removal cost grows with the logarithm of the number of events waiting.
package struct EventQueue<Event> {
    private struct Key {
        var nanoseconds: Int64
        /// Breaks ties; wide enough for any run.
        var number: UInt64
        var slot: Int32

        func precedes(_ other: Key) -> Bool {
            nanoseconds != other.nanoseconds
                ? nanoseconds < other.nanoseconds : number < other.number
        }
    }

    private var heap: ContiguousArray<Key> = []
    private var events: ContiguousArray<Event?> = []
    private var freeSlots: ContiguousArray<Int32> = []
    private var insertions: UInt64 = 0

    package init() {}

    package var count: Int { heap.count }

    /// When the next event is due; `nil` when none waits.
    package var nextInstant: Instant? { heap.first.map { Instant(nanoseconds: $0.nanoseconds) } }

    package mutating func insert(_ event: consuming Event, at instant: Instant) {
        insertions += 1
        let slot: Int32
        if let free = freeSlots.popLast() {
            slot = free
            events[Int(slot)] = event
        } else {
            slot = Int32(events.count)
            events.append(event)
        }
        heap.append(Key(nanoseconds: instant.nanoseconds, number: insertions, slot: slot))
        rise()
    }

    /// Takes out the event that is due next.
    package mutating func popFirst() -> (at: Instant, event: Event)? {
        guard let first = heap.first, let event = events[Int(first.slot)] else { return nil }
        events[Int(first.slot)] = nil
        freeSlots.append(first.slot)
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last) }
        return (Instant(nanoseconds: first.nanoseconds), event)
    }

    // MARK: - Heap

    private mutating func rise() {
        var place = heap.count - 1
        let key = heap[place]
        while place > 0 {
            let parent = (place - 1) / 4
            guard key.precedes(heap[parent]) else { break }
            heap[place] = heap[parent]
            place = parent
        }
        heap[place] = key
    }

    /// Puts `key`, which was the last, where the first has gone.
    private mutating func sink(_ key: Key) {
        let count = heap.count
        var place = 0
        while true {
            let first = 4 * place + 1
            guard first < count else { break }
            var least = first
            for child in (first + 1)..<max(first + 1, min(first + 4, count))
            where heap[child].precedes(heap[least]) {
                least = child
            }
            guard heap[least].precedes(key) else { break }
            heap[place] = heap[least]
            place = least
        }
        heap[place] = key
    }
}
