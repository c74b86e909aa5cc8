import NetBasics

/// An option of a hello (RFC 7761, section 4.9.2).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |          option type          |        option length          |
///     +-------------------------------+-------------------------------+
///     |                         option value                          |
///     +---------------------------------------------------------------+
///
package struct PIMHelloOption: Equatable, Sendable {
    package var type: UInt16
    /// Of the value; bytes.
    package var byteCount: Int
    package var value: Value

    package enum Value: Equatable, Sendable {
        /// How long the neighbor is to be kept; seconds, 65,535 for ever.
        case holdtime(UInt16)
        /// In milliseconds.
        case lanPruneDelay(
            tracksJoins: Bool, propagationDelay: UInt16, overrideInterval: UInt16)
        /// The highest on the LAN is the designated router.
        case designatedRouterPriority(UInt32)
        /// Changes when the neighbor starts anew.
        case generation(UInt32)
        /// The sender takes part in state refresh; seconds (RFC 3973, section 4.7.5).
        case stateRefresh(version: UInt8, interval: UInt8)
        /// Further addresses of the neighbor.
        case addressList([PIMUnicast])
        /// Any other option, or one of an unusual length.
        case other([UInt8])
    }

    package static let holdtime: UInt16 = 1
    package static let lanPruneDelay: UInt16 = 2
    package static let designatedRouterPriority: UInt16 = 19
    package static let generation: UInt16 = 20
    package static let stateRefresh: UInt16 = 21
    package static let addressList: UInt16 = 24

    /// Reads options to the end; each has 4 bytes at least.
    static func options(
        decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) -> [PIMHelloOption] {
        var options: [PIMHelloOption] = []
        while reader.remaining(in: bytes) > 0 {
            options.append(try PIMHelloOption(decoding: bytes, with: &reader))
        }
        return options
    }

    private init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        type = try reader.readUInt16(from: bytes)
        byteCount = Int(try reader.readUInt16(from: bytes))
        let start = reader.offset
        try reader.skip(byteCount, in: bytes)
        value = try Self.value(type, decoding: bytes.extracting(start..<reader.offset))
    }

    private static func value(
        _ type: UInt16, decoding bytes: RawSpan
    ) throws(DecodeError) -> Value {
        var reader = ByteReader()
        switch (type, bytes.byteCount) {
        case (holdtime, 2): return .holdtime(try reader.readUInt16(from: bytes))
        case (lanPruneDelay, 4):
            let delay = try reader.readUInt16(from: bytes)
            return .lanPruneDelay(
                tracksJoins: delay & 0x8000 != 0, propagationDelay: delay & 0x7FFF,
                overrideInterval: try reader.readUInt16(from: bytes))
        case (designatedRouterPriority, 4):
            return .designatedRouterPriority(try reader.readUInt32(from: bytes))
        case (generation, 4): return .generation(try reader.readUInt32(from: bytes))
        case (stateRefresh, 4):
            let version = try reader.readUInt8(from: bytes)
            return .stateRefresh(
                version: version, interval: try reader.readUInt8(from: bytes))
        case (addressList, _):
            var addresses: [PIMUnicast] = []
            while reader.remaining(in: bytes) > 0 {
                addresses.append(try PIMUnicast(decoding: bytes, with: &reader))
            }
            return .addressList(addresses)
        default: return .other(try reader.readRest(of: bytes))
        }
    }
}
