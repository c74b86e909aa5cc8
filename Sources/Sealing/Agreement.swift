import CSodium

/// A public key of X25519 (RFC 7748): who a peer is on its links.
package struct AgreementPublicKey: Hashable, Sendable {
    package static let byteCount = 32

    package let bytes: [UInt8]

    /// Any 32 bytes; whether an agreement with them is worth anything shows when it is made.
    package init(_ bytes: [UInt8]) throws(SealingError) {
        guard bytes.count == Self.byteCount else {
            throw .wrongLength(needed: Self.byteCount, available: bytes.count)
        }
        self.bytes = bytes
    }
}

/// A key pair of X25519, static or ephemeral.
package struct AgreementKeyPair: Sendable {
    package let secret: SecretBytes
    package let publicKey: AgreementPublicKey

    /// Computes the public half; `secret` is 32 random bytes, for an ephemeral pair fresh ones.
    package init(secret: SecretBytes) throws(SealingError) {
        guard secret.count == AgreementPublicKey.byteCount else {
            throw .wrongLength(needed: AgreementPublicKey.byteCount, available: secret.count)
        }
        Sodium.expectReady()
        var bytes = [UInt8](repeating: 0, count: AgreementPublicKey.byteCount)
        let status = secret.withStart { crypto_scalarmult_base(&bytes, $0) }
        precondition(status == 0, "X25519 refused a secret")
        self.secret = secret
        publicKey = try AgreementPublicKey(bytes)
    }

    /// The shared secret with the owner of `other`; refuses keys that make it zero.
    func agree(with other: AgreementPublicKey) throws(SealingError) -> SecretBytes {
        Sodium.expectReady()
        var status: Int32 = -1
        let shared = SecretBytes(count: AgreementPublicKey.byteCount) { output in
            guard let start = output.baseAddress else { return }
            status = secret.withStart { crypto_scalarmult(start, $0, other.bytes) }
        }
        guard status == 0 else { throw .uselessPublicKey }
        return shared
    }
}
