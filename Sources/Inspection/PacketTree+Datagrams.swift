import NetBasics
import PacketFormats
import Wire

// What is in UDP: by port, by what is known of the flow, and last by how it looks.

extension PacketTree {
    /// A datagram's addresses, for those that read what is in it.
    private struct Path {
        var source: Endpoint
        var destination: Endpoint

        var isToGroup: Bool { destination.address.isMulticast }

        /// Whether either port is this one.
        func uses(_ port: UInt16) -> Bool { source.port == port || destination.port == port }
    }

    mutating func readUDP(
        _ bytes: RawSpan, _ packet: IPPacket, isCut: Bool, into reading: inout PacketReading
    ) throws(DecodeError) {
        let header = try UDPHeader(decoding: bytes)
        reading.show(header.field(in: bytes, from: packet.source, to: packet.destination))
        let path = Path(
            source: Endpoint(address: packet.source, port: header.sourcePort),
            destination: Endpoint(address: packet.destination, port: header.destinationPort))
        let payload = bytes.extracting(header.payloadRange(in: bytes))
        let isShort = isCut || header.length > bytes.byteCount
        reading.say(
            "UDP",
            "\(header.sourcePort) to \(header.destinationPort), \(header.length - 8) bytes")
        if isShort {
            reading.show(
                PacketField(
                    PacketField.ownPrefix + "cut", "Not captured whole",
                    .integer(payload.byteCount), meaning: "bytes of \(header.length - 8)"))
        }
        guard payload.byteCount > 0 else { return }
        readDatagram(payload, path, isShort: isShort, into: &reading)
    }

    private mutating func readDatagram(
        _ bytes: RawSpan, _ path: Path, isShort: Bool, into reading: inout PacketReading
    ) {
        let name = Self.protocolName(of: bytes, path)
        do throws(DecodeError) {
            switch name {
            case "SAP": try readSAP(bytes, into: &reading)
            case "mDNS": try readDNS(bytes, into: &reading)
            case "SSDP": try readSSDP(bytes, into: &reading)
            case "Polycast": try readOverlay(bytes, into: &reading)
            case "RTCP": try readRTCP(bytes, into: &reading)
            case "MP2T": try readTransportStream(bytes, into: &reading)
            default:
                if try readRTP(bytes, path, into: &reading) { return }
                if let service = ServicePort.name(path.destination.port) {
                    reading.say(service, "\(bytes.byteCount) bytes that are not decoded")
                }
                reading.showPayload(bytes.byteCount)
            }
        } catch {
            if isShort {
                reading.showCut(name, bytes.byteCount)
            } else {
                reading.refuse(name, bytes.byteCount, error)
            }
        }
    }

    /// The protocol that needs no knowledge of the flow; `RTP` for all that remains.
    private static func protocolName(of bytes: RawSpan, _ path: Path) -> String {
        if path.uses(SAPPacket.port) { return "SAP" }
        if path.uses(MulticastDNSMessage.port) { return "mDNS" }
        if path.uses(SSDPMessage.port) { return "SSDP" }
        if !path.isToGroup, (try? DatagramHeader.kind(of: bytes)) != nil { return "Polycast" }
        if RTCPHeader.isRTCP(bytes), path.isToGroup || isCompound(bytes) { return "RTCP" }
        if TransportStreamPacket.packetCount(in: bytes) != nil { return "MP2T" }
        return "RTP"
    }

    /// Whether packets of RTCP fill it, a report first (RFC 3550, section 6.1).
    private static func isCompound(_ bytes: RawSpan) -> Bool {
        guard let first = try? RTCPHeader.packets(in: bytes).first else { return false }
        return [RTCPHeader.senderReport, RTCPHeader.receiverReport].contains(first.packetType)
    }

    // MARK: - Services

    private mutating func readSAP(
        _ bytes: RawSpan, into reading: inout PacketReading
    ) throws(DecodeError) {
        let packet = try SAPPacket(decoding: bytes)
        media.learn(bytes, at: reading.packet.time, number: reading.summary.number)
        reading.show(packet.field)
        reading.say("SAP", packet.isDeletion ? "deletion" : "announcement")
        guard let offset = packet.sessionDescriptionOffset else { return }
        var reader = ByteReader()
        try reader.skip(offset, in: bytes)
        let text = try reader.readBytes(reader.remaining(in: bytes), from: bytes)
        reading.show(SessionDescription.field(showing: text))
        let session = try? SessionDescription(parsing: text)
        guard let session else { return }
        reading.say(
            "SAP",
            (packet.isDeletion ? "deletion of " : "announcement of ")
                + String(received: session.name.utf8))
    }

    private func readDNS(
        _ bytes: RawSpan, into reading: inout PacketReading
    ) throws(DecodeError) {
        let message = try MulticastDNSMessage(decoding: bytes)
        reading.show(message.field)
        let names = message.questions.map { "\($0.name)" } + message.answers.map { "\($0.name)" }
        reading.say(
            "mDNS",
            (message.isResponse ? "response" : "query")
                + (names.isEmpty ? "" : " " + names.prefix(3).joined(separator: ", "))
                + (names.count > 3 ? ", ..." : ""))
    }

    private func readSSDP(
        _ bytes: RawSpan, into reading: inout PacketReading
    ) throws(DecodeError) {
        let message = try SSDPMessage(decoding: bytes)
        reading.show(message.field)
        switch message.start {
        case .request(let method, _):
            let subject = message.header("NT") ?? message.header("ST") ?? ""
            reading.say("SSDP", method + (subject.isEmpty ? "" : " \(subject)"))
        case .response(let code, let phrase): reading.say("SSDP", "response \(code) \(phrase)")
        }
    }

    private func readOverlay(
        _ bytes: RawSpan, into reading: inout PacketReading
    ) throws(DecodeError) {
        let datagram = try OverlayDatagram(decoding: bytes)
        reading.show(datagram.field)
        reading.say("Polycast", datagram.summary)
    }

    // MARK: - Media

    /// Whether it is RTP; knows it as the inspector does, but needs no second packet to a group.
    private mutating func readRTP(
        _ bytes: RawSpan, _ path: Path, into reading: inout PacketReading
    ) throws(DecodeError) -> Bool {
        guard ServicePort.name(path.destination.port) == nil,
            let (ssrc, sequence) = Self.rtpSource(of: bytes),
            media.isStream(ssrc, sequence, from: path.source, to: path.destination)
        else { return false }
        let packet = try RTPPacket(decoding: bytes)
        let header = packet.header
        reading.show(packet.field)
        // Captured as one: the header is that of the first.
        let others = JoinedDatagrams.rtpByteCount(in: bytes).map { (bytes.byteCount - 1) / $0 }
        reading.say(
            "RTP",
            "payload type \(formatName(header.payloadType, path)), sequence \(header.sequence), "
                + "time \(header.timestamp), SSRC 0x\(String(ssrc, radix: 16))"
                + (header.hasMarker ? ", marker" : "")
                + (others.map { ", and \($0) more behind it" } ?? ""))
        let end = header.payloadOffset + header.payloadByteCount
        let payload = bytes.extracting(header.payloadOffset..<end)
        if header.payloadType == Self.transportStreamType,
            TransportStreamPacket.packetCount(in: payload) != nil
        {
            let packets = try TransportStreamPacket.packets(in: payload)
            if reading.wantsFields { reading.show(packets.map(\.field)) }
        }
        return true
    }

    /// RFC 3551, section 6.
    private static let transportStreamType: UInt8 = 33

    /// Such as `96 (h264)`, if somebody announced it or the number is static.
    private func formatName(_ type: UInt8, _ path: Path) -> String {
        let destination = path.destination
        let announced = media.announcements.format(
            destination.address, destination.port, payloadType: type)
        guard let name = announced?.name ?? StaticPayloadType.entry(type)?.name else {
            return "\(type)"
        }
        return "\(type) (\(String(received: name.utf8)))"
    }

    /// Source and number of what looks like RTP: of version 2, and as long as its list of sources.
    private static func rtpSource(of bytes: RawSpan) -> (ssrc: UInt32, sequence: UInt16)? {
        guard bytes.byteCount >= RTPHeader.fixedByteCount, !RTCPHeader.isRTCP(bytes) else {
            return nil
        }
        // All of these lie within the 12 bytes.
        let first = bytes.unsafeLoad(as: UInt8.self)
        let contributors = Int(first & 0x0F)
        guard first >> 6 == RTPHeader.version,
            bytes.byteCount >= RTPHeader.fixedByteCount + 4 * contributors
        else { return nil }
        let sequence = bytes.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self)
        let ssrc = bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt32.self)
        return (UInt32(bigEndian: ssrc), UInt16(bigEndian: sequence))
    }

    private func readRTCP(
        _ bytes: RawSpan, into reading: inout PacketReading
    ) throws(DecodeError) {
        let fields = try RTCPPacket.packets(in: bytes).map(\.field)
        if reading.wantsFields { reading.show(fields) }
        reading.say("RTCP", fields.map(\.meaning).joined(separator: ", "))
    }

    private func readTransportStream(
        _ bytes: RawSpan, into reading: inout PacketReading
    ) throws(DecodeError) {
        let packets = try TransportStreamPacket.packets(in: bytes)
        if reading.wantsFields { reading.show(packets.map(\.field)) }
        var pids: [UInt16] = []
        for packet in packets where !pids.contains(packet.pid) { pids.append(packet.pid) }
        reading.say(
            "MP2T",
            "\(packets.count) packets, PID "
                + pids.prefix(8).map { "\($0)" }.joined(separator: ", "))
    }
}
