import Glibc
import NetBasics
import Sockets

/// What a short program printed, and how it ended.
struct ChildOutput {
    var status: Int32
    var output: [UInt8]
    var errors: [UInt8]

    private static let byteLimit = 8 << 20

    /// Runs `program`, found on the search path or in the places of system programs, to its end.
    ///
    /// After `limit` it is killed. `nil`: there is no such program, or it cannot be started.
    static func run(_ program: String, _ arguments: [String], limit: Duration) -> ChildOutput? {
        guard let path = find(program) else { return nil }
        var output: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]
        guard pipe(&output) == 0 else { return nil }
        guard pipe(&errors) == 0 else {
            output.forEach { close($0) }
            return nil
        }
        for number in output + errors { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        let process = spawn(path, [program] + arguments, output: output[1], errors: errors[1])
        close(output[1])
        close(errors[1])
        defer {
            close(output[0])
            close(errors[0])
        }
        guard let process else { return nil }
        let texts = read([output[0], errors[0]], by: Clocks.now + limit)
        if texts == nil { kill(process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        return ChildOutput(
            status: texts == nil ? 124 : code, output: texts?[0] ?? [], errors: texts?[1] ?? [])
    }

    private static func find(_ program: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let places = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
        return places.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    private static func spawn(
        _ path: String, _ arguments: [String], output: Int32, errors: Int32
    ) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        // Messages are matched, so they have to be in English.
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("LC_ALL=C"), nil]
        defer {
            words.forEach { free($0) }
            environment.forEach { free($0) }
        }
        var process = pid_t()
        let code = posix_spawn(&process, path, &actions, nil, &words, &environment)
        return code == 0 ? process : nil
    }

    /// All that comes until both ends are closed; `nil` if that takes too long, or is too much.
    private static func read(_ numbers: [Int32], by deadline: Instant) -> [[UInt8]]? {
        var texts = Array(repeating: [UInt8](), count: numbers.count)
        var entries = numbers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while entries.contains(where: { $0.fd >= 0 }) {
            let left = (deadline - Clocks.now).nanoseconds
            guard left > 0 else { return nil }
            poll(&entries, nfds_t(entries.count), Int32(clamping: left / 1_000_000 + 1))
            for index in entries.indices where entries[index].fd >= 0 {
                guard entries[index].revents != 0 else { continue }
                let count = Glibc.read(entries[index].fd, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                if count <= 0 {
                    entries[index].fd = -1
                } else {
                    texts[index] += chunk[..<count]
                }
                guard texts[index].count <= byteLimit else { return nil }
            }
        }
        return texts
    }
}
