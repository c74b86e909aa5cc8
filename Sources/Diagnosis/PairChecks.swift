import NetBasics

/// Judges what two doctors measured together.
package enum PairChecks {
    /// `here`: the checks of this host, in which a cause may lie.
    package static func judge(
        _ findings: PairFindings, _ question: Question, here: [Check]
    ) -> [Check] {
        let contact = unicast(findings)
        guard findings.contact == .ready, findings.echoesArrived > 0 else { return [contact] }
        return [contact] + [
            multicastOut(findings, question, here: CheckNames(failedIn: here)),
            multicastIn(findings, question, here: CheckNames(failedIn: here)),
            size(.pairMTUOut, findings.sizesOut, "there", findings, question),
            size(.pairMTUIn, findings.sizesIn, "here", findings, question),
        ] + clock(findings)
    }

    // MARK: - Unicast

    private static func unicast(_ findings: PairFindings) -> Check {
        let subject = "\(findings.remote)"
        switch findings.contact {
        case .silent:
            return .fail(
                .pairUnicast, subject, "no answer from the other doctor",
                cause: "it does not run there, or a firewall on the way drops UDP port "
                    + "\(findings.remote.port)",
                fix: "run 'polycast doctor GROUP --listen ADDRESS:\(findings.remote.port)' there, "
                    + "and open the port: nft insert rule inet filter input udp dport "
                    + "\(findings.remote.port) accept")
        case .refused(let reason):
            return .fail(
                .pairUnicast, subject, "the other doctor refuses: \(reason.name)",
                cause: reason == .otherGroup
                    ? "it was started with another GROUP" : "too many ask it at once",
                fix: reason == .otherGroup ? "name the same GROUP on both sides" : "ask again later"
            )
        case .failed(let reason):
            return .fail(
                .pairUnicast, subject, "the other doctor cannot be asked: \(reason)",
                cause: "the kernel refuses to send there, or nothing listens at that port",
                fix: "ip route get \(findings.remote.address)", evidence: [reason])
        case .ready:
            return answered(findings, subject)
        }
    }

    private static func answered(_ findings: PairFindings, _ subject: String) -> Check {
        let (sent, there, back) = (
            findings.probesSent, findings.probesArrived, findings.echoesArrived
        )
        let evidence = [
            "\(sent) sent, \(there) arrived there, \(back) answers arrived here"
        ]
        let way = findings.routersOut.map { $0 == 0 ? "no router" : "\($0) routers" }
        guard back < sent else {
            let best = findings.roundTrips.min().map(HostChecks.milliseconds) ?? "-"
            return .pass(
                .pairUnicast, subject,
                "answers all \(sent) probes, \(best)" + (way.map { ", \($0) on the way" } ?? ""),
                evidence: evidence)
        }
        let direction =
            there < sent ? (back < there ? "both ways" : "on the way there") : "on the way back"
        let text = "\(sent - back) of \(sent) probes are lost \(direction)"
        let cause =
            "the path loses unicast as well, so what is lost of the group need not be its own"
        let fix = "look for errors and full queues on the way: ip -s link; tc -s qdisc"
        return 4 * back < 3 * sent
            ? .fail(.pairUnicast, subject, text, cause: cause, fix: fix, evidence: evidence)
            : .warn(.pairUnicast, subject, text, cause: cause, fix: fix, evidence: evidence)
    }

    // MARK: - Multicast

    private static func multicastOut(
        _ findings: PairFindings, _ question: Question, here: CheckNames
    ) -> Check {
        multicast(
            .pairMulticastOut, findings, findings.multicastOut, question,
            from: "here", to: "there", routers: findings.routersOut,
            sender: here, receiver: findings.failedThere)
    }

    private static func multicastIn(
        _ findings: PairFindings, _ question: Question, here: CheckNames
    ) -> Check {
        multicast(
            .pairMulticastIn, findings, findings.multicastIn, question,
            from: "there", to: "here", routers: findings.routersBack,
            sender: findings.failedThere, receiver: here)
    }

    private static func multicast(
        _ name: CheckName, _ findings: PairFindings, _ count: PairFindings.GroupCount,
        _ question: Question, from: String, to: String, routers: Int?, sender: CheckNames,
        receiver: CheckNames
    ) -> Check {
        let subject = "\(question.group)"
        let evidence = ["\(count.received) of \(count.sent) packets arrived \(to)"]
        if let failure = findings.groupFailure, count.received == 0 {
            return .fail(
                name, subject, "the group cannot be used here: \(failure)",
                cause: "the kernel refuses to join the group, or to send to it",
                fix: "see the checks of this host above", evidence: [failure])
        }
        guard count.sent > 0 else {
            return .cannotSee(name, subject, "nobody sent from \(from)")
        }
        if count.received == 0 {
            let (cause, fix) = lostCause(
                question, from: from, to: to, routers: routers, sender: sender, receiver: receiver)
            return .fail(
                name, subject, "multicast from \(from) does not arrive \(to)", cause: cause,
                fix: fix, evidence: evidence)
        }
        if count.received < count.sent {
            return .warn(
                name, subject,
                "\(count.sent - count.received) of \(count.sent) packets from \(from) are lost",
                cause: "a queue on the way or the receiver's buffer overflows, or a radio link "
                    + "loses packets to groups, which it does not repeat",
                fix: "look at ip -s link on the way, and at the check drops \(to)",
                evidence: evidence)
        }
        let hops = count.hopsLeft > 0 ? ", with a hop limit of \(count.hopsLeft) left" : ""
        return .pass(
            name, subject, "all \(count.sent) packets from \(from) arrive \(to)\(hops)",
            evidence: evidence)
    }

    /// Why nothing arrives although unicast does; the likeliest first.
    private static func lostCause(
        _ question: Question, from: String, to: String, routers: Int?, sender: CheckNames,
        receiver: CheckNames
    ) -> (cause: String, fix: String) {
        if let routers, routers > 0, question.ttl <= routers {
            return (
                "TTL \(question.ttl), and \(routers) \(routers == 1 ? "router" : "routers") on the "
                    + "way: packets of the group end before they arrive",
                "send with a hop limit of at least \(routers + 1), such as --ttl 16"
            )
        }
        let guilty: [CheckName] = [
            .interface, .reversePath, .firewall, .igmp, .mld, .bridge, .querier, .loopback,
        ]
        if let name = receiver.names.first(where: guilty.contains) {
            return (
                "at the receiver (\(to)) the check \(name.rawValue) fails",
                "see it in the report of the doctor \(to)"
            )
        }
        if let name = sender.names.first(where: guilty.contains) {
            return (
                "at the sender (\(from)) the check \(name.rawValue) fails",
                "see it in the report of the doctor \(from)"
            )
        }
        if let routers, routers > 0 {
            return (
                "unicast passes \(routers) \(routers == 1 ? "router" : "routers") and the group "
                    + "does not: no multicast routing between the two networks",
                "run PIM on the routers (systemctl start pimd; ip mroute show), or a tunnel"
            )
        }
        return (
            "both are in one LAN, and something between them drops the group in this direction: a "
                + "switch that snoops without hearing the report, a rate limit for multicast, "
                + "or a filter in a switch or access point",
            "look at the switch's table of groups (a Linux bridge: bridge mdb show) and its "
                + "querier, and at nft list ruleset on both hosts"
        )
    }

    // MARK: - Sizes

    private static func size(
        _ name: CheckName, _ sizes: PairFindings.Sizes, _ to: String, _ findings: PairFindings,
        _ question: Question
    ) -> Check {
        let subject = "\(findings.remote.address)"
        let evidence = ["\(sizes.tried) bytes tried, \(sizes.passed) passed"]
        guard sizes.tried > 0 else {
            return .cannotSee(
                name, subject, "the link here carries too little to try packets of several sizes")
        }
        guard sizes.passed < sizes.tried else {
            return .pass(
                name, subject, "packets of \(sizes.passed) bytes arrive \(to)", evidence: evidence)
        }
        let payload = max(0, sizes.passed - (question.isIPv6 ? 48 : 28))
        let advice = "send at most \(payload) bytes of UDP payload (ffmpeg: pkt_size=\(payload))"
        if sizes.wasTold {
            return .warn(
                name, subject,
                "packets of \(sizes.passed) bytes arrive \(to), those of \(sizes.tried) do not",
                cause: "a link on the way is narrower, and its router says so; packets to a "
                    + "group are cut into fragments or lost there",
                fix: advice, evidence: evidence)
        }
        return .fail(
            name, subject,
            "packets of more than \(sizes.passed) bytes vanish on the way \(to)",
            cause: "an MTU black hole: a link on the way is narrower, and no \"packet too big\" of "
                + "its router comes back, as a firewall drops ICMP",
            fix: "let ICMP pass on the routers (nft: icmp type destination-unreachable accept; "
                + "icmpv6 type packet-too-big accept), or " + advice,
            evidence: evidence)
    }

    // MARK: - Clock

    private static func clock(_ findings: PairFindings) -> [Check] {
        guard let offset = findings.clockOffset else { return [] }
        let apart = offset < .zero ? .zero - offset : offset
        let subject = "\(findings.remote.address)"
        guard apart > .milliseconds(100) else {
            return [
                .pass(
                    .pairClock, subject,
                    "the clocks are \(HostChecks.milliseconds(apart)) apart at most")
            ]
        }
        return [
            .warn(
                .pairClock, subject, "the clocks are \(HostChecks.tenths(apart)) apart",
                cause: "at least one of the hosts keeps its clock by nothing",
                fix: "systemctl enable --now systemd-timesyncd (or chrony) on both")
        ]
    }
}
