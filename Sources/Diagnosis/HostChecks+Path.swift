import NetBasics

extension HostChecks {
    // MARK: - MTU

    /// The path to the other end carries what the interface does.
    static func mtu(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard let path = facts.path else {
            guard let chosen = facts.chosenInterface(for: question) else { return [] }
            return [linkMTU(chosen, question)]
        }
        guard case .known(let found) = path else {
            return [.cannotSee(.mtu, question.remote.map { "\($0)" } ?? "", path.reason ?? "")]
        }
        let subject = "\(found.remote)"
        guard found.pathMTU < found.interfaceMTU else {
            return [
                .pass(
                    .mtu, subject,
                    "no router refuses \(found.pathMTU) bytes; only --with sees whether they arrive"
                )
            ]
        }
        let payload = found.pathMTU - (found.remote.isIPv6 ? 48 : 28)
        return [
            .warn(
                .mtu, subject,
                "the path carries \(found.pathMTU) bytes, the interface \(found.interfaceMTU)",
                cause: "a link on the way is narrower, and packets to a group learn of no path: "
                    + "longer ones are cut into fragments or lost",
                fix: "send at most \(payload) bytes of UDP payload (ffmpeg: pkt_size=\(payload))",
                evidence: ["IP_MTU \(found.pathMTU)"])
        ]
    }

    private static func linkMTU(_ chosen: InterfaceFacts, _ question: Question) -> Check {
        let family = question.isIPv6 ? "IPv6" : "IPv4"
        let least = leastMTU(isIPv6: question.isIPv6)
        let text = "\(chosen.name) carries only \(chosen.mtu) bytes"
        let fix = "ip link set \(chosen.name) mtu 1500"
        guard chosen.mtu >= least else {
            return .fail(
                .mtu, chosen.name, text,
                cause: "that is less than the \(least) that \(family) asks of a link, so the "
                    + "kernel has it off there",
                fix: fix)
        }
        guard question.isIPv6 || chosen.mtu >= ordinaryPacket else {
            return .warn(
                .mtu, chosen.name, text,
                cause: "packets of more are cut into fragments, of which a lost one loses all; "
                    + "programs count on \(ordinaryPacket) (RFC 791, section 3.1)",
                fix: fix)
        }
        return .pass(
            .mtu, chosen.name,
            "\(chosen.mtu) bytes on the link"
                + (question.remote == nil ? "; no path was named" : ""))
    }

    /// What every link must carry (RFC 791, section 3.2; RFC 8200, section 5).
    static func leastMTU(isIPv6: Bool) -> Int { isIPv6 ? 1280 : 68 }

    /// What every host must be able to receive, in fragments or not.
    private static let ordinaryPacket = 576

    // MARK: - Rendezvous

    /// The rendezvous of the invite answers.
    static func rendezvous(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard let rendezvous = facts.rendezvous else { return [] }
        return rendezvous.outcomes.map { outcome in
            switch outcome {
            case .answered(let server, let observed, let roundTrip):
                .pass(
                    .rendezvous, "\(server)",
                    "answers after \(milliseconds(roundTrip)), and sees \(observed)")
            case .refused(let server, let reason):
                .warn(
                    .rendezvous, "\(server)", "the rendezvous refuses: \(reason)",
                    cause: "it is reached, and has reached a limit of its own",
                    fix: "try again later, or raise its limits (polycast help rendezvous)")
            case .silent(let server):
                .fail(
                    .rendezvous, "\(server)", "no answer from the rendezvous",
                    cause: "nothing runs there, or a firewall on the way drops UDP port "
                        + "\(server.port)",
                    fix: "start 'polycast rendezvous' there, and open the port: nft insert rule "
                        + "inet filter input udp dport \(server.port) accept")
            case .failed(let server, let reason):
                .fail(
                    .rendezvous, server, "the rendezvous cannot be asked: \(reason)",
                    cause: reason.contains("refused")
                        ? "the host is there, and nothing listens at that port"
                        : "there is no way to it from here, or its name has no address",
                    fix: "check the invite's host and port, and ip route get ADDRESS",
                    evidence: [reason])
            }
        }
    }

    /// What translates addresses between this host and the rendezvous.
    static func nat(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard let rendezvous = facts.rendezvous else { return [] }
        var sightings: [(server: Endpoint, observed: Endpoint)] = []
        for case .answered(let server, let observed, _) in rendezvous.outcomes {
            sightings.append((server, observed))
        }
        guard let first = sightings.first, let local = rendezvous.local else {
            return [.cannotSee(.nat, rendezvous.name, "no rendezvous answered")]
        }
        let evidence =
            ["own \(local)"] + sightings.map { "\($0.server) sees \($0.observed)" }
        if first.observed == local {
            return [
                .pass(
                    .nat, "\(local)", "no address is translated on the way to the rendezvous",
                    evidence: evidence)
            ]
        }
        if let other = sightings.first(where: { $0.observed != first.observed }) {
            return [
                .fail(
                    .nat, "\(local)",
                    "a symmetric NAT: \(first.observed) for one server, \(other.observed) for "
                        + "another",
                    cause: "the router takes another port for each destination, so no address "
                        + "that the rendezvous hands out leads here",
                    fix: "forward a UDP port of the router to this host and join with "
                        + "--bind [::]:PORT, or switch off 'random' in its masquerade rule",
                    evidence: evidence)
            ]
        }
        let mapping =
            sightings.count > 1
            ? "the same mapping for \(sightings.count) servers"
            : "how it maps for other destinations cannot be seen with one server address"
        return [
            .warn(
                .nat, "\(local)", "a NAT: \(local) is seen as \(first.observed); \(mapping)",
                cause: "a router on the way translates addresses; members outside cannot "
                    + "begin a link to this host",
                fix: "forward a UDP port of the router to this host and join with --bind [::]:PORT",
                evidence: evidence)
        ]
    }

    // MARK: - Clock

    /// The clock is kept by somebody, so that times of two hosts can be compared.
    static func clock(_ facts: HostFacts, _ question: Question) -> [Check] {
        guard case .known(let clock) = facts.clock else {
            return [.cannotSee(.clock, "adjtimex", facts.clock.reason ?? "")]
        }
        let evidence = [
            "STA_UNSYNC \(clock.isFlaggedFree ? 1 : 0), maxerror "
                + "\(clock.maximumError.nanoseconds / 1000) us, esterror "
                + "\(clock.estimatedError.nanoseconds / 1000) us"
        ]
        guard clock.isKept else {
            return [
                .warn(
                    .clock, "adjtimex", "nothing keeps this host's clock",
                    cause: "no time service has told the kernel lately that it keeps the clock; "
                        + "one-way delays measured between hosts then mean nothing",
                    fix: "systemctl enable --now systemd-timesyncd (or chrony); timedatectl status",
                    evidence: evidence)
            ]
        }
        guard clock.estimatedError <= comparableClock else {
            return [
                .warn(
                    .clock, "adjtimex",
                    "the clock is kept only to \(milliseconds(clock.estimatedError))",
                    cause: "the time service itself takes its error to be so large, as its servers "
                        + "are far away or out of reach; one-way delays between hosts are off by "
                        + "as much",
                    fix: "name servers that are near: chronyc sources, or timedatectl "
                        + "timesync-status",
                    evidence: evidence)
            ]
        }
        return [
            .pass(
                .clock, "adjtimex",
                "the clock is kept, to \(milliseconds(clock.estimatedError)) by its own estimate",
                evidence: evidence)
        ]
    }

    /// Beyond this the clocks of two hosts are of no use for delays of media; not measured.
    static let comparableClock: Duration = .milliseconds(100)

    /// `1.2 ms`.
    static func milliseconds(_ duration: Duration) -> String {
        let tenths = max(0, duration.nanoseconds) / 100_000
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}
