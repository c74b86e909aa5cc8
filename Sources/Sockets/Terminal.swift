import Glibc

/// The terminal that a descriptor may be: its size, and whether it takes colors.
package enum Terminal {
    /// Columns and rows, by `COLUMNS` and `LINES` first; 80 by 24 where nobody says.
    package static func size(of descriptor: Int32) -> (columns: Int, rows: Int) {
        var size = winsize()
        let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
        return (
            number("COLUMNS") ?? (isKnown && size.ws_col > 0 ? Int(size.ws_col) : 80),
            number("LINES") ?? (isKnown && size.ws_row > 0 ? Int(size.ws_row) : 24)
        )
    }

    /// Whether it can be drawn on: a terminal that knows more than lines.
    package static func isCapable(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1 && environment("TERM") != nil && environment("TERM") != "dumb"
    }

    /// Whether colors are welcome (https://no-color.org).
    package static var hasColors: Bool { (environment("NO_COLOR") ?? "").isEmpty }

    private static func number(_ name: String) -> Int? {
        environment(name).flatMap { Int($0) }.map { min(max(20, $0), 1000) }
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}

/// A terminal whose whole screen is ours, until the owner goes.
///
/// Keys come one by one and are not shown.
package final class FullScreen {
    private var before = termios()
    private let input: Int32
    private let output: Int32

    /// `nil` if one of them is no capable terminal.
    package init?(input: Int32, output: Int32) {
        guard Terminal.isCapable(input), Terminal.isCapable(output),
            tcgetattr(input, &before) == 0
        else { return nil }
        self.input = input
        self.output = output
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(input, TCSANOW, &raw)
        writeText("\u{1B}[?1049h\u{1B}[?25l", to: output)
    }

    deinit {
        writeText("\u{1B}[?25h\u{1B}[?1049l", to: output)
        var before = before
        tcsetattr(input, TCSANOW, &before)
    }

    /// Keys that were pressed, as the terminal sends them; waits for none.
    package func keys() -> [UInt8] {
        var waiting = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
        guard poll(&waiting, 1, 0) == 1 else { return [] }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(input, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    /// Replaces what is shown; more lines than rows are cut.
    package func show(_ lines: [String]) {
        let body = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
        writeText("\u{1B}[H" + body + "\u{1B}[J", to: output)
    }
}
