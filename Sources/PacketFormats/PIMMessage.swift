import NetBasics

/// A message of PIM version 2 (RFC 7761, section 4.9).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+-------------------------------+
///     |  V=2  | type  |   reserved    |           checksum            |
///     +-------+-------+---------------+-------------------------------+
///     |                        body, by type                          |
///     +---------------------------------------------------------------+
///
package struct PIMMessage: Equatable, Sendable {
    package static let protocolNumber: UInt8 = 103
    package static let version: UInt8 = 2

    package var type: UInt8
    package var reserved: UInt8
    package var checksum: UInt16
    /// Whether the checksum fits; a receiver drops the message otherwise.
    package var isChecksumValid: Bool
    package var body: Body

    package enum Body: Equatable, Sendable {
        case hello([PIMHelloOption])
        case register(PIMRegister)
        case registerStop(group: PIMGroup, source: PIMUnicast)
        /// Also that of graft and graft acknowledgement (RFC 3973, section 4.7).
        case joinPrune(PIMJoinPrune)
        case bootstrap(PIMBootstrap)
        case assert(PIMAssert)
        case candidateRP(PIMCandidateRP)
        /// A state refresh or a type unknown here, undecoded.
        case other([UInt8])
    }

    package static let hello: UInt8 = 0
    package static let register: UInt8 = 1
    package static let registerStop: UInt8 = 2
    package static let joinPrune: UInt8 = 3
    package static let bootstrap: UInt8 = 4
    package static let assert: UInt8 = 5
    package static let graft: UInt8 = 6
    package static let graftAcknowledgement: UInt8 = 7
    package static let candidateRP: UInt8 = 8
    package static let stateRefresh: UInt8 = 9

    /// Reads the payload of an IP packet; on IPv6 its addresses are part of the checksum.
    ///
    /// Refuses other versions; that of a message of PIMv1 is IGMP's.
    package init(
        decoding bytes: RawSpan, from source: IPAddress, to destination: IPAddress
    ) throws(DecodeError) {
        var reader = ByteReader()
        let first = try reader.readUInt8(from: bytes)
        guard first >> 4 == Self.version else { throw .unsupportedVersion(first >> 4) }
        type = first & 0x0F
        reserved = try reader.readUInt8(from: bytes)
        checksum = try reader.readUInt16(from: bytes)
        isChecksumValid = Self.isChecksumValid(
            bytes, ofRegister: type == Self.register, from: source, to: destination)
        body = try Self.body(type, decoding: bytes, with: &reader)
    }

    private static func body(
        _ type: UInt8, decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) -> Body {
        switch type {
        case hello: return .hello(try PIMHelloOption.options(decoding: bytes, with: &reader))
        case register: return .register(try PIMRegister(decoding: bytes, with: &reader))
        case registerStop:
            let group = try PIMGroup(decoding: bytes, with: &reader)
            return .registerStop(
                group: group, source: try PIMUnicast(decoding: bytes, with: &reader))
        case joinPrune, graft, graftAcknowledgement:
            return .joinPrune(try PIMJoinPrune(decoding: bytes, with: &reader))
        case bootstrap: return .bootstrap(try PIMBootstrap(decoding: bytes, with: &reader))
        case assert: return .assert(try PIMAssert(decoding: bytes, with: &reader))
        case candidateRP: return .candidateRP(try PIMCandidateRP(decoding: bytes, with: &reader))
        default: return .other(try reader.readRest(of: bytes))
        }
    }

    /// A register's covers its first eight bytes; some send one over all, which is accepted too.
    private static func isChecksumValid(
        _ bytes: RawSpan, ofRegister isRegister: Bool, from source: IPAddress,
        to destination: IPAddress
    ) -> Bool {
        func isValid(_ covered: RawSpan) -> Bool {
            var sum = InternetChecksum()
            if case .v6 = source {
                sum.add(
                    from: source, to: destination, nextHeader: protocolNumber,
                    byteCount: covered.byteCount)
            }
            sum.add(covered)
            return sum.isValid
        }
        if isRegister, bytes.byteCount >= registerCoverage,
            isValid(bytes.extracting(0..<registerCoverage))
        {
            return true
        }
        return isValid(bytes)
    }

    /// What the checksum of a register covers; bytes.
    private static let registerCoverage = 8
}
