import NetBasics

extension TransportStreamPacket {
    /// For people, and under Wireshark's names.
    package var field: PacketField {
        let headerField = PacketField(
            "mp2t.header", "Header", .word(header),
            children: [
                PacketField("mp2t.sync_byte", "Sync byte", .word(Self.syncByte)),
                PacketField("mp2t.tei", "Transport error", .flag(hasTransportError)),
                PacketField("mp2t.pusi", "Payload unit start", .flag(startsPayloadUnit)),
                PacketField("mp2t.tp", "Transport priority", .flag(hasPriority)),
                PacketField("mp2t.pid", "PID", .hexadecimal(UInt64(pid), digits: 4)),
                PacketField(
                    "mp2t.tsc", "Scrambling", .word(scrambling),
                    meaning: scrambling == 0 ? "in the clear" : "scrambled"),
                PacketField(
                    "mp2t.afc", "Adaptation field control", .word(adaptationFieldControl)),
                PacketField("mp2t.cc", "Continuity counter", .integer(continuityCounter)),
            ])
        return .heading(
            "mp2t", "MPEG transport stream", meaning: "PID \(pid)",
            [headerField] + (adaptationField?.fields ?? []))
    }
}

extension TransportStreamPacket.AdaptationField {
    fileprivate var fields: [PacketField] {
        let length = PacketField(
            "mp2t.af.length", "Adaptation field length", .integer(byteCount))
        guard byteCount > 0 else { return [length] }
        return [length, .heading("mp2t.af", "Adaptation field", flagFields + valueFields)]
    }

    private var flagFields: [PacketField] {
        [
            PacketField("mp2t.af.di", "Discontinuity", .flag(isDiscontinuity)),
            PacketField("mp2t.af.rai", "Random access", .flag(isRandomAccess)),
            PacketField("mp2t.af.espi", "Elementary stream priority", .flag(hasPriority)),
            PacketField("mp2t.af.pcr_flag", "Has PCR", .flag(clockReference != nil)),
            PacketField("mp2t.af.opcr_flag", "Has OPCR", .flag(originalClockReference != nil)),
            PacketField("mp2t.af.sp_flag", "Has splice countdown", .flag(spliceCountdown != nil)),
            PacketField("mp2t.af.tpd_flag", "Has private data", .flag(privateData != nil)),
            PacketField("mp2t.af.afe_flag", "Has extension", .flag(flags & 1 != 0)),
        ]
    }

    private var valueFields: [PacketField] {
        var fields: [PacketField] = []
        if let clockReference {
            fields.append(
                PacketField("mp2t.af.pcr", "Program clock reference", .word(clockReference)))
        }
        if let originalClockReference {
            fields.append(
                PacketField(
                    "mp2t.af.opcr", "Original program clock reference",
                    .word(originalClockReference)))
        }
        if let spliceCountdown {
            fields.append(
                PacketField(
                    "mp2t.af.sc", "Splice countdown", .integer(UInt8(bitPattern: spliceCountdown)),
                    meaning: "\(spliceCountdown) packets"))
        }
        if let privateData {
            fields.append(
                PacketField(
                    "mp2t.af.tpd_length", "Private data length", .integer(privateData.count)))
            fields.append(PacketField("mp2t.af.tpd", "Private data", .bytes(privateData)))
        }
        return fields
    }
}
