/// What stands in for a seal behind a parity shard, so that the link's tag covers all of it:
/// BLAKE2b-128 (RFC 7693) of the shard.
package enum ShardDigest {
    package static let byteCount = MediaTagKey.sealBytes

    /// Writes the digest of `shard` over the ``byteCount`` bytes of `output`.
    package static func write(
        of shard: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) {
        Sodium.blake2b(shard, key: nil, into: output)
    }

    package static func matches(
        _ digest: UnsafeRawBufferPointer, _ shard: UnsafeRawBufferPointer
    ) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 8) { computed in
            write(of: shard, into: computed)
            return computed.elementsEqual(digest)
        }
    }
}
