import NetBasics

/// What a host says about one group (RFC 9776, section 4.2.4; RFC 9777, section 5.2.5).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |  record type  | aux data len  |       number of sources       |
///     +---------------+---------------+-------------------------------+
///     |               group address (4 or 16 bytes)                   |
///     +---------------------------------------------------------------+
///     |              source addresses (4 or 16 bytes each)            |
///     +---------------------------------------------------------------+
///     |            auxiliary data (aux data len times 4 bytes)        |
///     +---------------------------------------------------------------+
///
package struct GroupRecord: Equatable, Sendable {
    package var kind: Kind
    package var group: IPAddress
    package var sources: [IPAddress]
    /// Not defined by anybody, and not looked at by routers.
    package var auxiliaryData: [UInt8]

    /// The record type; unknown ones are to be passed over, not refused.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt8

        package init(rawValue: UInt8) { self.rawValue = rawValue }

        package static let modeIsInclude = Kind(rawValue: 1)
        package static let modeIsExclude = Kind(rawValue: 2)
        package static let changeToInclude = Kind(rawValue: 3)
        package static let changeToExclude = Kind(rawValue: 4)
        package static let allowNewSources = Kind(rawValue: 5)
        package static let blockOldSources = Kind(rawValue: 6)

        /// For people.
        package var meaning: String {
            switch self {
            case .modeIsInclude: "mode is include"
            case .modeIsExclude: "mode is exclude"
            case .changeToInclude: "change to include mode"
            case .changeToExclude: "change to exclude mode"
            case .allowNewSources: "allow new sources"
            case .blockOldSources: "block old sources"
            default: "unknown"
            }
        }
    }

    init(
        decoding bytes: RawSpan, _ family: AddressFamily, with reader: inout ByteReader
    ) throws(DecodeError) {
        kind = Kind(rawValue: try reader.readUInt8(from: bytes))
        let auxiliaryWordCount = Int(try reader.readUInt8(from: bytes))
        let sourceCount = Int(try reader.readUInt16(from: bytes))
        group = try reader.readAddress(family, from: bytes)
        sources = try reader.readAddresses(sourceCount, family, from: bytes)
        auxiliaryData = try reader.readBytes(4 * auxiliaryWordCount, from: bytes)
    }

    /// Reads as many records as a report says, none of which it may lack.
    ///
    /// A record has 8 bytes at least, so a datagram holds 8190 of them at most.
    static func records(
        _ count: Int, decoding bytes: RawSpan, _ family: AddressFamily,
        with reader: inout ByteReader
    ) throws(DecodeError) -> [GroupRecord] {
        try reader.require(count * (4 + family.byteCount), in: bytes)
        var records: [GroupRecord] = []
        records.reserveCapacity(count)
        for _ in 0..<count {
            records.append(try GroupRecord(decoding: bytes, family, with: &reader))
        }
        return records
    }
}

extension GroupRecord {
    /// What Wireshark calls the fields of a record, which differs between IGMP and MLD.
    struct FieldNames: Sendable {
        var record: String
        var kind: String
        var auxiliaryLength: String
        var sourceCount: String
        var group: String
        var source: String
        var auxiliaryData: String
    }

    func field(_ names: FieldNames) -> PacketField {
        var children = [
            PacketField(
                names.kind, "Record type", .integer(kind.rawValue), meaning: kind.meaning),
            PacketField(
                names.auxiliaryLength, "Auxiliary data length",
                .integer(auxiliaryData.count / 4)),
            PacketField(names.sourceCount, "Number of sources", .integer(sources.count)),
            PacketField(names.group, "Multicast address", .address(group)),
        ]
        children += sources.map { PacketField(names.source, "Source address", .address($0)) }
        if !auxiliaryData.isEmpty {
            children.append(
                PacketField(names.auxiliaryData, "Auxiliary data", .bytes(auxiliaryData)))
        }
        return .heading(
            names.record, "Group record", meaning: "\(group), \(kind.meaning)", children)
    }
}
