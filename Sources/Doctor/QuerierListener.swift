import CLinux
import Diagnosis
import Glibc
import NetBasics
import Sockets

/// Listens on an interface for membership queries, in front of every firewall; it sends nothing.
struct QuerierListener: ~Copyable {
    private let descriptor: FileDescriptor
    private let isIPv6: Bool
    private let startedAt = Clocks.now

    /// Opens it; what comes from now on waits in the kernel.
    init(interface: Int, isIPv6: Bool) throws(SystemError) {
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        // Protocol zero receives nothing until the filter is there and the interface chosen.
        let descriptor = try FileDescriptor(
            socket(Int32(CL_PACKET_FAMILY), type, 0), call: "socket", subject: "packets")
        try Self.filter(descriptor.number, isIPv6: isIPv6)
        var address = sockaddr_ll()
        address.sll_family = UInt16(CL_PACKET_FAMILY)
        let ethertype = isIPv6 ? CL_ETHERTYPE_IPV6 : CL_ETHERTYPE_IPV4
        address.sll_protocol = UInt16(ethertype).bigEndian
        address.sll_ifindex = Int32(interface)
        let number = descriptor.number
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
            }
        }
        guard status == 0 else { throw SystemError(call: "bind", subject: "packets") }
        self.descriptor = descriptor
        self.isIPv6 = isIPv6
    }

    /// Lets through IGMP, or what has a hop-by-hop header, as queries of MLD do.
    private static func filter(_ number: Int32, isIPv6: Bool) throws(SystemError) {
        let place: UInt32 = isIPv6 ? 6 : 9
        let wanted: UInt32 = isIPv6 ? 0 : 2
        var program = [
            sock_filter(code: UInt16(BPF_LD | BPF_B | BPF_ABS), jt: 0, jf: 0, k: place),
            sock_filter(code: UInt16(BPF_JMP | BPF_JEQ | BPF_K), jt: 0, jf: 1, k: wanted),
            sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: 256),
            sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: 0),
        ]
        let status = program.withUnsafeMutableBufferPointer { code in
            var description = sock_fprog(len: UInt16(code.count), filter: code.baseAddress)
            return setsockopt(
                number, SOL_SOCKET, SO_ATTACH_FILTER, &description,
                socklen_t(MemoryLayout<sock_fprog>.size))
        }
        guard status == 0 else { throw SystemError(call: "setsockopt", subject: "packets") }
    }

    /// Waits until a query has come, or until it has listened so long in all.
    func watch(for duration: Duration) -> QuerierWatch {
        let deadline = startedAt + duration
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = recv(descriptor.number, &buffer, buffer.count, 0)
            if count > 0 {
                let bytes = buffer[..<count]
                if let found = isIPv6 ? Self.queryIPv6(bytes) : Self.queryIPv4(bytes) {
                    return QuerierWatch(
                        duration: Clocks.now - startedAt, querier: found.querier,
                        version: found.version)
                }
                continue
            }
            let left = (deadline - Clocks.now).nanoseconds
            guard left > 0 else { return QuerierWatch(duration: Clocks.now - startedAt) }
            var entry = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            poll(&entry, 1, Int32(clamping: left / 1_000_000 + 1))
        }
    }

    typealias Query = (querier: IPAddress, version: Int)

    /// An IPv4 packet with a query of IGMP.
    ///
    /// The version shows by length and timer (RFC 9776, section 7.1).
    static func queryIPv4(_ bytes: ArraySlice<UInt8>) -> Query? {
        let bytes = Array(bytes)
        guard bytes.count >= 20, bytes[0] >> 4 == 4, bytes[9] == 2 else { return nil }
        let header = 4 * Int(bytes[0] & 0xF)
        guard header >= 20, bytes.count >= header + 8, bytes[header] == 0x11,
            let querier = IPAddress(networkBytes: bytes[12..<16])
        else { return nil }
        let total = Int(bytes[2]) << 8 | Int(bytes[3])
        let length = min(total, bytes.count) - header
        if length >= 12 { return (querier, 3) }
        return (querier, bytes[header + 1] == 0 ? 1 : 2)
    }

    /// An IPv6 packet with a query of MLD; the version by length (RFC 3810, section 8.1).
    static func queryIPv6(_ bytes: ArraySlice<UInt8>) -> Query? {
        let bytes = Array(bytes)
        guard bytes.count >= 48, bytes[0] >> 4 == 6, bytes[6] == 0, bytes[40] == 58,
            let querier = IPAddress(networkBytes: bytes[8..<24])
        else { return nil }
        let start = 48 + 8 * Int(bytes[41])
        guard bytes.count >= start + 24, bytes[start] == 130 else { return nil }
        let payload = Int(bytes[4]) << 8 | Int(bytes[5])
        let length = min(40 + payload, bytes.count) - start
        return (querier, length >= 28 ? 2 : 1)
    }
}
