import Foundation
import Testing

/// A program on a pseudo terminal of a Python script, which types and tells what the screen showed.
///
/// It understands what the live view draws by: the cursor's home, and clearing of the rest of a line
/// and of the screen.
struct TerminalView: Decodable {
    struct Step: Decodable {
        /// What was done before the screen was looked at.
        let action: String
        let lines: [String]
        let raw: String
    }
    let steps: [Step]
    let output: String
    let status: Int
    /// Whether the terminal's settings are what they were before.
    let isRestored: Bool
    /// Whether keys came unseen and one by one while the program ran.
    let wasRaw: Bool

    private static let script = #"""
        import fcntl, json, os, pty, re, select, signal, struct, sys, termios, time

        plan = json.loads(sys.argv[1])
        master, slave = pty.openpty()

        def resize(columns, rows):
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        resize(*plan["size"])
        before = termios.tcgetattr(slave)
        child = os.fork()
        if child == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for number in (0, 1, 2):
                os.dup2(slave, number)
            for name in ("NO_COLOR", "COLUMNS", "LINES"):
                os.environ.pop(name, None)
            os.environ.update(plan["environment"])
            os.execvp(plan["command"][0], plan["command"])
        output, during = b"", None

        def gather(seconds):
            global output
            end = time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                if select.select([master], [], [], left)[0]:
                    output += os.read(master, 65536)

        def screen():
            frames = output.decode(errors="replace").split("\x1b[H")
            frame = frames[-1] if len(frames) > 1 else ""
            frame = frame.split("\x1b[J")[0]
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame)
            # The terminal itself adds a return to each line feed.
            return [line.rstrip("\r") for line in plain.split("\n")], frame

        steps = []
        for action, argument, pause in plan["actions"]:
            if action == "type":
                os.write(master, argument.encode())
            elif action == "resize":
                resize(*[int(n) for n in argument.split("x")])
            elif action == "signal":
                os.kill(child, int(argument))
            if action != "wait" and during is None:
                during = termios.tcgetattr(slave)
            gather(pause)
            lines, raw = screen()
            steps.append({"action": f"{action} {argument}", "lines": lines, "raw": raw})
        end = time.monotonic() + 5
        status = None
        while time.monotonic() < end:
            gather(0.05)
            found, code = os.waitpid(child, os.WNOHANG)
            if found:
                status = os.waitstatus_to_exitcode(code)
                break
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        gather(0.1)
        flags = termios.ECHO | termios.ICANON
        print(json.dumps({
            "steps": steps, "output": output.decode(errors="replace"),
            "status": -999 if status is None else status,
            "isRestored": termios.tcgetattr(slave) == before,
            "wasRaw": during is not None and during[3] & flags == 0,
        }))
        """#

    enum Action {
        case type(String)
        case resize(Int, Int)
        case signal(Int32)
        case wait

        fileprivate func words(_ pause: Double) -> [Any] {
            switch self {
            case .type(let keys): ["type", keys, pause]
            case .resize(let columns, let rows): ["resize", "\(columns)x\(rows)", pause]
            case .signal(let number): ["signal", "\(number)", pause]
            case .wait: ["wait", "", pause]
            }
        }
    }

    /// Runs `command` in a host on a terminal of 80x24; looks at it after each action's pause.
    static func run(
        _ command: [String], on host: NetworkLab.Host, in lab: NetworkLab,
        environment: [String: String] = [:], _ actions: [(Action, seconds: Double)]
    ) async throws -> TerminalView {
        let settings = environment.merging(["TERM": "xterm"]) { given, _ in given }
        let plan: [String: Any] = [
            "size": [80, 24], "environment": settings, "command": command,
            "actions": actions.map { $0.0.words($0.seconds) },
        ]
        let json = String(decoding: try JSONSerialization.data(withJSONObject: plan), as: UTF8.self)
        let program = try lab.start(
            ["python3", "-c", script, json], in: host, name: "terminal-\(UUID().uuidString)")
        let limit = actions.map(\.seconds).reduce(10, +)
        guard try await program.ends(within: .seconds(limit)) else {
            throw LabError("the terminal hangs: \(program.errors)")
        }
        guard program.termination == .exit(0) else { throw LabError(program.errors) }
        return try JSONDecoder().decode(TerminalView.self, from: Data(program.output.utf8))
    }
}
