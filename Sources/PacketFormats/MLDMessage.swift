import NetBasics

/// A message of MLDv1 (RFC 2710) or MLDv2 (RFC 9777), which is one of ICMPv6.
///
/// A query of version 2 continues as ``MembershipQuery/Details`` draws it. Its report has two bytes
/// of flags and two of a count behind the checksum, and then each ``GroupRecord``.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |     type      |     code      |           checksum            |
///     +---------------+---------------+-------------------------------+
///     |       max response code       |           reserved            |
///     +-------------------------------+-------------------------------+
///     |                group address (16 bytes)                       |
///     +---------------------------------------------------------------+
///
package struct MLDMessage: Equatable, Sendable {
    /// Of ICMPv6.
    package static let protocolNumber: UInt8 = 58

    /// Of the protocol, 1 or 2, as the type and, for a query, the length tell.
    package var version: UInt8
    package var type: UInt8
    package var code: UInt8
    package var checksum: UInt16
    /// Whether the checksum fits; a receiver drops the message otherwise.
    package var isChecksumValid: Bool
    /// Zero but in queries; absent from the report of version 2.
    package var maxResponseCode: UInt16
    package var content: MembershipMessage
    /// Bytes behind the message, which the checksum covers and nobody looks at.
    package var additionalByteCount: Int

    package static let query: UInt8 = 130
    package static let report: UInt8 = 131
    package static let done: UInt8 = 132
    package static let reportOfVersion2: UInt8 = 143

    /// Reads a whole ICMPv6 message; the addresses of its packet are part of the checksum.
    ///
    /// Refuses other types of ICMPv6 than the four above.
    package init(
        decoding bytes: RawSpan, from source: IPv6Address, to destination: IPv6Address
    ) throws(DecodeError) {
        var reader = ByteReader()
        type = try reader.readUInt8(from: bytes)
        code = try reader.readUInt8(from: bytes)
        checksum = try reader.readUInt16(from: bytes)
        var sum = InternetChecksum()
        sum.add(
            from: .v6(source), to: .v6(destination), nextHeader: Self.protocolNumber,
            byteCount: bytes.byteCount)
        sum.add(bytes)
        isChecksumValid = sum.isValid
        maxResponseCode = 0
        switch type {
        case Self.query, Self.report, Self.done:
            maxResponseCode = try reader.readUInt16(from: bytes)
            try reader.skip(2, in: bytes)
            let group = try reader.readAddress(.v6, from: bytes)
            (version, content) = try Self.content(
                type, maxResponseCode, group, decoding: bytes, with: &reader)
        case Self.reportOfVersion2:
            try reader.skip(2, in: bytes)
            let count = Int(try reader.readUInt16(from: bytes))
            version = 2
            content = .records(
                try GroupRecord.records(count, decoding: bytes, .v6, with: &reader))
        default: throw .unknownType(type)
        }
        additionalByteCount = reader.remaining(in: bytes)
    }

    /// What follows the group of a query makes it one of version 2 (RFC 9777, section 8.1).
    private static func content(
        _ type: UInt8, _ responseCode: UInt16, _ group: IPAddress, decoding bytes: RawSpan,
        with reader: inout ByteReader
    ) throws(DecodeError) -> (UInt8, MembershipMessage) {
        guard type == query else {
            return (1, type == report ? .report(group: group) : .leave(group: group))
        }
        let isLong = reader.remaining(in: bytes) > 0
        let milliseconds = isLong ? MembershipCode.value(responseCode) : Int(responseCode)
        let details =
            isLong ? try MembershipQuery.Details(decoding: bytes, .v6, with: &reader) : nil
        let query = MembershipQuery(
            version: isLong ? 2 : 1, maxResponseCode: responseCode,
            maxResponseTime: .milliseconds(milliseconds), group: group, details: details)
        return (query.version, .query(query))
    }
}
