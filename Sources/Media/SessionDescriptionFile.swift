import Glibc
import PacketFormats

/// Session descriptions in files, read within bounds.
package enum SessionDescriptionFile {
    /// Reads and parses the regular file at `path`; the error names the file, and the line.
    package static func read(path: String) throws(MediaError) -> SessionDescription {
        let bytes = try contents(of: path)
        do {
            return try SessionDescription(parsing: bytes)
        } catch {
            throw MediaError(
                .input, "\(shown(path)) is no session description: \(error)",
                advice: "let ffmpeg write one with -sdp_file")
        }
    }

    /// At most one byte more than a session description may have.
    private static func contents(of path: String) throws(MediaError) -> [UInt8] {
        // O_NONBLOCK, so that a pipe without a writer is refused below, not waited for.
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw unreadable(path, code: errno) }
        defer { close(number) }
        var status = stat()
        guard fstat(number, &status) == 0 else { throw unreadable(path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MediaError(
                .input, "cannot read \(shown(path)): not a regular file",
                advice: "name an SDP file")
        }
        var bytes = [UInt8](repeating: 0, count: SessionDescription.byteLimit + 1)
        var count = 0
        while count < bytes.count {
            let start = count
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(number, buffer.baseAddress.map { $0 + start }, buffer.count - start)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw unreadable(path, code: errno) }
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private static func unreadable(_ path: String, code: Int32) -> MediaError {
        let reason = String(cString: strerror(code))
        return MediaError(
            .input, "cannot read \(shown(path)): \(reason)",
            advice: "check the path and its permissions, or let ffmpeg write it with -sdp_file")
    }
}
