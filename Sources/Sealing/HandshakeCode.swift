import CSodium

/// Proves knowledge of the group's link secret on the datagrams that come before a link has keys.
///
/// A keyed BLAKE2b-128 over all that precedes it, in the spirit of WireGuard's `mac1` (section 5.3 of
/// its paper): who has no invite gets no answer, and costs no more than this hash.
package struct HandshakeCode: Sendable {
    package static let byteCount = 16

    private let key: SecretBytes

    package init(_ keys: GroupKeys) {
        key = Blake2b.derive("polycast link code 1", from: keys.linkSecret.bytes, count: 32)
    }

    /// `bytes` with the code behind them.
    package func appended(to bytes: [UInt8]) -> [UInt8] { bytes + code(of: bytes[...]) }

    /// Whether the last 16 bytes are the code of those before; takes the same time for every guess.
    package func verifies(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= Self.byteCount else { return false }
        let end = bytes.count - Self.byteCount
        return sodium_memcmp(code(of: bytes[..<end]), Array(bytes[end...]), Self.byteCount) == 0
    }

    private func code(of bytes: ArraySlice<UInt8>) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: Self.byteCount)
        code.withUnsafeMutableBytes { output in
            Array(bytes).withUnsafeBytes { input in
                key.withBytes { Sodium.blake2b(input, key: $0, into: output) }
            }
        }
        return code
    }
}

extension AgreementPublicKey {
    /// What the owner is called: 64 bits of BLAKE2b over the key.
    package var identifier: UInt64 { Sodium.hash128("polycast peer id 1".utf8 + [0] + bytes).high }
}
