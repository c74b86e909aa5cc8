import CLinux
import Glibc
import NetBasics

/// Room for the datagrams of one `recvmmsg`, allocated once and reused.
///
/// A socket that receives joined datagrams fills a slot with many of them, which are told apart
/// here.
/// Pages of the 64 KiB slots that no datagram ever reached stay untouched, so the resident size
/// is that of the traffic.
package struct PacketBatch: ~Copyable {
    /// Messages of a batch.
    package static let capacity = 64
    /// Messages of a part, where parts are received behind each other, round and round.
    package static let partCapacity = 8
    /// Parts that are in place at the same time.
    package static let parts = capacity / partCapacity
    private static let slotBytes = 65_536
    private static let controlBytes = PacketInfo.controlBytes + SegmentSize.controlBytes
    /// Datagrams of one message at most; the kernel joins no more.
    private static let segmentLimit = 128

    /// A datagram: where it is, and of which message.
    private struct Segment {
        var message: Int32
        var bytes: Int32
        var start: UnsafeMutableRawPointer
    }

    package private(set) var count = 0
    /// Whether the kernel may have more than what it was asked for.
    package private(set) var wasFilled = false
    /// Whether messages held many datagrams each when some last came.
    package private(set) var isJoined = false
    /// Whether the last receive was of a part at most.
    package private(set) var isPart = false
    /// The place of the last receive's first message.
    private(set) var start = 0
    /// Messages of the last receive.
    private var received = 0
    /// Messages that the kernel may have written since they were prepared.
    private var overwritten = 0..<capacity
    private let segments: UnsafeMutablePointer<Segment>
    let messages: UnsafeMutablePointer<cl_mmsghdr>
    private let vectors: UnsafeMutablePointer<iovec>
    private let addresses: UnsafeMutablePointer<SocketAddress>
    private let controls: UnsafeMutableRawPointer
    private let bytes: UnsafeMutableRawPointer

    package init() {
        let capacity = Self.capacity
        messages = .allocate(capacity: capacity)
        vectors = .allocate(capacity: capacity)
        addresses = .allocate(capacity: capacity)
        controls = .allocate(byteCount: capacity * Self.controlBytes, alignment: 16)
        bytes = .allocate(byteCount: capacity * Self.slotBytes, alignment: 4096)
        segments = .allocate(capacity: capacity * Self.segmentLimit)
        addresses.initialize(repeating: SocketAddress(), count: capacity)
        for index in 0..<capacity {
            (vectors + index).initialize(
                to: iovec(iov_base: bytes + index * Self.slotBytes, iov_len: Self.slotBytes))
            (messages + index).initialize(to: cl_mmsghdr())
        }
    }

    deinit {
        messages.deallocate()
        vectors.deallocate()
        addresses.deallocate()
        controls.deallocate()
        bytes.deallocate()
        segments.deallocate()
    }

    /// Resets what the kernel overwrote; returns how many messages it may write, from ``start`` on.
    mutating func prepare(upTo limit: Int, keepingEarlier keeps: Bool) -> Int {
        start = keeps ? (start + received) % Self.capacity : 0
        let asked = min(limit, Self.capacity - start)
        isPart = asked <= Self.partCapacity
        for index in overwritten {
            messages[index].msg_hdr.msg_iov = vectors + index
            messages[index].msg_hdr.msg_iovlen = 1
            messages[index].msg_hdr.msg_name = UnsafeMutableRawPointer(addresses + index)
            messages[index].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
            messages[index].msg_hdr.msg_control = controls + index * Self.controlBytes
            messages[index].msg_hdr.msg_controllen = Self.controlBytes
        }
        return asked
    }

    /// Tells apart the datagrams of `messageCount` messages, of those that were asked for.
    mutating func split(_ messageCount: Int, asked: Int) {
        count = 0
        received = messageCount
        wasFilled = messageCount == asked
        overwritten = start..<start + messageCount
        for message in overwritten {
            // A pointer of its own: for the thread sanitizer, Swift 6.3 cannot compile `&` on a
            // pointer that `self` holds, where `self` is changed.
            let written = messages + message
            let length = Int(written.pointee.msg_len)
            // Nothing to look for where the kernel gave no ancillary data.
            let size =
                written.pointee.msg_hdr.msg_controllen > 0
                ? SegmentSize.read(from: &written.pointee.msg_hdr) ?? length : length
            split(message, length, into: max(1, size))
        }
        if messageCount > 0 { isJoined = count > 4 * messageCount }
    }

    private mutating func split(_ message: Int, _ length: Int, into size: Int) {
        let start = bytes + message * Self.slotBytes
        let limit = count + Self.segmentLimit
        var offset = 0
        // An empty datagram is one, too.
        repeat {
            let bytes = min(size, length - offset)
            segments[count] = Segment(
                message: Int32(truncatingIfNeeded: message),
                bytes: Int32(truncatingIfNeeded: bytes), start: start + offset)
            count &+= 1
            offset &+= size
        } while offset < length && count < limit
    }

    /// The datagram at `index`, valid until the next receive; read it through `.bytes`.
    package func datagram(at index: Int) -> UnsafeRawBufferPointer {
        precondition(index < count, "datagram \(index) of \(count)")
        return UnsafeRawBufferPointer(
            start: segments[index].start, count: Int(segments[index].bytes))
    }

    /// Who sent the datagram at `index`.
    package func sender(at index: Int) -> Endpoint? {
        precondition(index < count, "datagram \(index) of \(count)")
        return addresses[Int(segments[index].message)].endpoint
    }

    /// The local address that the datagram at `index` was sent to, if the socket asks for it.
    package func destination(at index: Int) -> IPAddress? {
        precondition(index < count, "datagram \(index) of \(count)")
        return PacketInfo.destination(of: &messages[Int(segments[index].message)].msg_hdr)
    }
}
