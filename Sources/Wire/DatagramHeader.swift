import NetBasics

/// The first four bytes of every datagram.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+---------------+---------------+
///     | 1011  |version|     type      |    flags      |    stream     |
///     +-------+-------+---------------+---------------+---------------+
///
/// `flags` and `stream` are zero outside of media.
package struct DatagramHeader: Equatable, Sendable {
    package static let byteCount = 4
    package static let magic: UInt8 = 0xB
    package static let version: UInt8 = 1

    package var kind: Kind
    package var flags: UInt8
    package var stream: UInt8

    package enum Kind: UInt8, Sendable, CaseIterable {
        case media = 0x01
        case control = 0x02
        case parity = 0x03
        case mediaPiece = 0x04
        case linkHello = 0x10
        case linkChallenge = 0x11
        case linkRequest = 0x12
        case linkAccept = 0x13
        case linkRefusal = 0x14
        case rendezvousRequest = 0x20
        case rendezvousChallenge = 0x21
        case rendezvousReply = 0x22
        case rendezvousRefusal = 0x23

        /// Whether it goes to or comes from a rendezvous: all others are sealed.
        package var isRendezvous: Bool {
            switch self {
            case .rendezvousRequest, .rendezvousChallenge, .rendezvousReply, .rendezvousRefusal:
                true
            default: false
            }
        }
    }

    package init(kind: Kind, flags: UInt8 = 0, stream: UInt8 = 0) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
    }

    package init(from bytes: RawSpan, reader: inout ByteReader) throws(DecodeError) {
        kind = try Self.readKind(from: bytes, reader: &reader)
        flags = try reader.readUInt8(from: bytes)
        stream = try reader.readUInt8(from: bytes)
        guard kind == .media || kind == .parity || (flags == 0 && stream == 0) else {
            throw .invalidField("flags")
        }
    }

    /// Reads the first two bytes only.
    package static func kind(of bytes: RawSpan) throws(DecodeError) -> Kind {
        var reader = ByteReader()
        return try readKind(from: bytes, reader: &reader)
    }

    private static func readKind(
        from bytes: RawSpan, reader: inout ByteReader
    ) throws(DecodeError) -> Kind {
        let first = try reader.readUInt8(from: bytes)
        guard first >> 4 == magic else { throw .unknownMagic }
        guard first & 0xF == version else { throw .unsupportedVersion(first & 0xF) }
        let code = try reader.readUInt8(from: bytes)
        guard let kind = Kind(rawValue: code) else { throw .unknownType(code) }
        return kind
    }

    package func write(to writer: inout ByteWriter) {
        writer.write(Self.magic << 4 | Self.version)
        writer.write(kind.rawValue)
        writer.write(flags)
        writer.write(stream)
    }
}

/// Sizes in bytes that bound every datagram.
package enum DatagramLimit {
    /// Control, link and rendezvous datagrams; larger ones are dropped as oversized.
    package static let control = 1200
    /// Media datagrams, header included: the largest UDP payload over IPv4.
    package static let media = 65_507
}
