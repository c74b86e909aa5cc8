import NetBasics

/// The header of an IPv6 packet with the extension headers behind it (RFC 8200, sections 3 and 4).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-----------+---+---------------------------------------+
///     |  V=6  |    DSCP   |ECN|              flow label               |
///     +-------+-----------+---+-------+---------------+---------------+
///     |        payload length         |  next header  |   hop limit   |
///     +-------------------------------+---------------+---------------+
///     |                    source address, 16 bytes                   |
///     +---------------------------------------------------------------+
///     |                 destination address, 16 bytes                 |
///     +---------------+---------------+-------------------------------+
///     |  next header  | length, 8 - 1 |  hop-by-hop, routing, ...     |
///     +---------------+---------------+-------------------------------+
///
/// The fragment header (section 4.5):
///
///     +---------------+---------------+-------------------------+---+-+
///     |  next header  |       0       |     fragment offset     | 0 |M|
///     +---------------+---------------+-------------------------+---+-+
///     |                        identification                         |
///     +---------------------------------------------------------------+
///
package struct IPv6Header: Equatable, Sendable {
    package static let fixedByteCount = 40
    /// Extension headers of a packet at most; more are hostile.
    package static let extensionLimit = 16

    /// An extension header: its number, and where it is.
    package struct Extension: Equatable, Sendable {
        package static let hopByHop: UInt8 = 0
        package static let routing: UInt8 = 43
        package static let fragment: UInt8 = 44
        package static let authentication: UInt8 = 51
        package static let destinationOptions: UInt8 = 60

        package var number: UInt8
        package var range: Range<Int>
    }

    package var trafficClass: UInt8
    /// 20 bits.
    package var flowLabel: UInt32
    /// Behind the fixed header, extension headers included; zero is taken to be all that was captured.
    package var payloadByteCount: Int
    package var hopLimit: UInt8
    package var source: IPv6Address
    package var destination: IPv6Address
    /// What follows all extension headers.
    package var transport: UInt8
    package var fragment: IPPacket.Fragment?
    package var hasRouterAlert = false
    /// Number of extension headers.
    package var extensionCount = 0
    /// With all extension headers; bytes.
    package var byteCount: Int

    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let first = try reader.readUInt32(from: bytes)
        guard first >> 28 == 6 else { throw .unsupportedVersion(UInt8(first >> 28)) }
        trafficClass = UInt8(truncatingIfNeeded: first >> 20)
        flowLabel = first & 0xF_FFFF
        let length = Int(try reader.readUInt16(from: bytes))
        transport = try reader.readUInt8(from: bytes)
        hopLimit = try reader.readUInt8(from: bytes)
        source = IPv6Address(
            high: try reader.readUInt64(from: bytes), low: try reader.readUInt64(from: bytes))
        destination = IPv6Address(
            high: try reader.readUInt64(from: bytes), low: try reader.readUInt64(from: bytes))
        byteCount = Self.fixedByteCount
        payloadByteCount = length > 0 ? length : bytes.byteCount - byteCount
        // What is behind the header of a fragment belongs to the parts (section 4.5).
        while fragment?.isWhole != false,
            let length = try Self.extensionByteCount(transport, at: byteCount, in: bytes)
        {
            try follow(length, in: bytes)
        }
        guard byteCount - Self.fixedByteCount <= payloadByteCount else {
            throw .invalidField("payload length")
        }
    }

    /// Follows extension headers in the payload of fragments that were put together.
    ///
    /// Returns what comes behind them, and where.
    package static func transport(
        behind first: UInt8, in payload: RawSpan
    ) throws(DecodeError) -> (number: UInt8, offset: Int) {
        var (number, offset, count) = (first, 0, 0)
        while let length = try extensionByteCount(number, at: offset, in: payload) {
            count += 1
            guard count <= extensionLimit else {
                throw .oversized(limit: extensionLimit, actual: count)
            }
            var reader = ByteReader()
            try reader.skip(offset, in: payload)
            number = try reader.readUInt8(from: payload)
            try reader.skip(length - 1, in: payload)
            offset = reader.offset
        }
        return (number, offset)
    }

    /// The length of the extension header that `number` announces at `offset`; `nil` for anything else.
    static func extensionByteCount(
        _ number: UInt8, at offset: Int, in bytes: RawSpan
    ) throws(DecodeError) -> Int? {
        switch number {
        case Extension.fragment: return 8
        case Extension.hopByHop, Extension.routing, Extension.destinationOptions,
            Extension.authentication:
            var reader = ByteReader()
            try reader.skip(offset + 1, in: bytes)
            let length = Int(try reader.readUInt8(from: bytes))
            return number == Extension.authentication ? 4 * (length + 2) : 8 * (length + 1)
        default: return nil
        }
    }

    private mutating func follow(_ length: Int, in bytes: RawSpan) throws(DecodeError) {
        extensionCount += 1
        guard extensionCount <= Self.extensionLimit else {
            throw .oversized(limit: Self.extensionLimit, actual: extensionCount)
        }
        var reader = ByteReader()
        try reader.skip(byteCount, in: bytes)
        let next = try reader.readUInt8(from: bytes)
        try reader.skip(1, in: bytes)
        switch transport {
        case Extension.fragment:
            let word = try reader.readUInt16(from: bytes)
            fragment = IPPacket.Fragment(
                identification: try reader.readUInt32(from: bytes), offset: Int(word & 0xFFF8),
                hasMore: word & 1 != 0)
        case Extension.hopByHop:
            try reader.skip(length - 2, in: bytes)
            let options = bytes.extracting(byteCount + 2..<byteCount + length)
            hasRouterAlert = try Self.hasRouterAlert(options)
        default: try reader.skip(length - 2, in: bytes)
        }
        byteCount += length
        transport = next
    }

    /// Looks for the option of RFC 2711; type and length are a byte each, padding of one has no length.
    private static func hasRouterAlert(_ options: RawSpan) throws(DecodeError) -> Bool {
        var reader = ByteReader()
        while reader.offset < options.byteCount {
            let type = try reader.readUInt8(from: options)
            if type == 0 { continue }
            if type == 5 { return true }
            try reader.skip(Int(try reader.readUInt8(from: options)), in: options)
        }
        return false
    }
}
