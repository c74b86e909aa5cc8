import NetBasics

extension IPv6Header {
    /// The fixed header and each extension header, for people, and under Wireshark's names.
    ///
    /// `bytes`: those that the header was decoded from.
    package func fields(in bytes: RawSpan) throws(DecodeError) -> [PacketField] {
        var reader = ByteReader()
        try reader.skip(4, in: bytes)
        let length = try reader.readUInt16(from: bytes)
        let next = try reader.readUInt8(from: bytes)
        let headers = bytes.extracting(Self.fixedByteCount..<byteCount)
        return [fixedField(length, next)] + (try Self.extensionFields(first: next, in: headers))
    }

    private func fixedField(_ length: UInt16, _ next: UInt8) -> PacketField {
        .heading(
            "ipv6", "Internet Protocol version 6", meaning: "\(source) to \(destination)",
            [
                PacketField("ipv6.version", "Version", .integer(6 as UInt8)),
                .trafficClass(
                    "ipv6.tclass", .hexadecimal(UInt64(trafficClass), digits: 8), trafficClass),
                PacketField(
                    "ipv6.flow", "Flow label", .hexadecimal(UInt64(flowLabel), digits: 6)),
                PacketField("ipv6.plen", "Payload length", .integer(length), meaning: "bytes"),
                Self.nextField("ipv6.nxt", next),
                PacketField("ipv6.hlim", "Hop limit", .integer(hopLimit)),
                PacketField("ipv6.src", "Source", .address(IPAddress(source))),
                PacketField("ipv6.dst", "Destination", .address(IPAddress(destination))),
            ])
    }

    private static func nextField(_ name: String, _ number: UInt8) -> PacketField {
        PacketField(name, "Next header", .integer(number), meaning: extensionName(number))
    }

    private static func extensionName(_ number: UInt8) -> String {
        switch number {
        case Extension.hopByHop: "hop-by-hop options"
        case Extension.routing: "routing"
        case Extension.fragment: "fragment"
        case Extension.authentication: "authentication"
        case Extension.destinationOptions: "destination options"
        default: IPPacket.Transport.name(number)
        }
    }

    // MARK: - Extension headers

    /// Each of the headers that fill the bytes; `first` is the number of the first.
    package static func extensionFields(
        first: UInt8, in bytes: RawSpan
    ) throws(DecodeError) -> [PacketField] {
        var fields: [PacketField] = []
        var number = first
        var offset = 0
        // They were followed, so they are there; at most ``extensionLimit``.
        while offset < bytes.byteCount,
            let length = try extensionByteCount(number, at: offset, in: bytes)
        {
            var reader = ByteReader()
            try reader.skip(offset, in: bytes)
            let start = reader.offset
            try reader.skip(length, in: bytes)
            let header = bytes.extracting(start..<reader.offset)
            fields.append(try field(number, of: header))
            number = header.unsafeLoad(as: UInt8.self)
            offset = reader.offset
        }
        return fields
    }

    private static func field(
        _ number: UInt8, of header: RawSpan
    ) throws(DecodeError) -> PacketField {
        switch number {
        case Extension.fragment: try fragmentField(header)
        case Extension.authentication: try authenticationField(header)
        case Extension.routing: try routingField(header)
        case Extension.hopByHop:
            try optionsField("ipv6.hopopts", "Hop-by-hop options", header)
        default: try optionsField("ipv6.dstopts", "Destination options", header)
        }
    }

    /// Next header, and length as it stands and in bytes.
    private static func startFields(
        _ name: String, _ header: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> [PacketField] {
        let next = try reader.readUInt8(from: header)
        let length = try reader.readUInt8(from: header)
        return [
            nextField(name + ".nxt", next),
            PacketField(
                name + ".len", "Length", .integer(length), meaning: "units of 8 bytes, less one"),
            PacketField(name + ".len_oct", "Length", .integer(header.byteCount), meaning: "bytes"),
        ]
    }

    private static func optionsField(
        _ name: String, _ label: String, _ header: RawSpan
    ) throws(DecodeError) -> PacketField {
        var reader = ByteReader()
        var children = try startFields(name, header, &reader)
        while reader.offset < header.byteCount {
            children.append(try IPv6Option(decoding: header, with: &reader).field)
        }
        return .heading(name, label, children)
    }

    private static func routingField(_ header: RawSpan) throws(DecodeError) -> PacketField {
        let name = "ipv6.routing"
        var reader = ByteReader()
        var children = try startFields(name, header, &reader)
        let type = try reader.readUInt8(from: header)
        children += [
            PacketField(name + ".type", "Type", .integer(type)),
            PacketField(
                name + ".segleft", "Segments left", .integer(try reader.readUInt8(from: header))),
            PacketField(
                PacketField.ownPrefix + "ipv6.routing.data", "Data",
                .bytes(try reader.readRest(of: header))),
        ]
        return .heading(name, "Routing header", meaning: "type \(type)", children)
    }

    private static func fragmentField(_ header: RawSpan) throws(DecodeError) -> PacketField {
        let name = "ipv6.fraghdr"
        var reader = ByteReader()
        let next = try reader.readUInt8(from: header)
        let reserved = try reader.readUInt8(from: header)
        let word = try reader.readUInt16(from: header)
        let identification = try reader.readUInt32(from: header)
        return .heading(
            name, "Fragment header",
            [
                nextField(name + ".nxt", next),
                PacketField(name + ".reserved_octet", "Reserved byte", .integer(reserved)),
                PacketField(
                    name + ".offset", "Offset", .integer(word >> 3), meaning: "units of 8 bytes"),
                PacketField(name + ".reserved_bits", "Reserved bits", .integer(word >> 1 & 0x3)),
                PacketField(name + ".more", "More fragments", .flag(word & 1 != 0)),
                PacketField(name + ".ident", "Identification", .word(identification)),
            ])
    }

    /// What is between length and SPI is reserved (RFC 4302, section 2).
    private static func authenticationField(_ header: RawSpan) throws(DecodeError) -> PacketField {
        var reader = ByteReader()
        let next = try reader.readUInt8(from: header)
        let length = try reader.readUInt8(from: header)
        var children = [
            nextField("ah.next_header", next),
            PacketField(
                "ah.length", "Length", .integer(length), meaning: "words, less two"),
        ]
        guard header.byteCount >= 12 else {
            return .heading("ah", "Authentication header", children)
        }
        children += [
            PacketField("ah.reserved", "Reserved", .bytes(try reader.readBytes(2, from: header))),
            PacketField("ah.spi", "SPI", .word(try reader.readUInt32(from: header))),
            PacketField("ah.sequence", "Sequence", .integer(try reader.readUInt32(from: header))),
            PacketField("ah.icv", "Check value", .bytes(try reader.readRest(of: header))),
        ]
        return .heading("ah", "Authentication header", children)
    }
}

/// An option of a hop-by-hop or destination options header (RFC 8200, section 4.2).
private struct IPv6Option {
    static let pad1: UInt8 = 0
    static let padN: UInt8 = 1
    static let tunnelLimit: UInt8 = 4
    /// RFC 2711.
    static let routerAlert: UInt8 = 5
    /// RFC 2675.
    static let jumbo: UInt8 = 0xC2

    var type: UInt8
    /// A byte of padding has neither length nor data.
    var data: [UInt8] = []

    init(decoding bytes: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        type = try reader.readUInt8(from: bytes)
        guard type != Self.pad1 else { return }
        data = try reader.readBytes(Int(try reader.readUInt8(from: bytes)), from: bytes)
    }

    var field: PacketField {
        var children = [
            PacketField(
                "ipv6.opt.type", "Type", .word(type), meaning: meaning,
                children: type == Self.pad1 ? [] : typeFields)
        ]
        if type != Self.pad1 {
            children.append(
                PacketField("ipv6.opt.length", "Length", .integer(data.count), meaning: "bytes"))
        }
        if let value { children.append(value) }
        return .heading("ipv6.opt", "Option", meaning: meaning, children)
    }

    private var typeFields: [PacketField] {
        [
            PacketField("ipv6.opt.type.action", "If unknown", .integer(type >> 6)),
            PacketField("ipv6.opt.type.change", "May change", .flag(type & 0x20 != 0)),
            PacketField("ipv6.opt.type.rest", "Low bits", .word(type & 0x1F)),
        ]
    }

    private var number: UInt64 { data.reduce(0) { $0 << 8 | UInt64($1) } }

    private var value: PacketField? {
        switch type {
        case Self.pad1: PacketField("ipv6.opt.pad1", "Padding", .heading)
        case Self.padN where !data.isEmpty:
            PacketField("ipv6.opt.padn", "Padding", .bytes(data))
        case Self.routerAlert where data.count == 2:
            PacketField("ipv6.opt.router_alert", "Router alert", .number(number), meaning: alert)
        case Self.jumbo where data.count == 4:
            PacketField("ipv6.opt.jumbo", "Payload length", .number(number), meaning: "bytes")
        case Self.tunnelLimit where data.count == 1:
            PacketField("ipv6.opt.tel", "Encapsulations left", .number(number))
        case _ where !data.isEmpty:
            PacketField(PacketField.ownPrefix + "ipv6.option.data", "Data", .bytes(data))
        default: nil
        }
    }

    private var alert: String {
        switch number {
        case 0: "MLD"
        case 1: "RSVP"
        case 2: "active networks"
        default: ""
        }
    }

    private var meaning: String {
        switch type {
        case Self.pad1, Self.padN: "padding"
        case Self.tunnelLimit: "tunnel encapsulation limit"
        case Self.routerAlert: "router alert"
        case Self.jumbo: "jumbo payload"
        default: "\(type)"
        }
    }
}
