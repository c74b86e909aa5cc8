import CLinux
import Glibc
import NetBasics

/// This host's own addresses.
package enum Interfaces {
    /// Unicast addresses of all interfaces that are up, in the kernel's order.
    package static var addresses: [IPAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [IPAddress] = []
        var entry = list
        while let current = entry {
            entry = current.pointee.ifa_next
            guard let raw = current.pointee.ifa_addr, let address = address(at: raw),
                address.isUnicast, !found.contains(address)
            else { continue }
            found.append(address)
        }
        return found
    }

    private static func address(at raw: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
        let size =
            switch Int32(raw.pointee.sa_family) {
            case AF_INET: MemoryLayout<sockaddr_in>.size
            case AF_INET6: MemoryLayout<sockaddr_in6>.size
            default: 0
            }
        guard size > 0 else { return nil }
        var address = SocketAddress()
        withUnsafeMutableBytes(of: &address.storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: raw, count: size))
        }
        return address.endpoint?.address
    }
}
