import Glibc
import Management

/// The few things that the demo does with files.
enum Files {
    /// Creates a directory and those above it.
    static func makeDirectory(_ path: String) throws(Failure) {
        var partial = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + component
            guard mkdir(partial, 0o755) == 0 || errno == EEXIST else {
                throw failure("create", partial, code: errno)
            }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw failure("write to", path, code: ENOTDIR)
        }
        guard access(path, W_OK | X_OK) == 0 else { throw failure("write to", path, code: errno) }
    }

    private static func failure(_ act: String, _ path: String, code: Int32) -> Failure {
        Failure(
            .runtimeFailure, "cannot \(act) \(quoted(path)): \(String(cString: strerror(code)))",
            advice: "choose a directory of your own with --out")
    }

    /// A new directory for this user alone, with a name short enough for sockets in it.
    static func makePrivateDirectory(in parent: String) throws(Failure) -> String {
        var template = Array("\(parent)/polycast-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(
                .runtimeFailure,
                "cannot create a directory in \(parent): \(String(cString: strerror(errno)))",
                advice: "make \(parent) writable")
        }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Removes a directory of files and of directories of files.
    static func removeTree(_ path: String, depth: Int = 2) {
        if let listing = opendir(path) {
            while let entry = readdir(listing) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name != ".", name != ".." else { continue }
                let inner = "\(path)/\(name)"
                // Fails for a directory; a link is removed, never followed.
                if unlink(inner) != 0, depth > 1 { removeTree(inner, depth: depth - 1) }
            }
            closedir(listing)
        }
        rmdir(path)
    }

    /// The start of a file, at most `limit` bytes; `nil` if it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { return nil }
        defer { close(number) }
        var bytes: [UInt8] = []
        var chunk: [UInt8] = Array(repeating: 0, count: 65_536)
        while bytes.count < limit {
            let count = chunk.withUnsafeMutableBytes {
                Glibc.read(number, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            bytes += chunk[..<min(count, limit - bytes.count)]
        }
        return bytes
    }

    static func write(_ text: String, to path: String) throws(Failure) {
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw failure("write", path, code: errno) }
        defer { close(number) }
        guard writeAll(text, to: number) else { throw failure("write", path, code: errno) }
    }

    /// Whether `PATH` has a program of that name.
    static func isInPath(_ program: String) -> Bool {
        guard let path = getenv("PATH").map({ String(cString: $0) }) else { return false }
        return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
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
