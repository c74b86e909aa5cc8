import NetBasics

/// A packet of an MPEG transport stream (ISO/IEC 13818-1, section 2.4.3.2).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+-+-+-+-------------------------+---+---+-------+
///     |  sync, 0x47   |E|S|P|           PID           |TSC|AFC|  CC   |
///     +---------------+-+-+-+-------------------------+---+---+-------+
///     |       adaptation field, if AFC is 2 or 3, then payload        |
///     +---------------------------------------------------------------+
///
package struct TransportStreamPacket: Equatable, Sendable {
    package static let byteCount = 188
    package static let syncByte: UInt8 = 0x47
    /// Of packets that only fill.
    package static let nullPID: UInt16 = 0x1FFF

    /// The first four bytes.
    package var header: UInt32
    package var adaptationField: AdaptationField?
    /// Without header and adaptation field; bytes.
    package var payloadByteCount: Int

    /// E: at least one bit is known to be wrong.
    package var hasTransportError: Bool { header & 0x80_0000 != 0 }
    /// S: a unit, such as a frame or a table, starts here.
    package var startsPayloadUnit: Bool { header & 0x40_0000 != 0 }
    package var hasPriority: Bool { header & 0x20_0000 != 0 }
    /// 13 bits.
    package var pid: UInt16 { UInt16(truncatingIfNeeded: header >> 8 & 0x1FFF) }
    /// Zero if it is in the clear.
    package var scrambling: UInt8 { UInt8(truncatingIfNeeded: header >> 6 & 0x3) }
    /// AFC: 1 payload, 2 adaptation field, 3 both.
    package var adaptationFieldControl: UInt8 { UInt8(truncatingIfNeeded: header >> 4 & 0x3) }
    /// Counts the packets of a PID that have payload, modulo 16.
    package var continuityCounter: UInt8 { UInt8(truncatingIfNeeded: header & 0xF) }
    package var hasPayload: Bool { adaptationFieldControl & 1 != 0 }

    /// Reads the 188 bytes at `offset`.
    package init(decoding bytes: RawSpan, at offset: Int = 0) throws(DecodeError) {
        var reader = ByteReader()
        try reader.skip(offset, in: bytes)
        let start = reader.offset
        try reader.skip(Self.byteCount, in: bytes)
        let packet = bytes.extracting(start..<reader.offset)
        reader = ByteReader()
        header = try reader.readUInt32(from: packet)
        guard header >> 24 == UInt32(Self.syncByte) else { throw .invalidField("sync") }
        if header & Self.adaptationFlag != 0 {
            adaptationField = try AdaptationField(decoding: packet, with: &reader)
        }
        payloadByteCount = header & Self.payloadFlag != 0 ? reader.remaining(in: packet) : 0
    }

    private static let adaptationFlag: UInt32 = 0x20
    private static let payloadFlag: UInt32 = 0x10

    /// How many packets a payload of UDP or RTP holds; `nil` if it is no transport stream.
    ///
    /// It must be a multiple of 188 bytes with a sync byte at the start of each.
    package static func packetCount(in bytes: RawSpan) -> Int? {
        let (count, rest) = bytes.byteCount.quotientAndRemainder(dividingBy: byteCount)
        guard count > 0, rest == 0 else { return nil }
        for index in 0..<count {
            // Within the bytes, by the division above.
            let first = bytes.unsafeLoad(fromByteOffset: index * byteCount, as: UInt8.self)
            guard first == syncByte else { return nil }
        }
        return count
    }

    /// All packets of a payload of UDP or RTP, of which 64 KiB hold 348.
    package static func packets(
        in bytes: RawSpan
    ) throws(DecodeError) -> [TransportStreamPacket] {
        guard let count = packetCount(in: bytes) else { throw .invalidField("sync") }
        var packets: [TransportStreamPacket] = []
        packets.reserveCapacity(count)
        for index in 0..<count {
            packets.append(try TransportStreamPacket(decoding: bytes, at: index * byteCount))
        }
        return packets
    }
}

extension TransportStreamPacket {
    /// What stands between header and payload (ISO/IEC 13818-1, section 2.4.3.4).
    ///
    ///      0                   1
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
    ///     +---------------+-+-+-+-+-+-+-+-+
    ///     |    length     |D|R|E|P|O|S|T|X|  then PCR (6), OPCR (6), splice countdown (1),
    ///     +---------------+-+-+-+-+-+-+-+-+  private data (1 + n), extension, stuffing
    ///
    package struct AdaptationField: Equatable, Sendable {
        /// Behind the length itself; bytes.
        package var byteCount: Int
        /// Zero if the length is.
        package var flags: UInt8
        /// Of 27 MHz, 300 for each of the 33 bits of its base.
        package var clockReference: UInt64?
        package var originalClockReference: UInt64?
        /// Packets of this PID up to a splice point; negative behind it.
        package var spliceCountdown: Int8?
        package var privateData: [UInt8]?

        /// D: clock or counter jump on purpose.
        package var isDiscontinuity: Bool { flags & 0x80 != 0 }
        /// R: a decoder may start here.
        package var isRandomAccess: Bool { flags & 0x40 != 0 }
        package var hasPriority: Bool { flags & 0x20 != 0 }

        fileprivate init(
            decoding packet: RawSpan, with outer: inout ByteReader
        ) throws(DecodeError) {
            byteCount = Int(try outer.readUInt8(from: packet))
            let start = outer.offset
            try outer.skip(byteCount, in: packet)
            let bytes = packet.extracting(start..<outer.offset)
            var reader = ByteReader()
            flags = byteCount > 0 ? try reader.readUInt8(from: bytes) : 0
            if flags & 0x10 != 0 { clockReference = try reader.readClock(from: bytes) }
            if flags & 0x08 != 0 { originalClockReference = try reader.readClock(from: bytes) }
            if flags & 0x04 != 0 {
                spliceCountdown = Int8(bitPattern: try reader.readUInt8(from: bytes))
            }
            if flags & 0x02 != 0 {
                let count = Int(try reader.readUInt8(from: bytes))
                privateData = try reader.readBytes(count, from: bytes)
            }
        }
    }
}

extension ByteReader {
    /// Reads 33 bits of 90 kHz, 6 of nothing and 9 of 27 MHz (section 2.4.3.5).
    fileprivate mutating func readClock(from bytes: RawSpan) throws(DecodeError) -> UInt64 {
        let high = UInt64(try readUInt32(from: bytes))
        let low = UInt64(try readUInt16(from: bytes))
        return (high << 1 | low >> 15) * 300 + (low & 0x1FF)
    }
}
