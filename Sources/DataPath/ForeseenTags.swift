import Sealing
import Wire

/// What tags the datagrams to come should have, and which of them are a train.
struct ForeseenTags: ~Copyable {
    static let limit = 2 * TaggedHeaders.blockCount
    /// Fewer are faster one by one.
    static let least = 3

    private let headers = TaggedHeaders(capacity: limit)
    private let starts: UnsafeMutablePointer<UnsafeRawPointer>
    private let byteCounts: UnsafeMutablePointer<Int>
    private(set) var count = 0
    /// Of those that are known, how many have been asked for.
    private var next = 0
    private var known = 0
    private var formsTrains = true
    /// Bit i: the datagram at i may be of one train with that before it.
    private var joints: UInt32 = 0
    /// Of the last one that was added.
    private var words = MediaHeader.Words(link: 0, source: 0, sequence: 0)

    init() {
        starts = .allocate(capacity: Self.limit)
        byteCounts = .allocate(capacity: Self.limit)
    }

    deinit {
        starts.deallocate()
        byteCounts.deallocate()
    }

    mutating func removeAll() {
        (count, next, known, joints) = (0, 0, 0, 0)
        formsTrains = true
    }

    /// Adds a datagram that is long enough.
    mutating func append(
        _ words: MediaHeader.Words, _ start: UnsafeRawPointer, _ byteCount: Int
    ) {
        headers.set(
            count, words.link, words.source, words.sequence,
            seal: start + (byteCount - MediaTagKey.sealBytes))
        (starts + count).initialize(to: start)
        (byteCounts + count).initialize(to: byteCount)
        if count > 0, byteCount == byteCounts[count &- 1], words.isNext(to: self.words) {
            joints |= 1 &<< UInt32(truncatingIfNeeded: count)
        }
        self.words = words
        count &+= 1
    }

    mutating func compute(by key: MediaTagKey) {
        headers.tag(count, link: 0, by: key)
        known = count
    }

    /// Whether the datagram at `start` is the next one that is known.
    @inline(__always)
    func knows(_ start: UnsafeRawPointer?) -> Bool { next < known && starts[next] == start }

    /// The tag of the datagram at `start`, if it is the next one that is known.
    @inline(__always)
    mutating func tag(of start: UnsafeRawPointer) -> MediaTag? {
        guard knows(start) else { return nil }
        defer { next &+= 1 }
        return headers.tag(at: next)
    }

    // MARK: - Trains

    /// The next one that is known and those behind it, as far as they are a train and have their tags.
    func train() -> PacketTrain? {
        guard formsTrains, next < known else { return nil }
        let joined = (~(joints &>> UInt32(truncatingIfNeeded: next &+ 1))).trailingZeroBitCount
        let end = min(known, next &+ 1 &+ joined)
        var index = next
        while index < end, hasItsTag(index) { index &+= 1 }
        guard index > next else { return nil }
        return PacketTrain(
            count: index &- next, byteCount: byteCounts[next], starts: starts + next)
    }

    private func hasItsTag(_ index: Int) -> Bool {
        headers.tag(at: index) == MediaTag(at: starts[index] + MediaHeader.byteCount)
    }

    /// Goes on behind the train.
    mutating func take(_ train: PacketTrain) { next &+= train.count }

    /// Forms no trains of what is known.
    mutating func refuseTrains() { formsTrains = false }
}
