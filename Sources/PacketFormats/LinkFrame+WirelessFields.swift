import NetBasics

// The layout of these headers is drawn at the decoder, in LinkFrame+Wireless.swift.

extension LinkFrame {
    /// Reads the radiotap header and goes on behind it.
    func radiotapField(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> PacketField {
        let version = try reader.readUInt8(from: bytes)
        try reader.skip(1, in: bytes)
        let length = try reader.readUInt16(from: bytes).byteSwapped
        try reader.skip(max(0, Int(length) - reader.offset), in: bytes)
        var children = [
            PacketField("radiotap.version", "Version", .integer(version)),
            PacketField("radiotap.length", "Length", .integer(length), meaning: "bytes"),
        ]
        if let wirelessRate {
            let isWhole = wirelessRate % 1_000_000 == 0
            children.append(
                PacketField(
                    "radiotap.datarate", "Rate",
                    isWhole
                        ? .integer(wirelessRate / 1_000_000)
                        : .decimal(Double(wirelessRate) / 1_000_000), meaning: "Mbit/s"))
        }
        return .heading("radiotap", "Radiotap", children)
    }

    /// Reads a frame's addresses, if it is one of data, and its EtherType, if it has one.
    func wirelessFields(
        _ bytes: RawSpan, _ reader: inout ByteReader
    ) throws(DecodeError) -> [PacketField] {
        let control = try reader.readUInt8(from: bytes)
        let flags = try reader.readUInt8(from: bytes)
        let kind = control >> 2 & 0x3
        var children = [
            PacketField("wlan.fc.type", "Type", .integer(kind), meaning: Self.typeName(kind)),
            PacketField("wlan.fc.subtype", "Subtype", .integer(control >> 4)),
            PacketField(
                "wlan.fc.ds", "Distribution system", .word(flags & 0x3),
                meaning: Self.direction(flags)),
            PacketField("wlan.fc.retry", "Retry", .flag(flags & 0x08 != 0)),
            PacketField("wlan.fc.protected", "Encrypted", .flag(flags & 0x40 != 0)),
        ]
        if kind == Self.dataKind {
            try reader.skip(2, in: bytes)
            let receiver = try reader.readHardwareAddress(from: bytes)
            let transmitter = try reader.readHardwareAddress(from: bytes)
            children += [
                PacketField("wlan.ra", "Receiver", .hardwareAddress(receiver)),
                PacketField("wlan.ta", "Transmitter", .hardwareAddress(transmitter)),
            ]
        }
        if let destination {
            children.append(
                PacketField("wlan.da", "Destination", .hardwareAddress(destination)))
        }
        if let source {
            children.append(PacketField("wlan.sa", "Source", .hardwareAddress(source)))
        }
        let frame = PacketField.heading(
            "wlan", "IEEE 802.11", meaning: Self.typeName(kind), children)
        guard let etherType else { return [frame] }
        let type = PacketField(
            "llc.type", "Type", .word(etherType), meaning: EtherType.name(etherType))
        return [frame, .heading("llc", "Logical link control", [type])]
    }

    private static let dataKind: UInt8 = 2

    private static func typeName(_ kind: UInt8) -> String {
        switch kind {
        case 0: "management"
        case 1: "control"
        case dataKind: "data"
        default: "extension"
        }
    }

    private static func direction(_ flags: UInt8) -> String {
        switch flags & 0x3 {
        case 0b01: "to an access point"
        case 0b10: "from an access point"
        case 0b11: "between access points"
        default: "none"
        }
    }
}
