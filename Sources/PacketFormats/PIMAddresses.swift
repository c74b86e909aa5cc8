import NetBasics

/// An encoded unicast address (RFC 7761, section 4.9.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |    family     | encoding type |  address (4 or 16 bytes) ...
///     +---------------+---------------+-------------------------------+
///
package struct PIMUnicast: Equatable, Sendable {
    package var family: AddressFamily
    package var address: IPAddress

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        family = try reader.readPIMFamily(from: bytes)
        address = try reader.readAddress(family, from: bytes)
    }
}

/// An encoded group address, a range of groups (RFC 7761, section 4.9.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-+-----------+-+---------------+
///     |    family     | encoding type |B| reserved  |Z|  mask length  |
///     +---------------+---------------+-+-----------+-+---------------+
///     |                group address (4 or 16 bytes)                  |
///     +---------------------------------------------------------------+
///
package struct PIMGroup: Equatable, Sendable {
    package var family: AddressFamily
    /// B, bidirectional PIM, and Z, administrative scope zone; the rest is reserved.
    package var flags: UInt8
    package var maskLength: UInt8
    package var address: IPAddress

    package var isBidirectional: Bool { flags & 0x80 != 0 }
    package var isScopeZone: Bool { flags & 0x01 != 0 }

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        family = try reader.readPIMFamily(from: bytes)
        flags = try reader.readUInt8(from: bytes)
        maskLength = try reader.readMaskLength(family, from: bytes)
        address = try reader.readAddress(family, from: bytes)
    }
}

/// An encoded source address (RFC 7761, section 4.9.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+---------+-+-+-+---------------+
///     |    family     | encoding type | reserv. |S|W|R|  mask length  |
///     +---------------+---------------+---------+-+-+-+---------------+
///     |                source address (4 or 16 bytes)                 |
///     +---------------------------------------------------------------+
///
package struct PIMSource: Equatable, Sendable {
    package var family: AddressFamily
    package var flags: UInt8
    package var maskLength: UInt8
    /// The RP's if it is a wildcard.
    package var address: IPAddress

    /// S: always set by this version of PIM.
    package var isSparse: Bool { flags & 0x04 != 0 }
    /// W: for all sources, (*,G).
    package var isWildcard: Bool { flags & 0x02 != 0 }
    /// R: towards the RP and not the source.
    package var isRPTree: Bool { flags & 0x01 != 0 }

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        family = try reader.readPIMFamily(from: bytes)
        flags = try reader.readUInt8(from: bytes)
        maskLength = try reader.readMaskLength(family, from: bytes)
        address = try reader.readAddress(family, from: bytes)
    }

    /// A list, of as many as `count` says; each has 8 bytes at least.
    static func sources(
        _ count: Int, decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) -> [PIMSource] {
        try reader.require(8 * count, in: bytes)
        var sources: [PIMSource] = []
        sources.reserveCapacity(count)
        for _ in 0..<count {
            sources.append(try PIMSource(decoding: bytes, with: &reader))
        }
        return sources
    }
}

extension ByteReader {
    /// Reads an address family and an encoding; refuses all but IPv4 and IPv6, and all but native.
    ///
    /// Deviation: sources with join attributes (RFC 5384) are refused too.
    fileprivate mutating func readPIMFamily(
        from bytes: RawSpan
    ) throws(DecodeError) -> AddressFamily {
        let family: AddressFamily
        switch try readUInt8(from: bytes) {
        case AddressFamily.v4.pimNumber: family = .v4
        case AddressFamily.v6.pimNumber: family = .v6
        default: throw .invalidField("family")
        }
        guard try readUInt8(from: bytes) == 0 else { throw .invalidField("encoding type") }
        return family
    }

    fileprivate mutating func readMaskLength(
        _ family: AddressFamily, from bytes: RawSpan
    ) throws(DecodeError) -> UInt8 {
        let length = try readUInt8(from: bytes)
        guard Int(length) <= 8 * family.byteCount else { throw .invalidField("mask length") }
        return length
    }
}

extension AddressFamily {
    /// As IANA numbers address families.
    var pimNumber: UInt8 {
        switch self {
        case .v4: 1
        case .v6: 2
        }
    }
}
