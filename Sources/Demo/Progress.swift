import Glibc
import Management
import NetBasics
import Sockets

/// What the demo does now, on standard error: a line per step, and on a terminal a live line for
/// what it waits for.
struct Progress {
    private let isTerminal: Bool
    private let startedAt = Clocks.now
    private var isLineOpen = false

    init() {
        let terminal = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        isTerminal = isatty(STDERR_FILENO) == 1 && terminal != "dumb"
    }

    mutating func step(_ text: String) {
        clear()
        let seconds = Readable.decimals((Clocks.now - startedAt).seconds, 1)
        let padding = String(repeating: " ", count: max(0, 5 - seconds.count))
        writeAll("\(padding)\(seconds) s  \(text)\n", to: STDERR_FILENO)
    }

    /// Replaces the live line.
    mutating func wait(_ text: String) {
        guard isTerminal else { return }
        isLineOpen = true
        writeAll("\r         \(text.prefix(Self.columns - 10))\u{1B}[K", to: STDERR_FILENO)
    }

    mutating func clear() {
        guard isLineOpen else { return }
        isLineOpen = false
        writeAll("\r\u{1B}[K", to: STDERR_FILENO)
    }

    private static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return max(20, Int(size.ws_col))
    }
}
