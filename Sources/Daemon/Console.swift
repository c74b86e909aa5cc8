import Glibc
import Sockets

/// Standard error for people: log lines, and one live status line on a terminal.
struct Console: Sendable {
    /// -1 quiet, 0 normal, 1 and up more.
    let verbosity: Int
    private let isTerminal: Bool
    private var isLineOpen = false

    init(verbosity: Int, showsStatus: Bool) {
        self.verbosity = verbosity
        let terminal = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        isTerminal =
            showsStatus && verbosity >= 0 && isatty(STDERR_FILENO) == 1 && terminal != "dumb"
    }

    var showsStatus: Bool { isTerminal }

    /// Prints a line if the verbosity asked for it; `level` 0 is for everybody.
    mutating func log(_ text: @autoclosure () -> String, level: Int = 0) {
        guard level <= verbosity else { return }
        clearStatus()
        writeText("polycast: \(text())\n", to: STDERR_FILENO)
    }

    /// Replaces the status line; control characters cannot be in it.
    mutating func show(status: String) {
        guard isTerminal else { return }
        isLineOpen = true
        writeText("\r\(status.prefix(Self.columns - 1))\u{1B}[K", to: STDERR_FILENO)
    }

    mutating func clearStatus() {
        guard isLineOpen else { return }
        isLineOpen = false
        writeText("\r\u{1B}[K", to: STDERR_FILENO)
    }

    private static var columns: Int { Terminal.size(of: STDERR_FILENO).columns }
}
