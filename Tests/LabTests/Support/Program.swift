import Foundation
@preconcurrency import Glibc

/// A process the test started, its output kept in files.
final class Program {
    let name: String
    let processID: pid_t
    private let outputFile: URL
    private let errorFile: URL
    private var end: Termination?

    enum Termination: Equatable {
        case exit(Int32)
        case signal(Int32)
    }

    /// Starts `arguments[0]`, which is a path or found on the search path.
    init(_ arguments: [String], name: String, logs: URL) throws {
        self.name = name
        outputFile = logs.appending(path: "\(name).out")
        errorFile = logs.appending(path: "\(name).err")
        processID = try Self.spawn(arguments, output: outputFile.path, errors: errorFile.path)
    }

    deinit { kill() }

    var isRunning: Bool { termination == nil }
    var output: String { Self.read(outputFile) }
    var errors: String { Self.read(errorFile) }

    /// How it ended; `nil` while it runs.
    var termination: Termination? {
        if end == nil { end = Self.wait(processID, WNOHANG) }
        return end
    }

    /// Dies at once, without a chance to say goodbye.
    func kill() { signal(SIGKILL) }

    func signal(_ number: Int32) {
        // `tools/netns run` becomes the program, so this is the program's own number.
        if isRunning { _ = Glibc.kill(processID, number) }
    }

    /// Waits for its end; `false` when `limit` passed first.
    func ends(within limit: Duration) async throws -> Bool {
        try await eventually(within: limit) { !self.isRunning }
    }

    /// Ends it with SIGINT, or with SIGKILL after `limit`.
    func interrupt(within limit: Duration = .seconds(5)) async throws {
        signal(SIGINT)
        if try await !ends(within: limit) { kill() }
        _ = try await ends(within: .seconds(5))
    }
}

// MARK: - Short programs

extension Program {
    /// Runs a short program to its end and returns its standard output.
    static func run(_ arguments: String...) throws -> String { try run(list: arguments) }

    static func run(list arguments: [String]) throws -> String {
        let (status, output) = try outcome(arguments)
        guard status == 0 else { throw LabError("\(arguments.joined(separator: " ")): \(output)") }
        return output
    }

    /// Exit status and output; on failure the output ends with what went to standard error.
    static func outcome(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let base = FileManager.default.temporaryDirectory
            .appending(path: "polycast-run-\(UUID().uuidString)")
        let (output, errors) = (
            base.appendingPathExtension("out"), base.appendingPathExtension("err")
        )
        defer {
            try? FileManager.default.removeItem(at: output)
            try? FileManager.default.removeItem(at: errors)
        }
        let process = try spawn(arguments, output: output.path, errors: errors.path)
        switch wait(process, 0) {
        case .exit(0): return (0, read(output))
        case .exit(let status): return (status, read(output) + read(errors))
        case .signal(let number): return (128 + number, read(output) + read(errors))
        case nil: throw LabError("\(arguments): waiting for it failed, errno \(errno)")
        }
    }
}

// MARK: - Processes

extension Program {
    // Foundation's Process is not used: it takes the end of a socket pair that the child inherits
    // for the child's end, and the guard of a lab, a grandchild, keeps that socket open.
    private static func spawn(
        _ arguments: [String], output: String, errors: String
    ) throws -> pid_t {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&files, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // Closing what is not open is no error here.
        for descriptor in Int32(3)..<1024 {
            posix_spawn_file_actions_addclose(&files, descriptor)
        }
        var attributes = try cleanAttributes()
        defer { posix_spawnattr_destroy(&attributes) }

        var vector = arguments.map { strdup($0) } + [nil]
        defer { vector.forEach { free($0) } }
        var process: pid_t = 0
        let code = posix_spawnp(&process, arguments[0], &files, &attributes, &vector, environ)
        guard code == 0 else {
            throw LabError("\(arguments[0]) does not start: \(String(cString: strerror(code)))")
        }
        return process
    }

    /// No signal blocked or ignored, whatever the test runner does with its own.
    private static func cleanAttributes() throws -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        guard posix_spawnattr_setflags(&attributes, Int16(flags)) == 0 else {
            throw LabError("posix_spawnattr_setflags failed")
        }
        return attributes
    }

    private static func wait(_ process: pid_t, _ options: Int32) -> Termination? {
        var status: Int32 = 0
        var found = waitpid(process, &status, options)
        while found == -1, errno == EINTR { found = waitpid(process, &status, options) }
        guard found == process else { return nil }
        return status & 0x7F == 0 ? .exit(status >> 8 & 0xFF) : .signal(status & 0x7F)
    }

    private static func read(_ file: URL) -> String {
        (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    }
}

// MARK: - What the kernel says about it

extension Program {
    /// Processor time used so far, in seconds; in steps of 10 ms.
    var processorSeconds: Double {
        let stat = Self.read(URL(filePath: "/proc/\(processID)/stat"))
        // The name in parentheses may hold spaces: count fields after it.
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12 else { return 0 }
        return ((Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)) / 100
    }

    /// Local UDP ports that are bound in its network namespace, by whichever process.
    var openUDPPorts: Set<Int> {
        var ports: Set<Int> = []
        for table in ["udp", "udp6"] {
            let text = Self.read(URL(filePath: "/proc/\(processID)/net/\(table)"))
            for line in text.split(separator: "\n").dropFirst() {
                // "  12: 0100007F:1770 00000000:0000 07 ..."
                let local = line.split(separator: " ").dropFirst().first ?? ""
                ports.insert(local.split(separator: ":").last.flatMap { Int($0, radix: 16) } ?? 0)
            }
        }
        return ports
    }

    /// Largest resident set so far, in bytes.
    var peakResidentBytes: Int {
        let status = Self.read(URL(filePath: "/proc/\(processID)/status"))
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return 1024 * (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
    }
}

/// Something in the lab, not in Polycast, did not work.
struct LabError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Asks `claim` every `interval` until it holds; `false` when `limit` passed first.
func eventually(
    within limit: Duration, every interval: Duration = .milliseconds(50),
    _ claim: () throws -> Bool
) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while try !claim() {
        if ContinuousClock.now >= end { return false }
        try await Task.sleep(for: interval)
    }
    return true
}
