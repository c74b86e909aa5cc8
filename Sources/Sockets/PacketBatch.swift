import CLinux
import Glibc
import NetBasics

/// Room for the datagrams of one `recvmmsg`, allocated once and reused.
///
/// Pages of the 64 KiB slots that no datagram ever reached stay untouched, so the resident size
/// is that of the traffic.
package struct PacketBatch: ~Copyable {
    package static let capacity = 64
    private static let slotBytes = 65_536

    package internal(set) var count = 0
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
        controls = .allocate(byteCount: capacity * PacketInfo.controlBytes, alignment: 16)
        bytes = .allocate(byteCount: capacity * Self.slotBytes, alignment: 4096)
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
    }

    /// Resets what the kernel overwrote.
    mutating func prepare() {
        for index in 0..<Self.capacity {
            messages[index].msg_hdr.msg_iov = vectors + index
            messages[index].msg_hdr.msg_iovlen = 1
            messages[index].msg_hdr.msg_name = UnsafeMutableRawPointer(addresses + index)
            messages[index].msg_hdr.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
            messages[index].msg_hdr.msg_control = controls + index * PacketInfo.controlBytes
            messages[index].msg_hdr.msg_controllen = PacketInfo.controlBytes
        }
    }

    /// The datagram at `index`, valid until the next receive; read it through `.bytes`.
    package func datagram(at index: Int) -> UnsafeRawBufferPointer {
        precondition(index < count, "datagram \(index) of \(count)")
        return UnsafeRawBufferPointer(
            start: bytes + index * Self.slotBytes, count: Int(messages[index].msg_len))
    }

    /// Who sent the datagram at `index`.
    package func sender(at index: Int) -> Endpoint? {
        precondition(index < count, "datagram \(index) of \(count)")
        return addresses[index].endpoint
    }

    /// The local address that the datagram at `index` was sent to, if the socket asks for it.
    package func destination(at index: Int) -> IPAddress? {
        precondition(index < count, "datagram \(index) of \(count)")
        return PacketInfo.destination(of: &messages[index].msg_hdr)
    }
}
