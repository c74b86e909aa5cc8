import NetBasics

extension PIMMessage {
    /// For people, and under Wireshark's names.
    package var field: PacketField {
        var children = [
            PacketField("pim.version", "Version", .integer(Self.version)),
            PacketField("pim.type", "Type", .integer(type), meaning: typeMeaning),
            reservedField(reserved),
        ]
        children += PacketField.checksum("pim.cksum", checksum, isValid: isChecksumValid)
        children += body.fields
        return .heading("pim", "Protocol Independent Multicast", meaning: typeMeaning, children)
    }

    private var typeMeaning: String {
        switch type {
        case Self.hello: "hello"
        case Self.register: "register"
        case Self.registerStop: "register-stop"
        case Self.joinPrune: "join/prune"
        case Self.bootstrap: "bootstrap"
        case Self.assert: "assert"
        case Self.graft: "graft"
        case Self.graftAcknowledgement: "graft acknowledgement"
        case Self.candidateRP: "candidate RP advertisement"
        case Self.stateRefresh: "state refresh"
        default: "unknown"
        }
    }
}

extension PIMMessage.Body {
    fileprivate var fields: [PacketField] {
        switch self {
        case .hello(let options): options.map(\.field)
        case .register(let register): register.fields
        case .registerStop(let group, let source):
            [group.field, source.field("pim.source", "Source")]
        case .joinPrune(let joinPrune): joinPrune.fields
        case .bootstrap(let bootstrap): bootstrap.fields
        case .assert(let assert): assert.fields
        case .candidateRP(let candidate): candidate.fields
        case .other(let bytes):
            [PacketField(PacketField.ownPrefix + "pim.body", "Body", .bytes(bytes))]
        }
    }
}

// MARK: - Bodies

extension PIMHelloOption {
    fileprivate var field: PacketField {
        .heading(
            PacketField.ownPrefix + "pim.option", "Option", meaning: meaning,
            [
                PacketField("pim.optiontype", "Type", .integer(type)),
                PacketField("pim.optionlength", "Length", .integer(byteCount)),
            ] + valueFields)
    }

    private var meaning: String {
        switch value {
        case .holdtime: "holdtime"
        case .lanPruneDelay: "LAN prune delay"
        case .designatedRouterPriority: "designated router priority"
        case .generation: "generation"
        case .stateRefresh: "state refresh"
        case .addressList: "address list"
        case .other: "unknown"
        }
    }

    private var valueFields: [PacketField] {
        switch value {
        case .holdtime(let seconds): [holdtimeField(seconds)]
        case .lanPruneDelay(let tracksJoins, let delay, let interval):
            [
                PacketField("pim.t", "Tracks joins", .flag(tracksJoins)),
                PacketField(
                    "pim.propagation_delay", "Propagation delay", .integer(delay), meaning: "ms"),
                PacketField(
                    "pim.override_interval", "Override interval", .integer(interval),
                    meaning: "ms"),
            ]
        case .designatedRouterPriority(let priority):
            [PacketField("pim.dr_priority", "Priority", .integer(priority))]
        case .generation(let generation):
            [PacketField("pim.generation_id", "Generation", .integer(generation))]
        case .stateRefresh(let version, let interval):
            [
                PacketField("pim.state_refresh_version", "Version", .integer(version)),
                PacketField(
                    "pim.state_refresh_interval", "Interval", .integer(interval), meaning: "s"),
            ]
        case .addressList(let addresses):
            addresses.map { $0.field("pim.address_list", "Address") }
        case .other(let bytes): [PacketField("pim.optionvalue", "Value", .bytes(bytes))]
        }
    }
}

extension PIMRegister {
    fileprivate var fields: [PacketField] {
        let flagField = PacketField(
            "pim.register_flag", "Flags", .word(flags),
            children: [
                PacketField("pim.register_flag.border", "Border", .flag(isBorder)),
                PacketField("pim.register_flag.null_register", "Null register", .flag(isNull)),
            ])
        return [flagField]
            + (innerVersion.map { [PacketField("pim.ip_version", "IP version", .integer($0))] }
                ?? [])
    }
}

extension PIMJoinPrune {
    fileprivate var fields: [PacketField] {
        [
            upstreamNeighbor.field("pim.upstream_neighbor", "Upstream neighbor"),
            reservedField(reserved),
            PacketField("pim.numgroups", "Number of groups", .integer(groups.count)),
            holdtimeField(holdtime),
        ] + groups.map(\.field)
    }
}

extension PIMJoinPrune.Group {
    fileprivate var field: PacketField {
        var children = [group.field]
        children.append(
            PacketField(
                "pim.numjoins", "Joins", .integer(joins.count),
                children: joins.map { $0.field("pim.join_ip") }))
        children.append(
            PacketField(
                "pim.numprunes", "Prunes", .integer(prunes.count),
                children: prunes.map { $0.field("pim.prune_ip") }))
        return .heading(
            PacketField.ownPrefix + "pim.group_set", "Group set",
            meaning: "\(group.address)/\(group.maskLength)", children)
    }
}

extension PIMAssert {
    fileprivate var fields: [PacketField] {
        [
            group.field, source.field("pim.source", "Source"),
            PacketField("pim.rpt", "RP tree", .flag(isRPTree)),
            PacketField("pim.metric_pref", "Metric preference", .integer(metricPreference)),
            PacketField("pim.metric", "Metric", .integer(metric)),
        ]
    }
}

extension PIMBootstrap {
    fileprivate var fields: [PacketField] {
        [
            PacketField("pim.fragment_tag", "Fragment tag", .word(fragmentTag)),
            PacketField("pim.hash_mask_len", "Hash mask length", .integer(hashMaskLength)),
            PacketField("pim.bsr_priority", "BSR priority", .integer(priority)),
            router.field("pim.bsr", "Bootstrap router"),
        ] + groups.flatMap(\.fields)
    }
}

extension PIMBootstrap.Group {
    fileprivate var fields: [PacketField] {
        [
            group.field,
            PacketField("pim.rp_count", "RPs", .integer(routerCount)),
            PacketField("pim.frp_count", "RPs in this fragment", .integer(routers.count)),
        ] + routers.flatMap(\.fields)
    }
}

extension PIMBootstrap.RendezvousPoint {
    fileprivate var fields: [PacketField] {
        [
            address.field("pim.rp", "RP"), holdtimeField(holdtime),
            PacketField("pim.priority", "Priority", .integer(priority)),
            reservedField(reserved),
        ]
    }
}

extension PIMCandidateRP {
    fileprivate var fields: [PacketField] {
        [
            PacketField("pim.prefix_count", "Number of groups", .integer(groups.count)),
            PacketField("pim.priority", "Priority", .integer(priority)),
            holdtimeField(holdtime), router.field("pim.rp", "RP"),
        ] + groups.map(\.field)
    }
}

private func reservedField(_ byte: UInt8) -> PacketField {
    PacketField("pim.res_bytes", "Reserved", .bytes([byte]))
}

private func holdtimeField(_ seconds: UInt16) -> PacketField {
    PacketField(
        "pim.holdtime", "Holdtime", .integer(seconds), meaning: seconds == .max ? "for ever" : "s")
}

// MARK: - Addresses

extension PIMUnicast {
    /// Wireshark has another name for an address of IPv6.
    fileprivate func field(_ name: String, _ label: String) -> PacketField {
        PacketField(
            name + family.suffix, label, .address(address),
            children: family.fields + [
                PacketField(
                    family == .v4 ? "pim.unicast" : "pim.unicast_ipv6", "Unicast",
                    .address(address))
            ])
    }
}

extension PIMGroup {
    fileprivate var field: PacketField {
        let flagField = PacketField(
            "pim.group_addr.flags", "Flags", .word(flags),
            children: [
                PacketField("pim.group_addr.flags.b", "Bidirectional", .flag(isBidirectional)),
                PacketField("pim.group_addr.flags.z", "Scope zone", .flag(isScopeZone)),
            ])
        return PacketField(
            "pim.group" + family.suffix, "Group", .address(address), meaning: "/\(maskLength)",
            children: family.fields + [
                flagField, PacketField("pim.mask_len", "Mask length", .integer(maskLength)),
                PacketField("pim.group" + family.suffix, "Group", .address(address)),
            ])
    }
}

extension PIMSource {
    fileprivate func field(_ name: String) -> PacketField {
        let flagField = PacketField(
            "pim.source_addr.flags", "Flags", .word(flags),
            children: [
                PacketField("pim.source_addr.flags.s", "Sparse", .flag(isSparse)),
                PacketField("pim.source_addr.flags.w", "Wildcard", .flag(isWildcard)),
                PacketField("pim.source_addr.flags.r", "RP tree", .flag(isRPTree)),
            ])
        let start = isWildcard ? "(*,G), RP " : ""
        return PacketField(
            name + (family == .v4 ? "" : "6"), "Source", .address(address),
            meaning: start + "/\(maskLength)",
            children: family.fields + [
                flagField, PacketField("pim.mask_len", "Mask length", .integer(maskLength)),
                PacketField("pim.source" + family.suffix, "Source", .address(address)),
            ])
    }
}

extension AddressFamily {
    fileprivate var suffix: String { self == .v4 ? "" : "_ip6" }

    fileprivate var fields: [PacketField] {
        [
            PacketField("pim.addr_address_family", "Address family", .integer(pimNumber)),
            PacketField("pim.addr_encoding_type", "Encoding type", .integer(0)),
        ]
    }
}
