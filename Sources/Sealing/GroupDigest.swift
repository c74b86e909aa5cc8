/// The identifier of a group: BLAKE2b-128 over a domain and the name in UTF-8, without a key.
///
/// Servers learn the digest only, though a name that can be guessed can be confirmed.
package func groupDigest(name: String) -> (high: UInt64, low: UInt64) {
    Sodium.hash128(groupDomain + Array(name.utf8))
}

/// Sixteen bytes, so that nothing else that is hashed here can be read as domain and name.
private let groupDomain = Array("polycast group 1".utf8)
