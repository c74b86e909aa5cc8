import Forwarding
import Wire

/// Packets of one stream that came on one link right behind each other, numbered on and of one size.
///
/// They are judged, counted and forwarded together. Valid until others are foreseen.
struct PacketTrain {
    /// From 1 to ``ForeseenTags/limit``.
    let count: Int
    let bodyBytes: Int
    /// Those of the first packet.
    let words: MediaHeader.Words
    let header: MediaHeader
    private let starts: UnsafePointer<UnsafeRawPointer>

    /// `starts`: where the datagrams are, of `byteCount` each.
    init(count: Int, byteCount: Int, starts: UnsafePointer<UnsafeRawPointer>) {
        self.count = count
        self.starts = starts
        bodyBytes = byteCount &- MediaHeader.bodyOffset
        words = MediaHeader.Words(at: starts[0])
        header = MediaHeader(words)
    }

    func header(at index: Int) -> MediaHeader {
        var header = header
        header.sequence &+= UInt32(truncatingIfNeeded: index)
        return header
    }

    var lastHeader: MediaHeader { header(at: count &- 1) }

    /// Where the body of the packet at `index` begins.
    func start(at index: Int) -> UnsafeRawPointer { starts[index] + MediaHeader.bodyOffset }

    func body(at index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start(at: index), count: bodyBytes)
    }
}

/// Trains that came on one link behind each other and have passed.
///
/// What is to be done is done for all of them before the next thing is: with many streams each
/// step waits for memory, but not for the same step of another packet.
struct PassedTrains: ~Copyable {
    typealias Entry = (train: PacketTrain, passage: Passage)

    private let entries: UnsafeMutablePointer<Entry>
    private(set) var count = 0
    /// Packets of all of them, and the bytes of their bodies.
    private(set) var packetCount = 0
    private(set) var bodyBytes = 0
    /// Where the bodies of all packets are stored, in their order.
    private let slots: UnsafeMutablePointer<Int>
    private var slotCount = 0

    init() {
        entries = .allocate(capacity: ForeseenTags.limit)
        slots = .allocate(capacity: ForeseenTags.limit)
    }

    deinit {
        entries.deallocate()
        slots.deallocate()
    }

    mutating func removeAll() { (count, packetCount, bodyBytes, slotCount) = (0, 0, 0, 0) }

    /// Bytes of all datagrams.
    var byteCount: Int { bodyBytes &+ packetCount &* MediaHeader.bodyOffset }

    mutating func append(_ train: PacketTrain, _ passage: Passage) {
        (entries + count).initialize(to: (train, passage))
        count &+= 1
        packetCount &+= train.count
        bodyBytes &+= train.count &* train.bodyBytes
    }

    subscript(index: Int) -> Entry { entries[index] }

    /// Notes where the next packet's body is stored.
    mutating func note(_ slot: Int) {
        (slots + slotCount).initialize(to: slot)
        slotCount &+= 1
    }

    func slot(_ packet: Int) -> Int { slots[packet] }
}
