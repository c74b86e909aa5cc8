import NetBasics

/// One packet of a compound RTCP packet, taken apart (RFC 3550, section 6; RFC 4585).
package struct RTCPPacket: Equatable, Sendable {
    package var header: RTCPHeader
    package var body: Body
    /// At the end of the packet, its own count included.
    package var paddingByteCount: Int

    package enum Body: Equatable, Sendable {
        case senderReport(RTCPSenderReport)
        case receiverReport(RTCPReceiverReport)
        case sourceDescription([RTCPDescription])
        case goodbye(RTCPGoodbye)
        case application(RTCPApplication)
        case transportFeedback(RTCPFeedback)
        case payloadFeedback(RTCPFeedback)
        /// A type unknown here, undecoded.
        case other([UInt8])
    }

    package static let application: UInt8 = 204
    package static let transportFeedback: UInt8 = 205
    package static let payloadFeedback: UInt8 = 206

    /// Reads the packet that starts at `offset` and must end within `bytes`.
    package init(decoding bytes: RawSpan, at offset: Int = 0) throws(DecodeError) {
        let header = try RTCPHeader(decoding: bytes, at: offset)
        let end = offset + header.packetByteCount
        var content = bytes.extracting((offset + RTCPHeader.byteCount)..<end)
        self.header = header
        paddingByteCount = 0
        if header.hasPadding {
            paddingByteCount = try Self.paddingByteCount(of: content)
            content = content.extracting(0..<(content.byteCount - paddingByteCount))
        }
        body = try Self.body(header, decoding: content)
    }

    /// The packets of a compound; refuses it if one of them is malformed.
    package static func packets(in bytes: RawSpan) throws(DecodeError) -> [RTCPPacket] {
        var packets: [RTCPPacket] = []
        var offset = 0
        repeat {
            let packet = try RTCPPacket(decoding: bytes, at: offset)
            packets.append(packet)
            offset += packet.header.packetByteCount
        } while offset < bytes.byteCount
        return packets
    }

    private static func paddingByteCount(of content: RawSpan) throws(DecodeError) -> Int {
        var reader = ByteReader()
        try reader.skip(max(0, content.byteCount - 1), in: content)
        let count = Int(try reader.readUInt8(from: content))
        guard (1...content.byteCount).contains(count) else { throw .invalidField("padding") }
        return count
    }

    private static func body(
        _ header: RTCPHeader, decoding bytes: RawSpan
    ) throws(DecodeError) -> Body {
        var reader = ByteReader()
        let count = Int(header.count)
        switch header.packetType {
        case RTCPHeader.senderReport:
            return .senderReport(try RTCPSenderReport(count, decoding: bytes))
        case RTCPHeader.receiverReport:
            return .receiverReport(try RTCPReceiverReport(count, decoding: bytes))
        case RTCPHeader.sourceDescription:
            return .sourceDescription(try RTCPDescription.chunks(count, decoding: bytes))
        case RTCPHeader.goodbye: return .goodbye(try RTCPGoodbye(count, decoding: bytes))
        case application:
            return .application(try RTCPApplication(subtype: header.count, decoding: bytes))
        case transportFeedback:
            return .transportFeedback(try RTCPFeedback(transport: header.count, decoding: bytes))
        case payloadFeedback:
            return .payloadFeedback(try RTCPFeedback(payload: header.count, decoding: bytes))
        default: return .other(try reader.readRest(of: bytes))
        }
    }
}
