import NetBasics

extension RTPPacket {
    /// For people, and under Wireshark's names.
    package var field: PacketField {
        var children = fixedFields
        if !contributingSources.isEmpty {
            children.append(
                .heading(
                    "rtp.csrc.items", "Contributing sources",
                    contributingSources.map {
                        PacketField("rtp.csrc.item", "Source", .word($0))
                    }))
        }
        children += extensions?.fields ?? []
        children.append(
            PacketField(
                PacketField.ownPrefix + "rtp.payload_bytes", "Payload",
                .integer(header.payloadByteCount), meaning: "bytes"))
        if header.paddingByteCount > 0 {
            children.append(
                PacketField(
                    "rtp.padding.count", "Padding", .integer(header.paddingByteCount),
                    meaning: "bytes"))
        }
        return .heading(
            "rtp", "Real-time Transport Protocol",
            meaning: "payload type \(header.payloadType), sequence \(header.sequence)", children)
    }

    private var fixedFields: [PacketField] {
        [
            PacketField("rtp.version", "Version", .integer(RTPHeader.version)),
            PacketField("rtp.padding", "Has padding", .flag(header.paddingByteCount > 0)),
            PacketField("rtp.ext", "Has extension", .flag(header.extensionProfile != nil)),
            PacketField(
                "rtp.cc", "Number of contributing sources",
                .integer(header.contributingSourceCount)),
            PacketField("rtp.marker", "Marker", .flag(header.hasMarker)),
            PacketField("rtp.p_type", "Payload type", .integer(header.payloadType)),
            PacketField("rtp.seq", "Sequence", .integer(header.sequence)),
            PacketField("rtp.timestamp", "Timestamp", .integer(header.timestamp)),
            PacketField("rtp.ssrc", "Source (SSRC)", .word(header.source)),
        ]
    }
}

extension RTPExtensions {
    /// Two fields of the header, and a heading if there are elements.
    fileprivate var fields: [PacketField] {
        let start = [
            PacketField("rtp.ext.profile", "Extension profile", .word(profile)),
            PacketField(
                "rtp.ext.len", "Extension length", .integer(byteCount / 4), meaning: "words"),
        ]
        guard byteCount > 0 else { return start }
        let children =
            form == .other
            ? [PacketField(PacketField.ownPrefix + "rtp.ext.data", "Data", .bytes(data))]
            : elements.map(field)
        return start + [.heading("rtp.hdr_exts", "Header extensions", children)]
    }

    private func field(_ element: Element) -> PacketField {
        var children: [PacketField] = []
        if case .twoByte(let bits) = form {
            children.append(
                PacketField("rtp.ext.rfc5285.appbits", "Application bits", .integer(bits)))
        }
        children += [
            PacketField("rtp.ext.rfc5285.id", "Identifier", .integer(element.identifier)),
            PacketField("rtp.ext.rfc5285.len", "Length", .integer(element.data.count)),
        ]
        if !element.data.isEmpty {
            children.append(PacketField("rtp.ext.rfc5285.data", "Data", .bytes(element.data)))
        }
        return .heading(
            PacketField.ownPrefix + "rtp.element", "Element", meaning: "\(element.identifier)",
            children)
    }
}
