import Glibc
import PacketFormats
import Wire

/// The directory of `--sdp-dir`: one session description per remote member, kept up to date.
///
/// Readers never see half a file: each is written beside its place and then renamed.
package struct SessionDirectory {
    package let path: String
    private var names = SessionFileNames()
    private var texts: [PeerID: String] = [:]

    /// Creates the directory if it is missing; refuses one that cannot be written to.
    package init(path: String) throws(MediaError) {
        self.path = path
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw Self.failure("create", path, code: errno)
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw Self.failure("write to", path, code: errno)
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Self.failure("write to", path, code: ENOTDIR)
        }
    }

    /// Writes the member's file if its text changed; removes it when there is nothing to play.
    package mutating func update(_ session: MemberSession) throws(MediaError) {
        guard let text = session.sessionDescription?.description else {
            remove(session.source)
            return
        }
        guard texts[session.source] != text else { return }
        guard let name = names.assign(session.source, member: session.member) else {
            throw Self.failure("write", "\(path)/\(session.member).sdp", code: EEXIST)
        }
        try replace(name, by: Array(text.utf8))
        texts[session.source] = text
    }

    /// Removes the file of a member that has gone.
    package mutating func remove(_ peer: PeerID) {
        texts[peer] = nil
        if let name = names.release(peer) { unlink("\(path)/\(name)") }
    }

    /// Removes all files, on the way out.
    package mutating func removeAll() {
        for name in names.all { unlink("\(path)/\(name)") }
        names = SessionFileNames()
        texts = [:]
    }

    private func replace(_ name: String, by bytes: [UInt8]) throws(MediaError) {
        // No member's file can have this name: none starts with a dot.
        let temporary = "\(path)/.\(name).\(getpid())"
        unlink(temporary)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let number = open(temporary, flags, 0o644)
        guard number >= 0 else { throw Self.failure("write", temporary, code: errno) }
        let written = bytes.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
        let code = written < 0 ? errno : written < bytes.count ? ENOSPC : 0
        close(number)
        guard code == 0 else {
            unlink(temporary)
            throw Self.failure("write", temporary, code: code)
        }
        guard rename(temporary, "\(path)/\(name)") == 0 else {
            let code = errno
            unlink(temporary)
            throw Self.failure("write", "\(path)/\(name)", code: code)
        }
    }

    private static func failure(_ act: String, _ path: String, code: Int32) -> MediaError {
        MediaError(
            .system, "cannot \(act) \(shown(path)): \(String(cString: strerror(code)))",
            advice: "choose a directory of your own with --sdp-dir")
    }
}
