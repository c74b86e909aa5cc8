import NetBasics

extension HostChecks {
    // MARK: - Memberships

    /// One socket may join as many groups and name as many sources as are wanted.
    static func memberships(_ facts: HostFacts, _ question: Question) -> [Check] {
        var checks: [Check] = []
        if question.isIPv6 {
            checks.append(sources(facts.limits.mldSources, "net.ipv6.mld_max_msf", question))
        } else {
            checks.append(groups(facts, question))
            if question.source != nil {
                checks.append(sources(facts.limits.igmpSources, "net.ipv4.igmp_max_msf", question))
            }
        }
        return checks
    }

    private static func groups(_ facts: HostFacts, _ question: Question) -> Check {
        let setting = "net.ipv4.igmp_max_memberships"
        guard case .known(let limit) = facts.limits.igmpMemberships else {
            return .cannotSee(.memberships, setting, facts.limits.igmpMemberships.reason ?? "")
        }
        let evidence = ["\(setting) = \(limit)"]
        let roomy = max(256, question.groupCount)
        guard question.groupCount <= limit else {
            return .fail(
                .memberships, setting,
                question.groupCount == 1
                    ? "a socket may join no group"
                    : "\(question.groupCount) groups are wanted, and a socket may join \(limit)",
                cause: "the kernel refuses the next join with \"No buffer space available\"",
                fix: "sysctl -w \(setting)=\(roomy), or join on several sockets",
                evidence: evidence)
        }
        guard case .known(let all) = facts.memberships else {
            return .cannotSee(.memberships, setting, facts.memberships.reason ?? "")
        }
        let joined = Set(
            all.map(\.group).filter { GroupRange($0) != .linkLocal && !$0.isIPv6 }
        ).count
        // Sockets are not told apart by the kernel; below the limit none can have reached it.
        guard joined >= limit else {
            return .pass(
                .memberships, setting, "\(joined) of \(limit) groups that a socket may join",
                evidence: evidence)
        }
        return .warn(
            .memberships, setting,
            "\(joined) groups are joined here, and a socket may join \(limit)",
            cause: "if one program holds them all, its next join fails with \"No buffer space "
                + "available\"",
            fix: "sysctl -w \(setting)=\(max(roomy, 2 * min(joined, 100_000)))", evidence: evidence)
    }

    private static func sources(
        _ limit: Fact<Int>, _ setting: String, _ question: Question
    ) -> Check {
        switch limit {
        case .unknown(let reason):
            return .cannotSee(.memberships, setting, reason)
        case .known(let limit) where limit < 1 && question.source != nil:
            // Linux: ip_mc_source() looks at the limit from the second source on.
            return .warn(
                .memberships, setting, "a socket may name but one source of a group",
                cause: "\(setting) is \(limit): the kernel refuses a second source, and programs "
                    + "that give all at once (setsourcefilter), with \"No buffer space available\"",
                fix: "sysctl -w \(setting)=64", evidence: ["\(setting) = \(limit)"])
        case .known(let limit):
            return .pass(
                .memberships, setting, "a socket may name \(limit) sources of a group",
                evidence: ["\(setting) = \(limit)"])
        }
    }

    // MARK: - Loopback

    /// A packet to the group comes back to a member on this host.
    static func loopback(_ facts: HostFacts, _ question: Question) -> [Check] {
        let subject = facts.chosenInterface(for: question)?.name ?? question.interface ?? ""
        let text = question.groupText
        switch facts.loopback {
        case .unknown(let reason):
            return [.cannotSee(.loopback, subject, reason)]
        case .known(.delivered):
            return [
                .pass(.loopback, subject, "a packet to \(text) came back to a member here")
            ]
        case .known(.lost):
            return [
                .fail(
                    .loopback, subject, "a packet to \(text) did not come back to a member here",
                    cause: blames(facts, question)
                        ?? "the kernel took and dropped it: a filter in front of the socket, such "
                        + "as \(facts.filter.reason == nil ? "" : "nftables, ")iptables or a BPF "
                        + "program",
                    fix: "nft list ruleset; iptables-save; then look at the checks above")
            ]
        case .known(.joinRefused(let reason)):
            return [
                .fail(
                    .loopback, subject, "joining \(text) was refused: \(reason)",
                    cause: blames(facts, question) ?? blamesLimit(facts, question)
                        ?? "the interface cannot carry groups, or a limit is reached",
                    fix: "see the checks above, and ip maddr show dev \(subject)",
                    evidence: [reason])
            ]
        case .known(.sendRefused(let reason)):
            return [
                .fail(
                    .loopback, subject, "sending to \(text) was refused: \(reason)",
                    cause: blames(facts, question) ?? "the kernel has no way out for the group",
                    fix: "see the checks above", evidence: [reason])
            ]
        }
    }

    /// The first check that fails by itself and explains why nothing comes back.
    private static func blames(_ facts: HostFacts, _ question: Question) -> String? {
        let causes = interface(facts, question) + route(facts, question) + firewall(facts, question)
        return causes.first { $0.status == .fail }.map {
            "check \($0.name.rawValue): \($0.text)"
        }
    }

    /// A limit that allows not even the one group that was tried.
    private static func blamesLimit(_ facts: HostFacts, _ question: Question) -> String? {
        guard !question.isIPv6, case .known(...0) = facts.limits.igmpMemberships else { return nil }
        return memberships(facts, question).first { $0.status == .fail }.map {
            "check \($0.name.rawValue): \($0.text)"
        }
    }

    // MARK: - Buffers

    /// What Linux gives unasked; less was set by somebody.
    static let ordinaryBuffer = 212_992

    /// Programs may have receive buffers that hold a burst.
    static func buffers(_ facts: HostFacts, _ question: Question) -> [Check] {
        let setting = "net.core.rmem_max"
        guard case .known(let limit) = facts.buffers.receiveLimit else {
            return [.cannotSee(.buffers, setting, facts.buffers.receiveLimit.reason ?? "")]
        }
        let evidence = ["\(setting) = \(limit)"]
        // 20 ms at 80 Mbit/s, and what the kernel gives without being asked.
        guard limit < ordinaryBuffer else {
            return [
                .pass(
                    .buffers, setting, "programs may ask for \(limit / 1024) KiB",
                    evidence: evidence)
            ]
        }
        return [
            .warn(
                .buffers, setting, "programs get \(limit / 1024) KiB of receive buffer at most",
                cause: "the limit is below what Linux gives unasked (\(ordinaryBuffer)); bursts "
                    + "overflow it and are lost",
                fix: "sysctl -w \(setting)=8388608 (and in /etc/sysctl.d to keep it)",
                evidence: evidence)
        ]
    }

    /// Programs of this host read their datagrams in time.
    static func drops(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard case .known(let watch) = facts.udp else {
            return [.cannotSee(.drops, "UDP", facts.udp.reason ?? "")]
        }
        let limit = facts.buffers.receiveLimit.value.map { "; net.core.rmem_max is \($0)" } ?? ""
        let fix =
            "sysctl -w net.core.rmem_max=8388608 and let the program ask for more (SO_RCVBUF); "
            + "ss -uamp shows whose it is"
        let evidence = ["RcvbufErrors +\(watch.bufferErrorsDuring), \(watch.bufferErrors) in all"]
        if watch.bufferErrorsDuring > 0 {
            return [
                .fail(
                    .drops, watch.worstSocket ?? "UDP",
                    "\(watch.bufferErrorsDuring) datagrams were lost at this host's sockets in "
                        + tenths(watch.duration),
                    cause: "a program reads more slowly than datagrams come, and its receive "
                        + "buffer overflows" + limit,
                    fix: fix, evidence: evidence)
            ]
        }
        // One in a thousand of all since the host started, which is no accident any more.
        if watch.bufferErrors > 100, watch.bufferErrors > watch.received / 1000 {
            return [
                .warn(
                    .drops, "UDP",
                    "\(watch.bufferErrors) datagrams were lost at this host's sockets, none now",
                    cause: "receive buffers have overflowed before; \(watch.received) datagrams "
                        + "were received" + limit,
                    fix: fix, evidence: evidence)
            ]
        }
        return [
            .pass(
                .drops, "UDP", "no datagram was lost at a socket in \(tenths(watch.duration))",
                evidence: evidence)
        ]
    }

    /// `3.2 s`.
    static func tenths(_ duration: Duration) -> String {
        let value = max(0, duration.nanoseconds) / 100_000_000
        return "\(value / 10).\(value % 10) s"
    }
}

extension IPAddress {
    var isIPv6: Bool {
        switch self {
        case .v4: false
        case .v6: true
        }
    }
}
