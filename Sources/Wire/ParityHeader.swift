import NetBasics

/// What stands in front of a parity shard; laid out, and tagged, as ``MediaHeader``.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+-+---------+---+---------------+
///     | 1011  |   1   |     0x03      |K|    0    |row| stream index  |
///     +-------+-------+---------------+-+---------+---+---------------+
///     |                     receiver's link token                     |
///     +---------------------------------------------------------------+
///     |                         source peer id                        |
///     |                                                               |
///     +---------------------------------------------------------------+
///     |          base: the first packet's number, 16 x n              |
///     +---------------------------------------------------------------+
///
/// The shard is of the ``blockPackets`` packets from `base` on (docs/protocol.md, "Parity").
package struct ParityHeader: Equatable, Sendable {
    package static let byteCount = MediaHeader.byteCount
    /// Packets that parity is computed over.
    package static let blockPackets = 16
    /// Shards of one block at most.
    package static let rowLimit = 4

    package var token: LinkToken
    package var stream: StreamID
    package var row: UInt8
    package var base: UInt32
    /// Which of the link's keys made the tag: 0 or 1.
    package var keyPhase: UInt8

    package init(
        token: LinkToken, stream: StreamID, row: UInt8, base: UInt32, keyPhase: UInt8 = 0
    ) {
        self.token = token
        self.stream = stream
        self.row = row & 3
        self.base = Self.base(of: base)
        self.keyPhase = keyPhase & 1
    }

    /// The first number of the block that `sequence` is in.
    package static func base(of sequence: UInt32) -> UInt32 {
        sequence & ~UInt32(blockPackets - 1)
    }

    /// Whether `bytes` are for the forwarding plane; looks at two bytes.
    package static func isParity(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= 2
            && bytes.unsafeLoad(as: UInt8.self)
                == DatagramHeader.magic << 4 | DatagramHeader.version
            && bytes.unsafeLoad(fromByteOffset: 1, as: UInt8.self)
                == DatagramHeader.Kind.parity.rawValue
    }

    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let header = try DatagramHeader(from: bytes, reader: &reader)
        guard header.kind == .parity else { throw .unknownType(header.kind.rawValue) }
        guard header.flags & 0x7C == 0 else { throw .invalidField("flags") }
        token = LinkToken(rawValue: try reader.readUInt32(from: bytes))
        let source = PeerID(rawValue: try reader.readUInt64(from: bytes))
        stream = StreamID(source: source, index: header.stream)
        row = header.flags & 3
        keyPhase = header.flags >> 7
        base = try reader.readUInt32(from: bytes)
        guard base == Self.base(of: base) else { throw .invalidField("base") }
    }

    /// The header's bytes, as the tag is made over them.
    package var words: MediaHeader.Words {
        let start = UInt64(DatagramHeader.magic << 4 | DatagramHeader.version) << 56
        let kind = UInt64(DatagramHeader.Kind.parity.rawValue) << 48
        let flags = UInt64(keyPhase << 7 | row) << 40
        let link = start | kind | flags | UInt64(stream.index) << 32 | UInt64(token.rawValue)
        return MediaHeader.Words(
            link: link.bigEndian, source: stream.source.rawValue.bigEndian,
            sequence: base.bigEndian)
    }
}
