import CLinux
import Glibc
import NetBasics

/// An endpoint as the kernel wants it, ready to be sent to without conversion.
package struct SocketAddress: Sendable {
    package var storage: sockaddr_in6
    package var length: socklen_t

    /// An empty address for the kernel to fill.
    package init() {
        storage = sockaddr_in6()
        length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    }

    /// `endpoint` as a socket of `family` sends to it; IPv4 is mapped on IPv6 sockets.
    package init(_ endpoint: Endpoint, family: AddressFamily) {
        self.init()
        switch (family, endpoint.address) {
        case (.v4, .v4(let address)):
            var ipv4 = sockaddr_in()
            ipv4.sin_family = sa_family_t(AF_INET)
            ipv4.sin_port = endpoint.port.bigEndian
            ipv4.sin_addr.s_addr = address.rawValue.bigEndian
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutableBytes(of: &storage) {
                $0.storeBytes(of: ipv4, as: sockaddr_in.self)
            }
        case (_, .v4(let address)):
            setIPv6(
                IPv6Address(high: 0, low: 0xFFFF << 32 | UInt64(address.rawValue)),
                port: endpoint.port)
        case (_, .v6(let address)):
            setIPv6(address, port: endpoint.port)
        }
    }

    private mutating func setIPv6(_ address: IPv6Address, port: UInt16) {
        storage.sin6_family = sa_family_t(AF_INET6)
        storage.sin6_port = port.bigEndian
        storage.sin6_addr = in6_addr(address)
    }

    /// The endpoint; `nil` if the kernel filled in no IP address.
    package var endpoint: Endpoint? {
        switch Int32(storage.sin6_family) {
        case AF_INET:
            withUnsafeBytes(of: storage) {
                let ipv4 = $0.loadUnaligned(as: sockaddr_in.self)
                return Endpoint(
                    address: .v4(IPv4Address(rawValue: UInt32(bigEndian: ipv4.sin_addr.s_addr))),
                    port: UInt16(bigEndian: ipv4.sin_port))
            }
        case AF_INET6:
            Endpoint(
                address: IPAddress(IPv6Address(storage.sin6_addr)),
                port: UInt16(bigEndian: storage.sin6_port))
        default:
            nil
        }
    }
}

/// The address family of a socket; `dual` is IPv6 that also carries IPv4.
package enum AddressFamily: Sendable {
    case v4
    case v6
    case dual
}

extension in6_addr {
    init(_ address: IPv6Address) {
        self.init()
        withUnsafeMutableBytes(of: &self) {
            $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
            $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
    }
}

extension IPv6Address {
    init(_ address: in6_addr) {
        self = withUnsafeBytes(of: address) {
            IPv6Address(
                high: UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}
