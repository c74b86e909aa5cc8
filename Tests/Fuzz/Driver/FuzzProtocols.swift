import NetBasics
import PacketFormats

// What a capture explains: whatever the bytes are, each decoder reads them.

func readProtocols(_ bytes: [UInt8]) {
    let span = bytes.span.bytes
    let sender = ProtocolSample.sender
    let group = ProtocolSample.routersOfMLD
    show(try? IGMPMessage(decoding: span).field)
    show(try? MLDMessage(decoding: span, from: sender, to: group).field)
    show(try? PIMMessage(decoding: span, from: .v6(sender), to: .v6(group)).field)
    show(try? RTPPacket(decoding: span).field)
    for packet in (try? RTCPPacket.packets(in: span)) ?? [] { show(packet) }
    for packet in (try? TransportStreamPacket.packets(in: span)) ?? [] { show(packet.field) }
    if let packet = try? SAPPacket(decoding: span) {
        show(packet.field)
        if let offset = packet.sessionDescriptionOffset {
            show(SessionDescription.field(showing: bytes[offset...]))
        }
    }
    for port in [MulticastDNSMessage.port, SSDPMessage.port] {
        show((try? ServiceDiscovery(decoding: span, port: port))??.field)
    }
}

/// A report's times are computed with too.
private func show(_ packet: RTCPPacket) {
    show(packet.field)
    guard case .senderReport(let report) = packet.body else { return }
    let time = NTPTimestamp(nanosecondsSince1970: report.time.nanosecondsSince1970)
    for block in report.reports {
        if let roundTrip = block.roundTrip(at: time), roundTrip < .zero {
            fatalError("a round trip of \(roundTrip)")
        }
    }
}

/// Its text must not reach the terminal as anything but text.
private func show(_ field: PacketField?) {
    guard let field else { return }
    let isControl = { (scalar: Unicode.Scalar) in
        (scalar.value < 0x20 && scalar != "\n") || (0x7F...0x9F).contains(scalar.value)
    }
    if field.description.unicodeScalars.contains(where: isControl) {
        fatalError("a control character in \(field)")
    }
}
