import CSodium

/// Everything that members of a group, or its relays, derive from their secret.
///
///     secret, 16 bytes ──► media key, 32 ──► sender keys (``SenderKey``), proofs
///            └───────────► link secret, 32 ──► psk of the links, 32
///                                 └──────────► Ed25519 seed ──► public key ──► group id
///
/// Each arrow is a BLAKE2b under the key on its left with a domain of its own, so nothing leads
/// back.
package struct GroupKeys: Sendable {
    /// `nil` for a relay.
    package let mediaKey: SecretBytes?
    package let linkSecret: LinkSecret
    /// The pre-shared key of the group's links: who lacks it gets no link.
    package let psk: SecretBytes
    package let publicKey: GroupPublicKey
    /// Whether the group's name alone leads to all of this.
    package let isPublic: Bool
    private let signingKey: SecretBytes

    /// The keys of a member.
    package init(secret: GroupSecret) {
        let mediaKey = Blake2b.derive("polycast media key 1", from: secret.bytes, count: 32)
        self.init(
            linkSecret: LinkSecret(of: secret), mediaKey: mediaKey, isPublic: secret.isPublic)
    }

    /// The keys of whoever holds an invite.
    package init(invite: InviteSecret) {
        switch invite {
        case .member(let secret): self.init(secret: secret)
        case .relay(let linkSecret):
            self.init(linkSecret: linkSecret, mediaKey: nil, isPublic: false)
        }
    }

    private init(linkSecret: LinkSecret, mediaKey: SecretBytes?, isPublic: Bool) {
        self.mediaKey = mediaKey
        self.linkSecret = linkSecret
        self.isPublic = isPublic
        psk = Blake2b.derive(
            "polycast link psk 1", from: linkSecret.bytes, count: NoiseIKpsk2.pskBytes)
        let seed = Blake2b.derive(
            "polycast group signing key 1", from: linkSecret.bytes,
            count: Int(crypto_sign_SEEDBYTES))
        (signingKey, publicKey) = signingPair(seed: seed)
    }

    /// The 64-byte Ed25519 signature (RFC 8032) of the bytes, for one purpose.
    package func sign(_ bytes: [UInt8], for purpose: SigningPurpose) -> [UInt8] {
        let message = purpose.message(bytes)
        var signature = [UInt8](repeating: 0, count: GroupPublicKey.signatureBytes)
        let status = signingKey.withStart {
            crypto_sign_detached(&signature, nil, message, UInt64(message.count), $0)
        }
        precondition(status == 0, "Ed25519 did not sign")
        return signature
    }
}

/// What a signature of the group is for; one for another purpose does not count.
package enum SigningPurpose: String, Sendable {
    case registration = "polycast registration 1"

    fileprivate func message(_ bytes: [UInt8]) -> [UInt8] { rawValue.utf8 + [0] + bytes }
}

/// The Ed25519 key that says what the group's members signed.
package struct GroupPublicKey: Hashable, Sendable {
    package static let byteCount = 32
    package static let signatureBytes = 64

    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) throws(SealingError) {
        guard bytes.count == Self.byteCount else {
            throw .wrongLength(needed: Self.byteCount, available: bytes.count)
        }
        self.bytes = bytes
    }

    fileprivate init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// The group's identifier, BLAKE2b-128 of the key, as two big-endian words.
    package var groupID: (high: UInt64, low: UInt64) {
        Sodium.hash128("polycast group id 1".utf8 + [0] + bytes)
    }

    /// Whether a holder of the link secret signed these bytes for this purpose.
    package func verifies(
        _ signature: [UInt8], of bytes: [UInt8], for purpose: SigningPurpose
    ) -> Bool {
        guard signature.count == Self.signatureBytes else { return false }
        Sodium.expectReady()
        let message = purpose.message(bytes)
        return crypto_sign_verify_detached(
            signature, message, UInt64(message.count), self.bytes) == 0
    }
}

private func signingPair(seed: SecretBytes) -> (secret: SecretBytes, public: GroupPublicKey) {
    Sodium.expectReady()
    var publicKey = [UInt8](repeating: 0, count: GroupPublicKey.byteCount)
    let secret = SecretBytes(count: Int(crypto_sign_SECRETKEYBYTES)) { output in
        guard let start = output.baseAddress else { return }
        let status = seed.withStart { crypto_sign_seed_keypair(&publicKey, start, $0) }
        precondition(status == 0, "Ed25519 refused a seed")
    }
    return (secret, GroupPublicKey(checked: publicKey))
}

// MARK: - The rendezvous

extension GroupKeys {
    /// Shows that a holder of the link secret made an entry of a peer list: 128 bits, as two
    /// big-endian words.
    ///
    /// Every holder can make it and check it; the rendezvous can do neither.
    package func entryCode(of entry: [UInt8]) -> (high: UInt64, low: UInt64) {
        let message = Self.entryDomain + entry
        var digest = (high: 0 as UInt64, low: 0 as UInt64)
        linkSecret.bytes.withBytes { key in
            message.withUnsafeBytes { message in
                withUnsafeMutableBytes(of: &digest) {
                    Sodium.blake2b(message, key: key, into: $0)
                }
            }
        }
        return (UInt64(bigEndian: digest.high), UInt64(bigEndian: digest.low))
    }

    /// By which the rendezvous recognizes groups of one name, whatever their keys: a hash of it.
    package static func alias(ofName name: String) -> UInt64 {
        Sodium.hash128("polycast group alias 1".utf8 + [0] + name.utf8).high
    }

    private static let entryDomain = "polycast entry 1".utf8 + [0]
}

// MARK: - Proof of the media key

/// The two ends of a handshake.
package enum HandshakeRole: UInt8, Sendable {
    case initiator = 0
    case responder = 1
}

extension GroupKeys {
    package static let mediaKeyProofBytes = 16

    /// Shows the other end of a link that this one can read media; `nil` from a relay.
    ///
    /// It holds for this handshake and this end of it only: a relay can neither send back what
    /// it was shown nor pass it on. Send it sealed, in the link.
    package func mediaKeyProof(of role: HandshakeRole, handshakeHash: [UInt8]) -> [UInt8]? {
        proof(of: role, handshakeHash).map { $0.withBytes { Array($0) } }
    }

    /// Whether the other end, in its role, has shown the media key; never to a relay.
    package func isMediaKeyProof(
        _ bytes: [UInt8], of role: HandshakeRole, handshakeHash: [UInt8]
    ) -> Bool {
        proof(of: role, handshakeHash) == SecretBytes(bytes)
    }

    private func proof(of role: HandshakeRole, _ handshakeHash: [UInt8]) -> SecretBytes? {
        guard let mediaKey else { return nil }
        return Blake2b.derive(
            "polycast media key proof 1", [role.rawValue] + handshakeHash, from: mediaKey,
            count: Self.mediaKeyProofBytes)
    }
}
