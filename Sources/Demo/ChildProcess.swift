@preconcurrency import Glibc
import Management

/// One process that the demo started, until it is waited for.
struct ChildProcess {
    let name: String
    let pid: pid_t
    let logPath: String
    /// How it ended; `nil` while it runs.
    private(set) var ending: Ending?

    enum Ending: Equatable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    /// What to start: `program` is a path or, without a slash, is looked up in `PATH`.
    struct Command {
        var name: String
        var program: String
        var arguments: [String]
        /// Where standard output goes; `nil`: nowhere.
        var outputPath: String?
        var logPath: String
    }

    init(_ command: Command) throws(Failure) {
        name = command.name
        logPath = command.logPath
        pid = try spawn(command)
    }

    /// Notices an end, without waiting for it.
    mutating func poll() {
        guard ending == nil else { return }
        var status: Int32 = 0
        let waited = waitpid(pid, &status, WNOHANG)
        guard waited == pid else {
            // Where whoever started us ignores SIGCHLD, the kernel keeps no status.
            if waited < 0, errno == ECHILD { ending = .exited(0) }
            return
        }
        // As the macros of wait(2) have it, which Swift cannot import.
        let signal = status & 0x7F
        ending = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
    }

    /// Sends a signal, never to a process that was waited for: its id may be another's by now.
    func signal(_ number: Int32) {
        if ending == nil { kill(pid, number) }
    }
}

/// Starts a process with clean signals, nothing on standard input, and its output in files.
private func spawn(_ command: ChildProcess.Command) throws(Failure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, command.outputPath ?? "/dev/null", flags, 0o644)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, command.logPath, flags, 0o644)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
        &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let program = command.program.contains("/") ? nil : command.program
    var arguments = ([program ?? "polycast"] + command.arguments).map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    arguments.append(nil)
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, command.program, &actions, &attributes, arguments, environ)
    guard code == 0 else {
        throw Failure(
            .runtimeFailure,
            "cannot start \(command.program) for \(command.name): "
                + String(cString: strerror(code)),
            advice: "check that it is installed, and that \(command.logPath) can be written")
    }
    return pid
}
