import CSodium

/// BLAKE2b (RFC 7693) as a hash, as a keyed function and within HMAC (RFC 2104).
enum Blake2b {
    static let hashBytes = 64
    private static let blockBytes = 128

    /// The unkeyed hash of 64 bytes.
    static func hash(_ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: hashBytes)
        digest.withUnsafeMutableBytes { output in
            message.withUnsafeBytes { Sodium.blake2b($0, key: nil, into: output) }
        }
        return digest
    }

    /// A pseudorandom function: `count` bytes, 16 to 64, of domain and message under a key.
    ///
    /// The domain ends with a zero byte, so that no domain and message read as another's.
    static func derive(
        _ domain: String, _ message: [UInt8] = [], from key: SecretBytes, count: Int
    ) -> SecretBytes {
        SecretBytes(count: count) { output in
            (domain.utf8 + [0] + message).withUnsafeBytes { input in
                key.withBytes { Sodium.blake2b(input, key: $0, into: output) }
            }
        }
    }

    /// HMAC-BLAKE2b as Noise has it (revision 34, section 4.3): 64 bytes; the key is at most a
    /// block long.
    static func hmac(_ message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> SecretBytes
    {
        precondition(key.count <= blockBytes, "HMAC key of \(key.count) bytes")
        let inner = SecretBytes(count: blockBytes + message.count) { block in
            mask(block, with: key, pad: 0x36)
            UnsafeMutableRawBufferPointer(rebasing: block[blockBytes...]).copyMemory(from: message)
        }
        let outer = SecretBytes(count: blockBytes + hashBytes) { block in
            mask(block, with: key, pad: 0x5C)
            let digest = UnsafeMutableRawBufferPointer(rebasing: block[blockBytes...])
            inner.withBytes { Sodium.blake2b($0, key: nil, into: digest) }
        }
        return SecretBytes(count: hashBytes) { output in
            outer.withBytes { Sodium.blake2b($0, key: nil, into: output) }
        }
    }

    /// HKDF as Noise has it (revision 34, section 4.3): `count` secrets of 64 bytes, 1 to 3.
    static func hkdf(
        chainingKey: SecretBytes, input: UnsafeRawBufferPointer, count: Int
    ) -> [SecretBytes] {
        let temporary = chainingKey.withBytes { hmac(input, key: $0) }
        var outputs: [SecretBytes] = []
        for index in 1...count {
            let previous = outputs.last
            let message = SecretBytes(count: (previous?.count ?? 0) + 1) { block in
                previous?.withBytes { block.copyMemory(from: $0) }
                block[block.count - 1] = UInt8(index)
            }
            outputs.append(
                message.withBytes { text in temporary.withBytes { hmac(text, key: $0) } })
        }
        return outputs
    }

    private static func mask(
        _ block: UnsafeMutableRawBufferPointer, with key: UnsafeRawBufferPointer, pad: UInt8
    ) {
        for index in 0..<blockBytes {
            block[index] = (index < key.count ? key[index] : 0) ^ pad
        }
    }
}

extension Sodium {
    /// BLAKE2b of any output from 16 to 64 bytes; a key has 16 to 64 bytes too.
    static func blake2b(
        _ message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer?,
        into output: UnsafeMutableRawBufferPointer
    ) {
        expectReady()
        guard let start = output.baseAddress else { return }
        let status = crypto_generichash(
            start, output.count, message.baseAddress, UInt64(message.count),
            key?.baseAddress, key?.count ?? 0)
        precondition(
            status == 0, "BLAKE2b of \(output.count) bytes with a key of \(key?.count ?? 0)")
    }

    /// Overwrites with zeros in a way that the optimizer keeps.
    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        sodium_memzero(start, bytes.count)
    }
}
