import CLinux
import Glibc
import NetBasics

/// A listening UNIX stream socket that only its owner may connect to (mode 0600).
package struct UnixListener: ~Copyable {
    private let descriptor: FileDescriptor
    package let path: String

    package var number: Int32 { descriptor.number }

    /// Listens at `path`; a file that nobody listens on any more is replaced.
    package init(path: String) throws(SystemError) {
        descriptor = try Self.listen(at: path)
        self.path = path
    }

    private static func listen(at path: String) throws(SystemError) -> FileDescriptor {
        let descriptor = try openUnixSocket(path)
        var address = try unixAddress(path)
        if isAbandoned(path) { unlink(path) }
        let mask = umask(0o177)
        let bound = withUnixSockaddr(&address) { bind(descriptor.number, $0, $1) }
        umask(mask)
        guard bound == 0 else { throw SystemError(call: "bind", subject: path) }
        guard Glibc.listen(descriptor.number, 8) == 0 else {
            throw SystemError(call: "listen", subject: path)
        }
        return descriptor
    }

    /// The next waiting client, if any.
    package func accept() -> UnixConnection? {
        let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = cl_accept4(descriptor.number, flags)
        return UnixConnection(number: number)
    }

    deinit { unlink(path) }
}

/// One client's connection: bounded lines in, lines out.
package struct UnixConnection: ~Copyable {
    private let descriptor: FileDescriptor
    private var received: [UInt8] = []

    /// A request line at most; bytes.
    private static let lineLimit = 4096

    package var number: Int32 { descriptor.number }

    package enum Input: Equatable, Sendable {
        case line(String)
        case nothing
        /// The client went away, or broke the rules: close.
        case end
    }

    fileprivate init?(number: Int32) {
        guard let descriptor = try? FileDescriptor(number, call: "accept", subject: "client")
        else { return nil }
        self.descriptor = descriptor
    }

    /// Reads what has arrived, up to the end of a line.
    package mutating func readLine() -> Input {
        var chunk: [UInt8] = Array(repeating: 0, count: 1024)
        let count = chunk.withUnsafeMutableBytes { buffer in
            retrying { read(descriptor.number, buffer.baseAddress, buffer.count) }
        }
        if count < 0 { return errno == EAGAIN ? .nothing : .end }
        if count == 0 { return .end }
        received += chunk[..<count]
        guard let newline = received.firstIndex(of: UInt8(ascii: "\n")) else {
            return received.count > Self.lineLimit ? .end : .nothing
        }
        let line = String(validating: received[..<newline], as: UTF8.self)
        received.removeSubrange(...newline)
        return line.map { .line($0) } ?? .end
    }

    /// Writes `line` and a newline; a client that does not read in time is given up.
    package func write(line: String) {
        writeAll(Array(line.utf8) + [UInt8(ascii: "\n")], to: descriptor.number)
    }
}

/// Asks the process that listens on a UNIX socket one question.
package enum UnixClient {
    /// Sends `line` and returns the answer's first line; blocks for at most `timeout`.
    package static func ask(
        _ line: String, at path: String, timeout: Duration
    ) throws(SystemError) -> String {
        let descriptor = try connectUnix(path)
        writeAll(Array(line.utf8) + [UInt8(ascii: "\n")], to: descriptor.number)
        let deadline = Clocks.now + timeout
        var received: [UInt8] = []
        var chunk: [UInt8] = Array(repeating: 0, count: 65_536)
        while Clocks.now < deadline {
            var poller = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            poll(&poller, 1, 100)
            let count = chunk.withUnsafeMutableBytes { buffer in
                retrying { read(descriptor.number, buffer.baseAddress, buffer.count) }
            }
            if count < 0, errno == EAGAIN { continue }
            if count <= 0 { throw SystemError(code: ECONNRESET, call: "read", subject: path) }
            received += chunk[..<count]
            if let newline = received.firstIndex(of: UInt8(ascii: "\n")) {
                return String(decoding: received[..<newline], as: UTF8.self)
            }
        }
        throw SystemError(code: ETIMEDOUT, call: "read", subject: path)
    }

    /// Whether a process listens at `path`.
    package static func isServed(_ path: String) -> Bool {
        do {
            _ = try connectUnix(path)
            return true
        } catch {
            return false
        }
    }
}

// MARK: - Helpers

private func openUnixSocket(_ path: String) throws(SystemError) -> FileDescriptor {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    return try FileDescriptor(socket(AF_UNIX, type, 0), call: "socket", subject: path)
}

private func connectUnix(_ path: String) throws(SystemError) -> FileDescriptor {
    let descriptor = try openUnixSocket(path)
    var address = try unixAddress(path)
    guard withUnixSockaddr(&address, { connect(descriptor.number, $0, $1) }) == 0 else {
        throw SystemError(call: "connect", subject: path)
    }
    return descriptor
}

/// A socket file whose process is gone.
private func isAbandoned(_ path: String) -> Bool {
    do {
        _ = try connectUnix(path)
        return false
    } catch {
        return error.call == "connect" && error.code == ECONNREFUSED
    }
}

private func unixAddress(_ path: String) throws(SystemError) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw SystemError(code: ENAMETOOLONG, call: "bind", subject: path)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return address
}

private func withUnixSockaddr(
    _ address: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>?, socklen_t) -> Int32
) -> Int32 {
    withUnsafeBytes(of: &address) {
        body($0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
}

/// Writes everything, waiting at most 50 ms in all for a slow reader.
private func writeAll(_ bytes: [UInt8], to number: Int32) {
    let deadline = Clocks.now + .milliseconds(50)
    var offset = 0
    while offset < bytes.count, Clocks.now < deadline {
        let sent = bytes[offset...].withUnsafeBytes { buffer in
            retrying { send(number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL)) }
        }
        if sent > 0 {
            offset += sent
        } else {
            guard errno == EAGAIN else { return }
            var poller = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
            poll(&poller, 1, 100)
        }
    }
}
