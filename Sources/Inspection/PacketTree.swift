import NetBasics
import PacketFormats

/// Takes packets apart, one after the other, into the fields that are shown of them.
///
/// A value without I/O. It remembers fragments until their packet is whole, and which flows were seen to
/// carry RTP, so each packet is to be given to it once, in order; memory is bounded. Nothing that was
/// received traps: what does not decode is a field `malformed`.
package struct PacketTree: Sendable {
    private var fragments = FragmentTable()
    var media = KnownMedia()
    private var firstTime: Instant?

    package init() {}

    /// Each protocol of the packet, the frame first, with its fields below it.
    package mutating func fields(
        of bytes: RawSpan, _ packet: CapturedPacket, linkType: LinkType?, number: UInt64,
        interfaceName: String
    ) -> [PacketField] {
        read(
            bytes, packet, linkType: linkType, number: number, interfaceName: interfaceName
        ).fields
    }

    /// The packet in one line, without making its fields.
    package mutating func summary(
        of bytes: RawSpan, _ packet: CapturedPacket, linkType: LinkType?, number: UInt64
    ) -> PacketSummary {
        read(
            bytes, packet, linkType: linkType, number: number, interfaceName: "",
            wantsFields: false
        ).summary
    }

    /// Both, for who wants both of one packet.
    package mutating func read(
        _ bytes: RawSpan, _ packet: CapturedPacket, linkType: LinkType?, number: UInt64,
        interfaceName: String, wantsFields: Bool = true
    ) -> PacketReading {
        let start = firstTime ?? packet.time
        firstTime = start
        let summary = PacketSummary(
            number: number, time: packet.time - start, byteCount: packet.wireByteCount)
        var reading = PacketReading(packet, summary, wantsFields: wantsFields)
        reading.show(frameField(packet, summary, interfaceName))
        guard let linkType else {
            reading.say("frame", "link type that is not decoded")
            reading.showPayload(bytes.byteCount)
            return reading
        }
        readLink(bytes, linkType, into: &reading)
        return reading
    }

    private func frameField(
        _ packet: CapturedPacket, _ summary: PacketSummary, _ interfaceName: String
    ) -> PacketField {
        var children = [
            PacketField("frame.number", "Number", .number(summary.number)),
            PacketField(
                "frame.time_epoch", "Time",
                .text(PacketSummary.text(packet.time.nanoseconds, decimals: 9)),
                meaning: "seconds since 1970"),
            PacketField(
                "frame.time_relative", "Time since the first packet",
                .text(PacketSummary.text(summary.time.nanoseconds, decimals: 9)), meaning: "s"),
            PacketField(
                "frame.len", "Length", .integer(packet.wireByteCount), meaning: "bytes"),
            PacketField(
                "frame.cap_len", "Captured", .integer(packet.range.count), meaning: "bytes"),
        ]
        if !interfaceName.isEmpty {
            children.append(
                PacketField(
                    "frame.interface_name", "Interface", .text(received: interfaceName.utf8)))
        }
        if let comment = packet.comment {
            children.append(PacketField("frame.comment", "Comment", .text(received: comment.utf8)))
        }
        return .heading("frame", "Frame", meaning: "\(summary.number)", children)
    }

    // MARK: - Link and network

    private mutating func readLink(
        _ bytes: RawSpan, _ type: LinkType, into reading: inout PacketReading
    ) {
        do throws(DecodeError) {
            let frame = try LinkFrame(decoding: bytes, as: type)
            if reading.wantsFields { reading.show(try frame.fields(in: bytes, as: type)) }
            if let source = frame.source {
                reading.note(source, frame.destination.map { "\($0)" } ?? "")
            }
            let rest = bytes.extracting(min(frame.payloadOffset, bytes.byteCount)...)
            switch frame.etherType {
            case LinkFrame.EtherType.ipv4, LinkFrame.EtherType.ipv6:
                readIP(rest, into: &reading)
            default:
                reading.say(
                    Self.name(frame, type), "\(rest.byteCount) bytes that are not decoded")
                reading.showPayload(rest.byteCount)
            }
        } catch {
            reading.refuse(type.name, bytes.byteCount, error)
        }
    }

    private static func name(_ frame: LinkFrame, _ type: LinkType) -> String {
        guard let etherType = frame.etherType else { return type.name }
        let name = LinkFrame.EtherType.name(etherType)
        return name.isEmpty ? "ethertype 0x\(String(etherType, radix: 16))" : name
    }

    mutating func readIP(_ bytes: RawSpan, into reading: inout PacketReading) {
        do throws(DecodeError) {
            var reader = ByteReader()
            let version = try reader.readUInt8(from: bytes) >> 4
            let packet: IPPacket
            switch version {
            case 4:
                let header = try IPv4Header(decoding: bytes)
                if reading.wantsFields { reading.show([try header.field(in: bytes)]) }
                packet = IPPacket(header)
            case 6:
                let header = try IPv6Header(decoding: bytes)
                if reading.wantsFields { reading.show(try header.fields(in: bytes)) }
                packet = IPPacket(header)
            default: throw .unsupportedVersion(version)
            }
            reading.note(packet.source, packet.destination)
            readPayload(
                bytes.extracting(packet.payloadRange(in: bytes)), packet, version, into: &reading)
        } catch {
            reading.refuse("IP", bytes.byteCount, error)
        }
    }

    /// `bytes`: what is captured of the packet's payload.
    private mutating func readPayload(
        _ bytes: RawSpan, _ packet: IPPacket, _ version: UInt8, into reading: inout PacketReading
    ) {
        guard let fragment = packet.fragment, !fragment.isWhole else {
            readTransport(
                bytes, packet, isCut: bytes.byteCount < packet.payloadByteCount, into: &reading)
            return
        }
        // Those inside a register are not put together: their way is not the capture's.
        guard reading.depth == 0,
            let whole = fragments.add(packet, payload: bytes, at: reading.packet.time)
        else {
            reading.say(
                "IPv\(version)",
                "fragment at \(fragment.offset) of \(fragment.identification), "
                    + "\(bytes.byteCount) bytes of \(IPPacket.Transport.name(packet.transport))")
            reading.showPayload(bytes.byteCount)
            return
        }
        let name = version == 4 ? "ip.reassembled" : "ipv6.reassembled"
        reading.show(
            .heading(
                PacketField.ownPrefix + name, "Reassembled packet",
                [PacketField(name + ".length", "Length", .integer(whole.count), meaning: "bytes")]))
        readWhole(whole.span.bytes, packet, version, into: &reading)
    }

    /// Reads what fragments made together, which on IPv6 may begin with extension headers.
    private mutating func readWhole(
        _ bytes: RawSpan, _ packet: IPPacket, _ version: UInt8, into reading: inout PacketReading
    ) {
        guard version == 6 else {
            readTransport(bytes, packet, isCut: false, into: &reading)
            return
        }
        do throws(DecodeError) {
            let (number, offset) = try IPv6Header.transport(behind: packet.transport, in: bytes)
            if reading.wantsFields, offset > 0 {
                let headers = bytes.extracting(0..<offset)
                reading.show(
                    try IPv6Header.extensionFields(first: packet.transport, in: headers))
            }
            var whole = packet
            whole.transport = number
            readTransport(bytes.extracting(offset...), whole, isCut: false, into: &reading)
        } catch {
            reading.refuse("IP", bytes.byteCount, error)
        }
    }

    // MARK: - Transport

    private mutating func readTransport(
        _ bytes: RawSpan, _ packet: IPPacket, isCut: Bool, into reading: inout PacketReading
    ) {
        let name = IPPacket.Transport.name(packet.transport)
        do throws(DecodeError) {
            switch packet.transport {
            case IPPacket.Transport.udp:
                try readUDP(bytes, packet, isCut: isCut, into: &reading)
            // Their checksums are of the whole message.
            case IPPacket.Transport.igmp where !isCut: try readIGMP(bytes, into: &reading)
            case IPPacket.Transport.icmpv6 where !isCut:
                try readICMPv6(bytes, packet, into: &reading)
            case IPPacket.Transport.pim where !isCut: try readPIM(bytes, packet, into: &reading)
            case IPPacket.Transport.igmp, IPPacket.Transport.icmpv6, IPPacket.Transport.pim:
                reading.showCut(name, bytes.byteCount)
            default:
                reading.say(
                    name.isEmpty ? "IP protocol \(packet.transport)" : name,
                    "\(bytes.byteCount) bytes that are not decoded")
                reading.showPayload(bytes.byteCount)
            }
        } catch {
            reading.refuse(name, bytes.byteCount, error)
        }
    }

    private func readIGMP(
        _ bytes: RawSpan, into reading: inout PacketReading
    ) throws(DecodeError) {
        let message = try IGMPMessage(decoding: bytes)
        reading.show(message.field)
        reading.say(
            "IGMPv\(message.version)", message.summary + bad(message.isChecksumValid))
    }

    /// Of messages that are not MLD's, type and code are shown.
    private func readICMPv6(
        _ bytes: RawSpan, _ packet: IPPacket, into reading: inout PacketReading
    ) throws(DecodeError) {
        var reader = ByteReader()
        let type = try reader.readUInt8(from: bytes)
        if Inspector.membershipTypes.contains(type), case .v6(let source) = packet.source,
            case .v6(let destination) = packet.destination
        {
            let message = try MLDMessage(decoding: bytes, from: source, to: destination)
            reading.show(message.field)
            reading.say(
                "MLDv\(message.version)", message.summary + bad(message.isChecksumValid))
            return
        }
        let code = try reader.readUInt8(from: bytes)
        reading.show(
            .heading(
                "icmpv6", "ICMPv6",
                [
                    PacketField("icmpv6.type", "Type", .integer(type)),
                    PacketField("icmpv6.code", "Code", .integer(code)),
                ]))
        reading.say("ICMPv6", "type \(type), code \(code)")
    }

    private mutating func readPIM(
        _ bytes: RawSpan, _ packet: IPPacket, into reading: inout PacketReading
    ) throws(DecodeError) {
        // A null register may hold a header without a message (RFC 7761, section 4.4.1).
        if reading.depth > 0, bytes.byteCount == 0 { return }
        let message = try PIMMessage(
            decoding: bytes, from: packet.source, to: packet.destination)
        let field = message.field
        reading.show(field)
        reading.say("PIM", field.meaning + bad(message.isChecksumValid))
        guard case .register(let register) = message.body, reading.depth == 0,
            register.packetByteCount > 0
        else { return }
        reading.depth += 1
        readIP(bytes.extracting(register.packetOffset...), into: &reading)
        reading.depth -= 1
    }

    func bad(_ isChecksumValid: Bool) -> String { isChecksumValid ? "" : ", bad checksum" }
}
