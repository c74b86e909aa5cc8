/// Why something could not be sealed, opened or agreed upon.
package enum SealingError: Error, Equatable, Sendable {
    /// Fewer bytes than the fixed parts need.
    case truncated(needed: Int, available: Int)
    /// More bytes than the format or the caller's buffer holds.
    case oversized(limit: Int, needed: Int)
    /// A key, seed or signature of another length than its kind has.
    case wrongLength(needed: Int, available: Int)
    /// Altered, of another key, or with other associated data.
    case notAuthentic
    /// An agreement with this public key gives zero, whatever the secret is (RFC 7748, section 6.1).
    case uselessPublicKey
    /// Opened before, or too far behind to tell.
    case replayed
    /// The key has served too long or too often.
    case expired
    /// A header that says the same at greater length, or what no sender writes.
    case malformed
    /// An epoch whose keys are gone, or further ahead than a receiver follows.
    case unknownEpoch
}
