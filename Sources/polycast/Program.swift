import Analysis
import Bench
import Daemon
import Demo
import Doctor
import Glibc
import Management
import Simulation
import Sockets

/// The program's version; `polycast --version` prints it.
let programVersion = "0.1.0"

/// Parses, performs and reports; the result is the exit code.
func run(_ arguments: [String]) -> Int32 {
    do {
        return try perform(try CommandTable.polycast.parse(Array(arguments.dropFirst())))
    } catch {
        writeText(error.line + "\n", to: STDERR_FILENO)
        return error.code.rawValue
    }
}

/// Does what was asked.
private func perform(_ command: Command) throws(Failure) -> Int32 {
    switch command {
    case .print(let text):
        return writeText(text, to: STDOUT_FILENO)
            ? ExitCode.success.rawValue : ExitCode.runtimeFailure.rawValue
    case .join(let configuration): return try runPeer(configuration)
    case .invite(let configuration):
        let text = try makeInvite(configuration).revealedText
        return writeText(text + "\n", to: STDOUT_FILENO)
            ? ExitCode.success.rawValue : ExitCode.runtimeFailure.rawValue
    case .rendezvous(let configuration): return try runRendezvous(configuration)
    case .query(let configuration): return try runQuery(configuration)
    case .demo(let configuration): return runDemo(configuration)
    case .bench(let configuration): return try runBench(configuration)
    case .capture(let configuration): return try runCapture(configuration)
    case .inspect(let configuration): return try runInspect(configuration)
    case .simulate(let configuration): return runSimulate(configuration)
    case .doctor(let configuration): return try runDoctor(configuration)
    }
}

/// Overwrites the secrets of invites among the arguments, so that no list of processes shows them.
///
/// What `arguments` was read from before is not changed.
func hideSecrets(
    in arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, count: Int32
) {
    for index in 0..<Int(count) {
        guard let argument = arguments[index], strncasecmp(argument, "polycast://", 11) == 0,
            var place = strchr(argument, Int32(UInt8(ascii: "#")))
        else { continue }
        place += 1
        while place.pointee != 0 {
            place.pointee = CChar(UInt8(ascii: "."))
            place += 1
        }
    }
}
