import NetBasics
import PacketFormats

/// Looks at captured packets one after the other, and knows what there is: streams, groups, queriers.
///
/// A value without I/O, driven by whoever has packets. Memory is bounded: tables have limits, and what
/// finds no room is counted. A packet of a known stream costs some 100 ns and no allocation.
package struct Inspector: Sendable {
    /// What an Ethernet frame holds: a packet that is longer and not in fragments may be several.
    private static let frameLimit = 1500

    package let settings: InspectionSettings
    package private(set) var counts = PacketCounts()
    var flows: FlowTable
    var groups = GroupTable()
    var routers = Routers()
    var hosts = HostTable()
    var announcements: Announcements { flows.announcements }
    package private(set) var overlay = OverlayTraffic()
    package private(set) var cooked = CookedInterfaces()
    private var fragments = FragmentTable()
    /// The packet that is being looked at, from one.
    private(set) var number: UInt64 = 0
    private var firstTime: Instant?
    package private(set) var lastTime = Instant.zero
    private(set) var firstBadChecksum: UInt64?

    package init(_ settings: InspectionSettings = InspectionSettings()) {
        self.settings = settings
        flows = FlowTable(settings)
    }

    /// From the first to the last packet.
    package var duration: Duration { firstTime.map { lastTime - $0 } ?? .zero }
    package var streams: [StreamMeasure] { flows.streams }
    package var fragmentCounts: FragmentTable.Counts { fragments.counts }
    /// Packets of streams that found no room.
    package var untrackedCount: UInt64 { flows.untracked &+ groups.untracked }
    package var memberships: [GroupMembership] { groups.groups }
    package var queriers: [Querier] { groups.queriers }

    /// Looks at the next packet of the capture.
    @inline(__always)
    package mutating func see(
        _ bytes: RawSpan, _ packet: CapturedPacket, linkType: LinkType?
    ) {
        number &+= 1
        counts.packets &+= 1
        counts.bytes &+= UInt64(packet.wireByteCount)
        if packet.isCut { counts.cut &+= 1 }
        if firstTime == nil { firstTime = packet.time }
        if packet.time > lastTime { lastTime = packet.time }
        guard let linkType else {
            counts.undecoded &+= 1
            return
        }
        do throws(DecodeError) {
            let frame = try LinkFrame(decoding: bytes, as: linkType)
            guard
                frame.etherType == LinkFrame.EtherType.ipv4
                    || frame.etherType == LinkFrame.EtherType.ipv6
            else { return }
            let rest = bytes.extracting(frame.payloadOffset...)
            let interface =
                linkType == .linuxSLL2
                ? cooked.number(bytes, interface: packet.interface) : packet.interface
            try see(
                rest, try IPPacket(decoding: rest), frame, at: packet.time, interface: interface)
        } catch {
            counts.malformed &+= 1
        }
    }

    @inline(__always)
    private mutating func see(
        _ bytes: RawSpan, _ packet: IPPacket, _ frame: LinkFrame, at now: Instant, interface: Int
    ) throws(DecodeError) {
        let range = packet.payloadRange(in: bytes)
        guard packet.fragment == nil else {
            try seeFragment(
                packet, bytes.extracting(range), frame, at: now, interface: interface)
            return
        }
        try see(
            payload: bytes.extracting(range), packet, frame, at: now, interface: interface)
    }

    private mutating func seeFragment(
        _ packet: IPPacket, _ bytes: RawSpan, _ frame: LinkFrame, at now: Instant, interface: Int
    ) throws(DecodeError) {
        guard let payload = fragments.add(packet, payload: bytes, at: now) else { return }
        var whole = packet
        var start = 0
        if case .v6 = packet.destination {
            (whole.transport, start) = try IPv6Header.transport(
                behind: packet.transport, in: payload.span.bytes)
        }
        whole.payloadByteCount = payload.count - start
        try see(
            payload: payload.span.bytes.extracting(start...), whole, frame, at: now,
            interface: interface)
    }

    /// `payload`: what is captured of the transport's, put together of fragments if need be.
    @inline(__always)
    private mutating func see(
        payload: RawSpan, _ packet: IPPacket, _ frame: LinkFrame, at now: Instant, interface: Int
    ) throws(DecodeError) {
        let isToGroup = packet.destination.isMulticast
        if isToGroup { counts.multicast &+= 1 }
        if packet.transport == IPPacket.Transport.udp {
            try seeUDP(payload, packet, frame, at: now, interface: interface)
            return
        }
        let origin = Origin(
            packet: packet, frame: frame, time: now,
            interface: UInt16(truncatingIfNeeded: interface))
        switch packet.transport {
        case IPPacket.Transport.igmp: try seeIGMP(payload, origin)
        case IPPacket.Transport.icmpv6: try seeICMPv6(payload, origin)
        case IPPacket.Transport.pim: try seePIM(payload, origin)
        default: return
        }
    }

    @inline(__always)
    private mutating func seeUDP(
        _ bytes: RawSpan, _ packet: IPPacket, _ frame: LinkFrame, at now: Instant, interface: Int
    ) throws(DecodeError) {
        let header = try UDPHeader(decoding: bytes)
        let payload = bytes.extracting(header.payloadRange(in: bytes))
        guard packet.destination.isMulticast else {
            try seeUnicast(payload, packet, header, frame, at: now, interface: interface)
            return
        }
        measure(payload, packet, header, frame, at: now, interface: interface)
    }

    /// Of datagrams from host to host our own are counted; others are streams if that was asked for.
    private mutating func seeUnicast(
        _ payload: RawSpan, _ packet: IPPacket, _ header: UDPHeader, _ frame: LinkFrame,
        at now: Instant, interface: Int
    ) throws(DecodeError) {
        let sender = Endpoint(address: packet.source, port: header.sourcePort)
        if let count = overlay.record(payload, from: sender) {
            if count > 1 { counts.joined &+= 1 }
            return
        }
        if settings.includesUnicast {
            measure(payload, packet, header, frame, at: now, interface: interface)
        }
    }

    @inline(__always)
    private mutating func measure(
        _ payload: RawSpan, _ packet: IPPacket, _ header: UDPHeader, _ frame: LinkFrame,
        at now: Instant, interface: Int
    ) {
        let key = FlowKey(
            source: packet.source, destination: packet.destination,
            sourcePort: header.sourcePort, destinationPort: header.destinationPort,
            interface: UInt16(truncatingIfNeeded: interface),
            vlan: frame.outermostVLAN ?? 0)
        guard let flow = flows.flow(key) else { return }
        var seen = StreamPacket(
            number: number, time: now, byteCount: packet.payloadOffset + packet.payloadByteCount,
            hopLimit: packet.hopLimit, trafficClass: packet.trafficClass, sender: frame.source)
        seen.isFragmented = packet.fragment != nil
        seen.wirelessRate = frame.wirelessRate
        guard let ssrc = Self.readRTP(payload, into: &seen) else {
            seeOther(payload, key, seen, in: flow)
            return
        }
        seen.isCutLong =
            seen.byteCount > Self.frameLimit
            && payload.byteCount + UDPHeader.byteCount < header.length
        if !seen.isFragmented,
            let length = flows.joinedByteCount(payload, number: seen.sequence, in: flow)
        {
            seen.byteCount = packet.payloadOffset + UDPHeader.byteCount
            seeJoined(payload, each: length, seen, ssrc, in: flow)
        } else {
            flows.recordRTP(seen, ssrc: ssrc, in: flow)
        }
    }

    /// Counts each of several RTP packets that were captured as one, of which `headers` has what is
    /// the same in all, and the bytes that each has in front.
    private mutating func seeJoined(
        _ payload: RawSpan, each length: Int, _ headers: StreamPacket, _ ssrc: UInt32, in flow: Int
    ) {
        counts.joined &+= 1
        var packet = headers
        for start in stride(from: 0, to: payload.byteCount, by: length) {
            let part = payload.extracting(start..<min(start + length, payload.byteCount))
            packet.byteCount = headers.byteCount + part.byteCount
            guard Self.readRTP(part, into: &packet) == ssrc else { return }
            flows.recordRTP(packet, ssrc: ssrc, in: flow)
        }
    }

    private mutating func seeOther(
        _ payload: RawSpan, _ key: FlowKey, _ packet: StreamPacket, in flow: Int
    ) {
        var kind = PayloadKind.unknown
        if let service = ServicePort.name(key.destinationPort) {
            kind = .service(service)
            if key.destinationPort == SAPPacket.port {
                flows.recordAnnouncement(payload, at: packet.time, number: number)
            }
        } else if RTCPHeader.isRTCP(payload) {
            kind = .service("rtcp")
            seeRTCP(payload, key, at: packet.time)
        } else if TransportStreamPacket.packetCount(in: payload) != nil {
            kind = .transportStream
        }
        flows.recordOther(packet, kind: kind, in: flow)
        if kind == .transportStream { flows.recordTransportStream(payload, in: flow) }
    }

    /// The source identifier of what looks like an RTP packet; RTCP does not (RFC 5761, section 4).
    @inline(__always)
    private static func readRTP(_ payload: RawSpan, into packet: inout StreamPacket) -> UInt32? {
        guard payload.byteCount >= RTPHeader.fixedByteCount else { return nil }
        // Both words lie within the 12 bytes.
        let first = UInt64(bigEndian: payload.unsafeLoadUnaligned(as: UInt64.self))
        guard first >> 62 == UInt64(RTPHeader.version) else { return nil }
        let second = UInt8(truncatingIfNeeded: first >> 48)
        guard !(192...223).contains(second) else { return nil }
        let contributors = Int(first >> 56 & 0x0F)
        guard payload.byteCount >= RTPHeader.fixedByteCount + 4 * contributors else { return nil }
        packet.payloadType = second & 0x7F
        packet.sequence = UInt16(truncatingIfNeeded: first >> 32)
        packet.timestamp = UInt32(truncatingIfNeeded: first)
        return UInt32(
            bigEndian: payload.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    mutating func noteBadChecksum() {
        counts.badChecksums &+= 1
        if firstBadChecksum == nil { firstBadChecksum = number }
    }

    mutating func noteRTCP() { counts.rtcp &+= 1 }

    /// No packet comes any more.
    package mutating func finish() { flows.finish() }
}

/// What a capture held, whatever it was.
package struct PacketCounts: Equatable, Sendable {
    package var packets: UInt64 = 0
    /// On the wire, link-layer headers included.
    package var bytes: UInt64 = 0
    /// Of which less was captured than there was.
    package var cut: UInt64 = 0
    /// That held several datagrams each, see ``JoinedDatagrams``.
    package var joined: UInt64 = 0
    /// Of link types that are not decoded.
    package var undecoded: UInt64 = 0
    /// With headers that contradict themselves or end early.
    package var malformed: UInt64 = 0
    package var multicast: UInt64 = 0
    /// IGMP, MLD and PIM messages whose checksum does not fit; receivers drop them.
    package var badChecksums: UInt64 = 0
    package var rtcp: UInt64 = 0
}
