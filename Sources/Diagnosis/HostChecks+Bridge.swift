import NetBasics

extension HostChecks {
    // MARK: - Bridge

    /// A bridge of this host that the group passes does not lose it by snooping.
    static func bridge(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard let chosen = facts.chosenInterface(for: question) else {
            return [.cannotSee(.bridge, question.interface ?? "", "no interface to look at")]
        }
        let found = chosen.bridge != nil ? chosen : chosen.master.flatMap(facts.interface(at:))
        guard let found, let bridge = found.bridge else {
            return [.pass(.bridge, chosen.name, "no bridge of this host is in the way")]
        }
        let name = found.name
        guard bridge.isSnooping else {
            return [.pass(.bridge, name, "\(name) does not snoop: it floods groups to all ports")]
        }
        return [
            silentBridge(name, bridge, question) ?? namelessQuerier(name, bridge, question)
                ?? oldVersion(name, bridge, question)
                ?? .pass(
                    .bridge, name,
                    "\(name) snoops, and "
                        + (bridge.querier(isIPv6: question.isIPv6).map { "\($0) queries" }
                            ?? "queries itself"))
        ]
    }

    private static func silentBridge(
        _ name: String, _ bridge: BridgeFacts, _ question: Question
    ) -> Check? {
        guard !bridge.isQuerier, bridge.querier(isIPv6: question.isIPv6) == nil else { return nil }
        // Linux: br_multicast_querier_exists() decides whether the table of members is used.
        return .warn(
            .bridge, name, "\(name) snoops, and nobody queries, so it floods groups to all ports",
            cause: "without a querier nobody repeats memberships; a Linux bridge then gives up "
                + "pruning, and a switch beyond it that does not lets them run out after 260 s "
                + "and cuts the group off",
            fix: "ip link set \(name) type bridge mcast_querier 1, or "
                + "ip link set \(name) type bridge mcast_snooping 0",
            evidence: ["mcast_snooping 1", "mcast_querier 0", "no other querier was heard"])
    }

    private static func namelessQuerier(
        _ name: String, _ bridge: BridgeFacts, _ question: Question
    ) -> Check? {
        guard !question.isIPv6, bridge.isQuerier, !bridge.usesOwnAddress else { return nil }
        if let querier = bridge.querierIPv4, querier.isUnicast { return nil }
        return .warn(
            .bridge, name, "\(name) queries from 0.0.0.0",
            cause: "the bridge does not use its address for queries, and some switches and "
                + "routers ignore those without one (RFC 4541, section 2.1.1)",
            fix: "give \(name) an address, and ip link set \(name) type bridge "
                + "mcast_query_use_ifaddr 1",
            evidence: ["mcast_query_use_ifaddr 0"])
    }

    private static func oldVersion(
        _ name: String, _ bridge: BridgeFacts, _ question: Question
    ) -> Check? {
        let (version, needed, option) =
            question.isIPv6
            ? (bridge.mldVersion, 2, "mcast_mld_version")
            : (bridge.igmpVersion, 3, "mcast_igmp_version")
        guard question.source != nil, bridge.isQuerier, version < needed else { return nil }
        return .fail(
            .bridge, name, "\(name) queries with version \(version)",
            cause: "hosts then answer in that version, which cannot name sources",
            fix: "ip link set \(name) type bridge \(option) \(needed)",
            evidence: ["\(option) \(version)"])
    }

    // MARK: - Querier

    /// How long to listen before silence says that there is no querier: one interval and its tenth
    /// (RFC 9776, section 8.2).
    static let queryPatience: Duration = .milliseconds(137_500)

    /// Somebody on the LAN asks for memberships, with an address and in a version that will do.
    static func querier(_ facts: HostFacts, _ question: Question) -> [Check] {
        let subject = facts.chosenInterface(for: question)?.name ?? question.interface ?? ""
        let name = question.isIPv6 ? "MLD" : "IGMP"
        guard case .known(let watch) = facts.querier else {
            return [.cannotSee(.querier, subject, facts.querier.reason ?? "")]
        }
        guard let querier = watch.querier else { return [silence(watch, subject, name)] }
        let evidence = ["\(name)v\(watch.version) query from \(querier)"]
        if watch.version < (question.isIPv6 ? 2 : 3), question.source != nil {
            return [
                .fail(
                    .querier, subject, "the querier \(querier) speaks \(name)v\(watch.version)",
                    cause: "hosts answer in that version, which cannot name sources: "
                        + "joins of \(question.groupText) become joins of any source, or nothing",
                    fix:
                        "let the querier speak \(name)v\(question.isIPv6 ? 2 : 3) (a Linux bridge: "
                        + "ip link set BRIDGE type bridge mcast_"
                        + (question.isIPv6 ? "mld_version 2)" : "igmp_version 3)"),
                    evidence: evidence)
            ]
        }
        if !querier.isUnicast {
            return [
                .warn(
                    .querier, subject, "queries come from \(querier)",
                    cause: "the querier has no address; some switches and routers ignore such "
                        + "queries, and it yields to no other (RFC 4541, section 2.1.1)",
                    fix: "give the querier an address (a Linux bridge: ip link set BRIDGE type "
                        + "bridge mcast_query_use_ifaddr 1)",
                    evidence: evidence)
            ]
        }
        return [
            .pass(
                .querier, subject, "\(querier) queries with \(name)v\(watch.version)",
                evidence: evidence)
        ]
    }

    private static func silence(_ watch: QuerierWatch, _ subject: String, _ name: String) -> Check {
        let seconds = watch.duration.nanoseconds / 1_000_000_000
        guard watch.duration >= queryPatience else {
            return .cannotSee(
                .querier, subject,
                "no \(name) query in \(seconds) s; queriers speak every 125 s unless told "
                    + "otherwise, and --querier-wait 140s would tell")
        }
        return .warn(
            .querier, subject, "no \(name) query in \(seconds) s",
            cause: "no router or switch asks for memberships; where a switch snoops, they run out "
                + "after 260 s at the latest and the group is cut off",
            fix: "switch on the querier of a switch or router, or on a Linux host of the LAN: "
                + "ip link set BRIDGE type bridge mcast_querier 1")
    }

    // MARK: - Versions

    /// The host may speak the version of IGMP that the question needs.
    static func igmp(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard !question.isIPv6, let chosen = facts.chosenInterface(for: question) else { return [] }
        let name = chosen.name
        if chosen.forcedIGMPVersion == 1 || chosen.forcedIGMPVersion == 2, question.source != nil {
            return [
                .fail(
                    .igmp, name, "\(name) speaks only IGMPv\(chosen.forcedIGMPVersion)",
                    cause: "force_igmp_version is set, and that version cannot name sources",
                    fix: "sysctl -w net.ipv4.conf.\(name).force_igmp_version=0 "
                        + "net.ipv4.conf.all.force_igmp_version=0")
            ]
        }
        if let version = chosen.igmpVersion, version < 3, question.source != nil {
            return [
                .fail(
                    .igmp, name, "\(name) has fallen back to IGMPv\(version)",
                    cause: "a querier of that version was heard, and it cannot name sources",
                    fix: "let the querier speak IGMPv3",
                    evidence: ["/proc/net/igmp: \(name) V\(version)"])
            ]
        }
        if let reason = facts.memberships.reason { return [.cannotSee(.igmp, name, reason)] }
        return [.pass(.igmp, name, "\(name) speaks IGMPv\(chosen.igmpVersion ?? 3)")]
    }

    /// IPv6 and its membership protocol work on the interface.
    static func mld(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard let chosen = facts.chosenInterface(for: question) else { return [] }
        let name = chosen.name
        guard question.isIPv6 else {
            return [.pass(.mld, name, "not needed: the group is of IPv4")]
        }
        switch chosen.isIPv6Disabled {
        case .unknown(let reason):
            return [.cannotSee(.mld, name, reason)]
        case .known(true):
            return [
                .fail(
                    .mld, name, "IPv6 is off on \(name)",
                    cause: "disable_ipv6 is 1, so there is no MLD and no group of IPv6",
                    fix: "sysctl -w net.ipv6.conf.all.disable_ipv6=0 "
                        + "net.ipv6.conf.\(name).disable_ipv6=0")
            ]
        case .known(false):
            return [mldVersion(chosen, question) ?? linkLocal(chosen)]
        }
    }

    private static func mldVersion(_ chosen: InterfaceFacts, _ question: Question) -> Check? {
        guard chosen.forcedMLDVersion == 1, question.source != nil else { return nil }
        return .fail(
            .mld, chosen.name, "\(chosen.name) speaks only MLDv1",
            cause: "force_mld_version is 1, and that version cannot name sources",
            fix: "sysctl -w net.ipv6.conf.\(chosen.name).force_mld_version=0 "
                + "net.ipv6.conf.all.force_mld_version=0")
    }

    private static func linkLocal(_ chosen: InterfaceFacts) -> Check {
        let name = chosen.name
        let isThere = chosen.addresses.contains {
            guard case .v6(let address) = $0.address else { return false }
            return address.high >> 54 == 0x3FA && $0.isUsable
        }
        guard !isThere, !chosen.isLoopback else {
            return .pass(.mld, name, "IPv6 is on, and reports have a link-local address")
        }
        return .fail(
            .mld, name, "\(name) has no usable link-local address",
            cause: "reports of MLD must come from one (RFC 3810, section 5.2.13); it is missing, "
                + "or duplicate address detection has not let it pass",
            fix: "ip -6 addr show dev \(name) scope link; "
                + "sysctl -w net.ipv6.conf.\(name).addr_gen_mode=0, then set \(name) down and up")
    }
}

extension BridgeFacts {
    func querier(isIPv6: Bool) -> IPAddress? { isIPv6 ? querierIPv6 : querierIPv4 }
}
