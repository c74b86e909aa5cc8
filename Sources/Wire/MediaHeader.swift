import NetBasics

/// What a forwarder writes in front of a media packet for one child; the body follows untouched.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+-------------+-+---------------+
///     | 1011  |   1   |     0x01      |   reserved  |C| stream index  |
///     +-------+-------+---------------+-------------+-+---------------+
///     |                     receiver's link token                     |
///     |                                                               |
///     +---------------------------------------------------------------+
///     |                         source peer id                        |
///     |                                                               |
///     +---------------------------------------------------------------+
///     |                        sequence number                        |
///     +---------------------------------------------------------------+
///
/// C: the packet is of the stream's control flow (RTCP). The sequence counts the packets of one
/// stream, both flows together, from a random start, and wraps.
package struct MediaHeader: Equatable, Sendable {
    package static let byteCount = 24
    package static let controlFlowFlag: UInt8 = 1

    package var token: LinkToken
    package var stream: StreamID
    package var isControlFlow: Bool
    package var sequence: UInt32

    package init(token: LinkToken, stream: StreamID, isControlFlow: Bool, sequence: UInt32) {
        self.token = token
        self.stream = stream
        self.isControlFlow = isControlFlow
        self.sequence = sequence
    }

    /// Reads the header of a datagram; allocates nothing.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let header = try DatagramHeader(from: bytes, reader: &reader)
        guard header.kind == .media else { throw .unknownType(header.kind.rawValue) }
        guard header.flags & ~Self.controlFlowFlag == 0 else { throw .invalidField("flags") }
        token = LinkToken(rawValue: try reader.readUInt64(from: bytes))
        let source = PeerID(rawValue: try reader.readUInt64(from: bytes))
        stream = StreamID(source: source, index: header.stream)
        isControlFlow = header.flags & Self.controlFlowFlag != 0
        sequence = try reader.readUInt32(from: bytes)
    }

    /// Writes the header at the start of `destination`, which holds at least ``byteCount`` bytes.
    package func store(into destination: UnsafeMutableRawPointer) {
        destination.storeBytes(
            of: DatagramHeader.magic << 4 | DatagramHeader.version, as: UInt8.self)
        destination.storeBytes(
            of: DatagramHeader.Kind.media.rawValue, toByteOffset: 1, as: UInt8.self)
        destination.storeBytes(
            of: isControlFlow ? Self.controlFlowFlag : 0, toByteOffset: 2, as: UInt8.self)
        destination.storeBytes(of: stream.index, toByteOffset: 3, as: UInt8.self)
        destination.storeBytes(of: token.rawValue.bigEndian, toByteOffset: 4, as: UInt64.self)
        destination.storeBytes(
            of: stream.source.rawValue.bigEndian, toByteOffset: 12, as: UInt64.self)
        destination.storeBytes(of: sequence.bigEndian, toByteOffset: 20, as: UInt32.self)
    }
}
