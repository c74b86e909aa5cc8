import NetBasics

/// The header of a UDP datagram (RFC 768).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |          source port          |       destination port        |
///     +-------------------------------+-------------------------------+
///     |            length             |           checksum            |
///     +-------------------------------+-------------------------------+
///
package struct UDPHeader: Equatable, Sendable {
    package static let byteCount = 8

    package var sourcePort: UInt16
    package var destinationPort: UInt16
    /// Header and payload; bytes.
    ///
    /// Zero, of a jumbogram or before the hardware wrote it, is taken to be what is there.
    package var length: Int
    /// Zero if the sender did not compute one.
    package var checksum: UInt16

    @inline(__always)
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard bytes.byteCount >= Self.byteCount else {
            throw .truncated(needed: Self.byteCount, available: bytes.byteCount)
        }
        // Within the eight bytes.
        let word = UInt64(bigEndian: bytes.unsafeLoadUnaligned(as: UInt64.self))
        sourcePort = UInt16(truncatingIfNeeded: word >> 48)
        destinationPort = UInt16(truncatingIfNeeded: word >> 32)
        let stated = Int(word >> 16 & 0xFFFF)
        length = stated == 0 ? bytes.byteCount : stated
        checksum = UInt16(truncatingIfNeeded: word)
        guard length >= Self.byteCount else { throw .invalidField("length") }
    }

    /// Where the captured part of the payload is.
    package func payloadRange(in bytes: RawSpan) -> Range<Int> {
        Self.byteCount..<max(Self.byteCount, min(bytes.byteCount, length))
    }
}
