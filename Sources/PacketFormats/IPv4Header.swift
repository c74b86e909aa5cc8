import NetBasics

/// The header of an IPv4 packet (RFC 791, section 3.1; first byte's use RFC 2474).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+-----------+---+-------------------------------+
///     |  V=4  |  IHL  |    DSCP   |ECN|         total length          |
///     +-------+-------+-----------+---+-----+-------------------------+
///     |        identification         |0|D|M|     fragment offset     |
///     +---------------+---------------+-----+-------------------------+
///     |  time to live |    protocol   |        header checksum        |
///     +---------------+---------------+-------------------------------+
///     |                        source address                         |
///     +---------------------------------------------------------------+
///     |                      destination address                      |
///     +---------------------------------------------------------------+
///     |               options (IHL - 5 words), padding                |
///     +---------------------------------------------------------------+
///
package struct IPv4Header: Equatable, Sendable {
    package static let fixedByteCount = 20
    package static let dontFragment: UInt16 = 0x4000
    package static let moreFragments: UInt16 = 0x2000
    package static let offsetMask: UInt16 = 0x1FFF
    /// More fragments, or some before this one.
    static let fragmentMask: UInt16 = 0x3FFF

    /// The header with its options; bytes.
    package var byteCount: Int
    package var typeOfService: UInt8
    /// By the header; where the sender's hardware cuts packets it can be zero, and is then taken to be
    /// what was captured.
    package var totalByteCount: Int
    package var identification: UInt16
    /// Flags and offset as they stand.
    package var fragmentWord: UInt16
    package var timeToLive: UInt8
    package var transport: UInt8
    package var checksum: UInt16
    package var source: IPv4Address
    package var destination: IPv4Address
    package var hasRouterAlert = false

    /// Reads a header whose length fields agree with each other; the payload may be cut off.
    @inline(__always)
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard bytes.byteCount >= Self.fixedByteCount else {
            throw .truncated(needed: Self.fixedByteCount, available: bytes.byteCount)
        }
        // All of these lie within the 20 bytes.
        func word(_ offset: Int) -> UInt32 {
            UInt32(
                bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        let first = word(0)
        guard first >> 28 == 4 else { throw .unsupportedVersion(UInt8(first >> 28)) }
        byteCount = 4 * Int(first >> 24 & 0x0F)
        typeOfService = UInt8(truncatingIfNeeded: first >> 16)
        let length = Int(first & 0xFFFF)
        totalByteCount = length == 0 ? bytes.byteCount : length
        identification = UInt16(truncatingIfNeeded: word(4) >> 16)
        fragmentWord = UInt16(truncatingIfNeeded: word(4))
        timeToLive = UInt8(truncatingIfNeeded: word(8) >> 24)
        transport = UInt8(truncatingIfNeeded: word(8) >> 16)
        checksum = UInt16(truncatingIfNeeded: word(8))
        source = IPv4Address(rawValue: word(12))
        destination = IPv4Address(rawValue: word(16))
        guard byteCount >= Self.fixedByteCount else { throw .invalidField("IHL") }
        guard totalByteCount >= byteCount else { throw .invalidField("total length") }
        guard bytes.byteCount >= byteCount else {
            throw .truncated(needed: byteCount, available: bytes.byteCount)
        }
        guard byteCount > Self.fixedByteCount else { return }
        hasRouterAlert = try Self.options(in: bytes.extracting(20..<byteCount))
            .contains { $0.kind == Option.routerAlert }
    }

    /// Whether the header sums up; it is known only where all of it is captured.
    package func isChecksumValid(in bytes: RawSpan) -> Bool {
        var sum = InternetChecksum()
        sum.add(bytes.extracting(0..<min(byteCount, bytes.byteCount)))
        return sum.isValid
    }
}

// MARK: - Options

extension IPv4Header {
    /// One option: kind and length of a byte each, then data; the first two kinds have neither.
    package struct Option: Equatable, Sendable {
        package static let end: UInt8 = 0
        package static let noOperation: UInt8 = 1
        /// RFC 2113.
        package static let routerAlert: UInt8 = 148

        package var kind: UInt8
        package var data: [UInt8]
    }

    /// The options up to their end; at most 40 bytes.
    package static func options(in bytes: RawSpan) throws(DecodeError) -> [Option] {
        var reader = ByteReader()
        var options: [Option] = []
        while reader.offset < bytes.byteCount {
            let kind = try reader.readUInt8(from: bytes)
            if kind == Option.end { break }
            var option = Option(kind: kind, data: [])
            if kind != Option.noOperation {
                let length = Int(try reader.readUInt8(from: bytes))
                guard length >= 2 else { throw .invalidField("option length") }
                option.data = try reader.readBytes(length - 2, from: bytes)
            }
            options.append(option)
        }
        return options
    }
}
