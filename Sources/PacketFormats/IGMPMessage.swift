import NetBasics

/// A message of IGMPv1 (RFC 1112), IGMPv2 (RFC 2236) or IGMPv3 (RFC 9776).
///
/// Every message begins alike; version 3 continues as ``MembershipQuery/Details`` and
/// ``GroupRecord`` draw it, and in its report the group is two bytes of flags and two of a count.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |     type      | max resp code |           checksum            |
///     +---------------+---------------+-------------------------------+
///     |                         group address                         |
///     +---------------------------------------------------------------+
///
package struct IGMPMessage: Equatable, Sendable {
    package static let protocolNumber: UInt8 = 2

    /// Of the protocol, 1 to 3, as the type and, for a query, the length tell.
    package var version: UInt8
    package var type: UInt8
    /// The second byte; unused in version 1 and in the report of version 3.
    package var maxResponseCode: UInt8
    package var checksum: UInt16
    /// Whether the checksum fits; a receiver drops the message otherwise.
    package var isChecksumValid: Bool
    package var content: MembershipMessage
    /// Bytes behind the message, which the checksum covers and nobody looks at.
    package var additionalByteCount: Int

    package static let query: UInt8 = 0x11
    package static let reportOfVersion1: UInt8 = 0x12
    package static let reportOfVersion2: UInt8 = 0x16
    package static let leave: UInt8 = 0x17
    package static let reportOfVersion3: UInt8 = 0x22

    /// Reads the payload of an IP packet, which ends where the IP header says.
    ///
    /// Refuses other types than the five above: those of DVMRP, PIMv1 and mtrace.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        type = try reader.readUInt8(from: bytes)
        maxResponseCode = try reader.readUInt8(from: bytes)
        checksum = try reader.readUInt16(from: bytes)
        var sum = InternetChecksum()
        sum.add(bytes)
        isChecksumValid = sum.isValid
        switch type {
        case Self.query:
            let query = try MembershipQuery(igmp: maxResponseCode, bytes, with: &reader)
            version = query.version
            content = .query(query)
        case Self.reportOfVersion1, Self.reportOfVersion2:
            version = type == Self.reportOfVersion1 ? 1 : 2
            content = .report(group: try reader.readAddress(.v4, from: bytes))
        case Self.leave:
            version = 2
            content = .leave(group: try reader.readAddress(.v4, from: bytes))
        case Self.reportOfVersion3:
            version = 3
            try reader.skip(2, in: bytes)
            let count = Int(try reader.readUInt16(from: bytes))
            content = .records(
                try GroupRecord.records(count, decoding: bytes, .v4, with: &reader))
        default: throw .unknownType(type)
        }
        additionalByteCount = reader.remaining(in: bytes)
    }
}

extension MembershipQuery {
    /// Reads a query from its group on; tells versions apart by length and code.
    ///
    /// Eight bytes are version 1 if the code is zero and version 2 otherwise, twelve and more are
    /// version 3, and what is between is nothing (RFC 9776, section 7.1).
    fileprivate init(
        igmp code: UInt8, _ bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) {
        group = try reader.readAddress(.v4, from: bytes)
        maxResponseCode = UInt16(code)
        let isLong = reader.remaining(in: bytes) > 0
        version = isLong ? 3 : code == 0 ? 1 : 2
        switch version {
        case 1: maxResponseTime = .seconds(10)
        case 2: maxResponseTime = .milliseconds(100 * Int(code))
        default: maxResponseTime = .milliseconds(100 * MembershipCode.value(code))
        }
        details = isLong ? try Details(decoding: bytes, .v4, with: &reader) : nil
    }
}
