import NetBasics

extension HostChecks {
    // MARK: - Reverse path

    /// The strict reverse path filter does not drop what comes from sources of the group.
    static func reversePath(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard !question.isIPv6 else {
            return [.pass(.reversePath, "IPv6", "the kernel has no such filter for IPv6")]
        }
        guard let interface = facts.chosenInterface(for: question) else {
            return [.cannotSee(.reversePath, question.interface ?? "", "no interface to look at")]
        }
        let name = interface.name
        guard case .known(let own) = interface.reversePathFilter,
            case .known(let all) = facts.reversePathFilterOfAll
        else {
            let reason = interface.reversePathFilter.reason ?? facts.reversePathFilterOfAll.reason
            return [.cannotSee(.reversePath, name, reason ?? "")]
        }
        let evidence = [
            "net.ipv4.conf.all.rp_filter = \(all)", "net.ipv4.conf.\(name).rp_filter = \(own)",
        ]
        guard max(own, all) == 1 else {
            let text = max(own, all) == 0 ? "off" : "loose"
            return [
                .pass(.reversePath, name, "rp_filter is \(text) on \(name)", evidence: evidence)
            ]
        }
        return [strict(facts, question, interface, evidence)]
    }

    private static func strict(
        _ facts: HostFacts, _ question: Question, _ interface: InterfaceFacts, _ evidence: [String]
    ) -> Check {
        let name = interface.name
        let fix =
            "sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.\(name).rp_filter=2 (loose), "
            + "or route the source by \(name)"
        let ways: [(IPAddress, Fact<RouteFacts?>?)] = [
            question.source.map { ($0, facts.sourceRoute) },
            question.remote.map { ($0, facts.remoteRoute) },
        ].compactMap { $0 }
        for (address, route) in ways {
            guard case .known(let found) = route, found?.interface != interface.index else {
                continue
            }
            let other = found.flatMap { facts.interface(at: $0.interface)?.name }
            // What is the host's own is never received from outside.
            if let other, facts.interface(named: other)?.isLoopback == true { continue }
            return .fail(
                .reversePath, name, "packets of \(address) are dropped on \(name)",
                cause: "rp_filter is strict, and the way back to \(address) "
                    + (other.map { "is by \($0)" } ?? "is missing"),
                fix: fix, evidence: evidence)
        }
        if ways.isEmpty, case .known(let distant) = facts.distantRoute,
            distant?.interface != interface.index
        {
            return .warn(
                .reversePath, name, "sources beyond the subnets of \(name) are dropped there",
                cause: "rp_filter is strict, and the way back to them is "
                    + (distant.flatMap { facts.interface(at: $0.interface)?.name }
                        .map { "by \($0)" } ?? "missing"),
                fix: fix, evidence: evidence)
        }
        return .pass(
            .reversePath, name, "rp_filter is strict on \(name), and the ways back agree",
            evidence: evidence)
    }

    // MARK: - Forwarding

    /// A host that routes unicast between networks routes groups as well.
    static func forwarding(_ facts: HostFacts, _ question: Question) -> [Check] {
        let (flag, table) =
            question.isIPv6
            ? (facts.routing.forwardsIPv6, facts.routing.multicastIPv6)
            : (facts.routing.forwardsIPv4, facts.routing.multicastIPv4)
        let subject = question.isIPv6 ? "IPv6" : "IPv4"
        guard case .known(let forwards) = flag else {
            return [.cannotSee(.forwarding, subject, flag.reason ?? "")]
        }
        if case .known(let open) = table, !open.isEmpty {
            return [routed(facts, question, open)]
        }
        guard forwards, let chosen = facts.chosenInterface(for: question) else {
            return [.pass(.forwarding, subject, "this host routes nothing, and need not")]
        }
        let others = (facts.interfaces.value ?? []).filter {
            $0.index != chosen.index && $0.isUp && $0.hasCarrier && !$0.isLoopback && $0.isMulticast
                && $0.hasAddress(isIPv6: question.isIPv6) && !isContainerBridge($0, facts)
        }.map(\.name)
        guard !others.isEmpty else {
            return [.pass(.forwarding, subject, "\(chosen.name) is the only network here")]
        }
        if let reason = table.reason { return [.cannotSee(.forwarding, subject, reason)] }
        return [
            .warn(
                .forwarding, subject,
                "unicast is routed here, and groups are not: \(chosen.name) | "
                    + others.joined(separator: ", "),
                cause: "forwarding is on, but no daemon has opened the kernel's multicast routing "
                    + "table, so members behind the other interfaces get nothing",
                fix: question.isIPv6
                    ? "run a daemon such as pim6sd or smcrouted, if this host should route groups"
                    : "systemctl start pimd (PIM-SM and IGMP) or smcrouted (fixed routes), if "
                        + "this host should route groups",
                evidence: ["/proc/net/\(question.isIPv6 ? "ip6" : "ip")_mr_vif has no interface"])
        ]
    }

    private static func routed(
        _ facts: HostFacts, _ question: Question, _ open: [String]
    ) -> Check {
        let names = open.joined(separator: ", ")
        let subject = question.isIPv6 ? "IPv6" : "IPv4"
        guard let chosen = facts.chosenInterface(for: question)?.name, !open.contains(chosen) else {
            return .pass(.forwarding, subject, "a multicast routing daemon serves \(names)")
        }
        return .warn(
            .forwarding, subject, "the multicast routing daemon leaves out \(chosen)",
            cause: "it has opened only \(names)",
            fix: "name \(chosen) in the daemon's file (smcroute.conf: phyint \(chosen) enable)")
    }

    /// Whether all that is behind a bridge is in other network namespaces of this host.
    private static func isContainerBridge(
        _ interface: InterfaceFacts, _ facts: HostFacts
    ) -> Bool {
        guard let bridge = interface.bridge else { return false }
        return bridge.ports.allSatisfy { facts.interface(named: $0)?.leadsToNamespace == true }
    }

    // MARK: - TTL

    /// The hop limit of the group's packets is enough for the path that was named.
    static func ttl(_ facts: HostFacts, _ question: Question) -> [Check] {
        let text = "TTL \(question.ttl)"
        guard question.remote != nil else {
            return [
                question.ttl > 1
                    ? .pass(.ttl, text, "packets pass \(question.ttl - 1) routers")
                    : .pass(.ttl, text, "packets stay in their LAN, as no other place was named")
            ]
        }
        guard case .known(let route?) = facts.remoteRoute ?? .known(nil) else {
            return [.cannotSee(.ttl, text, "the way to the other end is not known")]
        }
        guard let gateway = route.gateway, question.ttl <= 1 else {
            return [.pass(.ttl, text, "enough for the first hop to the other end")]
        }
        return [
            .fail(
                .ttl, text, "packets of the group end at the first router",
                cause: "the other end is behind the router \(gateway), and a hop limit of 1, "
                    + "the default of programs that set none, is spent there",
                fix: "send with more, such as --ttl 16 here, ttl=16 in ffmpeg's URL, "
                    + "or setsockopt IP_MULTICAST_TTL")
        ]
    }

    // MARK: - Container

    /// The chosen interface is not the inside of a container engine's bridge.
    static func container(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard let chosen = facts.chosenInterface(for: question) else {
            return [.cannotSee(.container, "", "no interface to look at")]
        }
        let name = chosen.name
        // A macvlan leads to the host's namespace as well, but straight to its network.
        if let mark = facts.containerMarks.first, chosen.leadsToNamespace, chosen.kind == "veth" {
            return [
                .warn(
                    .container, name, "this is a container behind its host's bridge",
                    cause: "container engines route and translate unicast, and pass no group from "
                        + "their bridge to the host's network",
                    fix: "run with the host's network (docker run --network host), or with a "
                        + "macvlan network on the host's interface",
                    evidence: [mark])
            ]
        }
        guard let bridge = chosen.bridge else {
            return [.pass(.container, name, "no container bridge is in the way")]
        }
        guard !bridge.ports.isEmpty, isContainerBridge(chosen, facts) else {
            return [.pass(.container, name, "\(name) has a port that leads out of this host")]
        }
        return [
            .warn(
                .container, name, "only containers are behind the bridge \(name)",
                cause: "all of its ports lead to other network namespaces of this host ("
                    + bridge.ports.joined(separator: ", ") + "): groups joined there are not those "
                    + "of the network outside",
                fix: "choose the interface of the network with --interface, or make it a port: "
                    + "ip link set INTERFACE master \(name)")
        ]
    }
}
