import CSodium

/// ChaCha20-Poly1305 (RFC 8439) with a 64-bit counter for a nonce, as Noise has it.
enum ChaChaPoly {
    static let keyBytes = 32
    static let tagBytes = 16

    /// Encrypts `count` bytes at `text` where they are and writes their tag to `tag`.
    static func seal(
        _ text: UnsafeMutableRawPointer, count: Int, tag: UnsafeMutableRawPointer,
        associated: UnsafeRawBufferPointer, counter: UInt64, key: SecretBytes
    ) {
        Sodium.expectReady()
        let status = withNonce(counter) { nonce in
            key.withStart { key in
                crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                    text, tag, nil, text, UInt64(count), associated.baseAddress,
                    UInt64(associated.count), nil, nonce, key)
            }
        }
        precondition(status == 0, "ChaCha20-Poly1305 refused \(count) bytes")
    }

    /// Decrypts `count` bytes at `text` where they are; whether they were authentic.
    ///
    /// What was not is overwritten with zeros.
    static func open(
        _ text: UnsafeMutableRawPointer, count: Int, tag: UnsafeRawPointer,
        associated: UnsafeRawBufferPointer, counter: UInt64, key: SecretBytes
    ) -> Bool {
        Sodium.expectReady()
        return withNonce(counter) { nonce in
            key.withStart { key in
                crypto_aead_chacha20poly1305_ietf_decrypt_detached(
                    text, nil, text, UInt64(count), tag, associated.baseAddress,
                    UInt64(associated.count), nonce, key) == 0
            }
        }
    }

    /// Four zero bytes and the counter, little-endian (Noise revision 34, section 12.3).
    private static func withNonce<Result>(
        _ counter: UInt64, _ body: (UnsafeRawPointer) -> Result
    ) -> Result {
        let low = UInt32(truncatingIfNeeded: counter).littleEndian
        let high = UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        return withUnsafePointer(to: (UInt32(0), low, high)) { body(UnsafeRawPointer($0)) }
    }
}
