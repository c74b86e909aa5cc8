import NetBasics

extension RTCPPacket {
    /// For people, and under Wireshark's names.
    package var field: PacketField {
        var children = [
            PacketField("rtcp.version", "Version", .integer(RTPHeader.version)),
            PacketField("rtcp.padding", "Has padding", .flag(header.hasPadding)),
            PacketField(countName, "Count", .integer(header.count)),
            PacketField(
                "rtcp.pt", "Packet type", .integer(header.packetType), meaning: typeMeaning),
            PacketField(
                "rtcp.length", "Length", .integer(header.packetByteCount / 4 - 1),
                meaning: "words behind the first"),
        ]
        children += body.fields
        if paddingByteCount > 0 {
            children.append(
                PacketField(
                    PacketField.ownPrefix + "rtcp.padding_bytes", "Padding",
                    .integer(paddingByteCount), meaning: "bytes"))
        }
        return .heading("rtcp", "RTP Control Protocol", meaning: typeMeaning, children)
    }

    /// What the five bits of the first byte are called.
    private var countName: String {
        switch body {
        case .senderReport, .receiverReport: "rtcp.rc"
        case .sourceDescription, .goodbye: "rtcp.sc"
        case .application: "rtcp.app.subtype"
        case .transportFeedback: "rtcp.rtpfb.fmt"
        case .payloadFeedback: "rtcp.psfb.fmt"
        case .other: PacketField.ownPrefix + "rtcp.count"
        }
    }

    private var typeMeaning: String {
        switch body {
        case .senderReport: "sender report"
        case .receiverReport: "receiver report"
        case .sourceDescription: "source description"
        case .goodbye: "goodbye"
        case .application: "application"
        case .transportFeedback: "transport feedback"
        case .payloadFeedback: "payload feedback"
        case .other: "unknown"
        }
    }
}

extension RTCPPacket.Body {
    fileprivate var fields: [PacketField] {
        switch self {
        case .senderReport(let report): report.fields
        case .receiverReport(let report):
            [sender(report.source)]
                + blocks(report.reports, profileExtension: report.profileExtension)
        case .sourceDescription(let chunks): chunks.map(\.field)
        case .goodbye(let goodbye): goodbye.fields
        case .application(let application): application.fields
        case .transportFeedback(let feedback), .payloadFeedback(let feedback): feedback.fields
        case .other(let bytes):
            [PacketField(PacketField.ownPrefix + "rtcp.body", "Body", .bytes(bytes))]
        }
    }
}

private func sender(_ source: UInt32) -> PacketField {
    PacketField("rtcp.senderssrc", "Sender (SSRC)", .word(source))
}

private func identifier(_ source: UInt32) -> PacketField {
    PacketField("rtcp.ssrc.identifier", "Source (SSRC)", .word(source))
}

private func blocks(
    _ reports: [RTCPReportBlock], profileExtension: [UInt8]
) -> [PacketField] {
    guard !profileExtension.isEmpty else { return reports.map(\.field) }
    return reports.map(\.field) + [
        PacketField(
            PacketField.ownPrefix + "rtcp.extension", "Extension of a profile",
            .bytes(profileExtension))
    ]
}

// MARK: - Reports

extension RTCPSenderReport {
    fileprivate var fields: [PacketField] {
        [
            sender(source),
            PacketField("rtcp.timestamp.ntp.msw", "NTP seconds", .integer(time.seconds)),
            PacketField("rtcp.timestamp.ntp.lsw", "NTP fraction", .integer(time.fraction)),
            PacketField("rtcp.timestamp.rtp", "RTP timestamp", .integer(timestamp)),
            PacketField("rtcp.sender.packetcount", "Packets", .integer(packetCount)),
            PacketField("rtcp.sender.octetcount", "Octets", .integer(octetCount)),
        ] + blocks(reports, profileExtension: profileExtension)
    }
}

extension RTCPReportBlock {
    fileprivate var field: PacketField {
        let highest = PacketField(
            "rtcp.ssrc.ext_high", "Highest sequence", .integer(highestSequence),
            children: [
                PacketField(
                    "rtcp.ssrc.high_cycles", "Cycles", .integer(highestSequence >> 16)),
                PacketField(
                    "rtcp.ssrc.high_seq", "Sequence", .integer(highestSequence & 0xFFFF)),
            ])
        return .heading(
            PacketField.ownPrefix + "rtcp.block", "Report block",
            [
                identifier(source),
                PacketField(
                    "rtcp.ssrc.fraction", "Fraction lost", .integer(fractionLost),
                    meaning: "of 256"),
                PacketField(
                    "rtcp.ssrc.cum_nr", "Cumulative lost", .signed(Int64(cumulativeLost))),
                highest,
                PacketField("rtcp.ssrc.jitter", "Jitter", .integer(jitter)),
                PacketField("rtcp.ssrc.lsr", "Last sender report", .integer(lastReport)),
                PacketField(
                    "rtcp.ssrc.dlsr", "Delay since then", .integer(delaySinceLastReport),
                    meaning: "1/65536 s"),
            ])
    }
}

// MARK: - Descriptions

extension RTCPDescription {
    fileprivate var field: PacketField {
        let end = PacketField("rtcp.sdes.type", "Item", .integer(0), meaning: "end")
        return .heading(
            PacketField.ownPrefix + "rtcp.chunk", "Chunk", meaning: canonicalName ?? "",
            [identifier(source)] + items.flatMap(\.fields) + [end])
    }
}

extension RTCPDescription.Item {
    fileprivate var fields: [PacketField] {
        let prefixFields =
            prefix.map { prefix in
                [
                    PacketField(
                        "rtcp.sdes.prefix.length", "Prefix length", .integer(prefix.count)),
                    PacketField("rtcp.sdes.prefix.string", "Prefix", .text(received: prefix)),
                ]
            } ?? []
        let count = text.count + (prefix.map { $0.count + 1 } ?? 0)
        return [
            PacketField("rtcp.sdes.type", "Item", .integer(type), meaning: typeMeaning),
            PacketField("rtcp.sdes.length", "Length", .integer(count)),
        ] + prefixFields + [PacketField("rtcp.sdes.text", "Text", .text(received: text))]
    }

    private var typeMeaning: String {
        let names = ["CNAME", "NAME", "EMAIL", "PHONE", "LOC", "TOOL", "NOTE", "PRIV"]
        return (1...names.count).contains(Int(type)) ? names[Int(type) - 1] : "unknown"
    }

}

extension RTCPGoodbye {
    fileprivate var fields: [PacketField] {
        guard let reason else { return sources.map(identifier) }
        return sources.map(identifier) + [
            PacketField("rtcp.sdes.length", "Length", .integer(reason.count)),
            PacketField(
                "rtcp.sdes.text", "Reason", .text(received: reason)),
        ]
    }
}

extension RTCPApplication {
    fileprivate var fields: [PacketField] {
        [
            identifier(source),
            PacketField("rtcp.app.name", "Name", .text(received: name)),
            PacketField("rtcp.app.data", "Data", .bytes(data)),
        ]
    }
}

// MARK: - Feedback

extension RTCPFeedback {
    fileprivate var fields: [PacketField] {
        [
            sender(source),
            PacketField("rtcp.mediassrc", "Media source (SSRC)", .word(mediaSource)),
        ] + information.fields
    }
}

extension RTCPFeedback.Information {
    fileprivate var fields: [PacketField] {
        switch self {
        case .lostPackets(let entries): entries.flatMap(\.fields)
        case .pictureLoss: []
        case .fullIntraRequests(let entries): entries.flatMap(\.fields)
        case .receiverEstimate(let estimate): estimate.fields
        case .other(let bytes):
            bytes.isEmpty
                ? []
                : [
                    PacketField(
                        PacketField.ownPrefix + "rtcp.fci", "Control information", .bytes(bytes))
                ]
        }
    }
}

extension RTCPLostPackets {
    fileprivate var fields: [PacketField] {
        let others = sequences.dropFirst().map {
            PacketField("rtcp.rtpfb.nack_pid", "Lost packet", .integer($0))
        }
        return [
            PacketField("rtcp.rtpfb.nack_pid", "Lost packet", .integer(first)),
            PacketField(
                "rtcp.rtpfb.nack_blp", "Those behind it", .word(following),
                children: Array(others)),
        ]
    }
}

extension RTCPFullIntraRequest {
    fileprivate var fields: [PacketField] {
        [
            PacketField("rtcp.psfb.fir.fci.ssrc", "Source (SSRC)", .word(source)),
            PacketField("rtcp.psfb.fir.fci.csn", "Request", .integer(sequence)),
        ]
    }
}

extension RTCPReceiverEstimate {
    fileprivate var fields: [PacketField] {
        [
            PacketField("rtcp.psfb.remb.identifier", "Identifier", .text("REMB")),
            PacketField(
                "rtcp.psfb.remb.fci.number_ssrcs", "Number of sources", .integer(sources.count)),
            PacketField("rtcp.psfb.remb.fci.br_exp", "Exponent", .integer(exponent)),
            PacketField("rtcp.psfb.remb.fci.br_mantissa", "Mantissa", .integer(mantissa)),
            PacketField(
                PacketField.ownPrefix + "rtcp.remb.rate", "Rate", .integer(bitsPerSecond),
                meaning: "bit/s"),
        ]
            + sources.map {
                PacketField("rtcp.psfb.remb.fci.ssrc", "Source (SSRC)", .word($0))
            }
    }
}
