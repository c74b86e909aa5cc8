import Daemon
import Demo
import Glibc
import Management

/// The program's version; `polycast --version` prints it.
let programVersion = "0.1.0"

/// Parses, performs and reports; the result is the exit code.
func run(_ arguments: [String]) -> Int32 {
    do {
        return perform(try CommandTable.polycast.parse(Array(arguments.dropFirst())))
    } catch {
        write(error.line + "\n", to: STDERR_FILENO)
        return error.code.rawValue
    }
}

/// Does what was asked.
private func perform(_ command: Command) -> Int32 {
    switch command {
    case .print(let text):
        return write(text, to: STDOUT_FILENO)
            ? ExitCode.success.rawValue : ExitCode.runtimeFailure.rawValue
    case .join, .rendezvous, .query, .demo:
        let failure = Failure(.runtimeFailure, "this verb is not wired to the daemon yet")
        write(failure.line + "\n", to: STDERR_FILENO)
        return failure.code.rawValue
    }
}

/// Writes all of the text; `false` if the descriptor refuses it, as a closed pipe does.
@discardableResult
private func write(_ text: String, to descriptor: Int32) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}
