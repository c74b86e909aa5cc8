import NetBasics
import PacketFormats

// What tells how multicast is run here: membership, routers, reports and announcements.

extension Inspector {
    /// Where a packet comes from, for those that look at few packets.
    struct Origin {
        var packet: IPPacket
        var frame: LinkFrame
        var time: Instant
        var interface: UInt16

        var vlan: UInt16 { frame.outermostVLAN ?? 0 }
    }

    mutating func seeIGMP(_ bytes: RawSpan, _ origin: Origin) throws(DecodeError) {
        let message = try IGMPMessage(decoding: bytes)
        guard message.isChecksumValid else {
            noteBadChecksum()
            return
        }
        see(message.content, version: message.version, origin)
    }

    /// Of ICMPv6 only MLD is looked at.
    mutating func seeICMPv6(_ bytes: RawSpan, _ origin: Origin) throws(DecodeError) {
        guard case .v6(let source) = origin.packet.source,
            case .v6(let destination) = origin.packet.destination,
            bytes.byteCount > 0,
            Self.membershipTypes.contains(bytes.unsafeLoad(as: UInt8.self))
        else { return }
        let message = try MLDMessage(decoding: bytes, from: source, to: destination)
        guard message.isChecksumValid else {
            noteBadChecksum()
            return
        }
        see(message.content, version: message.version, origin)
    }

    static let membershipTypes = [
        MLDMessage.query, MLDMessage.report, MLDMessage.done, MLDMessage.reportOfVersion2,
    ]

    private mutating func see(_ content: MembershipMessage, version: UInt8, _ origin: Origin) {
        let message = GroupTable.Message(
            number: number, time: origin.time, sender: origin.packet.source,
            hardware: origin.frame.source, interface: origin.interface, vlan: origin.vlan,
            version: version, content: content)
        groups.record(message)
        if case .query = content { return }
        hosts.note(origin.frame.source, origin.packet.source, number: number)
    }

    mutating func seePIM(_ bytes: RawSpan, _ origin: Origin) throws(DecodeError) {
        let message = try PIMMessage(
            decoding: bytes, from: origin.packet.source, to: origin.packet.destination)
        guard message.isChecksumValid else {
            noteBadChecksum()
            return
        }
        guard message.type == PIMMessage.hello else { return }
        routers.note(
            origin.packet.source, origin.frame.source, interface: origin.interface, number: number)
    }

    /// Sender reports of the streams that they belong to: RTCP has the next port, or the same.
    mutating func seeRTCP(_ bytes: RawSpan, _ key: FlowKey, at now: Instant) {
        guard RTCPHeader.isRTCP(bytes), let packets = try? RTCPPacket.packets(in: bytes) else {
            return
        }
        noteRTCP()
        for packet in packets {
            guard case .senderReport(let report) = packet.body else { continue }
            flows.record(report, key, at: now)
        }
    }
}
