import Diagnosis
import Glibc
import NetBasics
import Sockets

/// What one way asks of a path: its own address on it, and how long packets may be.
enum PathProbe {
    struct Result {
        var path: Fact<PathFacts>
        /// The address that packets to the other end leave with.
        var local: IPAddress?
        /// What ICMP said of the port, if it said anything.
        var complaint: String?
    }

    private static let wait: Duration = .milliseconds(300)

    /// Sends two packets as long as the interface allows, with fragments forbidden.
    ///
    /// A router that cannot pass the first says so, and the kernel remembers it.
    static func run(to remote: Endpoint, interfaceMTU: Int) -> Result {
        let overhead = if case .v4 = remote.address { 28 } else { 48 }
        let any: IPAddress =
            overhead == 28 ? .v4(IPv4Address(rawValue: 0)) : .v6(IPv6Address(high: 0, low: 0))
        do throws(SystemError) {
            var socket = try ProbeSocket(binding: Endpoint(address: any, port: 0))
            try socket.connect(to: remote)
            try socket.forbidFragments()
            var result = Result(path: .unknown("no answer"), local: socket.local?.address)
            // The kernel's loopback allows what no network does.
            let longest = min(interfaceMTU, 9_200)
            for _ in 0..<2 {
                let size = max(0, min(longest, socket.pathMTU ?? longest) - overhead)
                do throws(SystemError) {
                    try socket.send(Array(repeating: 0, count: size), to: nil)
                    _ = try socket.receive(by: Clocks.now + wait)
                } catch {
                    if error.code != EMSGSIZE { result.complaint = error.reason }
                }
            }
            let found = min(socket.pathMTU ?? longest, longest)
            result.path = .known(
                PathFacts(remote: remote.address, interfaceMTU: longest, pathMTU: found))
            return result
        } catch {
            return Result(
                path: .unknown("\(remote) cannot be sent to: \(error.reason)"), local: nil,
                complaint: error.reason)
        }
    }
}
