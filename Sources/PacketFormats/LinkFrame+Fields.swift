import NetBasics

extension LinkFrame {
    /// The link's header and each VLAN tag, for people, and under Wireshark's names.
    ///
    /// Raw IP has none. `bytes` and `type` are those that the frame was decoded from.
    package func fields(
        in bytes: RawSpan, as type: LinkType
    ) throws(DecodeError) -> [PacketField] {
        var reader = ByteReader()
        switch type {
        case .ethernet:
            return [try ethernetField(bytes, &reader)] + (try tagFields(bytes, &reader))
        case .linuxSLL:
            return [try cookedField(bytes, &reader)] + (try tagFields(bytes, &reader))
        case .linuxSLL2:
            let field = try cooked2Field(bytes, &reader)
            return [field] + (try tagFields(bytes, &reader))
        case .null, .loop: return [try familyField(bytes, &reader, isBigEndian: type == .loop)]
        case .wireless: return try wirelessFields(bytes, &reader)
        case .radiotap:
            let field = try radiotapField(bytes, &reader)
            return [field] + (try wirelessFields(bytes, &reader))
        case .rawIP, .rawByLibpcap, .ipv4, .ipv6: return []
        }
    }

    // MARK: - Ethernet

    private func ethernetField(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> PacketField {
        let destination = try reader.readHardwareAddress(from: bytes)
        let source = try reader.readHardwareAddress(from: bytes)
        let type = try reader.readUInt16(from: bytes)
        return .heading(
            "eth", "Ethernet", meaning: "\(source) to \(destination)",
            [
                PacketField("eth.dst", "Destination", .hardwareAddress(destination)),
                PacketField("eth.src", "Source", .hardwareAddress(source)),
                Self.typeField("eth", type),
            ])
    }

    /// An EtherType, or the length of an 802.3 frame.
    private static func typeField(_ prefix: String, _ word: UInt16) -> PacketField {
        guard word > EtherType.lengthLimit else {
            return PacketField(
                prefix + ".len", "Length", .integer(word), meaning: "of an 802.3 frame")
        }
        let name = prefix == "eth" ? ".type" : ".etype"
        return PacketField(prefix + name, "Type", .word(word), meaning: EtherType.name(word))
    }

    /// Each tag that stands between the link's header and what it carries.
    private func tagFields(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> [PacketField] {
        var kind = try outerType(bytes)
        var fields: [PacketField] = []
        for word in tagWords {
            try reader.skip(2, in: bytes)
            let type = try reader.readUInt16(from: bytes)
            fields.append(Self.tagField(word, type, isProviderTag: kind == EtherType.provider))
            kind = type
        }
        return fields
    }

    /// The EtherType of the link's own header, which says what the first tag is.
    private func outerType(_ bytes: RawSpan) throws(DecodeError) -> UInt16 {
        guard tagCount > 0 else { return 0 }
        let firstTag = payloadOffset - 4 * tagCount
        var reader = ByteReader()
        // The second version of the cooked header has it in front.
        let isCooked2 = firstTag == Self.cooked2ByteCount
        try reader.skip(isCooked2 ? 0 : firstTag - 2, in: bytes)
        return try reader.readUInt16(from: bytes)
    }

    private static let cooked2ByteCount = 20

    private static func tagField(
        _ word: UInt16, _ type: UInt16, isProviderTag: Bool
    ) -> PacketField {
        let prefix = isProviderTag ? "ieee8021ad" : "vlan"
        let label = isProviderTag ? "Provider bridge tag (802.1ad)" : "VLAN tag (802.1Q)"
        let typeName = isProviderTag ? PacketField.ownPrefix + "ieee8021ad" : prefix
        return .heading(
            prefix, label, meaning: "VLAN \(word & 0x0FFF)",
            [
                PacketField(prefix + ".priority", "Priority", .integer(word >> 13)),
                PacketField(prefix + ".dei", "Drop eligible", .flag(word & 0x1000 != 0)),
                PacketField(prefix + ".id", "VLAN", .integer(word & 0x0FFF)),
                typeField(typeName, type),
            ])
    }

    // MARK: - Linux cooked capture

    private func cookedField(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> PacketField {
        let kind = try reader.readUInt16(from: bytes)
        let hardware = try reader.readUInt16(from: bytes)
        let length = try reader.readUInt16(from: bytes)
        let address = try reader.readBytes(8, from: bytes)
        let type = try reader.readUInt16(from: bytes)
        return Self.cookedField(
            kind, hardware, length, address, [Self.cookedTypeField(type)], version: 1)
    }

    private func cooked2Field(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> PacketField {
        let type = try reader.readUInt16(from: bytes)
        try reader.skip(2, in: bytes)
        let interface = try reader.readUInt32(from: bytes)
        let hardware = try reader.readUInt16(from: bytes)
        let kind = UInt16(try reader.readUInt8(from: bytes))
        let length = UInt16(try reader.readUInt8(from: bytes))
        let address = try reader.readBytes(8, from: bytes)
        return Self.cookedField(
            kind, hardware, length, address,
            [
                Self.cookedTypeField(type),
                PacketField("sll.ifindex", "Interface index", .integer(interface)),
            ], version: 2)
    }

    private static func cookedField(
        _ kind: UInt16, _ hardware: UInt16, _ length: UInt16, _ address: [UInt8],
        _ others: [PacketField], version: Int
    ) -> PacketField {
        let meaning = direction(kind)
        var children = [
            PacketField("sll.pkttype", "Packet type", .integer(kind), meaning: meaning),
            PacketField("sll.hatype", "Hardware type", .integer(hardware)),
            PacketField("sll.halen", "Address length", .integer(length), meaning: "bytes"),
        ]
        let shown = address.prefix(Int(length))
        if length == MACAddress.byteCount {
            let word = shown.reduce(0) { $0 << 8 | UInt64($1) }
            children.append(
                PacketField("sll.src.eth", "Source", .hardwareAddress(MACAddress(rawValue: word))))
        } else if !shown.isEmpty {
            children.append(
                PacketField(
                    PacketField.ownPrefix + "sll.source", "Source", .bytes(Array(shown))))
        }
        return .heading(
            "sll", "Linux cooked capture v\(version)", meaning: meaning, children + others)
    }

    /// Up to 1536 it is a number of Linux' own.
    private static func cookedTypeField(_ type: UInt16) -> PacketField {
        guard type > 1536 else { return PacketField("sll.ltype", "Protocol", .word(type)) }
        return PacketField("sll.etype", "Protocol", .word(type), meaning: EtherType.name(type))
    }

    private static func direction(_ kind: UInt16) -> String {
        switch kind {
        case 0: "to us"
        case 1: "broadcast"
        case 2: "multicast"
        case 3: "to another host"
        case 4: "sent by us"
        default: ""
        }
    }

    // MARK: - Loopback

    private func familyField(
        _ bytes: RawSpan, _ reader: inout ByteReader, isBigEndian: Bool
    ) throws(DecodeError) -> PacketField {
        let word = try reader.readUInt32(from: bytes)
        let family = isBigEndian || word < 0x1_0000 ? word : word.byteSwapped
        return .heading(
            "null", "Loopback",
            [
                PacketField(
                    "null.family", "Family", .integer(family),
                    meaning: etherType.map(EtherType.name) ?? "")
            ])
    }
}

extension LinkFrame.EtherType {
    /// Of a tag by a provider (802.1ad).
    static let provider: UInt16 = 0x88A8

    /// Such as `IPv4`; empty if it is none that is common.
    package static func name(_ type: UInt16) -> String {
        switch type {
        case ipv4: "IPv4"
        case ipv6: "IPv6"
        case 0x0806: "ARP"
        case 0x8100: "802.1Q"
        case provider: "802.1ad"
        case 0x9100: "QinQ"
        case 0x8847, 0x8848: "MPLS"
        case 0x8863, 0x8864: "PPPoE"
        case 0x88CC: "LLDP"
        case 0x88E5: "MACsec"
        case 0x88F7: "PTP"
        default: ""
        }
    }
}

extension ByteReader {
    mutating func readHardwareAddress(from bytes: RawSpan) throws(DecodeError) -> MACAddress {
        let high = UInt64(try readUInt16(from: bytes))
        return MACAddress(rawValue: high << 32 | UInt64(try readUInt32(from: bytes)))
    }
}
