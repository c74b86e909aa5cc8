import NetBasics

extension IGMPMessage {
    /// For people, and under Wireshark's names.
    package var field: PacketField {
        var children = [
            PacketField("igmp.version", "IGMP version", .integer(version)),
            PacketField("igmp.type", "Type", .word(type), meaning: typeMeaning),
        ]
        if let maxResponseTime { children.append(maxResponseTime) }
        children += PacketField.checksum("igmp.checksum", checksum, isValid: isChecksumValid)
        children += contentFields
        if additionalByteCount > 0 {
            children.append(
                PacketField(
                    PacketField.ownPrefix + "igmp.additional_bytes", "Additional data",
                    .integer(additionalByteCount), meaning: "bytes"))
        }
        return .heading(
            "igmp", "Internet Group Management Protocol", meaning: summary, children)
    }

    /// In one line, such as `IGMPv2 membership report for 239.1.2.3`.
    package var summary: String {
        let start = "IGMPv\(version) \(typeMeaning)"
        switch content {
        case .query(let query): return query.isGeneral ? start : start + " for \(query.group)"
        case .report(let group), .leave(let group): return start + " for \(group)"
        case .records(let records): return start + ", \(records.count) records"
        }
    }

    private var typeMeaning: String {
        switch content {
        case .query(let query): query.isGeneral ? "general query" : "membership query"
        case .report, .records: "membership report"
        case .leave: "leave group"
        }
    }

    /// In tenths of a second; version 1 and the report of version 3 have none.
    private var maxResponseTime: PacketField? {
        let tenths: Int
        switch content {
        case .query where version == 3: tenths = MembershipCode.value(maxResponseCode)
        case .records: return nil
        default: tenths = Int(maxResponseCode)
        }
        guard version > 1 else { return nil }
        return PacketField(
            "igmp.max_resp", "Max response time", .integer(tenths),
            meaning: "\(tenths / 10).\(tenths % 10) s")
    }

    private var contentFields: [PacketField] {
        switch content {
        case .query(let query):
            [group(query.group)] + (query.details.map(detailFields) ?? [])
        case .report(let address), .leave(let address): [group(address)]
        case .records(let records):
            [PacketField("igmp.num_grp_recs", "Number of records", .integer(records.count))]
                + records.map { $0.field(.igmp) }
        }
    }

    private func group(_ address: IPAddress) -> PacketField {
        PacketField("igmp.maddr", "Multicast address", .address(address))
    }

    private func detailFields(_ details: MembershipQuery.Details) -> [PacketField] {
        [
            PacketField("igmp.s", "Suppress router processing", .flag(details.suppressesRouters)),
            PacketField("igmp.qrv", "Robustness (QRV)", .integer(details.robustness)),
            PacketField(
                "igmp.qqic", "Query interval code (QQIC)", .integer(details.queryIntervalCode),
                meaning: "\(details.queryInterval.components.seconds) s"),
            PacketField("igmp.num_src", "Number of sources", .integer(details.sources.count)),
        ]
            + details.sources.map { PacketField("igmp.saddr", "Source address", .address($0)) }
    }
}

extension GroupRecord.FieldNames {
    fileprivate static let igmp = Self(
        record: PacketField.ownPrefix + "igmp.record", kind: "igmp.record_type",
        auxiliaryLength: "igmp.aux_data_len", sourceCount: "igmp.num_src", group: "igmp.maddr",
        source: "igmp.saddr", auxiliaryData: "igmp.aux_data")
}
