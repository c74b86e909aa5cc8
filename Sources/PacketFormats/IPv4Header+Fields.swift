import NetBasics

extension IPv4Header {
    /// The header with its options, for people, and under Wireshark's names.
    ///
    /// `bytes`: those that the header was decoded from.
    package func field(in bytes: RawSpan) throws(DecodeError) -> PacketField {
        let children =
            serviceFields(in: bytes) + fragmentFields + endFields(in: bytes)
            + (try optionFields(in: bytes))
        return .heading(
            "ip", "Internet Protocol version 4", meaning: "\(source) to \(destination)", children)
    }

    private func serviceFields(in bytes: RawSpan) -> [PacketField] {
        // The length stands in the third byte and the fourth of the twenty that were decoded.
        let stated = bytes.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self)
        return [
            PacketField("ip.version", "Version", .integer(4 as UInt8)),
            PacketField("ip.hdr_len", "Header length", .integer(byteCount), meaning: "bytes"),
            .trafficClass("ip.dsfield", .word(typeOfService), typeOfService),
            PacketField(
                "ip.len", "Total length", .integer(totalByteCount),
                meaning: stated == 0 ? "bytes captured, the header has zero" : "bytes"),
            PacketField("ip.id", "Identification", .word(identification)),
        ]
    }

    private var fragmentFields: [PacketField] {
        [
            PacketField(
                "ip.flags", "Flags", .word(UInt8(truncatingIfNeeded: fragmentWord >> 13)),
                children: [
                    PacketField("ip.flags.rb", "Reserved", .flag(fragmentWord & 0x8000 != 0)),
                    PacketField(
                        "ip.flags.df", "Don't fragment",
                        .flag(fragmentWord & Self.dontFragment != 0)),
                    PacketField(
                        "ip.flags.mf", "More fragments",
                        .flag(fragmentWord & Self.moreFragments != 0)),
                ]),
            PacketField(
                "ip.frag_offset", "Fragment offset", .integer(fragmentWord & Self.offsetMask),
                meaning: "units of 8 bytes"),
        ]
    }

    private func endFields(in bytes: RawSpan) -> [PacketField] {
        [
            PacketField("ip.ttl", "Time to live", .integer(timeToLive)),
            PacketField(
                "ip.proto", "Protocol", .integer(transport),
                meaning: IPPacket.Transport.name(transport)),
        ] + PacketField.checksum("ip.checksum", checksum, isValid: isChecksumValid(in: bytes)) + [
            PacketField("ip.src", "Source", .address(.v4(source))),
            PacketField("ip.dst", "Destination", .address(.v4(destination))),
        ]
    }

    // MARK: - Options

    private func optionFields(in bytes: RawSpan) throws(DecodeError) -> [PacketField] {
        guard byteCount > Self.fixedByteCount else { return [] }
        let area = bytes.extracting(Self.fixedByteCount..<byteCount)
        let options = try Self.options(in: area)
        var fields = options.map(\.field)
        let used = options.reduce(0) { $0 + $1.byteCount }
        // What is behind the end only pads.
        if used < area.byteCount { fields.append(Option(kind: Option.end, data: []).field) }
        return fields
    }
}

extension IPv4Header.Option {
    fileprivate var byteCount: Int { hasLength ? 2 + data.count : 1 }

    private var hasLength: Bool { kind != Self.end && kind != Self.noOperation }

    fileprivate var field: PacketField {
        let (name, meaning) = names
        var children = [
            PacketField(
                "ip.opt.type", "Type", .integer(kind),
                children: [
                    PacketField("ip.opt.type.copy", "In each fragment", .flag(kind & 0x80 != 0)),
                    PacketField("ip.opt.type.class", "Class", .integer(kind >> 5 & 0x3)),
                    PacketField("ip.opt.type.number", "Number", .integer(kind & 0x1F)),
                ])
        ]
        if hasLength {
            children.append(
                PacketField("ip.opt.len", "Length", .integer(byteCount), meaning: "bytes"))
        }
        if kind == Self.routerAlert, data.count == 2 {
            children.append(
                PacketField(
                    "ip.opt.ra", "Router alert", .integer(UInt16(data[0]) << 8 | UInt16(data[1]))))
        } else if !data.isEmpty {
            children.append(
                PacketField(PacketField.ownPrefix + "ip.option.data", "Data", .bytes(data)))
        }
        return .heading(name, "Option", meaning: meaning, children)
    }

    /// Wireshark's name, and people's.
    private var names: (name: String, meaning: String) {
        switch kind {
        case Self.end: ("ip.options.eol", "end of options")
        case Self.noOperation: ("ip.options.nop", "no operation")
        case 7: ("ip.options.record_route", "record route")
        case 68: ("ip.options.timestamp", "time stamp")
        case 131: ("ip.options.route", "loose source route")
        case 137: ("ip.options.source_route", "strict source route")
        case Self.routerAlert: ("ip.options.routeralert", "router alert")
        default: (PacketField.ownPrefix + "ip.option", "\(kind)")
        }
    }
}

// MARK: - What both versions show

extension PacketField {
    /// The byte that was the type of service, and its parts (RFC 2474, RFC 3168).
    static func trafficClass(_ name: String, _ value: Value, _ trafficClass: UInt8) -> PacketField {
        let dscp = trafficClass >> 2
        return PacketField(
            name, "Traffic class", value,
            children: [
                PacketField(
                    name + ".dscp", "DSCP", .integer(dscp), meaning: IPPacket.className(dscp)),
                PacketField(
                    name + ".ecn", "ECN", .integer(trafficClass & 0x3),
                    meaning: IPPacket.congestionName(trafficClass & 0x3)),
            ])
    }
}

extension IPPacket {
    /// The per-hop behaviour of a code point (RFC 2474, RFC 2597, RFC 3246); empty for others.
    package static func className(_ dscp: UInt8) -> String {
        switch dscp {
        case 0: "default"
        case 46: "EF"
        case 44: "voice admit"
        case let code where code % 8 == 0: "CS\(code / 8)"
        case 10...38 where dscp % 2 == 0 && dscp % 8 != 0: "AF\(dscp / 8)\(dscp % 8 / 2)"
        default: ""
        }
    }

    static func congestionName(_ bits: UInt8) -> String {
        switch bits {
        case 0: "not capable"
        case 3: "congestion experienced"
        default: "capable"
        }
    }
}

extension IPPacket.Transport {
    /// Such as `UDP`; empty if it is none that is common.
    package static func name(_ number: UInt8) -> String {
        switch number {
        case icmp: "ICMP"
        case igmp: "IGMP"
        case 4: "IPv4"
        case 6: "TCP"
        case udp: "UDP"
        case 41: "IPv6"
        case 47: "GRE"
        case 50: "ESP"
        case 51: "AH"
        case icmpv6: "ICMPv6"
        case 59: "nothing"
        case 88: "EIGRP"
        case 89: "OSPF"
        case pim: "PIM"
        case 112: "VRRP"
        case 132: "SCTP"
        case 136: "UDP-Lite"
        default: ""
        }
    }
}
