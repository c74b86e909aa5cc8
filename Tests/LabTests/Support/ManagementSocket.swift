import Foundation
@preconcurrency import Glibc
import Management

/// Asks a peer over its management socket, which costs less than a run of `polycast status`.
enum ManagementSocket {
    static func ask(_ path: String, _ request: ManagementRequest) throws -> ManagementResponse {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw LabError("socket: errno \(errno)") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        try connect(descriptor, to: path)

        let question = Array(request.line.utf8)
        guard write(descriptor, question, question.count) == question.count else {
            throw LabError("\(path): write failed, errno \(errno)")
        }
        let line = try readLine(descriptor, path)
        return try ManagementResponse(line: line, to: request)
    }

    private static func connect(_ descriptor: Int32, to path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < room else { throw LabError("\(path) is too long for a socket") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw LabError("\(path): connect failed, errno \(errno)") }
    }

    private static func readLine(_ descriptor: Int32, _ path: String) throws -> [UInt8] {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while line.last != UInt8(ascii: "\n") {
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0, !line.isEmpty { return line }
            guard count > 0 else { throw LabError("\(path): no answer, errno \(errno)") }
            line += chunk[..<count]
        }
        return line.dropLast()
    }
}
