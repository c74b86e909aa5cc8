import NetBasics

extension MLDMessage {
    /// For people, and under Wireshark's names.
    package var field: PacketField {
        var children = [
            PacketField("icmpv6.type", "Type", .integer(type), meaning: typeMeaning),
            PacketField("icmpv6.code", "Code", .integer(code)),
        ]
        children += PacketField.checksum("icmpv6.checksum", checksum, isValid: isChecksumValid)
        children += contentFields
        if additionalByteCount > 0 {
            children.append(
                PacketField(
                    PacketField.ownPrefix + "mld.additional_bytes", "Additional data",
                    .integer(additionalByteCount), meaning: "bytes"))
        }
        return .heading("icmpv6", "Multicast Listener Discovery", meaning: summary, children)
    }

    /// In one line, such as `MLDv2 listener report, 3 records`.
    package var summary: String {
        let start = "MLDv\(version) \(typeMeaning)"
        switch content {
        case .query(let query): return query.isGeneral ? start : start + " for \(query.group)"
        case .report(let group), .leave(let group): return start + " for \(group)"
        case .records(let records): return start + ", \(records.count) records"
        }
    }

    private var typeMeaning: String {
        switch content {
        case .query(let query): query.isGeneral ? "general query" : "listener query"
        case .report, .records: "listener report"
        case .leave: "listener done"
        }
    }

    private var contentFields: [PacketField] {
        switch content {
        case .query(let query):
            [maxResponseTime(query), group(query.group)]
                + (query.details.map(detailFields) ?? [])
        case .report(let address), .leave(let address):
            [
                PacketField(
                    "icmpv6.mld.maximum_response_delay", "Max response delay",
                    .integer(maxResponseCode), meaning: "ms"),
                group(address),
            ]
        case .records(let records):
            [
                PacketField(
                    "icmpv6.mldr.nb_mcast_records", "Number of records", .integer(records.count))
            ] + records.map { $0.field(.mld) }
        }
    }

    /// In milliseconds, of which Wireshark calls those of version 2 a code, and decodes it.
    private func maxResponseTime(_ query: MembershipQuery) -> PacketField {
        let name = version == 1 ? "maximum_response_delay" : "maximum_response_code"
        return PacketField(
            "icmpv6.mld." + name, "Max response delay",
            .integer(query.maxResponseTime.nanoseconds / 1_000_000), meaning: "ms")
    }

    private func group(_ address: IPAddress) -> PacketField {
        PacketField("icmpv6.mld.multicast_address", "Multicast address", .address(address))
    }

    private func detailFields(_ details: MembershipQuery.Details) -> [PacketField] {
        let flags = PacketField(
            "icmpv6.mld.flag", "Flags", .word(details.firstByte),
            children: [
                PacketField(
                    "icmpv6.mld.flag.s", "Suppress router processing",
                    .flag(details.suppressesRouters)),
                PacketField(
                    "icmpv6.mld.flag.qrv", "Robustness (QRV)", .integer(details.robustness)),
                PacketField("icmpv6.mld.flag.reserved", "Reserved", .integer(details.flags)),
            ])
        let sources = details.sources.map {
            PacketField("icmpv6.mld.source_address", "Source address", .address($0))
        }
        return [
            flags,
            PacketField(
                "icmpv6.mld.qqi", "Query interval",
                .integer(details.queryInterval.components.seconds), meaning: "s"),
            PacketField("icmpv6.mld.nb_sources", "Number of sources", .integer(sources.count)),
        ] + sources
    }
}

extension GroupRecord.FieldNames {
    fileprivate static let mld = Self(
        record: "icmpv6.mldr.mar", kind: "icmpv6.mldr.mar.record_type",
        auxiliaryLength: "icmpv6.mldr.mar.aux_data_len",
        sourceCount: "icmpv6.mldr.mar.nb_sources", group: "icmpv6.mldr.mar.multicast_address",
        source: "icmpv6.mldr.mar.source_address",
        auxiliaryData: "icmpv6.mldr.mar.auxiliary_data")
}
