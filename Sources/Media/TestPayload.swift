import NetBasics

/// The bytes of one test packet, which lets a receiver judge the way it came.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                        magic, "PcTP"                          |
///     +-------------------------------+-------------------------------+
///     |      length of all, bytes     |             zero              |
///     +-------------------------------+-------------------------------+
///     |                       sequence number                         |
///     |                                                               |
///     +---------------------------------------------------------------+
///     |            send time, nanoseconds since 1970                  |
///     |                                                               |
///     +---------------------------------------------------------------+
///     |   fill, a function of sequence number and send time …         |
///
package struct TestPayload: Equatable, Sendable {
    package static let headerByteCount = 24
    private static let magic: UInt32 = 0x5063_5450

    /// Counts from zero.
    package var sequence: UInt64
    /// CLOCK_REALTIME; nanoseconds.
    package var sendTime: UInt64

    package init(sequence: UInt64, sendTime: UInt64) {
        self.sequence = sequence
        self.sendTime = sendTime
    }

    /// Writes a packet that fills `destination`, whose size is in the pattern's range.
    package func store(into destination: UnsafeMutableRawBufferPointer) {
        precondition(
            TestPattern.payloadByteRange.contains(destination.count),
            "a test packet of \(destination.count) bytes")
        destination.storeBytes(of: Self.magic.bigEndian, as: UInt32.self)
        let length = UInt32(destination.count) << 16
        destination.storeBytes(of: length.bigEndian, toByteOffset: 4, as: UInt32.self)
        destination.storeBytes(of: sequence.bigEndian, toByteOffset: 8, as: UInt64.self)
        destination.storeBytes(of: sendTime.bigEndian, toByteOffset: 16, as: UInt64.self)
        var fill = fillGenerator
        for offset in stride(from: Self.headerByteCount, to: destination.count, by: 8) {
            withUnsafeBytes(of: fill.next().bigEndian) { word in
                let rest = min(8, destination.count - offset)
                UnsafeMutableRawBufferPointer(rebasing: destination[offset..<offset + rest])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: word[..<rest]))
            }
        }
    }

    /// Reads and checks a whole packet; allocates nothing.
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        guard try reader.readUInt32(from: bytes) == Self.magic else { throw .unknownMagic }
        let length = Int(try reader.readUInt16(from: bytes))
        guard try reader.readUInt16(from: bytes) == 0 else { throw .invalidField("zero") }
        sequence = try reader.readUInt64(from: bytes)
        sendTime = try reader.readUInt64(from: bytes)
        guard length <= bytes.byteCount else {
            throw .truncated(needed: length, available: bytes.byteCount)
        }
        guard length == bytes.byteCount else { throw .trailingBytes(bytes.byteCount - length) }
        var fill = fillGenerator
        while reader.remaining(in: bytes) >= 8 {
            guard try reader.readUInt64(from: bytes) == fill.next() else {
                throw .invalidField("fill")
            }
        }
        var last = fill.next()
        while reader.remaining(in: bytes) > 0 {
            guard try reader.readUInt8(from: bytes) == UInt8(last >> 56) else {
                throw .invalidField("fill")
            }
            last <<= 8
        }
    }

    private var fillGenerator: FillGenerator {
        FillGenerator(state: sequence &* 0x9E37_79B9_7F4A_7C15 ^ sendTime)
    }
}

/// SplitMix64: one word of fill per step.
private struct FillGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
