import CLinux
import Glibc
import NetBasics

/// Datagrams on their way out, each a short header of its own and a body that is shared.
///
/// Allocated once; adding and sending copy no body, allocate nothing and count no references.
/// Bodies must stay in place until ``flush(on:)`` returned.
package struct SendBatch: ~Copyable {
    package static let capacity = 256
    /// Room for one header; bytes.
    package static let headerLimit = 32

    package private(set) var count = 0
    /// What the kernel refused since the batch was made.
    package private(set) var refusals = SendRefusals()
    private let messages: UnsafeMutablePointer<cl_mmsghdr>
    private let vectors: UnsafeMutablePointer<iovec>
    private let addresses: UnsafeMutablePointer<SocketAddress>
    private let headers: UnsafeMutableRawPointer

    package init() {
        messages = .allocate(capacity: Self.capacity)
        vectors = .allocate(capacity: 2 * Self.capacity)
        addresses = .allocate(capacity: Self.capacity)
        headers = .allocate(byteCount: Self.capacity * Self.headerLimit, alignment: 16)
        messages.initialize(repeating: cl_mmsghdr(), count: Self.capacity)
        vectors.initialize(repeating: iovec(), count: 2 * Self.capacity)
        addresses.initialize(repeating: SocketAddress(), count: Self.capacity)
        for index in 0..<Self.capacity {
            vectors[2 * index].iov_base = headers + index * Self.headerLimit
            messages[index].msg_hdr.msg_iov = vectors + 2 * index
            messages[index].msg_hdr.msg_name = UnsafeMutableRawPointer(addresses + index)
        }
    }

    deinit {
        messages.deallocate()
        vectors.deallocate()
        addresses.deallocate()
        headers.deallocate()
    }

    package var isFull: Bool { count == Self.capacity }

    /// Adds a datagram and returns where its header of `headerBytes` is to be written, now.
    package mutating func append(
        headerBytes: Int, body: UnsafeRawBufferPointer, to address: SocketAddress
    ) -> UnsafeMutableRawPointer {
        precondition(count < Self.capacity && headerBytes <= Self.headerLimit, "batch overrun")
        let slot = count
        count += 1
        addresses[slot] = address
        messages[slot].msg_hdr.msg_namelen = address.length
        vectors[2 * slot].iov_len = headerBytes
        vectors[2 * slot + 1].iov_base = UnsafeMutableRawPointer(mutating: body.baseAddress)
        vectors[2 * slot + 1].iov_len = body.count
        messages[slot].msg_hdr.msg_iovlen = body.isEmpty ? 1 : 2
        return headers + slot * Self.headerLimit
    }

    /// Sends everything and empties the batch; returns how many datagrams the kernel refused.
    ///
    /// A full send buffer refuses the rest: live media must not wait.
    package mutating func flush(on socket: borrowing UDPSocket) -> Int {
        var next = 0
        var refused = 0
        while next < count {
            let sent = retrying {
                Int(cl_sendmmsg(socket.number, messages + next, UInt32(count - next), 0))
            }
            if sent > 0 {
                next += sent
            } else if errno == EAGAIN || errno == ENOBUFS {
                refusals.bufferFullCount &+= UInt64(count - next)
                refused += count - next
                break
            } else {
                // This one datagram is refused (unreachable, too long); go on behind it.
                refusals.count(errno)
                refused += 1
                next += 1
            }
        }
        count = 0
        return refused
    }
}
