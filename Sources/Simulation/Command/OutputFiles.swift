import Glibc
import Management

/// Files that the simulator leaves behind.
enum OutputFiles {
    /// Creates a directory and those above it, and makes sure that it can be written to.
    static func makeDirectory(_ path: String, option: String) throws(Failure) {
        var partial = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + component
            guard mkdir(partial, 0o755) == 0 || errno == EEXIST else {
                throw failure("create", partial, option, code: errno)
            }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw failure("write to", path, option, code: ENOTDIR)
        }
        guard access(path, W_OK | X_OK) == 0 else {
            throw failure("write to", path, option, code: errno)
        }
    }

    static func write(_ text: String, to path: String, option: String) throws(Failure) {
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw failure("write", path, option, code: errno) }
        defer { close(number) }
        guard writeAll(text, to: number) else { throw failure("write", path, option, code: errno) }
    }

    private static func failure(
        _ act: String, _ path: String, _ option: String, code: Int32
    ) -> Failure {
        Failure(
            .runtimeFailure, "cannot \(act) \(quoted(path)): \(String(cString: strerror(code)))",
            advice: "choose another place with --\(option)")
    }
}

/// Writes all of the text; `false` if the descriptor refuses it, as a closed pipe does.
@discardableResult
func writeAll(_ text: String, to descriptor: Int32) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}
