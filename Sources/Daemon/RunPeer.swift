import Glibc
import Management
import Sockets

/// Runs one peer until its end, prints its summary, and returns the exit code.
package func runPeer(_ configuration: PeerConfiguration) throws(Failure) -> Int32 {
    let daemon: PeerDaemon
    do {
        daemon = try PeerDaemon(try PeerParts(configuration))
    } catch let failure as Failure {
        throw failure
    } catch {
        throw Failure(.runtimeFailure, "\(error)")
    }
    try daemon.run()
    let summary = daemon.summary(at: Clocks.now)
    let text = configuration.isJSON ? "\(summary.json)\n" : summary.table
    writeText(text, to: STDOUT_FILENO)
    if case .signal(let number) = daemon.ending { return 128 + number }
    return ExitCode.success.rawValue
}
