import NetBasics

/// What stands in front of a part of a media datagram that is too long for the path to a neighbor.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+-+-+-----------+---------------+
///     | 1011  |   1   |     0x04      |K|0|   index   |  last index   |
///     +-------+-------+---------------+-+-+-----------+---------------+
///     |                     receiver's link token                     |
///     +---------------------------------------------------------------+
///     |             number of the datagram that was cut               |
///     +---------------------------------------------------------------+
///
/// K: the phase of the key of the tag (16 bytes) that follows, which covers these 12 bytes and the
/// part itself. Parts of one datagram are equally long, but for the last.
package struct MediaPieceHeader: Equatable, Sendable {
    package static let byteCount = 12
    /// Parts of one datagram at most: the longest in parts for a path of 1200 bytes.
    package static let countLimit = 64
    private static let keyPhaseFlag: UInt8 = 0x80

    package var keyPhase: UInt8
    package var index: UInt8
    /// Of the last part; at least 1.
    package var last: UInt8
    package var token: LinkToken
    package var number: UInt32

    package init(keyPhase: UInt8, index: UInt8, last: UInt8, token: LinkToken, number: UInt32) {
        self.keyPhase = keyPhase
        self.index = index
        self.last = last
        self.token = token
        self.number = number
    }

    package init(decoding bytes: RawSpan) throws(DecodeError) {
        guard try DatagramHeader.kind(of: bytes) == .mediaPiece else {
            throw .invalidField("type")
        }
        var reader = ByteReader()
        try reader.skip(2, in: bytes)
        let flags = try reader.readUInt8(from: bytes)
        keyPhase = flags & Self.keyPhaseFlag == 0 ? 0 : 1
        index = flags & ~Self.keyPhaseFlag
        last = try reader.readUInt8(from: bytes)
        guard (1..<UInt8(Self.countLimit)).contains(last), index <= last else {
            throw .invalidField("index")
        }
        token = try reader.readToken(from: bytes)
        number = try reader.readUInt32(from: bytes)
    }

    package var encoded: [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        writer.write(DatagramHeader.magic << 4 | DatagramHeader.version)
        writer.write(DatagramHeader.Kind.mediaPiece.rawValue)
        writer.write(index | (keyPhase == 0 ? 0 : Self.keyPhaseFlag))
        writer.write(last)
        writer.write(token)
        writer.write(number)
        return writer.bytes
    }
}
