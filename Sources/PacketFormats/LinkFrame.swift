import NetBasics

/// The link-layer header of a captured packet, with its VLAN tags: who sent it, and what follows.
///
/// Ethernet (IEEE 802.3) with VLAN tags (IEEE 802.1Q) before the EtherType:
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                          destination                          |
///     +-------------------------------+-------------------------------+
///     |          destination          |            source             |
///     +-------------------------------+-------------------------------+
///     |                            source                             |
///     +-------------------------------+-----+-+-----------------------+
///     |    0x8100, 0x88A8 or 0x9100   | PCP |D|        VLAN id        |
///     +-------------------------------+-----+-+-----------------------+
///     |           EtherType           |
///     +-------------------------------+
///
package struct LinkFrame: Equatable, Sendable {
    /// EtherTypes that somebody here asks for.
    package enum EtherType {
        package static let ipv4: UInt16 = 0x0800
        package static let ipv6: UInt16 = 0x86DD
        static let vlans: [UInt16] = [0x8100, 0x88A8, 0x9100]
        /// Up to that the field is the length of an 802.3 frame.
        static let lengthLimit: UInt16 = 1500
    }

    /// Tags of a frame at most; two in practice (QinQ).
    package static let tagLimit = 4

    /// `nil` where the link has none.
    package var source: MACAddress?
    package var destination: MACAddress?
    /// What follows; `nil` for an 802.3 length and other things than IP without an EtherType.
    package var etherType: UInt16?
    /// VLAN ids, the outermost first, in the low twelve bits of 16 each; see ``vlans``.
    private var tags: UInt64 = 0
    package private(set) var tagCount = 0
    /// Whether the host that captured sent the packet itself; `nil` where the link does not tell.
    package var isOutgoing: Bool?
    /// At which a wireless frame was sent, where its header tells; bits per second.
    package var wirelessRate: UInt32?
    /// Where the next header is; bytes.
    package var payloadOffset: Int

    /// The priorities and ids of the VLAN tags as they stand, the outermost first.
    package var tagWords: [UInt16] {
        (0..<tagCount).map { UInt16(truncatingIfNeeded: tags >> UInt64(16 * $0)) }
    }

    /// VLAN ids, the outermost first.
    package var vlans: [UInt16] { tagWords.map { $0 & 0x0FFF } }

    package var outermostVLAN: UInt16? {
        tagCount > 0 ? UInt16(truncatingIfNeeded: tags) & 0x0FFF : nil
    }

    package init(decoding bytes: RawSpan, as type: LinkType) throws(DecodeError) {
        payloadOffset = 0
        switch type {
        case .ethernet: try readEthernet(bytes)
        case .linuxSLL: try readCooked(bytes)
        case .linuxSLL2: try readCooked2(bytes)
        case .null, .loop: try readFamily(bytes, isBigEndian: type == .loop)
        case .wireless: try readWireless(bytes)
        case .radiotap: try readRadiotap(bytes)
        case .rawIP, .rawByLibpcap, .ipv4, .ipv6: try readVersion(bytes)
        }
    }

    @inline(__always)
    private mutating func readEthernet(_ bytes: RawSpan) throws(DecodeError) {
        guard bytes.byteCount >= 14 else {
            throw .truncated(needed: 14, available: bytes.byteCount)
        }
        // Both words lie within the 14 bytes.
        let first = UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self))
        let second = UInt64(
            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 6, as: UInt64.self))
        destination = MACAddress(rawValue: first >> 16)
        source = MACAddress(rawValue: second >> 16)
        payloadOffset = 14
        try readType(UInt16(truncatingIfNeeded: second), bytes)
    }

    /// Follows VLAN tags from the EtherType that was read.
    @inline(__always)
    private mutating func readType(_ first: UInt16, _ bytes: RawSpan) throws(DecodeError) {
        var type = first
        if type != EtherType.ipv4 {
            while EtherType.vlans.contains(type) {
                guard tagCount < Self.tagLimit else {
                    throw .oversized(limit: Self.tagLimit, actual: tagCount + 1)
                }
                var reader = ByteReader()
                try reader.skip(payloadOffset, in: bytes)
                tags |= UInt64(try reader.readUInt16(from: bytes)) << UInt64(16 * tagCount)
                tagCount += 1
                type = try reader.readUInt16(from: bytes)
                payloadOffset = reader.offset
            }
        }
        etherType = type > EtherType.lengthLimit ? type : nil
    }

    /// Linux cooked capture: packet type, ARPHRD type, address length, address, EtherType.
    private mutating func readCooked(_ bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        isOutgoing = try reader.readUInt16(from: bytes) == Self.outgoing
        try reader.skip(2, in: bytes)
        let length = try reader.readUInt16(from: bytes)
        let address = try reader.readUInt64(from: bytes)
        if length == MACAddress.byteCount { source = MACAddress(rawValue: address >> 16) }
        let type = try reader.readUInt16(from: bytes)
        payloadOffset = reader.offset
        try readType(type, bytes)
    }

    /// The second version: EtherType first, then interface, ARPHRD type, packet type and address.
    private mutating func readCooked2(_ bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let type = try reader.readUInt16(from: bytes)
        try reader.skip(8, in: bytes)
        isOutgoing = try reader.readUInt8(from: bytes) == UInt8(Self.outgoing)
        let length = try reader.readUInt8(from: bytes)
        let address = try reader.readUInt64(from: bytes)
        if length == MACAddress.byteCount { source = MACAddress(rawValue: address >> 16) }
        payloadOffset = reader.offset
        try readType(type, bytes)
    }

    /// The packet type of what the host sent.
    private static let outgoing: UInt16 = 4

    private mutating func readFamily(_ bytes: RawSpan, isBigEndian: Bool) throws(DecodeError) {
        var reader = ByteReader()
        let word = try reader.readUInt32(from: bytes)
        // The capturing machine's order shows in which half the family is.
        let family = isBigEndian || word < 0x1_0000 ? word : word.byteSwapped
        payloadOffset = reader.offset
        etherType = Self.etherType(ofFamily: family)
    }

    /// AF_INET everywhere, and AF_INET6 of the BSDs, of Darwin and of Linux.
    private static func etherType(ofFamily family: UInt32) -> UInt16? {
        switch family {
        case 2: EtherType.ipv4
        case 10, 24, 28, 30: EtherType.ipv6
        default: nil
        }
    }

    private mutating func readVersion(_ bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        switch try reader.readUInt8(from: bytes) >> 4 {
        case 4: etherType = EtherType.ipv4
        case 6: etherType = EtherType.ipv6
        default: etherType = nil
        }
    }
}
