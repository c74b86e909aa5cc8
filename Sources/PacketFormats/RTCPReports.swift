import NetBasics

/// What a sender says about itself and others (RFC 3550, section 6.4.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                         SSRC of sender                        |
///     +---------------------------------------------------------------+
///     |                   NTP timestamp (8 bytes)                     |
///     +---------------------------------------------------------------+
///     |                         RTP timestamp                         |
///     +---------------------------------------------------------------+
///     |                     sender's packet count                     |
///     +---------------------------------------------------------------+
///     |                      sender's octet count                     |
///     +---------------------------------------------------------------+
///     |              report blocks, then of the profile               |
///     +---------------------------------------------------------------+
///
package struct RTCPSenderReport: Equatable, Sendable {
    package var source: UInt32
    /// When the report was sent.
    package var time: NTPTimestamp
    /// The same moment in units of the media.
    package var timestamp: UInt32
    package var packetCount: UInt32
    /// Of payload.
    package var octetCount: UInt32
    /// 31 at most.
    package var reports: [RTCPReportBlock]
    /// What a profile adds.
    package var profileExtension: [UInt8]

    init(_ count: Int, decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        source = try reader.readUInt32(from: bytes)
        time = NTPTimestamp(rawValue: try reader.readUInt64(from: bytes))
        timestamp = try reader.readUInt32(from: bytes)
        packetCount = try reader.readUInt32(from: bytes)
        octetCount = try reader.readUInt32(from: bytes)
        reports = try RTCPReportBlock.blocks(count, decoding: bytes, with: &reader)
        profileExtension = try reader.readRest(of: bytes)
    }
}

/// What a receiver says about others (RFC 3550, section 6.4.2): an SSRC and report blocks.
package struct RTCPReceiverReport: Equatable, Sendable {
    /// Of the receiver.
    package var source: UInt32
    /// 31 at most.
    package var reports: [RTCPReportBlock]
    /// What a profile adds.
    package var profileExtension: [UInt8]

    init(_ count: Int, decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        source = try reader.readUInt32(from: bytes)
        reports = try RTCPReportBlock.blocks(count, decoding: bytes, with: &reader)
        profileExtension = try reader.readRest(of: bytes)
    }
}

/// How one source is received (RFC 3550, section 6.4.1).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------------------------------------------------------+
///     |                         SSRC of source                        |
///     +---------------+-----------------------------------------------+
///     | fraction lost |       cumulative number of packets lost       |
///     +---------------+-----------------------------------------------+
///     |           extended highest sequence number received           |
///     +---------------------------------------------------------------+
///     |                      interarrival jitter                      |
///     +---------------------------------------------------------------+
///     |                         last SR (LSR)                         |
///     +---------------------------------------------------------------+
///     |                   delay since last SR (DLSR)                  |
///     +---------------------------------------------------------------+
///
package struct RTCPReportBlock: Equatable, Sendable {
    package var source: UInt32
    /// Since the last report; in 1/256.
    package var fractionLost: UInt8
    /// Since the beginning; below zero after duplicates.
    package var cumulativeLost: Int32
    /// Sequence number with the count of its cycles above.
    package var highestSequence: UInt32
    /// In units of the RTP timestamp.
    package var jitter: UInt32
    /// The middle 32 bits of the last sender report's time; zero if there was none.
    package var lastReport: UInt32
    /// From that report to this one; in 1/65,536 s.
    package var delaySinceLastReport: UInt32

    private init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        source = try reader.readUInt32(from: bytes)
        let loss = try reader.readUInt32(from: bytes)
        fractionLost = UInt8(loss >> 24)
        cumulativeLost = Int32(bitPattern: loss << 8) >> 8
        highestSequence = try reader.readUInt32(from: bytes)
        jitter = try reader.readUInt32(from: bytes)
        lastReport = try reader.readUInt32(from: bytes)
        delaySinceLastReport = try reader.readUInt32(from: bytes)
    }

    fileprivate static func blocks(
        _ count: Int, decoding bytes: RawSpan, with reader: inout ByteReader
    ) throws(DecodeError) -> [RTCPReportBlock] {
        var blocks: [RTCPReportBlock] = []
        for _ in 0..<count {
            blocks.append(try RTCPReportBlock(decoding: bytes, with: &reader))
        }
        return blocks
    }

    /// Round trip between the reported sender and the reporter (RFC 3550, section 6.4.1).
    ///
    /// `arrival` is the sender's time when the report came in. `nil` without a last report, and when
    /// the clocks of the two contradict each other.
    package func roundTrip(at arrival: NTPTimestamp) -> Duration? {
        guard lastReport != 0 else { return nil }
        let units = arrival.middle32 &- lastReport &- delaySinceLastReport
        // Half of the 18 hours that the middle bits count is before, not after.
        return units >> 31 == 0 ? NTPTimestamp.duration(ofMiddle32: units) : nil
    }
}
