import NetBasics

/// Wi-Fi frames, with what the capturing card says in front of them.
///
/// Radiotap (https://www.radiotap.org): version 0, its length, and words that say which fields follow; the
/// third of them is the rate. Lengths and words are little-endian:
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |       0       |       0       |            length             |
///     +---------------+---------------+-------------------------------+
///     |          fields; the highest bit: another such word           |
///     +---------------------------------------------------------------+
///
/// A data frame (IEEE 802.11-2020, section 9.3.2.1), before LLC and SNAP with the EtherType:
///
///     | frame control (2) | duration (2) | address 1 (6) | address 2 (6) | address 3 (6) |
///     | sequence control (2) | address 4, between stations (6) | QoS control, of QoS data (2) |
///
extension LinkFrame {
    mutating func readRadiotap(_ bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        guard try reader.readUInt8(from: bytes) == 0 else { throw .invalidField("version") }
        try reader.skip(1, in: bytes)
        let length = Int(try reader.readUInt16(from: bytes).byteSwapped)
        guard length >= 8, length <= bytes.byteCount else {
            throw .truncated(needed: length, available: bytes.byteCount)
        }
        let header = bytes.extracting(0..<length)
        let fields = try reader.readUInt32(from: header).byteSwapped
        var hasMore = fields >> 31 != 0
        while hasMore { hasMore = try reader.readUInt32(from: header).byteSwapped >> 31 != 0 }
        wirelessRate = try Self.rate(fields, header, reader)
        payloadOffset = length
        try readWireless(bytes)
    }

    /// In bits per second; the field counts 500 kbit/s.
    ///
    /// It follows a time stamp and a byte of flags.
    private static func rate(
        _ fields: UInt32, _ header: RawSpan, _ start: ByteReader
    ) throws(DecodeError) -> UInt32? {
        guard fields & 0b100 != 0 else { return nil }
        var reader = start
        if fields & 0b001 != 0 {
            try reader.skip((8 - reader.offset % 8) % 8 + 8, in: header)
        }
        if fields & 0b010 != 0 { try reader.skip(1, in: header) }
        return 500_000 * UInt32(try reader.readUInt8(from: header))
    }

    /// A frame of 802.11 at ``payloadOffset``; other frames than unencrypted data have no EtherType.
    mutating func readWireless(_ bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        try reader.skip(payloadOffset, in: bytes)
        let control = try reader.readUInt8(from: bytes)
        let flags = try reader.readUInt8(from: bytes)
        let isData = control & 0b1100 == 0b1000 && control & 0x40 == 0
        guard isData, flags & Self.isProtected == 0 else { return }
        try reader.skip(2, in: bytes)
        let addresses = [
            try address(bytes, &reader), try address(bytes, &reader), try address(bytes, &reader),
        ]
        try reader.skip(2, in: bytes)
        var fourth: MACAddress?
        if flags & 0b11 == 0b11 { fourth = try address(bytes, &reader) }
        let isAggregate = try skipQuality(control, flags, bytes, &reader)
        // Whose address is where depends on the way to or from the distribution system.
        switch flags & 0b11 {
        case 0b00: (destination, source) = (addresses[0], addresses[1])
        case 0b01: (destination, source) = (addresses[2], addresses[1])
        case 0b10: (destination, source) = (addresses[0], addresses[2])
        default: (destination, source) = (addresses[2], fourth)
        }
        let start = try reader.readUInt32(from: bytes)
        let organization = try reader.readUInt16(from: bytes)
        let type = try reader.readUInt16(from: bytes)
        payloadOffset = reader.offset
        // RFC 1042, and the same of bridges (IEEE 802.1H).
        let isSNAP = start == 0xAAAA_0300 && [0, 0xF8].contains(organization)
        etherType = isSNAP && !isAggregate ? type : nil
    }

    /// Steps over what frames with quality of service have more; whether several packets follow.
    private func skipQuality(
        _ control: UInt8, _ flags: UInt8, _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> Bool {
        guard control & 0x80 != 0 else { return false }
        let first = try reader.readUInt8(from: bytes)
        try reader.skip(1, in: bytes)
        if flags & Self.hasControl != 0 { try reader.skip(4, in: bytes) }
        return first & 0x80 != 0
    }

    private static let isProtected: UInt8 = 0x40
    /// An HT control field follows (IEEE 802.11-2020, section 9.2.4.1.10).
    private static let hasControl: UInt8 = 0x80

    private func address(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> MACAddress {
        let high = UInt64(try reader.readUInt16(from: bytes))
        return MACAddress(rawValue: high << 32 | UInt64(try reader.readUInt32(from: bytes)))
    }
}
