import NetBasics

/// An announcement of a session, or its end (SAP, RFC 2974, section 3).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-----+-+-+-+-+-+---------------+-------------------------------+
///     | V=1 |A|R|T|E|C|  auth length  |    message identifier hash    |
///     +-----+-+-+-+-+-+---------------+-------------------------------+
///     |               originating source (4 or 16 bytes)              |
///     +---------------------------------------------------------------+
///     |       authentication data (auth length times 4 bytes)         |
///     +---------------------------------------------------------------+
///     |     payload type, ended by a zero byte; may be absent         |
///     +---------------------------------------------------------------+
///     |                            payload                            |
///     +---------------------------------------------------------------+
///
package struct SAPPacket: Equatable, Sendable {
    package static let port: UInt16 = 9875
    package static let version: UInt8 = 1
    /// The payload type that one means who writes none.
    package static let sessionDescriptionType = "application/sdp"

    /// The first byte.
    package var flags: UInt8
    /// In words of 4 bytes.
    package var authenticationLength: UInt8
    /// Changes when the payload does.
    package var messageHash: UInt16
    package var source: IPAddress
    /// A MIME type; `nil` if it is absent or cannot be read.
    package var payloadType: String?
    /// Where the payload starts, behind its type; bytes.
    package var payloadOffset: Int
    package var payloadByteCount: Int

    /// A: the source is one of IPv6.
    package var isIPv6: Bool { flags & 0x10 != 0 }
    /// T: the session is no longer announced.
    package var isDeletion: Bool { flags & 0x04 != 0 }
    package var isEncrypted: Bool { flags & 0x02 != 0 }
    package var isCompressed: Bool { flags & 0x01 != 0 }

    /// Where a session description starts; `nil` if there is none to read.
    package var sessionDescriptionOffset: Int? {
        guard !isEncrypted, !isCompressed, payloadByteCount > 0,
            (payloadType ?? Self.sessionDescriptionType) == Self.sessionDescriptionType
        else { return nil }
        return payloadOffset
    }

    /// Reads the payload of a UDP datagram.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let first = try reader.readUInt8(from: bytes)
        guard first >> 5 == Self.version else { throw .unsupportedVersion(first >> 5) }
        flags = first
        authenticationLength = try reader.readUInt8(from: bytes)
        messageHash = try reader.readUInt16(from: bytes)
        let isIPv6 = first & 0x10 != 0
        source = try reader.readAddress(isIPv6 ? .v6 : .v4, from: bytes)
        try reader.skip(4 * Int(authenticationLength), in: bytes)
        let isOpaque = first & 0x03 != 0
        payloadType = isOpaque ? nil : try Self.payloadType(decoding: bytes, with: &reader)
        payloadOffset = reader.offset
        payloadByteCount = reader.remaining(in: bytes)
    }

    /// Absent if what is there starts as a session description does (section 6).
    private static func payloadType(
        decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) -> String? {
        var attempt = reader
        var type: [UInt8] = []
        guard attempt.remaining(in: bytes) > 0 else { return nil }
        while type.count <= payloadTypeLimit {
            let byte = try attempt.readUInt8(from: bytes)
            guard byte != 0 else {
                reader = attempt
                return String(received: type)
            }
            type.append(byte)
            if type == descriptionStart { return nil }
        }
        throw .invalidField("payload type")
    }

    /// `v=0`.
    private static let descriptionStart: [UInt8] = [0x76, 0x3D, 0x30]
    /// Longest payload type; MIME types have 127 characters in each half (RFC 6838).
    private static let payloadTypeLimit = 255
}
