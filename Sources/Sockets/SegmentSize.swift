import CLinux
import Glibc

/// The ancillary data that tells the size of the datagrams in a joined message (udp(7)).
///
/// UDP_SEGMENT asks the kernel to cut what is sent; UDP_GRO tells how what arrived is to be cut.
enum SegmentSize {
    static let controlBytes = 32

    /// Makes the kernel cut `message` into datagrams of `bytes`; its control buffer holds
    /// ``controlBytes``.
    static func write(_ bytes: Int, into message: inout msghdr) {
        message.msg_controllen = cl_cmsg_space(MemoryLayout<UInt16>.size)
        guard let header = cl_cmsg_first(&message), let data = cl_cmsg_data(header) else { return }
        header.pointee.cmsg_level = Int32(IPPROTO_UDP)
        header.pointee.cmsg_type = Int32(CL_UDP_SEGMENT)
        header.pointee.cmsg_len = cl_cmsg_length(MemoryLayout<UInt16>.size)
        data.storeBytes(of: UInt16(clamping: bytes), as: UInt16.self)
    }

    /// The size of the datagrams in a received message; `nil` if it is a single one.
    static func read(from message: inout msghdr) -> Int? {
        var header = cl_cmsg_first(&message)
        while let current = header {
            if current.pointee.cmsg_level == Int32(IPPROTO_UDP),
                current.pointee.cmsg_type == Int32(CL_UDP_GRO),
                let data = cl_cmsg_data(current)
            {
                return Int(UnsafeRawPointer(data).loadUnaligned(as: Int32.self))
            }
            header = cl_cmsg_next(&message, current)
        }
        return nil
    }
}
