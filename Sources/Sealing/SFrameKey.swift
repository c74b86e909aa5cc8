/// The suite of all media: AES_128_GCM_SHA256_128, number 4 of RFC 9605, section 4.5.
package enum SFrame {
    static let suite: UInt16 = 4
    static let keyBytes = 16
    static let nonceBytes = 12
    package static let tagBytes = 16
    /// Highest epoch, so that the key identifier has two bytes at most.
    package static let epochLimit: UInt16 = .max
    /// Packets after which a sender goes to its next epoch by itself: an hour of 4,660 a second.
    ///
    /// It keeps the counter to three bytes and each key far from the limits of AES-GCM.
    package static let epochPacketLimit: UInt64 = 1 << 24
    /// Bytes beside the packet at most: first byte, epoch, counter, tag.
    package static let overheadByteLimit = 1 + 2 + 3 + tagBytes
}

/// What one source's packets of one epoch are sealed with: the `base_key` of RFC 9605.
///
/// The first follows from the group's media key and the source's identifier, each next one from
/// the one before by the ratchet of RFC 9605, section 5.1. The key identifier on the wire is
/// the ratchet step with all of its 16 bits; the key generation stays zero. Whoever gets hold
/// of a sender key reads on from there, not back; the media key itself leads to all of them.
package struct SenderKey: Equatable, Sendable {
    package let epoch: UInt16
    let baseKey: SecretBytes

    /// The key of the first epoch of a source.
    ///
    /// `sender` must be drawn at random for every run of a source, since counters begin anew.
    package init(mediaKey: SecretBytes, sender: UInt64) {
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: sender >> UInt64(56 - 8 * $0)) }
        epoch = 0
        baseKey = Blake2b.derive("polycast sender key 1", bytes, from: mediaKey, count: 32)
    }

    init(epoch: UInt16, baseKey: SecretBytes) {
        self.epoch = epoch
        self.baseKey = baseKey
    }

    /// The key of the next epoch; `nil` after the last.
    package func next() -> SenderKey? {
        guard epoch < SFrame.epochLimit else { return nil }
        return SenderKey(
            epoch: epoch + 1,
            baseKey: HKDF.expand(
                HKDF.extract(baseKey), info: Array("SFrame 1.0 Ratchet".utf8),
                count: HKDF.hashBytes))
    }

    /// The key of an epoch ahead, a step of about 3 µs each; `nil` for one behind.
    package func advanced(to epoch: UInt16) -> SenderKey? {
        guard epoch >= self.epoch else { return nil }
        var key = self
        while key.epoch < epoch, let next = key.next() { key = next }
        return key
    }
}

/// Key and salt for one key identifier (RFC 9605, section 4.4.2).
struct SFrameKey: Sendable {
    let keyID: UInt64
    let key: SecretBytes
    let salt: SecretBytes

    init(keyID: UInt64, baseKey: SecretBytes) {
        let secret = HKDF.extract(baseKey)
        var suffix = (0..<8).map { UInt8(truncatingIfNeeded: keyID >> UInt64(56 - 8 * $0)) }
        suffix += [UInt8(SFrame.suite >> 8), UInt8(SFrame.suite & 0xFF)]
        self.keyID = keyID
        key = HKDF.expand(
            secret, info: "SFrame 1.0 Secret key ".utf8 + suffix, count: SFrame.keyBytes)
        salt = HKDF.expand(
            secret, info: "SFrame 1.0 Secret salt ".utf8 + suffix, count: SFrame.nonceBytes)
    }
}
