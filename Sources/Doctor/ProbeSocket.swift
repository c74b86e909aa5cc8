import CLinux
import Glibc
import NetBasics
import Sockets

/// A UDP socket for tests of a path: it sees hop limits, joins groups and tells what it is refused.
struct ProbeSocket: ~Copyable {
    /// A datagram as it came.
    struct Arrival {
        var bytes: [UInt8]
        var sender: Endpoint
        /// Hop limit that was left; `nil` if the kernel does not say.
        var hops: UInt8?
        /// What the datagram was sent to.
        var destination: IPAddress?
    }

    let isIPv6: Bool
    private let descriptor: FileDescriptor
    private var buffer: [UInt8]

    var number: Int32 { descriptor.number }

    private static let bufferBytes = 1 << 16

    /// Opens a socket bound to `endpoint`; `isShared` lets others bind to it, too.
    init(binding endpoint: Endpoint, isShared: Bool = false) throws(SystemError) {
        let isIPv6 = if case .v6 = endpoint.address { true } else { false }
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = try FileDescriptor(
            socket(isIPv6 ? AF_INET6 : AF_INET, type, 0), call: "socket", subject: "\(endpoint)")
        try Self.prepare(descriptor.number, isIPv6: isIPv6, isShared: isShared)
        var address = SocketAddress(endpoint, family: isIPv6 ? .v6 : .v4)
        let number = descriptor.number
        guard withSockaddr(&address, { bind(number, $0, $1) }) == 0 else {
            throw SystemError(call: "bind", subject: "\(endpoint)")
        }
        self.isIPv6 = isIPv6
        self.descriptor = descriptor
        buffer = Array(repeating: 0, count: Self.bufferBytes)
    }

    private static func prepare(
        _ number: Int32, isIPv6: Bool, isShared: Bool
    ) throws(SystemError) {
        let one: Int32 = 1
        if isShared { try set(number, SOL_SOCKET, SO_REUSEADDR, one) }
        if isIPv6 {
            let level = Int32(IPPROTO_IPV6)
            try set(number, level, IPV6_V6ONLY, one)
            try set(number, level, IPV6_RECVHOPLIMIT, one)
            try set(number, level, IPV6_RECVPKTINFO, one)
        } else {
            try set(number, Int32(IPPROTO_IP), IP_RECVTTL, one)
            try set(number, Int32(IPPROTO_IP), IP_PKTINFO, one)
        }
    }

    var local: Endpoint? {
        var address = SocketAddress()
        var length = address.length
        _ = withUnsafeMutableBytes(of: &address.storage) {
            getsockname(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return address.endpoint
    }

    // MARK: - Options

    /// From now on only with `endpoint`, whose host's ICMP errors are then seen.
    func connect(to endpoint: Endpoint) throws(SystemError) {
        var address = SocketAddress(endpoint, family: isIPv6 ? .v6 : .v4)
        guard withSockaddr(&address, { Glibc.connect(number, $0, $1) }) == 0 else {
            throw SystemError(call: "connect", subject: "\(endpoint)")
        }
    }

    func setHops(unicast: Int? = nil, multicast: Int? = nil) throws(SystemError) {
        let level = Int32(isIPv6 ? Int(IPPROTO_IPV6) : Int(IPPROTO_IP))
        if let unicast {
            try set(level, isIPv6 ? IPV6_UNICAST_HOPS : IP_TTL, Int32(unicast))
        }
        if let multicast {
            try set(level, isIPv6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, Int32(multicast))
        }
    }

    /// Sends groups' packets by the interface, and hands them to members of this host, too.
    func chooseInterface(_ index: Int) throws(SystemError) {
        if isIPv6 {
            try set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_IF, Int32(index))
            try set(Int32(IPPROTO_IPV6), IPV6_MULTICAST_LOOP, Int32(1))
        } else {
            var request = ip_mreqn()
            request.imr_ifindex = Int32(index)
            try set(Int32(IPPROTO_IP), IP_MULTICAST_IF, request)
            try set(Int32(IPPROTO_IP), IP_MULTICAST_LOOP, Int32(1))
        }
    }

    /// Forbids fragments, and heeds what routers say of the path.
    func forbidFragments() throws(SystemError) {
        isIPv6
            ? try set(Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
            : try set(Int32(IPPROTO_IP), IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    }

    /// What the kernel holds for the path of a connected socket; bytes of IP packets.
    var pathMTU: Int? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let status =
            isIPv6
            ? getsockopt(number, Int32(IPPROTO_IPV6), IPV6_MTU, &value, &length)
            : getsockopt(number, Int32(IPPROTO_IP), IP_MTU, &value, &length)
        return status == 0 ? Int(value) : nil
    }

    /// Joins the group on the interface, with a source if one is given.
    func join(_ group: IPAddress, source: IPAddress?, interface: Int) throws(SystemError) {
        let level = Int32(isIPv6 ? Int(IPPROTO_IPV6) : Int(IPPROTO_IP))
        let subject = "\(group)"
        guard let source else {
            var request = group_req()
            request.gr_interface = UInt32(interface)
            Self.write(group, into: &request.gr_group)
            return try set(level, MCAST_JOIN_GROUP, request, "join", subject)
        }
        try change(MCAST_JOIN_SOURCE_GROUP, group, source, interface, "join")
    }

    func leave(_ group: IPAddress, source: IPAddress, interface: Int) throws(SystemError) {
        try change(MCAST_LEAVE_SOURCE_GROUP, group, source, interface, "leave")
    }

    private func change(
        _ option: Int32, _ group: IPAddress, _ source: IPAddress, _ interface: Int, _ call: String
    ) throws(SystemError) {
        var request = group_source_req()
        request.gsr_interface = UInt32(interface)
        Self.write(group, into: &request.gsr_group)
        Self.write(source, into: &request.gsr_source)
        let level = Int32(isIPv6 ? Int(IPPROTO_IPV6) : Int(IPPROTO_IP))
        try set(level, option, request, call, "\(source),\(group)")
    }

    private static func write(_ address: IPAddress, into storage: inout sockaddr_storage) {
        let endpoint = Endpoint(address: address, port: 0)
        var family = AddressFamily.v4
        if case .v6 = address { family = .v6 }
        let prepared = SocketAddress(endpoint, family: family)
        withUnsafeBytes(of: prepared.storage) { source in
            withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: source) }
        }
    }

    private func set(
        _ level: Int32, _ option: Int32, _ value: some BitwiseCopyable,
        _ call: String = "setsockopt", _ subject: String = "probe"
    ) throws(SystemError) {
        try Self.set(number, level, option, value, call, subject)
    }

    private static func set<Value: BitwiseCopyable>(
        _ number: Int32, _ level: Int32, _ option: Int32, _ value: Value,
        _ call: String = "setsockopt", _ subject: String = "probe"
    ) throws(SystemError) {
        var value = value
        guard
            setsockopt(number, level, option, &value, socklen_t(MemoryLayout<Value>.size)) == 0
        else { throw SystemError(call: call, subject: subject) }
    }

    // MARK: - Datagrams

    /// Sends to `endpoint`, or without one to whom the socket is connected to.
    ///
    /// `scope`: index of the interface, for groups and addresses of IPv6 that need one.
    func send(_ bytes: [UInt8], to endpoint: Endpoint?, scope: Int = 0) throws(SystemError) {
        let count: Int
        if let endpoint {
            var address = SocketAddress(endpoint, family: isIPv6 ? .v6 : .v4)
            if isIPv6 { address.storage.sin6_scope_id = UInt32(scope) }
            count = retrying {
                withSockaddr(&address) { sendto(number, bytes, bytes.count, 0, $0, $1) }
            }
        } else {
            count = retrying { Glibc.send(number, bytes, bytes.count, 0) }
        }
        guard count == bytes.count else {
            throw SystemError(call: "send", subject: endpoint.map { "\($0)" } ?? "probe")
        }
    }

    /// Sends to `endpoint` from the own address `source`.
    func send(
        _ bytes: [UInt8], to endpoint: Endpoint, from source: IPAddress
    ) throws(SystemError) {
        var address = SocketAddress(endpoint, family: isIPv6 ? .v6 : .v4)
        var control = [UInt8](repeating: 0, count: PacketInfo.controlBytes)
        let family = isIPv6 ? AddressFamily.v6 : .v4
        let count = bytes.withUnsafeBytes { body in
            control.withUnsafeMutableBytes { control in
                withUnsafeMutablePointer(to: &address.storage) { name in
                    var vector = iovec(
                        iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress),
                        iov_len: body.count)
                    return withUnsafeMutablePointer(to: &vector) { vector in
                        var message = msghdr()
                        message.msg_name = UnsafeMutableRawPointer(name)
                        message.msg_namelen = socklen_t(isIPv6 ? 28 : 16)
                        message.msg_iov = vector
                        message.msg_iovlen = 1
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                        PacketInfo.write(source: source, family: family, into: &message)
                        return retrying { sendmsg(number, &message, 0) }
                    }
                }
            }
        }
        guard count == bytes.count else { throw SystemError(call: "send", subject: "\(endpoint)") }
    }

    /// The next datagram; `nil` when none has come by `deadline`.
    ///
    /// What ICMP said of earlier sends on a connected socket is thrown.
    mutating func receive(by deadline: Instant) throws(SystemError) -> Arrival? {
        while true {
            if let arrival = try receiveNow() { return arrival }
            let left = (deadline - Clocks.now).nanoseconds
            guard left > 0 else { return nil }
            var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            poll(&entry, 1, Int32(clamping: left / 1_000_000 + 1))
        }
    }

    mutating func receiveNow() throws(SystemError) -> Arrival? {
        var address = SocketAddress()
        var control = [UInt8](repeating: 0, count: 256)
        var info: (hops: UInt8?, destination: IPAddress?) = (nil, nil)
        let number = number
        let count = buffer.withUnsafeMutableBytes { body in
            control.withUnsafeMutableBytes { control in
                withUnsafeMutableBytes(of: &address.storage) { name in
                    var vector = iovec(iov_base: body.baseAddress, iov_len: body.count)
                    return withUnsafeMutablePointer(to: &vector) { vector in
                        var message = msghdr()
                        message.msg_name = name.baseAddress
                        message.msg_namelen = socklen_t(name.count)
                        message.msg_iov = vector
                        message.msg_iovlen = 1
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                        let count = retrying { recvmsg(number, &message, 0) }
                        if count >= 0 { info = Self.ancillary(&message) }
                        return count
                    }
                }
            }
        }
        guard count >= 0 else {
            if errno == EAGAIN { return nil }
            throw SystemError(call: "receive", subject: "probe")
        }
        guard let sender = address.endpoint else { return nil }
        return Arrival(
            bytes: Array(buffer[..<count]), sender: sender, hops: info.hops,
            destination: info.destination)
    }

    private static func ancillary(_ message: inout msghdr) -> (UInt8?, IPAddress?) {
        var hops: UInt8?
        var destination: IPAddress?
        var header = cl_cmsg_first(&message)
        while let current = header {
            if let data = UnsafeRawPointer(cl_cmsg_data(current)) {
                switch (current.pointee.cmsg_level, current.pointee.cmsg_type) {
                case (Int32(IPPROTO_IP), IP_TTL), (Int32(IPPROTO_IPV6), IPV6_HOPLIMIT):
                    hops = UInt8(clamping: data.loadUnaligned(as: Int32.self))
                case (Int32(IPPROTO_IP), IP_PKTINFO):
                    let info = data.loadUnaligned(as: in_pktinfo.self)
                    destination = .v4(
                        IPv4Address(rawValue: UInt32(bigEndian: info.ipi_addr.s_addr)))
                case (Int32(IPPROTO_IPV6), IPV6_PKTINFO):
                    let bytes = UnsafeRawBufferPointer(start: data, count: 16)
                    destination = IPAddress(networkBytes: Array(bytes)[...])
                default: break
                }
            }
            header = cl_cmsg_next(&message, current)
        }
        return (hops, destination)
    }
}
