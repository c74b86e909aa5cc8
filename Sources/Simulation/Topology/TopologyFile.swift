import Glibc
import NetBasics

/// Topologies in files: JSON, or the format of the King matrix.
package enum TopologyFile {
    /// 64 MiB; a matrix of 3,000 hosts in JSON, and three times the King matrix.
    package static let byteLimit = 64 << 20

    /// Reads and parses the regular file at `path`; the error names the file.
    package static func read(_ path: String) throws(TopologyError) -> Topology {
        let bytes = try contents(of: path)
        do throws(TopologyError) {
            return try parse(bytes)
        } catch {
            throw TopologyError("\(shownName(path)): \(error.message)", advice: error.advice)
        }
    }

    /// Tells the formats apart by the first character; JSON starts with a brace.
    package static func parse(_ bytes: [UInt8]) throws(TopologyError) -> Topology {
        let space: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        if bytes.first(where: { !space.contains($0) }) == UInt8(ascii: "{") {
            return try Topology(json: bytes)
        }
        return try KingMatrix.parse(bytes)
    }

    private static func contents(of path: String) throws(TopologyError) -> [UInt8] {
        // O_NONBLOCK, so that a pipe without a writer is refused below, not waited for.
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw unreadable(path, code: errno) }
        defer { close(number) }
        var status = stat()
        guard fstat(number, &status) == 0 else { throw unreadable(path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw TopologyError("cannot read \(shownName(path)): not a regular file")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= byteLimit {
            let got = Glibc.read(number, &chunk, chunk.count)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw unreadable(path, code: errno) }
            if got == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<got])
        }
        throw TopologyError("\(shownName(path)) has more than \(byteLimit >> 20) MiB")
    }

    private static func unreadable(_ path: String, code: Int32) -> TopologyError {
        TopologyError(
            "cannot read \(shownName(path)): \(String(cString: strerror(code)))",
            advice: TopologySpec.advice)
    }
}
