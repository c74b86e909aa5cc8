import CSodium

/// What a forwarder adds to every copy of a media packet: that it came from this neighbor.
///
/// The media itself is sealed by its source; the tag covers what that seal does not, the header
/// of the link, and is tied to the packet by the last 16 bytes of the body, which are its seal.
@usableFromInline package struct MediaTag: Equatable, Sendable {
    package static let byteCount = 16

    /// As they lie in memory.
    @usableFromInline let words: (UInt64, UInt64)

    /// `low` and `high` are little-endian.
    @inlinable init(_ low: UInt64, _ high: UInt64) { words = (low.littleEndian, high.littleEndian) }

    /// Reads the 16 bytes at `start`.
    @inlinable package init(at start: UnsafeRawPointer) {
        words = (
            start.loadUnaligned(as: UInt64.self),
            start.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
    }

    @inlinable package func write(to start: UnsafeMutableRawPointer) {
        start.storeBytes(of: words.0, as: UInt64.self)
        start.storeBytes(of: words.1, toByteOffset: 8, as: UInt64.self)
    }

    /// Takes the same time wherever the difference is.
    @inlinable package static func == (left: MediaTag, right: MediaTag) -> Bool {
        (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1) == 0
    }
}

/// The key of the tags of one direction of a link: SipHash-2-4 with an output of 128 bits
/// (Aumasson and Bernstein, 2012; the longer output is of their reference code).
///
/// A plain value, so that tables of links can be copied and read without counting references;
/// it is not wiped. It never shows its bits.
@usableFromInline package struct MediaTagKey: Sendable {
    package static let byteCount = 16
    /// Longest header that can be tagged.
    package static let headerByteLimit = 48
    /// Bytes of the body that are tagged: its seal.
    @inlinable package static var sealBytes: Int { 16 }

    /// As they lie in memory.
    @usableFromInline let words: (UInt64, UInt64)

    /// `bytes` are ``byteCount`` secret ones.
    package init(_ bytes: SecretBytes) throws(SealingError) {
        guard bytes.count == Self.byteCount else {
            throw .wrongLength(needed: Self.byteCount, available: bytes.count)
        }
        words = bytes.withStart {
            (
                $0.loadUnaligned(as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
    }

    /// The tag of a header of at most ``headerByteLimit`` bytes and of a body's last 16.
    package func tag(
        header: UnsafeRawBufferPointer, seal: UnsafeRawPointer
    ) -> MediaTag {
        precondition(header.count <= Self.headerByteLimit, "header of \(header.count) bytes")
        return withUnsafeTemporaryAllocation(
            byteCount: Self.headerByteLimit + Self.sealBytes, alignment: 16
        ) { input in
            input.copyMemory(from: header)
            let rest = UnsafeMutableRawBufferPointer(rebasing: input[header.count...])
            rest.copyMemory(from: UnsafeRawBufferPointer(start: seal, count: Self.sealBytes))
            return tag(
                of: UnsafeRawBufferPointer(rebasing: input[..<(header.count + Self.sealBytes)]))
        }
    }

    /// Whether the 16 bytes at `tag` belong to this header and body.
    package func verifies(
        _ tag: UnsafeRawPointer, header: UnsafeRawBufferPointer, seal: UnsafeRawPointer
    ) -> Bool {
        self.tag(header: header, seal: seal) == MediaTag(at: tag)
    }

    /// The tag of bytes that lie together.
    package func tag(of bytes: UnsafeRawBufferPointer) -> MediaTag {
        withUnsafePointer(to: words) { key in
            withUnsafeTemporaryAllocation(byteCount: MediaTag.byteCount, alignment: 8) { output in
                guard let start = output.baseAddress else { preconditionFailure("no stack") }
                crypto_shorthash_siphashx24(
                    start, bytes.baseAddress, UInt64(bytes.count), UnsafeRawPointer(key))
                return MediaTag(at: start)
            }
        }
    }
}

extension MediaTagKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    @usableFromInline package var description: String { "secret of \(Self.byteCount) bytes" }
    @usableFromInline package var debugDescription: String { description }
    @usableFromInline package var customMirror: Mirror { Mirror(self, children: []) }
}

extension NoiseIKpsk2.Session {
    /// The key of the tags that this side sends; the other side's ``receiveTagKey``.
    package var sendTagKey: MediaTagKey {
        get throws(SealingError) { try tagKey(from: sendKey) }
    }

    package var receiveTagKey: MediaTagKey {
        get throws(SealingError) { try tagKey(from: receiveKey) }
    }

    /// BLAKE2b of the handshake's hash under that direction's transport key.
    private func tagKey(from key: SecretBytes) throws(SealingError) -> MediaTagKey {
        try MediaTagKey(
            Blake2b.derive(
                "polycast media tag 1", handshakeHash, from: key, count: MediaTagKey.byteCount))
    }
}
