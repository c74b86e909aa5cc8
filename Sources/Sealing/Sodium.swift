import CSodium

/// The few calls of libsodium that Polycast needs, behind one initialization.
enum Sodium {
    /// Initialized on first use; Swift runs a static initializer once, whatever the thread.
    private static let isReady = sodium_init() >= 0

    /// BLAKE2b with a 128-bit output (RFC 7693), as two big-endian words.
    ///
    /// `key` is empty or 16 to 64 bytes long.
    static func hash128(_ message: [UInt8], key: [UInt8] = []) -> (high: UInt64, low: UInt64) {
        expectReady()
        var digest = [UInt8](repeating: 0, count: 16)
        let status = crypto_generichash(
            &digest, digest.count, message, UInt64(message.count), key, key.count)
        precondition(status == 0, "BLAKE2b refused a key of \(key.count) bytes")
        return (word(digest[..<8]), word(digest[8...]))
    }

    static func fillRandomly(_ bytes: inout [UInt8]) {
        expectReady()
        randombytes_buf(&bytes, bytes.count)
    }

    static func expectReady() {
        precondition(isReady, "libsodium found no source of randomness")
    }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
