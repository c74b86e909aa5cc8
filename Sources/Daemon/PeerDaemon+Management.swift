import Management
import NetBasics
import Sockets

/// A client of the management socket.
final class ManagementClientConnection {
    var connection: UnixConnection
    init(_ connection: consuming UnixConnection) { self.connection = connection }
}

// The management socket: JSON lines in, JSON lines out.

extension PeerDaemon {
    /// Clients served at once; more are turned away.
    private static let clientLimit = 16

    func acceptClients() {
        while true {
            guard let connection = listener.accept() else { return }
            guard clients.count < Self.clientLimit else { continue }
            let key = nextClientKey
            nextClientKey += 1
            let client = ManagementClientConnection(connection)
            do {
                try loop.watch(client.connection.number, key: key)
                clients[key] = client
            } catch {
                console.log("a management client was turned away: \(error)", level: 1)
            }
        }
    }

    func serveClient(_ key: Int) {
        guard let client = clients[key] else { return }
        switch client.connection.readLine() {
        case .nothing:
            return
        case .end:
            loop.unwatch(client.connection.number)
            clients[key] = nil
        case .line(let line):
            client.connection.write(line: answer(to: line).json.description)
        }
    }

    private func answer(to line: String) -> ManagementResponse {
        do {
            switch try ManagementRequest(line: Array(line.utf8)) {
            case .status: return .status(status(at: Clocks.now))
            case .members: return .members(memberList)
            case .tree: return .tree(treeView)
            case .leave:
                end(.asked)
                return .leaving
            }
        } catch {
            return ManagementResponse(error)
        }
    }
}
