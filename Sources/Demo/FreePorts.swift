import Management
import NetBasics
import Sockets

/// Finds UDP ports that nobody uses.
enum FreePorts {
    /// Below the ports that Linux hands out by itself, so that nobody takes them in between.
    private static let range: ClosedRange<UInt16> = 20_000...29_998
    private static let attemptLimit = 200

    /// The first, even one of `count` ports in a row that are free on `address`.
    static func find(_ count: UInt16, on address: String) throws(Failure) -> UInt16 {
        guard let address = IPAddress(address) else {
            throw Failure(.runtimeFailure, "\(address) is no IP address")
        }
        for _ in 0..<attemptLimit {
            let first = UInt16.random(in: range) & ~1
            if (first..<first + count).allSatisfy({ isFree($0, on: address) }) { return first }
        }
        throw Failure(
            .runtimeFailure, "found no \(count) free UDP ports on \(address)",
            advice: "check that the loopback interface is up")
    }

    private static func isFree(_ port: UInt16, on address: IPAddress) -> Bool {
        do {
            _ = try UDPSocket(binding: Endpoint(address: address, port: port))
            return true
        } catch {
            return false
        }
    }
}
