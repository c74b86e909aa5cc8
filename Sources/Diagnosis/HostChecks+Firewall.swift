import NetBasics

extension HostChecks {
    /// No rule of nftables drops membership traffic or the group.
    static func firewall(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard case .known(let rules) = facts.filter else {
            return [.cannotSee(.firewall, "nftables", facts.filter.reason ?? "")]
        }
        let device = facts.chosenInterface(for: question)?.name ?? question.interface ?? ""
        let troubles = packets(of: question, device).compactMap { packet in
            trouble(FilterWalk.verdict(on: packet, by: rules, device: device), packet)
        }
        guard troubles.isEmpty else { return troubles }
        return [
            .pass(
                .firewall, "nftables",
                rules.chains.isEmpty
                    ? "there are no rules"
                    : "\(rules.chains.count) chains let memberships and \(question.groupText) pass")
        ]
    }

    private static func trouble(_ verdict: FilterVerdict, _ packet: FilterPacket) -> Check? {
        switch verdict {
        case .passes:
            return nil
        case .dropped(let place):
            return .fail(
                .firewall, packet.title, "\(packet.title) are dropped",
                cause: "\(place) drops them", fix: accept(packet, place), evidence: [place])
        case .perhapsDropped(let place):
            return .warn(
                .firewall, packet.title, "\(packet.title) may be dropped",
                cause: "\(place) drops them if it matches, which depends on what is not known "
                    + "here, such as the port",
                fix: "name the port as GROUP:PORT and look again; " + accept(packet, place),
                evidence: [place])
        }
    }

    /// The command that lets the packet pass in front of all rules of the chain.
    private static func accept(_ packet: FilterPacket, _ place: String) -> String {
        let words = place.split(separator: " ").suffix(3).joined(separator: " ")
        return "nft insert rule \(words) \(packet.selector) accept"
    }

    /// What must pass: queries in, reports out, and the group's packets both ways.
    static func packets(of question: Question, _ device: String) -> [FilterPacket] {
        let inward = ["ingress", "prerouting", "input"]
        let outward = ["output", "postrouting", "egress"]
        return [
            membership(question, device, isQuery: true, inward),
            membership(question, device, isQuery: false, outward),
            data(question, device, isInward: true, inward),
            data(question, device, isInward: false, outward),
        ]
    }

    private static func membership(
        _ question: Question, _ device: String, isQuery: Bool, _ hooks: [String]
    ) -> FilterPacket {
        let place: UInt128
        var fields: [String: FilterPacket.Field] = [:]
        if question.isIPv6 {
            place = 0xFF02 << 112 | (isQuery ? 0x01 : 0x16)
            fields["icmpv6 type"] = .number(isQuery ? 130 : 143)
            fields["ip6 hoplimit"] = .number(1)
            fields["ct state"] = .text("untracked")
        } else {
            place = isQuery ? 0xE000_0001 : 0xE000_0016
            fields["igmp type"] = .number(isQuery ? 0x11 : 0x22)
            fields["ip ttl"] = .number(1)
            fields["ct state"] = .text("new")
        }
        let names = question.isIPv6 ? "MLD" : "IGMP"
        return packet(
            "\(names) \(isQuery ? "queries in" : "reports out")", question, device, fields,
            destination: place, protocolNumber: question.isIPv6 ? 58 : 2, isInward: isQuery, hooks)
    }

    private static func data(
        _ question: Question, _ device: String, isInward: Bool, _ hooks: [String]
    ) -> FilterPacket {
        var fields: [String: FilterPacket.Field] = [
            "ct state": .text("new"), "udp sport": .open, "th sport": .open,
        ]
        let port: FilterPacket.Field = question.port.map { .number(UInt128($0)) } ?? .open
        fields["udp dport"] = port
        fields["th dport"] = port
        fields["udp length"] = .open
        fields[question.isIPv6 ? "ip6 hoplimit" : "ip ttl"] = .open
        if isInward, let source = question.source {
            fields[question.isIPv6 ? "ip6 saddr" : "ip saddr"] = .number(source.number)
        }
        return packet(
            "\(question.groupText) packets \(isInward ? "in" : "out")", question, device, fields,
            destination: question.group.number, protocolNumber: 17, isInward: isInward, hooks)
    }

    private static func packet(
        _ title: String, _ question: Question, _ device: String,
        _ special: [String: FilterPacket.Field], destination: UInt128, protocolNumber: UInt128,
        isInward: Bool, _ hooks: [String]
    ) -> FilterPacket {
        let family = question.isIPv6 ? "ip6" : "ip"
        var fields: [String: FilterPacket.Field] = [
            "meta l4proto": .number(protocolNumber),
            "meta nfproto": .number(question.isIPv6 ? 10 : 2),
            "meta protocol": .number(question.isIPv6 ? 0x86DD : 0x0800),
            "meta pkttype": isInward ? .text("multicast") : .open,
            "\(family) saddr": .open,
            "\(family) daddr": .number(destination),
            "fib daddr type": .text("multicast"),
            "meta \(isInward ? "iifname" : "oifname")": .text(device),
            "meta \(isInward ? "iif" : "oif")": .text(device),
            "meta mark": .open, "meta length": .open, "meta skuid": .open, "meta skgid": .open,
            "meta cgroup": .open, "meta iiftype": .open, "meta oiftype": .open,
            "meta iifgroup": .open, "meta oifgroup": .open, "meta cpu": .open,
            "ip version": .number(4), "ip6 version": .number(6), "\(family) length": .open,
            "ip frag-off": .number(0), "ip dscp": .open, "ip6 dscp": .open, "ip id": .open,
            "ct direction": .text("original"), "ct mark": .open, "ct status": .text("unseen"),
        ]
        // A report and a query carry options in front: their protocol field is another one.
        fields[question.isIPv6 ? "ip6 nexthdr" : "ip protocol"] =
            question.isIPv6 && protocolNumber == 58 ? .number(0) : .number(protocolNumber)
        fields.merge(special) { _, special in special }
        return FilterPacket(title: title, isIPv6: question.isIPv6, fields: fields, hooks: hooks)
    }

    // MARK: - Legacy tables

    /// Rules of the old iptables are not looked at, and that is said.
    static func iptables(_ facts: HostFacts, _ question: Question) -> [Check] {
        let subject = question.isIPv6 ? "ip6tables" : "iptables"
        switch facts.legacyTables {
        case .unknown(let reason):
            return [.cannotSee(.iptables, subject, reason)]
        case .known(let tables) where tables.isEmpty:
            return [.pass(.iptables, subject, "there are no legacy tables")]
        case .known(let tables):
            return [
                .cannotSee(
                    .iptables, subject,
                    "legacy tables are loaded (\(tables.joined(separator: ", "))), whose rules "
                        + "nftables does not show; look with \(subject)-legacy-save")
            ]
        }
    }
}

extension FilterPacket {
    /// What a rule selects the packet by.
    var selector: String {
        let family = isIPv6 ? "ip6" : "ip"
        if fields["igmp type"] != nil { return "ip protocol igmp" }
        if case .number(let type) = fields["icmpv6 type"] {
            return type == 130
                ? "icmpv6 type mld-listener-query" : "icmpv6 type mld2-listener-report"
        }
        guard case .number(let number) = fields["\(family) daddr"] else { return "" }
        return "\(family) daddr \(groupText(number))"
    }

    private func groupText(_ number: UInt128) -> String {
        guard isIPv6 else { return "\(IPv4Address(rawValue: UInt32(truncatingIfNeeded: number)))" }
        let high = UInt64(truncatingIfNeeded: number >> 64)
        return "\(IPv6Address(high: high, low: UInt64(truncatingIfNeeded: number)))"
    }
}
