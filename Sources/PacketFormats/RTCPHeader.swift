import NetBasics

/// The header of one packet inside a compound RTCP packet (RFC 3550, section 6.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---+-+---------+---------------+-------------------------------+
///     |V=2|P|  count  |  packet type  |  length, 32-bit words less 1  |
///     +---+-+---------+---------------+-------------------------------+
///
package struct RTCPHeader: Equatable, Sendable {
    package static let byteCount = 4

    package static let senderReport: UInt8 = 200
    package static let receiverReport: UInt8 = 201
    package static let sourceDescription: UInt8 = 202
    package static let goodbye: UInt8 = 203

    package var hasPadding: Bool
    /// Reports or sources in the packet, or a subtype; 0 to 31.
    package var count: UInt8
    package var packetType: UInt8
    /// The packet with its header; bytes.
    package var packetByteCount: Int

    /// Reads the packet that starts at `offset` and must end within `bytes`.
    package init(decoding bytes: RawSpan, at offset: Int = 0) throws(DecodeError) {
        var reader = ByteReader()
        try reader.skip(offset, in: bytes)
        let first = try reader.readUInt8(from: bytes)
        guard first >> 6 == RTPHeader.version else { throw .unsupportedVersion(first >> 6) }
        hasPadding = first & 0x20 != 0
        count = first & 0x1F
        packetType = try reader.readUInt8(from: bytes)
        guard Self.packetTypes.contains(packetType) else { throw .unknownType(packetType) }
        packetByteCount = 4 * (Int(try reader.readUInt16(from: bytes)) + 1)
        try reader.skip(packetByteCount - Self.byteCount, in: bytes)
    }

    /// Whether a datagram on a port shared by RTP and RTCP is RTCP (RFC 5761, section 4).
    ///
    /// Looks at two bytes; a port that carries RTCP alone needs no such question.
    package static func isRTCP(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= byteCount
            && bytes.unsafeLoad(as: UInt8.self) >> 6 == RTPHeader.version
            && packetTypes.contains(bytes.unsafeLoad(fromByteOffset: 1, as: UInt8.self))
    }

    /// The packets of a compound; refuses it if one of them is malformed (RFC 3550, A.2).
    package static func packets(in bytes: RawSpan) throws(DecodeError) -> [RTCPHeader] {
        var headers: [RTCPHeader] = []
        var offset = 0
        repeat {
            let header = try RTCPHeader(decoding: bytes, at: offset)
            headers.append(header)
            offset += header.packetByteCount
        } while offset < bytes.byteCount
        return headers
    }

    /// The packet types that cannot be an RTP payload type with its marker in use.
    private static let packetTypes: ClosedRange<UInt8> = 192...223
}
