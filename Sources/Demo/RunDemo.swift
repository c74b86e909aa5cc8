import Glibc
import Management

/// Runs a rendezvous and five peers on this host, prints what they did, and returns the exit code.
///
/// Results are written to `output`, all else to standard error. `program` is what the peers run,
/// and `temporaryDirectory`, which must have a short name, is where their sockets are meanwhile.
package func runDemo(
    _ configuration: DemoConfiguration, program: String = "/proc/self/exe",
    temporaryDirectory: String = "/tmp", output: Int32 = STDOUT_FILENO
) -> Int32 {
    // A reader that goes away must not take this process from its children.
    let previous = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, previous) }
    do throws(Stop) {
        let report = try perform(configuration, program, temporaryDirectory)
        let text = configuration.isJSON ? "\(report.json)\n" : report.text
        guard writeAll(text, to: output) else { return ExitCode.runtimeFailure.rawValue }
        for problem in report.problems {
            writeAll(Failure(.checkFailed, problem).line + "\n", to: STDERR_FILENO)
        }
        return (report.problems.isEmpty ? ExitCode.success : .checkFailed).rawValue
    } catch {
        switch error {
        case .failure(let failure):
            writeAll(failure.line + "\n", to: STDERR_FILENO)
            return failure.code.rawValue
        case .signal(let number):
            writeAll("polycast: interrupted\n", to: STDERR_FILENO)
            return 128 + number
        }
    }
}

/// When this returns, all that the run started is gone.
private func perform(
    _ configuration: DemoConfiguration, _ program: String, _ temporaryDirectory: String
) throws(Stop) -> DemoReport {
    let run: DemoRun
    do throws(Failure) {
        run = try DemoRun(
            configuration, program: program, temporaryDirectory: temporaryDirectory)
    } catch {
        throw .failure(error)
    }
    return try run.perform()
}
