import NetBasics

/// What a receiver asks of a sender at once (RFC 4585, section 6.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                         SSRC of sender                        |
///     +---------------------------------------------------------------+
///     |                  SSRC of media source, or zero                |
///     +---------------------------------------------------------------+
///     |             feedback control information, by format           |
///     +---------------------------------------------------------------+
///
package struct RTCPFeedback: Equatable, Sendable {
    /// FMT; 0 to 31.
    package var format: UInt8
    /// Of the feedback.
    package var source: UInt32
    package var mediaSource: UInt32
    package var information: Information

    package enum Information: Equatable, Sendable {
        case lostPackets([RTCPLostPackets])
        /// PLI: a decoder lost a picture (RFC 4585, section 6.3.1).
        case pictureLoss
        case fullIntraRequests([RTCPFullIntraRequest])
        case receiverEstimate(RTCPReceiverEstimate)
        /// Any other, such as TMMBR or a transport-wide report, undecoded.
        case other([UInt8])
    }

    package static let genericNACK: UInt8 = 1
    package static let pictureLoss: UInt8 = 1
    package static let fullIntraRequest: UInt8 = 4
    package static let applicationLayer: UInt8 = 15

    /// Of packet type 205.
    init(transport format: UInt8, decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        try self.init(format, decoding: bytes, with: &reader)
        guard format == Self.genericNACK else {
            information = .other(try reader.readRest(of: bytes))
            return
        }
        var entries: [RTCPLostPackets] = []
        while reader.remaining(in: bytes) > 0 {
            entries.append(try RTCPLostPackets(decoding: bytes, with: &reader))
        }
        information = .lostPackets(entries)
    }

    /// Of packet type 206.
    init(payload format: UInt8, decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        try self.init(format, decoding: bytes, with: &reader)
        switch format {
        case Self.pictureLoss: information = .pictureLoss
        case Self.fullIntraRequest:
            var entries: [RTCPFullIntraRequest] = []
            while reader.remaining(in: bytes) > 0 {
                entries.append(try RTCPFullIntraRequest(decoding: bytes, with: &reader))
            }
            information = .fullIntraRequests(entries)
        case Self.applicationLayer:
            if let estimate = try RTCPReceiverEstimate(decoding: bytes, with: reader) {
                information = .receiverEstimate(estimate)
            } else {
                information = .other(try reader.readRest(of: bytes))
            }
        default: information = .other(try reader.readRest(of: bytes))
        }
    }

    private init(
        _ format: UInt8, decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) {
        self.format = format
        source = try reader.readUInt32(from: bytes)
        mediaSource = try reader.readUInt32(from: bytes)
        information = .other([])
    }
}

/// An entry of a generic NACK (RFC 4585, section 6.2.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |        packet ID (PID)        |  bitmask of the 16 following  |
///     +-------------------------------+-------------------------------+
///
package struct RTCPLostPackets: Equatable, Sendable {
    /// Sequence number of a lost packet.
    package var first: UInt16
    /// Bit 0 is the packet behind it.
    package var following: UInt16

    fileprivate init(
        decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) {
        first = try reader.readUInt16(from: bytes)
        following = try reader.readUInt16(from: bytes)
    }

    /// All lost sequence numbers, 1 to 17, in order.
    package var sequences: [UInt16] {
        [first] + (0..<16).filter { following >> $0 & 1 != 0 }.map { first &+ $0 &+ 1 }
    }
}

/// A request for a picture that needs no other (RFC 5104, section 4.3.1.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                     SSRC of the asked source                  |
///     +---------------+-----------------------------------------------+
///     |  sequence nr  |                   reserved                    |
///     +---------------+-----------------------------------------------+
///
package struct RTCPFullIntraRequest: Equatable, Sendable {
    package var source: UInt32
    /// Repetitions of a request have the same.
    package var sequence: UInt8

    fileprivate init(
        decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) {
        source = try reader.readUInt32(from: bytes)
        sequence = try reader.readUInt8(from: bytes)
        try reader.skip(3, in: bytes)
    }
}

/// REMB: the rate that a receiver takes to be possible (draft-alvestrand-rmcat-remb-03, section 2.2).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                     'R' 'E' 'M' 'B' (ASCII)                   |
///     +---------------+-----------+-----------------------------------+
///     |  SSRC count   | exponent  |             mantissa              |
///     +---------------+-----------+-----------------------------------+
///     |                      SSRCs of the senders                     |
///     +---------------------------------------------------------------+
///
package struct RTCPReceiverEstimate: Equatable, Sendable {
    /// 0 to 63.
    package var exponent: UInt8
    /// 18 bits.
    package var mantissa: UInt32
    /// Those that share the rate; 255 at most.
    package var sources: [UInt32]

    /// `nil` if it is something else of an application.
    fileprivate init?(decoding bytes: RawSpan, with start: ByteReader) throws(DecodeError) {
        var reader = start
        guard reader.remaining(in: bytes) >= 8,
            try reader.readUInt32(from: bytes) == Self.identifier
        else { return nil }
        let word = try reader.readUInt32(from: bytes)
        exponent = UInt8(word >> 18 & 0x3F)
        mantissa = word & 0x3FFFF
        sources = []
        for _ in 0..<(word >> 24) { sources.append(try reader.readUInt32(from: bytes)) }
    }

    private static let identifier: UInt32 = 0x5245_4D42

    /// Saturates.
    package var bitsPerSecond: UInt64 {
        let rate = UInt64(mantissa)
        return rate.leadingZeroBitCount >= Int(exponent) ? rate << UInt64(exponent) : .max
    }
}
