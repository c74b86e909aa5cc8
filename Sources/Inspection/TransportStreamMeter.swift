import NetBasics
import PacketFormats

/// Gaps in the continuity counters of an MPEG transport stream (ISO/IEC 13818-1, section 2.4.3.3).
package struct TransportStreamMeter: Equatable, Sendable {
    /// Programs' parts that are followed at most.
    static let pidLimit = 128

    package private(set) var packets: UInt64 = 0
    /// Counters that went on by more than one, without a note that they may.
    package private(set) var continuityErrors: UInt64 = 0
    /// Packets that somebody on the way marked as damaged.
    package private(set) var transportErrors: UInt64 = 0
    /// The last counter of each PID.
    private var counters: [UInt16: UInt8] = [:]

    /// PIDs seen, in order.
    package var pids: [UInt16] { counters.keys.sorted() }

    /// Reads the payload of a datagram; the number of packets, zero if it is no transport stream.
    mutating func record(_ payload: RawSpan) {
        guard let count = TransportStreamPacket.packetCount(in: payload) else { return }
        for index in 0..<count {
            let offset = index * TransportStreamPacket.byteCount
            guard let packet = try? TransportStreamPacket(decoding: payload, at: offset) else {
                continue
            }
            record(packet)
        }
    }

    private mutating func record(_ packet: TransportStreamPacket) {
        packets &+= 1
        if packet.hasTransportError { transportErrors &+= 1 }
        guard packet.pid != TransportStreamPacket.nullPID, packet.hasPayload else { return }
        let counter = packet.continuityCounter
        if let last = counters[packet.pid] {
            // The same counter again is a packet sent twice, which is allowed once.
            let isExpected = counter == (last &+ 1) & 0x0F || counter == last
            if !isExpected, packet.adaptationField?.isDiscontinuity != true {
                continuityErrors &+= 1
            }
        } else if counters.count >= Self.pidLimit {
            return
        }
        counters[packet.pid] = counter
    }
}
