import CLinux
import Glibc
import NetBasics

/// Datagrams on their way out, each a short header of its own and a body that is shared.
///
/// Datagrams of one size to one lane leave in one message that the kernel cuts apart (UDP
/// segmentation, udp(7)), where the socket can; else each is a message. Allocated once; adding and sending
/// copy no body, allocate nothing and count no references. Bodies must stay in place until
/// ``flush(on:)`` returned. A lane keeps its order; lanes overtake each other.
package struct SendBatch: ~Copyable {
    /// Messages of a batch.
    package static let capacity = 256
    /// Threads that send at most, each by a batch of its own.
    package static let threadLimit = 16
    /// Room for one header; bytes.
    package static let headerLimit = SendRoom.headerStride
    /// Destinations that are told apart at most; what goes to others is not joined.
    package static let laneLimit = 4096
    /// The kernel's UDP_MAX_SEGMENTS.
    private static let segmentLimit = 64
    /// Bytes of one message: the largest UDP payload over IPv4.
    package static let messageBytesLimit = 65_507

    /// What is known of a message while it grows.
    private struct Run {
        /// Bytes of each datagram but the last, which may be shorter.
        var segmentBytes = 0
        var segments = 0
        var bytes = 0
        /// Whose lane it is on; -1: nobody's.
        var lane: Int32 = -1
        /// The last datagram was shorter, so none may follow.
        var isClosed = false
    }

    /// The message that a lane's next datagram may join.
    private struct Lane {
        var generation: UInt64 = 0
        var message = 0
    }

    /// What became of the datagrams of one lane.
    package struct LaneCount: Equatable, Sendable {
        /// Those that the kernel refused included.
        package var datagrams: UInt64 = 0
        package var bytes: UInt64 = 0
        package var refused: UInt64 = 0

        package init() {}

        package static func + (left: Self, right: Self) -> Self {
            var sum = left
            sum.datagrams &+= right.datagrams
            sum.bytes &+= right.bytes
            sum.refused &+= right.refused
            return sum
        }

        package static func - (left: Self, right: Self) -> Self {
            var difference = left
            difference.datagrams &-= right.datagrams
            difference.bytes &-= right.bytes
            difference.refused &-= right.refused
            return difference
        }
    }

    /// Datagrams that wait.
    package private(set) var count = 0
    /// What the kernel took, and what it refused, since the batch was made.
    package private(set) var sentCount: UInt64 = 0
    package private(set) var refusals = SendRefusals()
    /// Datagrams of one message at most.
    private let segments: Int
    private var messageCount = 0
    private var generation: UInt64 = 1
    private let messages: UnsafeMutablePointer<cl_mmsghdr>
    private let runs: UnsafeMutablePointer<Run>
    private let vectors: UnsafeMutablePointer<iovec>
    private let addresses: UnsafeMutablePointer<SocketAddress>
    private let headers: UnsafeMutableRawPointer
    private let controls: UnsafeMutableRawPointer
    private let lanes: UnsafeMutablePointer<Lane>
    private let laneCounts: UnsafeMutablePointer<LaneCount>

    /// `joinsDatagrams`: whether the socket segments, see ``UDPSocket/canSegment``.
    package init(joinsDatagrams: Bool = false) {
        segments = joinsDatagrams ? Self.segmentLimit : 1
        let vectorCount = 2 * segments * Self.capacity
        messages = .allocate(capacity: Self.capacity)
        runs = .allocate(capacity: Self.capacity)
        vectors = .allocate(capacity: vectorCount)
        addresses = .allocate(capacity: Self.capacity)
        headers = .allocate(
            byteCount: Self.capacity * segments * Self.headerLimit, alignment: 64)
        controls = .allocate(
            byteCount: Self.capacity * SegmentSize.controlBytes, alignment: 16)
        lanes = .allocate(capacity: Self.laneLimit)
        laneCounts = .allocate(capacity: Self.laneLimit)
        messages.initialize(repeating: cl_mmsghdr(), count: Self.capacity)
        runs.initialize(repeating: Run(), count: Self.capacity)
        vectors.initialize(repeating: iovec(), count: vectorCount)
        addresses.initialize(repeating: SocketAddress(), count: Self.capacity)
        lanes.initialize(repeating: Lane(), count: Self.laneLimit)
        laneCounts.initialize(repeating: LaneCount(), count: Self.laneLimit)
        for index in 0..<Self.capacity {
            messages[index].msg_hdr.msg_iov = vectors + 2 * segments * index
            messages[index].msg_hdr.msg_name = UnsafeMutableRawPointer(addresses + index)
        }
    }

    deinit {
        messages.deallocate()
        runs.deallocate()
        vectors.deallocate()
        addresses.deallocate()
        headers.deallocate()
        controls.deallocate()
        lanes.deallocate()
        laneCounts.deallocate()
    }

    package var isFull: Bool { messageCount == Self.capacity }

    /// What a flush will cost the kernel, roughly, in datagrams: a message costs as much as sixteen.
    package var load: Int { count &+ 16 &* messageCount }

    /// Adds a datagram and returns where its header of `headerBytes` is to be written, now.
    ///
    /// All datagrams of a `lane` go to one address; without a lane a datagram is a message.
    package mutating func append(
        headerBytes: Int, body: UnsafeRawBufferPointer, to address: borrowing SocketAddress,
        lane: Int = -1
    ) -> UnsafeMutableRawPointer {
        let room = reserve(
            1, headerBytes: headerBytes, bodyBytes: body.count, to: address, lane: lane)
        return room.add(0, body.baseAddress)
    }

    /// Makes room for up to `wanted` datagrams of one size, at least one: what fits in a message.
    ///
    /// They are all to be added to what is returned, now.
    package mutating func reserve(
        _ wanted: Int, headerBytes: Int, bodyBytes: Int, to address: borrowing SocketAddress,
        lane: Int
    ) -> SendRoom {
        precondition(!isFull && headerBytes <= Self.headerLimit, "batch overrun")
        let bytes = headerBytes + bodyBytes
        let message = place(bytes, to: address, lane: lane)
        let run = runs + message
        let segment = run.pointee.segments
        var granted = 1
        if wanted > 1, bytes > 0, bytes == run.pointee.segmentBytes {
            let left = (Self.messageBytesLimit - run.pointee.bytes) / bytes
            granted = max(1, min(wanted, segments - segment, left))
        }
        run.pointee.segments = segment &+ granted
        run.pointee.bytes &+= granted &* bytes
        count &+= granted
        let first = message * segments + segment
        return SendRoom(
            count: granted, headerBytes: headerBytes, bodyBytes: bodyBytes,
            headers: headers + first * Self.headerLimit,
            vectors: UnsafeMutableRawPointer(vectors + 2 * first))
    }

    /// The message that a datagram of `bytes` joins, or starts.
    private mutating func place(
        _ bytes: Int, to address: borrowing SocketAddress, lane: Int
    ) -> Int {
        let isCounted = lane >= 0 && lane < Self.laneLimit
        let hasLane = segments > 1 && isCounted
        if hasLane, lanes[lane].generation == generation {
            let message = lanes[lane].message
            let run = runs[message]
            // Nothing cannot be cut off.
            if !run.isClosed, bytes > 0, bytes <= run.segmentBytes, run.segments < segments,
                run.bytes &+ bytes <= Self.messageBytesLimit
            {
                runs[message].isClosed = bytes < run.segmentBytes
                return message
            }
        }
        let message = messageCount
        messageCount &+= 1
        runs[message] = Run(segmentBytes: bytes, lane: isCounted ? Int32(lane) : -1)
        addresses[message] = copy address
        messages[message].msg_hdr.msg_namelen = address.length
        if hasLane { lanes[lane] = Lane(generation: generation, message: message) }
        return message
    }

    /// Sends everything and empties the batch; returns how many datagrams the kernel refused.
    ///
    /// A full send buffer refuses the rest: live media must not wait.
    package mutating func flush(on socket: borrowing UDPSocket) -> Int {
        flush(through: socket.number)
    }

    package mutating func flush(through descriptor: Int32) -> Int {
        for message in 0..<messageCount { complete(message) }
        var next = 0
        var refused = 0
        while next < messageCount {
            let sent = retrying {
                Int(cl_sendmmsg(descriptor, messages + next, UInt32(messageCount - next), 0))
            }
            if sent > 0 {
                for message in next..<next + sent { settle(message, refused: 0) }
                next += sent
            } else if errno == EAGAIN || errno == ENOBUFS {
                let left = (next..<messageCount).reduce(0) { $0 + runs[$1].segments }
                for message in next..<messageCount {
                    settle(message, refused: runs[message].segments)
                }
                refusals.bufferFullCount &+= UInt64(left)
                refused += left
                break
            } else {
                let failed = runs[next].segments > 1 ? sendApart(next, descriptor) : refuse()
                settle(next, refused: failed)
                refused += failed
                next += 1
            }
        }
        sentCount &+= UInt64(max(0, count - refused))
        messageCount = 0
        count = 0
        generation &+= 1
        return refused
    }

    /// What has gone out on a lane since the batch was made.
    package func count(ofLane lane: Int) -> LaneCount {
        lane >= 0 && lane < Self.laneLimit ? laneCounts[lane] : LaneCount()
    }

    private func settle(_ message: Int, refused: Int) {
        let lane = Int(runs[message].lane)
        guard lane >= 0 else { return }
        laneCounts[lane].datagrams &+= UInt64(runs[message].segments)
        laneCounts[lane].bytes &+= UInt64(runs[message].bytes)
        laneCounts[lane].refused &+= UInt64(refused)
    }

    private func complete(_ message: Int) {
        let header = messages + message
        header.pointee.msg_hdr.msg_iovlen = 2 * runs[message].segments
        header.pointee.msg_hdr.msg_controllen = 0
        guard runs[message].segments > 1 else {
            header.pointee.msg_hdr.msg_control = nil
            return
        }
        header.pointee.msg_hdr.msg_control = controls + message * SegmentSize.controlBytes
        SegmentSize.write(runs[message].segmentBytes, into: &header.pointee.msg_hdr)
    }

    /// Counts one refused datagram (unreachable, too long); what is behind it goes on.
    private mutating func refuse() -> Int {
        refusals.count(errno)
        return 1
    }

    /// Sends one by one the datagrams of a message that the kernel would not cut apart.
    ///
    /// Its device or its path cannot (EIO, EINVAL, EMSGSIZE). Returns how many were refused.
    private mutating func sendApart(_ message: Int, _ descriptor: Int32) -> Int {
        var refused = 0
        var whole = messages[message].msg_hdr
        whole.msg_control = nil
        whole.msg_controllen = 0
        whole.msg_iovlen = 2
        for segment in 0..<runs[message].segments {
            whole.msg_iov = vectors + 2 * (message * segments + segment)
            if retrying({ sendmsg(descriptor, &whole, 0) }) < 0 { refused += refuse() }
        }
        return refused
    }
}
