import Glibc

/// A line on standard error that is written over and over; nothing where that is no terminal.
struct ProgressLine: Sendable {
    private let isTerminal: Bool
    private var shownAt = -1.0

    init() {
        let terminal = getenv("TERM").map { String(cString: $0) } ?? "dumb"
        isTerminal = isatty(STDERR_FILENO) == 1 && terminal != "dumb"
    }

    /// Shows the text, a few times a second at most.
    mutating func show(_ text: @autoclosure () -> String) {
        guard isTerminal else { return }
        let now = Machine.seconds
        guard now - shownAt >= 0.2 else { return }
        shownAt = now
        writeAll("\r\(text().prefix(Self.columns - 1))\u{1B}[K", to: STDERR_FILENO)
    }

    mutating func clear() {
        guard isTerminal, shownAt >= 0 else { return }
        shownAt = -1
        writeAll("\r\u{1B}[K", to: STDERR_FILENO)
    }

    private static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return max(20, Int(size.ws_col))
    }
}
