import NetBasics

/// The fixed header of an RTP packet with the lengths behind it checked (RFC 3550, section 5.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---+-+-+-------+-+-------------+-------------------------------+
///     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///     +---+-+-+-------+-+-------------+-------------------------------+
///     |                           timestamp                           |
///     +---------------------------------------------------------------+
///     |             synchronization source (SSRC) identifier          |
///     +---------------------------------------------------------------+
///     |          contributing sources (CC times 4 bytes)              |
///     +-------------------------------+-------------------------------+
///     |  X: defined by the profile    |      length, 32-bit words     |
///     +-------------------------------+-------------------------------+
///
package struct RTPHeader: Equatable, Sendable {
    /// The fixed part; bytes.
    package static let fixedByteCount = 12
    package static let version: UInt8 = 2

    package var hasMarker: Bool
    /// 0 to 127; its meaning is the session description's.
    package var payloadType: UInt8
    package var sequence: UInt16
    /// In units of the format's clock rate.
    package var timestamp: UInt32
    package var source: UInt32
    package var contributingSourceCount: Int
    /// The header extension's profile word; `nil` without an extension (section 5.3.1).
    package var extensionProfile: UInt16?
    /// Where the payload starts, behind contributing sources and extension; bytes.
    package var payloadOffset: Int
    /// The payload without padding; bytes.
    package var payloadByteCount: Int
    /// What follows the payload, its own count included; bytes.
    package var paddingByteCount: Int

    /// Reads the header of a whole packet; allocates nothing.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let first = try reader.readUInt8(from: bytes)
        guard first >> 6 == Self.version else { throw .unsupportedVersion(first >> 6) }
        let second = try reader.readUInt8(from: bytes)
        hasMarker = second & 0x80 != 0
        payloadType = second & 0x7F
        sequence = try reader.readUInt16(from: bytes)
        timestamp = try reader.readUInt32(from: bytes)
        source = try reader.readUInt32(from: bytes)
        contributingSourceCount = Int(first & Self.contributingSourceMask)
        try reader.skip(4 * contributingSourceCount, in: bytes)
        if first & Self.extensionFlag != 0 {
            extensionProfile = try reader.readUInt16(from: bytes)
            try reader.skip(4 * Int(try reader.readUInt16(from: bytes)), in: bytes)
        }
        payloadOffset = reader.offset
        let rest = reader.remaining(in: bytes)
        paddingByteCount = 0
        if first & Self.paddingFlag != 0 {
            try reader.skip(max(0, rest - 1), in: bytes)
            paddingByteCount = Int(try reader.readUInt8(from: bytes))
            guard (1...rest).contains(paddingByteCount) else { throw .invalidField("padding") }
        }
        payloadByteCount = rest - paddingByteCount
    }

    private static let paddingFlag: UInt8 = 0x20
    private static let extensionFlag: UInt8 = 0x10
    private static let contributingSourceMask: UInt8 = 0x0F
}
