import Glibc
import Management
import NetBasics
import Sockets
import Wire

/// Asks a peer of this host, or a rendezvous, prints the answer, and returns the exit code.
package func runQuery(_ query: QueryConfiguration) throws(Failure) -> Int32 {
    let response: ManagementResponse
    switch query.target {
    case .rendezvous(let invite):
        response = .members(try lookUpMembers(invite))
    case .socket(let path):
        response = try ask(query.request, at: path)
    case .peerNamed(let name):
        response = try ask(query.request, at: PeerSockets.path(ofPeerNamed: name))
    case .onlyPeer:
        response = try ask(query.request, at: try onlyRunningPeer())
    }
    if case .error(let message, let advice) = response {
        throw Failure(.runtimeFailure, message, advice: advice)
    }
    writeText(query.isJSON ? "\(response.json)\n" : response.table, to: STDOUT_FILENO)
    return ExitCode.success.rawValue
}

private func onlyRunningPeer() throws(Failure) -> String {
    let running = PeerSockets.running
    guard let first = running.first else {
        throw Failure(
            .runtimeFailure, "no peer runs on this host (looked in \(PeerSockets.directory))",
            advice: "start one with 'polycast join', or name its --socket")
    }
    guard running.count == 1 else {
        let names = running.compactMap { $0.split(separator: "/").last?.dropLast(".sock".count) }
        throw Failure(
            .usage, "\(running.count) peers run on this host",
            advice: "choose one with --name: \(names.joined(separator: ", "))")
    }
    return first
}

private func ask(
    _ request: ManagementRequest, at path: String
) throws(Failure) -> ManagementResponse {
    let line: String
    do {
        line = try UnixClient.ask(request.json.description, at: path, timeout: .seconds(5))
    } catch {
        throw Failure(
            error.code == EACCES ? .permission : .runtimeFailure,
            "no peer answers at \(quoted(path)): \(error.reason)",
            advice: "see which peers run with 'polycast status', or name a --socket")
    }
    do {
        return try ManagementResponse(line: Array(line.utf8), to: request)
    } catch {
        throw Failure(.runtimeFailure, "what answers at \(quoted(path)) is no peer: \(error)")
    }
}
