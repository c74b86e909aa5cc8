import CLinux
import Glibc
import NetBasics

/// A bound, non-blocking UDP socket.
package struct UDPSocket: ~Copyable {
    let descriptor: FileDescriptor
    package let family: AddressFamily
    package let local: Endpoint
    /// Whether a ``SendBatch`` may join datagrams for the kernel to cut apart.
    package let canSegment: Bool

    package var number: Int32 { descriptor.number }

    /// Buffers asked for, in bytes; the kernel may grant less.
    ///
    /// Two seconds of 16 Mbit/s.
    private static let bufferBytes: Int32 = 4 << 20

    /// Binds to `endpoint`; port 0 lets the kernel choose, `[::]` takes IPv4 as well.
    ///
    /// Where the kernel has no IPv6, `[::]` becomes `0.0.0.0`. `knowsDestination` makes
    /// ``PacketBatch/destination(at:)`` available.
    ///
    /// `forbidsFragments`: what is too long for a path is lost there, or refused here, and never cut by
    /// IP; paths of peers are probed (RFC 8899, section 4.4).
    ///
    /// `joinsDatagrams` asks the kernel to hand over datagrams of one sender together, and to cut
    /// apart what is sent so: many fewer crossings of the system's border.
    package init(
        binding endpoint: Endpoint, knowsDestination: Bool = false, joinsDatagrams: Bool = false,
        forbidsFragments: Bool = false
    ) throws(SystemError) {
        let opened = Self.open(endpoint)
        family = opened.family
        descriptor = try Self.bind(opened, knowsDestination: knowsDestination)
        local = Self.localEndpoint(of: opened.number) ?? opened.endpoint
        if forbidsFragments { Self.forbidFragments(opened.number, family: opened.family) }
        canSegment = joinsDatagrams && Self.joinDatagrams(on: opened.number)
    }

    /// Probes for UDP_SEGMENT, and asks for UDP_GRO (udp(7)); `false` before Linux 4.18.
    private static func joinDatagrams(on number: Int32) -> Bool {
        set(number, Int(IPPROTO_UDP), Int32(CL_UDP_GRO), 1)
        var size: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(
            number, Int32(IPPROTO_UDP), Int32(CL_UDP_SEGMENT), &size, &length) == 0
    }

    /// Sets the bit, and heeds no router's word about the path (ip(7), IP_PMTUDISC_PROBE).
    private static func forbidFragments(_ number: Int32, family: AddressFamily) {
        if family != .v6 { set(number, Int(IPPROTO_IP), IP_MTU_DISCOVER, IP_PMTUDISC_PROBE) }
        if family != .v4 {
            set(number, Int(IPPROTO_IPV6), IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)
        }
    }

    private typealias Opened = (number: Int32, endpoint: Endpoint, family: AddressFamily)

    private static func bind(
        _ opened: Opened, knowsDestination: Bool
    ) throws(SystemError) -> FileDescriptor {
        let subject = "\(opened.endpoint)"
        let descriptor = try FileDescriptor(opened.number, call: "socket", subject: subject)
        configure(opened.number, family: opened.family, knowsDestination: knowsDestination)
        var address = SocketAddress(opened.endpoint, family: opened.family)
        guard withSockaddr(&address, { Glibc.bind(opened.number, $0, $1) }) == 0 else {
            throw SystemError(call: "bind", subject: subject)
        }
        return descriptor
    }

    /// Opens a socket for `endpoint`, or for its IPv4 counterpart where there is no IPv6.
    private static func open(_ endpoint: Endpoint) -> Opened {
        let anyIPv6 = IPAddress.v6(IPv6Address(high: 0, low: 0))
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        if case .v6 = endpoint.address {
            let number = socket(AF_INET6, type, 0)
            if number >= 0 || errno != EAFNOSUPPORT || endpoint.address != anyIPv6 {
                return (number, endpoint, endpoint.address == anyIPv6 ? .dual : .v6)
            }
            let anyIPv4 = IPAddress.v4(IPv4Address(rawValue: 0))
            return open(Endpoint(address: anyIPv4, port: endpoint.port))
        }
        return (socket(AF_INET, type, 0), endpoint, .v4)
    }

    private static func configure(
        _ number: Int32, family: AddressFamily, knowsDestination: Bool
    ) {
        let socketLevel = Int(SOL_SOCKET)
        if family != .v4 { set(number, IPPROTO_IPV6, IPV6_V6ONLY, family == .dual ? 0 : 1) }
        if knowsDestination {
            if family != .v6 { set(number, Int(IPPROTO_IP), IP_PKTINFO, 1) }
            if family != .v4 { set(number, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) }
        }
        set(number, socketLevel, SO_RCVBUF, bufferBytes)
        set(number, socketLevel, SO_SNDBUF, bufferBytes)
        // Beyond the system's limit, for processes that may.
        set(number, socketLevel, SO_RCVBUFFORCE, bufferBytes)
        set(number, socketLevel, SO_SNDBUFFORCE, bufferBytes)
    }

    private static func localEndpoint(of number: Int32) -> Endpoint? {
        var address = SocketAddress()
        var length = address.length
        _ = withUnsafeMutableBytes(of: &address.storage) {
            getsockname(number, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return address.endpoint
    }

    private static func set(_ fd: Int32, _ level: Int, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(fd, Int32(level), option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Fills `batch` with what has arrived, up to so many messages; leaves it empty when nothing has.
    ///
    /// With `keepsEarlier` what the batch received before stays in place, though not in the batch; there has
    /// to be ``PacketBatch/room``.
    package func receive(
        into batch: inout PacketBatch, upTo limit: Int = PacketBatch.capacity,
        keepingEarlier keepsEarlier: Bool = false
    ) throws(SystemError) {
        let asked = batch.prepare(upTo: limit, keepingEarlier: keepsEarlier)
        let messages = batch.messages + batch.start
        let count = retrying { Int(cl_recvmmsg(number, messages, UInt32(asked), 0)) }
        if count < 0 {
            // Errors that earlier sends left on the socket say nothing about receiving.
            guard
                errno == EAGAIN || errno == ECONNREFUSED || errno == EHOSTUNREACH
                    || errno == ENETUNREACH
            else { throw SystemError(call: "recvmmsg", subject: "\(local)") }
        }
        batch.split(max(0, count), asked: asked)
    }

    /// Sends one datagram, from `source` if given; `false` if the kernel did not take it.
    @discardableResult
    package func send(
        _ bytes: [UInt8], to endpoint: Endpoint, from source: IPAddress? = nil
    ) -> Bool {
        if family == .v4, case .v6 = endpoint.address { return false }
        var address = SocketAddress(endpoint, family: family)
        return bytes.withUnsafeBytes { body in
            if let source { return sendFrom(source, body, to: &address) }
            let sent = retrying {
                withSockaddr(&address) { sendto(number, body.baseAddress, body.count, 0, $0, $1) }
            }
            return sent == body.count
        }
    }

    private func sendFrom(
        _ source: IPAddress, _ body: UnsafeRawBufferPointer, to address: inout SocketAddress
    ) -> Bool {
        var vector = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress), iov_len: body.count)
        var control: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
            (0, 0, 0, 0, 0, 0, 0, 0)
        return withUnsafeMutableBytes(of: &control) { control in
            withUnsafeMutablePointer(to: &vector) { vector in
                withUnsafeMutablePointer(to: &address.storage) { name in
                    var message = msghdr()
                    message.msg_name = UnsafeMutableRawPointer(name)
                    message.msg_namelen = address.length
                    message.msg_iov = vector
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    PacketInfo.write(source: source, family: family, into: &message)
                    return retrying { sendmsg(number, &message, 0) } == body.count
                }
            }
        }
    }
}

/// Calls `body` with `address` as the C functions take it.
package func withSockaddr<Result>(
    _ address: inout SocketAddress, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Result
) -> Result {
    let length = address.length
    return withUnsafeBytes(of: &address.storage) {
        body($0.baseAddress?.assumingMemoryBound(to: sockaddr.self), length)
    }
}
