import Forwarding
import Sealing
import Sockets
import Wire

/// Packets of one size that came one behind the other and go to the same children.
///
/// Each child gets them with one call or a few, and their tags are computed eight at a time.
/// Allocated once; bodies stay where they are.
struct FanOutRun: ~Copyable {
    /// Packets of a run, as many as the kernel cuts apart.
    static let limit = 64

    private(set) var count = 0
    private(set) var bodyBytes = 0
    private var most = limit
    /// Who gets them, as places in ``Forwarder/children``, but for whom they came from.
    private(set) var children = 0..<0
    private(set) var exception: LinkToken?
    /// Headers of all copies, but for what names their links.
    let headers = TaggedHeaders(capacity: limit)
    let bodies: UnsafeMutablePointer<UnsafeRawPointer>
    /// Where it goes, if it is shared: lanes, and the socket.
    private(set) var targets: UnsafeMutablePointer<Int32>
    private(set) var targetCount = 0
    private var targetCapacity = 16
    var descriptor: Int32 = -1

    init() {
        bodies = .allocate(capacity: Self.limit)
        targets = .allocate(capacity: targetCapacity)
    }

    deinit {
        bodies.deallocate()
        targets.deallocate()
    }

    /// Whether a packet may be appended, or only begin another run.
    func continues(with passage: Passage, bodyBytes: Int) -> Bool {
        count > 0 && count < most && self.bodyBytes == bodyBytes
            && children == passage.children && exception == passage.exception
    }

    /// Forgets what it held.
    mutating func begin(with passage: Passage, bodyBytes: Int, most: Int) {
        count = 0
        self.most = min(most, Self.limit)
        children = passage.children
        exception = passage.exception
        self.bodyBytes = bodyBytes
    }

    /// Adds packets of the train from `first` on, as many as there is room for; returns how many.
    mutating func append(_ train: PacketTrain, from first: Int, lacks: UInt8) -> Int {
        let added = min(train.count &- first, most &- count)
        var words = train.words.copied(lacks: lacks)
        for index in first..<first &+ added {
            words.sequence = train.header(at: index).sequence.bigEndian
            append(words, train.start(at: index))
        }
        return added
    }

    /// Adds a packet, with the words of its copies, whose body is of at least ``MediaTagKey/sealBytes``.
    mutating func append(_ words: MediaHeader.Words, _ body: UnsafeRawPointer) {
        headers.set(
            count, words.link, words.source, words.sequence,
            seal: body + (bodyBytes - MediaTagKey.sealBytes))
        (bodies + count).initialize(to: body)
        count &+= 1
    }

    /// The header of the packet at `index`, but for what names a link.
    func words(at index: Int) -> MediaHeader.Words {
        let header = headers.header(at: index)
        return MediaHeader.Words(
            link: header.first, source: header.second, sequence: header.third)
    }

    mutating func removeAll() {
        count = 0
        targetCount = 0
    }

    /// Goes to that lane, too.
    mutating func addTarget(_ lane: Int) {
        if targetCount == targetCapacity {
            let more = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * targetCapacity)
            more.update(from: targets, count: targetCount)
            targets.deallocate()
            (targets, targetCapacity) = (more, 2 * targetCapacity)
        }
        (targets + targetCount).initialize(to: Int32(truncatingIfNeeded: lane))
        targetCount &+= 1
    }

    /// Queues copies of packets from `first` on, as many as one message holds; returns how many.
    ///
    /// `headers`: those of the run, tagged for the target.
    func append(
        from first: Int, to target: borrowing SharedRuns.Target, lane: Int,
        _ headers: borrowing TaggedHeaders, _ batch: UnsafeMutablePointer<SendBatch>
    ) -> Int {
        let room = batch.pointee.reserve(
            count - first, headerBytes: MediaHeader.bodyOffset, bodyBytes: bodyBytes,
            to: target.address, lane: lane)
        for index in 0..<room.count {
            let place = room.add(index, bodies[first &+ index])
            headers.write(first &+ index, link: target.link, to: place)
        }
        return room.count
    }
}

/// Copies of one packet that wait for their tags, each for another child.
struct FanOutGroup: ~Copyable {
    private let headers = TaggedHeaders(capacity: TaggedHeaders.blockCount)
    private let places: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var count = 0

    init() { places = .allocate(capacity: TaggedHeaders.blockCount) }

    deinit { places.deallocate() }

    var isFull: Bool { count == TaggedHeaders.blockCount }

    /// Adds a copy of the first packet of `run`, whose header is to be written at `place`.
    mutating func add(
        _ run: borrowing FanOutRun, link: UInt64, _ key: MediaTagKey,
        at place: UnsafeMutableRawPointer
    ) {
        headers.set(count, to: run.headers, 0, link: link)
        headers.setKey(count, key)
        (places + count).initialize(to: place)
        count &+= 1
    }

    /// Writes all headers and tags.
    mutating func write() {
        guard count > 0 else { return }
        headers.tagEach()
        for index in 0..<count { headers.write(index, link: 0, to: places[index]) }
        count = 0
    }
}
