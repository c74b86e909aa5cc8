import CLinux
import Glibc
import NetBasics

/// The ancillary data that tells to, or from, which local address a datagram goes (ip(7), ipv6(7)).
package enum PacketInfo {
    package static let controlBytes = 64

    /// The local address that a received message was sent to.
    static func destination(of message: inout msghdr) -> IPAddress? {
        var header = cl_cmsg_first(&message)
        while let current = header {
            let data = UnsafeRawPointer(cl_cmsg_data(current))
            switch (current.pointee.cmsg_level, current.pointee.cmsg_type, data) {
            case (Int32(IPPROTO_IP), IP_PKTINFO, let data?):
                let info = data.loadUnaligned(as: in_pktinfo.self)
                return .v4(IPv4Address(rawValue: UInt32(bigEndian: info.ipi_addr.s_addr)))
            case (Int32(IPPROTO_IPV6), IPV6_PKTINFO, let data?):
                // in6_pktinfo starts with the address.
                return IPAddress(IPv6Address(data.loadUnaligned(as: in6_addr.self)))
            default:
                header = cl_cmsg_next(&message, current)
            }
        }
        return nil
    }

    /// Makes `message` leave from `source`; its control buffer holds ``controlBytes``.
    package static func write(
        source: IPAddress, family: AddressFamily, into message: inout msghdr
    ) {
        guard let header = cl_cmsg_first(&message), let data = cl_cmsg_data(header) else { return }
        switch source {
        case .v4(let address):
            var info = in_pktinfo()
            info.ipi_spec_dst.s_addr = address.rawValue.bigEndian
            header.pointee.cmsg_level = Int32(IPPROTO_IP)
            header.pointee.cmsg_type = IP_PKTINFO
            finish(&message, header, MemoryLayout<in_pktinfo>.size)
            data.storeBytes(of: info, as: in_pktinfo.self)
        case .v6(let address):
            // in6_pktinfo: 16 bytes of address, then the interface index, zero for any.
            header.pointee.cmsg_level = Int32(IPPROTO_IPV6)
            header.pointee.cmsg_type = IPV6_PKTINFO
            finish(&message, header, 20)
            data.storeBytes(of: in6_addr(address), as: in6_addr.self)
        }
    }

    private static func finish(
        _ message: inout msghdr, _ header: UnsafeMutablePointer<cmsghdr>, _ bytes: Int
    ) {
        header.pointee.cmsg_len = cl_cmsg_length(bytes)
        message.msg_controllen = cl_cmsg_space(bytes)
    }
}
