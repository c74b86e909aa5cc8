import CCrypto

/// HKDF with SHA-256 (RFC 5869), for outputs of one block at most.
enum HKDF {
    static let hashBytes = 32

    /// Extraction with an empty salt, which HMAC fills up with zeros.
    static func extract(_ input: SecretBytes) -> SecretBytes {
        let salt = SecretBytes(count: hashBytes) { _ in }
        return input.withBytes { hmac($0, key: salt) }
    }

    /// The first `count` bytes, up to 32.
    static func expand(_ key: SecretBytes, info: [UInt8], count: Int) -> SecretBytes {
        precondition(count <= hashBytes, "\(count) bytes are more than a block")
        return (info + [1]).withUnsafeBytes { hmac($0, key: key) }.part(0..<count)
    }

    private static func hmac(_ message: UnsafeRawBufferPointer, key: SecretBytes) -> SecretBytes {
        SecretBytes(count: hashBytes) { output in
            var count: UInt32 = 0
            let result = key.withStart {
                HMAC(
                    EVP_sha256(), $0, Int32(key.count),
                    message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count,
                    output.baseAddress?.assumingMemoryBound(to: UInt8.self), &count)
            }
            precondition(result != nil && count == hashBytes, "libcrypto has no HMAC-SHA256")
        }
    }
}
