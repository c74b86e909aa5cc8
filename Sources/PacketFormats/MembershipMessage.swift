import NetBasics

/// What IGMP and MLD say: queries of routers and reports of hosts, in the terms of both.
package enum MembershipMessage: Equatable, Sendable {
    case query(MembershipQuery)
    /// A member of the group is here, in IGMPv1, IGMPv2 and MLDv1.
    case report(group: IPAddress)
    /// The last member may be gone: a leave of IGMPv2, a done of MLDv1.
    case leave(group: IPAddress)
    /// A report of IGMPv3 or MLDv2.
    case records([GroupRecord])
}

/// A question which groups, and which of their sources, somebody listens to.
package struct MembershipQuery: Equatable, Sendable {
    /// Of IGMP, 1 to 3, or of MLD, 1 or 2.
    package var version: UInt8
    /// As it was sent: tenths of a second in IGMP, milliseconds in MLD, or a floating-point code.
    package var maxResponseCode: UInt16
    /// Longest delay before a report; ten seconds in IGMPv1, which has no such field.
    package var maxResponseTime: Duration
    /// All zero in a general query.
    package var group: IPAddress
    /// Only in IGMPv3 and MLDv2.
    package var details: Details?

    /// What IGMPv3 and MLDv2 add.
    package struct Details: Equatable, Sendable {
        /// The first four bits, of which RFC 9279 defines the first.
        package var flags: UInt8
        /// S: routers shall not update their timers.
        package var suppressesRouters: Bool
        /// QRV: how many lost reports the querier expects; 0 to 7.
        package var robustness: UInt8
        /// As it was sent.
        package var queryIntervalCode: UInt8
        package var queryInterval: Duration
        /// Those asked about; empty asks for the group.
        package var sources: [IPAddress]
    }

    /// Whether it asks for all groups.
    package var isGeneral: Bool {
        switch group {
        case .v4(let address): address.rawValue == 0
        case .v6(let address): (address.high | address.low) == 0
        }
    }
}

extension MembershipQuery.Details {
    /// Reads what stands behind the group (RFC 9776, section 4.1; RFC 9777, section 5.1).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-------+-+-----+---------------+-------------------------------+
    ///     | flags |S| QRV |     QQIC      |       number of sources       |
    ///     +-------+-+-----+---------------+-------------------------------+
    ///     |              source addresses (4 or 16 bytes each)            |
    ///     +---------------------------------------------------------------+
    ///
    init(
        decoding bytes: RawSpan, _ family: AddressFamily, with reader: inout ByteReader
    ) throws(DecodeError) {
        let first = try reader.readUInt8(from: bytes)
        flags = first >> 4
        suppressesRouters = first & Self.suppressFlag != 0
        robustness = first & Self.robustnessMask
        queryIntervalCode = try reader.readUInt8(from: bytes)
        queryInterval = .seconds(MembershipCode.value(queryIntervalCode))
        let count = Int(try reader.readUInt16(from: bytes))
        sources = try reader.readAddresses(count, family, from: bytes)
    }

    private static let suppressFlag: UInt8 = 0x08
    private static let robustnessMask: UInt8 = 0x07

    /// The first byte as it was sent.
    var firstByte: UInt8 {
        flags << 4 | (suppressesRouters ? Self.suppressFlag : 0) | robustness
    }
}

/// Codes for large numbers (RFC 9776, sections 4.1.1 and 4.1.7; RFC 9777, section 5.1.3).
///
///      0 1 2 3 4 5 6 7      0                   1
///     +-+-----+-------+     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
///     |1| exp | mant  |    +-+-----+-----------------------+
///     +-+-----+-------+    |1| exp |         mant          |
///                          +-+-----+-----------------------+
///
enum MembershipCode {
    /// Below 128 the number itself; at most 31,744.
    static func value(_ code: UInt8) -> Int { value(UInt16(code), mantissaBits: 4) }

    /// Below 32,768 the number itself; at most 8,387,584.
    static func value(_ code: UInt16) -> Int { value(code, mantissaBits: 12) }

    private static func value(_ code: UInt16, mantissaBits: UInt16) -> Int {
        let implied: UInt16 = 1 << mantissaBits
        guard code >= implied << 3 else { return Int(code) }
        let mantissa = code & (implied - 1) | implied
        let exponent = code >> mantissaBits & 0x7
        return Int(mantissa) << (Int(exponent) + 3)
    }
}
