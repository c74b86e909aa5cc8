import Foundation
import Management
import NetBasics
import Sockets

func loopback(_ last: UInt32, port: UInt16 = 0) -> Endpoint {
    Endpoint(address: .v4(IPv4Address(rawValue: 0x7F00_0000 + last)), port: port)
}

/// A UDP port of loopback that was free a moment ago.
func freePort() throws -> UInt16 {
    let socket = try UDPSocket(binding: loopback(1))
    return socket.local.port
}

/// What the peer behind a management socket answers.
func ask(_ request: ManagementRequest, at path: String) -> ManagementResponse? {
    guard let line = try? UnixClient.ask(request.json.description, at: path, timeout: .seconds(10))
    else { return nil }
    return try? ManagementResponse(line: Array(line.utf8), to: request)
}

func status(at path: String) -> PeerStatus? {
    if case .status(let status) = ask(.status, at: path) { status } else { nil }
}

/// A socket that remembers what arrives.
final class Probe {
    let socket: UDPSocket
    private var batch = PacketBatch()

    init(_ endpoint: Endpoint = loopback(1)) throws { socket = try UDPSocket(binding: endpoint) }

    func send(_ bytes: [UInt8], to endpoint: Endpoint) { socket.send(bytes, to: endpoint) }

    /// Everything that arrives until nothing has for `silence`; the first may take `patience`.
    func receiveAll(silence: Duration, patience: Duration = .zero) throws -> [[UInt8]] {
        var received: [[UInt8]] = []
        var quietSince = Clocks.now
        while Clocks.now - quietSince < (received.isEmpty ? max(silence, patience) : silence) {
            try socket.receive(into: &batch)
            for index in 0..<batch.count { received.append(Array(batch.datagram(at: index))) }
            if batch.count > 0 { quietSince = Clocks.now }
            usleep(1000)
        }
        return received
    }
}
