import CSodium
import NetBasics

package struct AddressCookie: Sendable {
    let secret: [UInt8]
    package init(secret: [UInt8]) { self.secret = secret }
    package func word(for endpoint: Endpoint, at now: Instant) -> (high: UInt64, low: UInt64) {
        let input = Array("\(endpoint)\(now.nanoseconds / 60_000_000_000)".utf8)
        var out = [UInt8](repeating: 0, count: 16)
        crypto_generichash(&out, 16, input, UInt64(input.count), secret, secret.count)
        return out.withUnsafeBytes { ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
    }
    package func verifies(_ high: UInt64, _ low: UInt64, for endpoint: Endpoint, at now: Instant) -> Bool {
        word(for: endpoint, at: now) == (high, low)
    }
}
