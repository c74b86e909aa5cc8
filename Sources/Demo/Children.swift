import Glibc
import Management
import NetBasics
import Sockets

/// The processes of a run; none of them outlives this value.
final class Children {
    private var children: [ChildProcess] = []

    func start(_ command: ChildProcess.Command) throws(Failure) {
        children.append(try ChildProcess(command))
    }

    /// How the process of that name ended; `nil` while it runs, and if there is none.
    func ending(of name: String) -> ChildProcess.Ending? {
        poll()
        return children.first { $0.name == name }?.ending
    }

    /// Fails if any process has ended, though nobody asked it to.
    func checkAllRun() throws(Failure) {
        poll()
        guard let ended = children.first(where: { $0.ending != nil }) else { return }
        throw Self.failure(of: ended)
    }

    private static func failure(of child: ChildProcess) -> Failure {
        var message = "\(child.name) ended early"
        switch child.ending {
        case .killed(let signal): message += ", by signal \(signal)"
        case .exited(let code) where code != 0:
            if let words = lastLine(ofFileAt: child.logPath) { message += ": \(words)" }
        case .exited, nil: break
        }
        let isEncoder = child.name.hasPrefix("ffmpeg")
        return Failure(
            .runtimeFailure, message,
            advice: "see \(child.logPath)"
                + (isEncoder ? ", or use --pattern, which needs no ffmpeg" : ""))
    }

    /// Ends the processes whose names pass, kindly, then by force, and waits for them.
    ///
    /// Returns those that had to be forced, which takes `patience`.
    @discardableResult
    func stop(
        patience: Duration = .seconds(3), where isMeant: (String) -> Bool = { _ in true }
    ) -> [String] {
        let meant = children.indices.filter { isMeant(children[$0].name) }
        poll()
        for index in meant { children[index].signal(SIGTERM) }
        wait(for: meant, until: Clocks.now + patience)
        let stubborn = meant.filter { children[$0].ending == nil }
        for index in stubborn { children[index].signal(SIGKILL) }
        // Nothing survives SIGKILL, except for a moment in the kernel.
        wait(for: stubborn, until: Clocks.now + .seconds(10))
        let names = stubborn.map { children[$0].name }
        children.removeAll { isMeant($0.name) }
        return names
    }

    deinit { stop() }

    private func poll() {
        for index in children.indices { children[index].poll() }
    }

    private func wait(for indices: [Int], until deadline: Instant) {
        while Clocks.now < deadline {
            poll()
            if indices.allSatisfy({ children[$0].ending != nil }) { return }
            usleep(10_000)
        }
    }
}

/// The last line that says something, without the name of the program; `nil` if none can be read.
func lastLine(ofFileAt path: String) -> String? {
    guard let bytes = Files.read(path, limit: 1 << 20) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let line = text.split(whereSeparator: \.isNewline).last else { return nil }
    let prefix = "polycast: "
    return printable(String(line.hasPrefix(prefix) ? line.dropFirst(prefix.count) : line), to: 200)
}
