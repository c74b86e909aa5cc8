import NetBasics
import PacketFormats

/// Samples as a capture file (classic pcap), each in Ethernet, IP and, where it has one, UDP.
package enum ProtocolCapture {
    package static func file(_ samples: [ProtocolSample]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(0xA1B2_C3D4 as UInt32)
        writer.write(2 as UInt16)
        writer.write(4 as UInt16)
        writer.write(0 as UInt64)
        writer.write(0x4_0000 as UInt32)
        // Ethernet.
        writer.write(1 as UInt32)
        for (index, sample) in samples.enumerated() {
            let frame = frame(sample)
            writer.write(UInt32(index))
            writer.write(0 as UInt32)
            writer.write(UInt32(frame.count))
            writer.write(UInt32(frame.count))
            writer.write(frame)
        }
        return writer.bytes
    }

    private static let sender = IPv4Address(rawValue: 0xC000_0201)

    package static func frame(_ sample: ProtocolSample) -> [UInt8] {
        let payload = sample.kind.port.map { datagram($0, sample) } ?? sample.bytes
        var writer = ByteWriter()
        let group = MACAddress(group: sample.kind.group)?.rawValue ?? 0
        writer.write(UInt16(group >> 32))
        writer.write(UInt32(group & 0xFFFF_FFFF))
        writer.write(0x0200 as UInt16)
        writer.write(1 as UInt32)
        switch sample.kind.group {
        case .v4(let group):
            writer.write(0x0800 as UInt16)
            writer.write(header(sample.kind.protocolNumber, payload.count, to: group))
        case .v6(let group):
            writer.write(0x86DD as UInt16)
            writer.write(header(sample.kind.protocolNumber, payload.count, to: group))
        }
        writer.write(payload)
        return writer.bytes
    }

    /// Of IPv4 (RFC 791, section 3.1).
    private static func header(
        _ protocolNumber: UInt8, _ payloadBytes: Int, to group: IPv4Address
    ) -> [UInt8] {
        func bytes(checksum: UInt16) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(0x4500 as UInt16)
            writer.write(UInt16(20 + payloadBytes))
            writer.write(0 as UInt32)
            writer.write(1 as UInt8)
            writer.write(protocolNumber)
            writer.write(checksum)
            writer.write(sender.rawValue)
            writer.write(group.rawValue)
            return writer.bytes
        }
        var sum = InternetChecksum()
        sum.add(bytes(checksum: 0).span.bytes)
        return bytes(checksum: sum.complement)
    }

    /// Of IPv6 (RFC 8200, section 3).
    private static func header(
        _ protocolNumber: UInt8, _ payloadBytes: Int, to group: IPv6Address
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(0x6000_0000 as UInt32)
        writer.write(UInt16(payloadBytes))
        writer.write(protocolNumber)
        writer.write(1 as UInt8)
        for address in [ProtocolSample.sender, group] {
            writer.write(address.high)
            writer.write(address.low)
        }
        return writer.bytes
    }

    /// Of UDP (RFC 768), from the same port.
    private static func datagram(_ port: UInt16, _ sample: ProtocolSample) -> [UInt8] {
        func bytes(checksum: UInt16) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(port)
            writer.write(port)
            writer.write(UInt16(8 + sample.bytes.count))
            writer.write(checksum)
            writer.write(sample.bytes)
            return writer.bytes
        }
        var sum = InternetChecksum()
        sum.add(
            from: .v4(sender), to: sample.kind.group, nextHeader: 17,
            byteCount: 8 + sample.bytes.count)
        sum.add(bytes(checksum: 0).span.bytes)
        return bytes(checksum: sum.complement)
    }
}

extension ProtocolSample.Kind {
    /// Where the samples of the kind are sent.
    package var group: IPAddress {
        switch self {
        case .igmp: .v4(IPv4Address(rawValue: 0xE000_0016))
        case .pim: .v4(IPv4Address(rawValue: 0xE000_000D))
        case .mld: .v6(ProtocolSample.routersOfMLD)
        case .pimOnIPv6: .v6(ProtocolSample.routersOfPIM)
        default: .v4(IPv4Address(rawValue: 0xEFFF_FFFA))
        }
    }

    package var protocolNumber: UInt8 {
        switch self {
        case .igmp: IGMPMessage.protocolNumber
        case .mld: MLDMessage.protocolNumber
        case .pim, .pimOnIPv6: PIMMessage.protocolNumber
        default: 17
        }
    }

    /// `nil` for what is not in UDP; RTP, RTCP and transport streams have no port of their own.
    package var port: UInt16? {
        switch self {
        case .igmp, .mld, .pim, .pimOnIPv6: nil
        case .rtp: 5004
        case .rtcp: 5005
        case .transportStream: 1234
        case .sap: SAPPacket.port
        case .multicastDNS: MulticastDNSMessage.port
        case .ssdp: SSDPMessage.port
        }
    }
}

extension ProtocolSample {
    /// What the sample says, of each packet in it.
    package var fields: [PacketField] { get throws { try Self.fields(of: bytes, as: kind) } }

    /// Reads bytes as a message of the kind.
    package static func fields(of bytes: [UInt8], as kind: Kind) throws -> [PacketField] {
        let span = bytes.span.bytes
        switch kind {
        case .igmp: return [try IGMPMessage(decoding: span).field]
        case .mld:
            return [try MLDMessage(decoding: span, from: sender, to: routersOfMLD).field]
        case .pim:
            let group = kind.group
            return [try PIMMessage(decoding: span, from: group, to: group).field]
        case .pimOnIPv6:
            return [
                try PIMMessage(decoding: span, from: .v6(sender), to: kind.group).field
            ]
        case .rtp: return [try RTPPacket(decoding: span).field]
        case .rtcp: return try RTCPPacket.packets(in: span).map(\.field)
        case .sap:
            let packet = try SAPPacket(decoding: span)
            guard let offset = packet.sessionDescriptionOffset else { return [packet.field] }
            return [packet.field, SessionDescription.field(showing: bytes[offset...])]
        case .transportStream: return try TransportStreamPacket.packets(in: span).map(\.field)
        case .multicastDNS: return [try MulticastDNSMessage(decoding: span).field]
        case .ssdp: return [try SSDPMessage(decoding: span).field]
        }
    }
}
