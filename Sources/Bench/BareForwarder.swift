import CLinux
import Glibc
import NetBasics
import Sockets
import Wire

/// The limit: a plain loop that hands on what arrives, with the same system calls and no protocol.
///
/// It receives joined datagrams, and sends to each child a message of as many, each a header that
/// was written once and never looked at, and the shared body. Without segmentation each datagram is
/// a message of a `sendmmsg`.
struct BareForwarder: ~Copyable {
    private static let slots = 64
    private static let slotBytes = 65_536
    private static let segmentLimit = 64

    private let socket: UDPSocket
    private let children: Int
    private let segments: Int
    private let incoming: UnsafeMutablePointer<cl_mmsghdr>
    private let outgoing: UnsafeMutablePointer<cl_mmsghdr>
    private let inVectors: UnsafeMutablePointer<iovec>
    private let outVectors: UnsafeMutablePointer<iovec>
    private let inControls: UnsafeMutableRawPointer
    private let outControls: UnsafeMutableRawPointer
    private let addresses: UnsafeMutablePointer<sockaddr_in>
    private let bytes: UnsafeMutableRawPointer
    private let headers: UnsafeMutableRawPointer
    private var copies = 0
    private var queued = 0

    init(_ socket: consuming UDPSocket, to sinks: [Endpoint]) {
        children = sinks.count
        segments = socket.canSegment ? Self.segmentLimit : 1
        self.socket = socket
        let outSlots = max(Self.slots, sinks.count) * 2
        incoming = .allocate(capacity: Self.slots)
        outgoing = .allocate(capacity: outSlots)
        inVectors = .allocate(capacity: Self.slots)
        outVectors = .allocate(capacity: outSlots * 2 * segments)
        inControls = .allocate(byteCount: Self.slots * 64, alignment: 16)
        outControls = .allocate(byteCount: outSlots * 32, alignment: 16)
        addresses = .allocate(capacity: sinks.count)
        bytes = .allocate(byteCount: Self.slots * Self.slotBytes, alignment: 4096)
        headers = .allocate(byteCount: sinks.count * 64, alignment: 64)
        headers.initializeMemory(as: UInt8.self, repeating: 0x5A, count: sinks.count * 64)
        incoming.initialize(repeating: cl_mmsghdr(), count: Self.slots)
        outgoing.initialize(repeating: cl_mmsghdr(), count: outSlots)
        for slot in 0..<Self.slots {
            (inVectors + slot).initialize(
                to: iovec(iov_base: bytes + slot * Self.slotBytes, iov_len: Self.slotBytes))
            incoming[slot].msg_hdr.msg_iov = inVectors + slot
            incoming[slot].msg_hdr.msg_iovlen = 1
            incoming[slot].msg_hdr.msg_control = inControls + slot * 64
        }
        for (child, sink) in sinks.enumerated() {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = sink.port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            (addresses + child).initialize(to: address)
        }
    }

    deinit {
        incoming.deallocate()
        outgoing.deallocate()
        inVectors.deallocate()
        outVectors.deallocate()
        inControls.deallocate()
        outControls.deallocate()
        addresses.deallocate()
        bytes.deallocate()
        headers.deallocate()
    }

    var number: Int32 { socket.number }

    /// Hands on what has arrived; returns the copies, `nil` if nothing had.
    mutating func work() -> Int? {
        for slot in 0..<Self.slots { incoming[slot].msg_hdr.msg_controllen = 64 }
        let count = Int(cl_recvmmsg(socket.number, incoming, UInt32(Self.slots), 0))
        guard count > 0 else { return nil }
        copies = 0
        for slot in 0..<count { forward(slot) }
        flush()
        return copies
    }

    private mutating func forward(_ slot: Int) {
        // A pointer of its own, as in `PacketBatch`: for the thread sanitizer.
        let message = incoming + slot
        let length = Int(message.pointee.msg_len)
        let size = Self.segmentSize(&message.pointee.msg_hdr) ?? length
        for start in stride(from: 0, to: length, by: size * segments) {
            let end = min(length, start + size * segments)
            for child in 0..<children {
                queue(bytes + slot * Self.slotBytes, start..<end, size, child)
            }
        }
    }

    /// Queues the datagrams of `size` in `range` for a child, as one message.
    private mutating func queue(
        _ base: UnsafeMutableRawPointer, _ range: Range<Int>, _ size: Int, _ child: Int
    ) {
        if queued == 2 * max(Self.slots, children) { flush() }
        let vectors = outVectors + queued * 2 * segments
        var vector = 0
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(range.upperBound, start + size)
            vectors[vector] = iovec(iov_base: headers + child * 64, iov_len: MediaHeader.bodyOffset)
            vectors[vector + 1] = iovec(
                iov_base: base + start + MediaHeader.bodyOffset,
                iov_len: end - start - MediaHeader.bodyOffset)
            vector += 2
            start = end
        }
        var message = msghdr()
        message.msg_name = UnsafeMutableRawPointer(addresses + child)
        message.msg_namelen = socklen_t(MemoryLayout<sockaddr_in>.size)
        message.msg_iov = vectors
        message.msg_iovlen = vector
        if vector > 2 { setSegmentSize(size, of: &message) }
        outgoing[queued].msg_hdr = message
        queued += 1
        copies += vector / 2
    }

    private func setSegmentSize(_ size: Int, of message: inout msghdr) {
        message.msg_control = outControls + queued * 32
        message.msg_controllen = cl_cmsg_space(2)
        guard let header = cl_cmsg_first(&message), let data = cl_cmsg_data(header) else { return }
        header.pointee.cmsg_level = Int32(IPPROTO_UDP)
        header.pointee.cmsg_type = Int32(CL_UDP_SEGMENT)
        header.pointee.cmsg_len = cl_cmsg_length(2)
        data.storeBytes(of: UInt16(size), as: UInt16.self)
    }

    private static func segmentSize(_ message: inout msghdr) -> Int? {
        guard let header = cl_cmsg_first(&message),
            header.pointee.cmsg_type == Int32(CL_UDP_GRO), let data = cl_cmsg_data(header)
        else { return nil }
        return Int(UnsafeRawPointer(data).loadUnaligned(as: Int32.self))
    }

    private mutating func flush() {
        var next = 0
        while next < queued {
            let sent = Int(cl_sendmmsg(socket.number, outgoing + next, UInt32(queued - next), 0))
            next += max(1, sent)
        }
        queued = 0
    }
}
