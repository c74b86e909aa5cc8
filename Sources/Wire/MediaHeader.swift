import NetBasics

/// What a forwarder writes in front of a media packet for one child; the body follows untouched.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+-------------+-+---------------+
///     | 1011  |   1   |     0x01      |0|  lacks  |R|C| stream index  |
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
/// C: the packet is of the stream's control flow (RTCP). R: it answers a request for repair, and
/// is accepted from any neighbor, but only where it is missing. Lacks: what the sender itself has
/// not got of the five packets before this one, the lowest bit for the one right before. The sequence counts the packets of one
/// stream, both flows together, from a random start, and wraps.
package struct MediaHeader: Equatable, Sendable {
    package static let byteCount = 24
    package static let controlFlowFlag: UInt8 = 1
    package static let repairFlag: UInt8 = 2
    private static let lacksShift: UInt8 = 2
    /// Packets before this one of which the header says whether the sender has them.
    package static let lacksSpan = 5
    private static let lacksMask: UInt8 = 0x1F

    package var token: LinkToken
    package var stream: StreamID
    package var isControlFlow: Bool
    /// It was asked for; never set on what goes on to children.
    package var isRepair: Bool
    /// Bit i: the sender lacks the packet i + 1 before this one; ``lacksSpan`` bits.
    package var lacks: UInt8
    package var sequence: UInt32

    package init(
        token: LinkToken, stream: StreamID, isControlFlow: Bool, isRepair: Bool = false,
        lacks: UInt8 = 0, sequence: UInt32
    ) {
        self.token = token
        self.stream = stream
        self.isControlFlow = isControlFlow
        self.isRepair = isRepair
        self.lacks = lacks & Self.lacksMask
        self.sequence = sequence
    }

    /// Reads the header of a datagram; allocates nothing.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let header = try DatagramHeader(from: bytes, reader: &reader)
        guard header.kind == .media else { throw .unknownType(header.kind.rawValue) }
        guard header.flags >> Self.lacksShift <= Self.lacksMask else {
            throw .invalidField("flags")
        }
        token = LinkToken(rawValue: try reader.readUInt64(from: bytes))
        let source = PeerID(rawValue: try reader.readUInt64(from: bytes))
        stream = StreamID(source: source, index: header.stream)
        isControlFlow = header.flags & Self.controlFlowFlag != 0
        isRepair = header.flags & Self.repairFlag != 0
        lacks = header.flags >> Self.lacksShift
        sequence = try reader.readUInt32(from: bytes)
    }

    /// Writes the header at the start of `destination`, which holds at least ``byteCount`` bytes.
    package func store(into destination: UnsafeMutableRawPointer) {
        destination.storeBytes(
            of: DatagramHeader.magic << 4 | DatagramHeader.version, as: UInt8.self)
        destination.storeBytes(
            of: DatagramHeader.Kind.media.rawValue, toByteOffset: 1, as: UInt8.self)
        let flags =
            (isControlFlow ? Self.controlFlowFlag : 0) | (isRepair ? Self.repairFlag : 0)
            | (lacks & Self.lacksMask) << Self.lacksShift
        destination.storeBytes(of: flags, toByteOffset: 2, as: UInt8.self)
        destination.storeBytes(of: stream.index, toByteOffset: 3, as: UInt8.self)
        destination.storeBytes(of: token.rawValue.bigEndian, toByteOffset: 4, as: UInt64.self)
        destination.storeBytes(
            of: stream.source.rawValue.bigEndian, toByteOffset: 12, as: UInt64.self)
        destination.storeBytes(of: sequence.bigEndian, toByteOffset: 20, as: UInt32.self)
    }
}
