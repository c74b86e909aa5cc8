import NetBasics

/// A packet of a source, on its way to the RP (RFC 7761, section 4.9.3).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-----------------------------------------------------------+
///     |B|N|                         reserved                          |
///     +-+-+-----------------------------------------------------------+
///     |                       IP packet, or its header                |
///     +---------------------------------------------------------------+
///
package struct PIMRegister: Equatable, Sendable {
    package var flags: UInt32
    /// Where the packet inside starts, from the message's first byte.
    package var packetOffset: Int
    package var packetByteCount: Int
    /// 4 or 6; `nil` without a packet.
    package var innerVersion: UInt8?

    package var isBorder: Bool { flags & 0x8000_0000 != 0 }
    /// N: no data, only a sign that the source is alive.
    package var isNull: Bool { flags & 0x4000_0000 != 0 }

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        flags = try reader.readUInt32(from: bytes)
        packetOffset = reader.offset
        packetByteCount = reader.remaining(in: bytes)
        guard packetByteCount > 0 else { return }
        innerVersion = try reader.readUInt8(from: bytes) >> 4
    }
}

/// Whom a router wants packets from, and whom no longer (RFC 7761, section 4.9.5).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                upstream neighbor (encoded unicast)            |
///     +---------------+---------------+-------------------------------+
///     |   reserved    |  group count  |           holdtime            |
///     +---------------+---------------+-------------------------------+
///     |                     group (encoded group)                     |
///     +-------------------------------+-------------------------------+
///     |          join count           |          prune count          |
///     +-------------------------------+-------------------------------+
///     |          joined, then pruned sources (encoded source)         |
///     +---------------------------------------------------------------+
///
package struct PIMJoinPrune: Equatable, Sendable {
    package var upstreamNeighbor: PIMUnicast
    package var reserved: UInt8
    /// Seconds; 65,535 for ever.
    package var holdtime: UInt16
    package var groups: [Group]

    package struct Group: Equatable, Sendable {
        package var group: PIMGroup
        package var joins: [PIMSource]
        package var prunes: [PIMSource]

        fileprivate init(
            decoding bytes: RawSpan, with reader: inout ByteReader
        ) throws(DecodeError) {
            group = try PIMGroup(decoding: bytes, with: &reader)
            let joinCount = Int(try reader.readUInt16(from: bytes))
            let pruneCount = Int(try reader.readUInt16(from: bytes))
            joins = try PIMSource.sources(joinCount, decoding: bytes, with: &reader)
            prunes = try PIMSource.sources(pruneCount, decoding: bytes, with: &reader)
        }
    }

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        upstreamNeighbor = try PIMUnicast(decoding: bytes, with: &reader)
        reserved = try reader.readUInt8(from: bytes)
        let count = try reader.readUInt8(from: bytes)
        holdtime = try reader.readUInt16(from: bytes)
        groups = []
        for _ in 0..<count { groups.append(try Group(decoding: bytes, with: &reader)) }
    }
}

/// Who forwards to a LAN with several routers (RFC 7761, section 4.9.6).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                     group (encoded group)                     |
///     +---------------------------------------------------------------+
///     |                    source (encoded unicast)                   |
///     +-+-------------------------------------------------------------+
///     |R|                     metric preference                       |
///     +-+-------------------------------------------------------------+
///     |                            metric                             |
///     +---------------------------------------------------------------+
///
package struct PIMAssert: Equatable, Sendable {
    package var group: PIMGroup
    /// Zero for all sources.
    package var source: PIMUnicast
    /// R: along the RP's tree.
    package var isRPTree: Bool
    package var metricPreference: UInt32
    package var metric: UInt32

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        group = try PIMGroup(decoding: bytes, with: &reader)
        source = try PIMUnicast(decoding: bytes, with: &reader)
        let preference = try reader.readUInt32(from: bytes)
        isRPTree = preference & 0x8000_0000 != 0
        metricPreference = preference & 0x7FFF_FFFF
        metric = try reader.readUInt32(from: bytes)
    }
}

/// Which router is RP for which groups, from the bootstrap router (RFC 5059, section 4.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+---------------+---------------+
///     |         fragment tag          | hash mask len | BSR priority  |
///     +-------------------------------+---------------+---------------+
///     |                 bootstrap router (encoded unicast)            |
///     +---------------------------------------------------------------+
///     |                     group (encoded group)                     |
///     +---------------+---------------+-------------------------------+
///     |   RP count    | fragment's RPs|           reserved            |
///     +---------------+---------------+-------------------------------+
///     |                      RP (encoded unicast)                     |
///     +-------------------------------+---------------+---------------+
///     |          RP holdtime          |  RP priority  |   reserved    |
///     +-------------------------------+---------------+---------------+
///
package struct PIMBootstrap: Equatable, Sendable {
    package var fragmentTag: UInt16
    package var hashMaskLength: UInt8
    package var priority: UInt8
    package var router: PIMUnicast
    package var groups: [Group]

    package struct Group: Equatable, Sendable {
        package var group: PIMGroup
        /// In all fragments of the message.
        package var routerCount: UInt8
        /// Those in this fragment.
        package var routers: [RendezvousPoint]

        fileprivate init(
            decoding bytes: RawSpan, with reader: inout ByteReader
        ) throws(DecodeError) {
            group = try PIMGroup(decoding: bytes, with: &reader)
            routerCount = try reader.readUInt8(from: bytes)
            let count = try reader.readUInt8(from: bytes)
            try reader.skip(2, in: bytes)
            routers = []
            for _ in 0..<count {
                routers.append(try RendezvousPoint(decoding: bytes, with: &reader))
            }
        }
    }

    package struct RendezvousPoint: Equatable, Sendable {
        package var address: PIMUnicast
        /// Seconds; zero removes it.
        package var holdtime: UInt16
        /// The lowest wins.
        package var priority: UInt8
        package var reserved: UInt8

        fileprivate init(
            decoding bytes: RawSpan, with reader: inout ByteReader
        ) throws(DecodeError) {
            address = try PIMUnicast(decoding: bytes, with: &reader)
            holdtime = try reader.readUInt16(from: bytes)
            priority = try reader.readUInt8(from: bytes)
            reserved = try reader.readUInt8(from: bytes)
        }
    }

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        fragmentTag = try reader.readUInt16(from: bytes)
        hashMaskLength = try reader.readUInt8(from: bytes)
        priority = try reader.readUInt8(from: bytes)
        router = try PIMUnicast(decoding: bytes, with: &reader)
        groups = []
        while reader.remaining(in: bytes) > 0 {
            groups.append(try Group(decoding: bytes, with: &reader))
        }
    }
}

/// A router that offers to be RP, to the bootstrap router (RFC 5059, section 4.2).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     | prefix count  |   priority    |           holdtime            |
///     +---------------+---------------+-------------------------------+
///     |                      RP (encoded unicast)                     |
///     +---------------------------------------------------------------+
///     |               groups (encoded group), prefix count            |
///     +---------------------------------------------------------------+
///
package struct PIMCandidateRP: Equatable, Sendable {
    package var priority: UInt8
    package var holdtime: UInt16
    package var router: PIMUnicast
    /// Empty for all groups.
    package var groups: [PIMGroup]

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        let count = try reader.readUInt8(from: bytes)
        priority = try reader.readUInt8(from: bytes)
        holdtime = try reader.readUInt16(from: bytes)
        router = try PIMUnicast(decoding: bytes, with: &reader)
        groups = []
        for _ in 0..<count { groups.append(try PIMGroup(decoding: bytes, with: &reader)) }
    }
}
