import NetBasics

// Queriers and members: who asks, who answers, and who is not heard.

extension Inspector {
    /// How long one has to look before the absence of a query means something.
    private static let queryPatience = Querier.defaultInterval + Querier.defaultResponseTime
    /// How long a group may stay silent before that is told.
    private static let silencePatience = Duration.seconds(30)

    func querierFindings() -> [Finding] {
        noQuerier() + silentQueriers() + queriersWithoutAddress() + oldQueriers() + oldHosts()
    }

    func memberFindings() -> [Finding] {
        membersWithoutSender() + streamsWithoutMember() + joinsWithoutSource()
    }

    /// Groups of a link whose members a switch forgets if nobody asks.
    private func forgettableGroups() -> [GroupMembership] {
        memberships.filter { !GroupScope.isLinkLocal($0.group) && !$0.presentMembers.isEmpty }
    }

    private func noQuerier() -> [Finding] {
        guard duration >= Self.queryPatience, let membership = forgettableGroups().first else {
            return []
        }
        let asks = queriers.contains {
            $0.generalQueries > 0 && $0.interface == membership.interface
        }
        guard !asks else { return [] }
        let member = membership.presentMembers[0]
        return [
            Finding(
                kind: .noQuerier, severity: .problem,
                text: "nobody asks for group members: no general query in "
                    + "\(wholeSeconds(duration)) s, while \(member.address) reports "
                    + "\(membership.group); switches that snoop forget it "
                    + "\(wholeSeconds(Querier.defaultMembershipInterval)) s after its last report "
                    + "and multicast stops",
                evidence: [member.lastNumber],
                fix: "enable an IGMP or MLD querier: on the router of this LAN (PIM), or on one "
                    + "switch (ip igmp snooping querier); on a Linux bridge: ip link set BRIDGE "
                    + "type bridge mcast_querier 1")
        ]
    }

    private func silentQueriers() -> [Finding] {
        queriers.compactMap { querier in
            let silence = lastTime - querier.lastSeen
            let isReplaced = queriers.contains {
                $0.interface == querier.interface && $0.vlan == querier.vlan
                    && $0.lastSeen > querier.lastSeen
            }
            guard silence > querier.presenceInterval, !isReplaced, querier.generalQueries > 0
            else { return nil }
            return Finding(
                kind: .querierSilent, severity: .problem,
                text: "querier \(querier.address) has been silent for \(wholeSeconds(silence)) s, "
                    + "longer than its \(wholeSeconds(querier.presenceInterval)) s, and nobody "
                    + "took over",
                evidence: [querier.lastNumber],
                fix: "see whether \(querier.address) still runs and whether its queries reach "
                    + "this port; enable a second querier")
        }
    }

    private func queriersWithoutAddress() -> [Finding] {
        queriers.filter { isUnspecified($0.address) }.map { querier in
            Finding(
                kind: .querierWithoutAddress, severity: .warning,
                text: "queries come from \(querier.address): such a querier loses every "
                    + "election, and some hosts and switches ignore it",
                evidence: [querier.firstNumber],
                fix: "give the switch an address in this VLAN for its querier; on a Linux bridge: "
                    + "ip link set BRIDGE type bridge mcast_query_use_ifaddr 1")
        }
    }

    private func oldQueriers() -> [Finding] {
        queriers.compactMap { querier in
            let newest = newestVersion(querier.address)
            guard querier.version < newest, querier.generalQueries > 0 else { return nil }
            let newer = newerSpeaker(querier, newest)
            guard let newer else { return nil }
            return Finding(
                kind: .oldQuerier, severity: .warning,
                text: "querier \(querier.address) speaks \(name(querier.address)) version "
                    + "\(querier.version), while others speak version \(newest): all fall back "
                    + "to version \(querier.version), which has no source-specific joins",
                evidence: [querier.lastNumber, newer],
                fix: "set \(querier.address) to version \(newest) (ip igmp version 3; on a Linux "
                    + "bridge mcast_igmp_version 3)")
        }
    }

    /// The packet of somebody on the querier's link who speaks that version.
    private func newerSpeaker(_ querier: Querier, _ version: UInt8) -> UInt64? {
        let other = queriers.first {
            $0.interface == querier.interface && $0.version == version
                && isSameFamily($0.address, querier.address)
        }
        if let other { return other.lastNumber }
        let places = memberships.filter {
            $0.interface == querier.interface && isSameFamily($0.group, querier.address)
        }
        return places.flatMap(\.members).first { $0.version == version }?.lastNumber
    }

    private func oldHosts() -> [Finding] {
        memberships.flatMap { membership -> [Finding] in
            let newest = newestVersion(membership.group)
            let isAskedInNewest = queriers.contains {
                $0.interface == membership.interface && $0.version == newest
                    && isSameFamily($0.address, membership.group)
            }
            guard isAskedInNewest, !GroupScope.isLinkLocal(membership.group) else { return [] }
            return membership.members.filter { $0.version < newest }.map { member in
                Finding(
                    kind: .oldHost, severity: .warning,
                    text: "\(member.address) reports \(membership.group) by "
                        + "\(name(membership.group)) version \(member.version), though version "
                        + "\(newest) is asked for: routers treat the whole group so, and "
                        + "ignore its source filters",
                    evidence: [member.lastNumber],
                    fix: "let \(member.address) speak version \(newest) (Linux: "
                        + "net.ipv4.conf.IF.force_igmp_version=0)")
            }
        }
    }

    // MARK: - Members

    private func membersWithoutSender() -> [Finding] {
        forgettableGroups().compactMap { membership in
            let member = membership.presentMembers[0]
            guard !GroupScope.isService(membership.group),
                lastTime - member.firstSeen >= Self.silencePatience,
                !streams.contains(where: { $0.key.destination == membership.group })
            else { return nil }
            return Finding(
                kind: .reportWithoutSender, severity: .problem,
                text: "\(member.address) wants \(membership.group), but nothing came for it in "
                    + "\(wholeSeconds(lastTime - member.firstSeen)) s",
                evidence: [member.firstNumber],
                fix: "see whether the source sends (polycast capture --group "
                    + "\(membership.group) beside it), with a TTL that reaches here, and whether "
                    + "routers between have a route to it and PIM on every link")
        }
    }

    /// A link and an address family, of which hosts are asked apart from the other's.
    private struct Link: Hashable {
        var interface: UInt16
        var vlan: UInt16
        var isIPv4: Bool

        init(_ group: IPAddress, _ interface: UInt16, _ vlan: UInt16) {
            (self.interface, self.vlan) = (interface, vlan)
            if case .v4 = group { isIPv4 = true } else { isIPv4 = false }
        }
    }

    /// Hosts that report groups; routers and switches report those of their protocols, too.
    private func reporters() -> [Link: Set<IPAddress>] {
        var hosts: [Link: Set<IPAddress>] = [:]
        for membership in memberships {
            let link = Link(membership.group, membership.interface, membership.vlan)
            hosts[link, default: []].formUnion(membership.members.map(\.address))
        }
        let others = Set(queriers.map(\.address) + routers.all.map(\.address))
        return hosts.mapValues { $0.subtracting(others) }
    }

    /// Streams that nobody asked for, on links where somebody was asked.
    private func streamsWithoutMember() -> [Finding] {
        let reporters = reporters()
        return streams.compactMap { stream in
            let key = stream.key
            // Of an interface of `any`, as a bridge's port, the members may be behind others.
            guard key.destination.isMulticast, !GroupScope.isLinkLocal(key.destination),
                !GroupScope.isService(key.destination),
                key.interface < CookedInterfaces.firstNumber,
                groups.membership(of: key.destination, interface: key.interface, vlan: key.vlan)
                    == nil,
                let asked = queriers.first(where: {
                    $0.interface == key.interface && $0.generalQueries > 0
                        && isSameFamily($0.address, key.destination)
                        && stream.lastTime - $0.firstSeen >= $0.responseTime + .seconds(5)
                })
            else { return nil }
            let evidence = [asked.firstNumber, stream.evidence.last]
            let link = Link(key.destination, key.interface, key.vlan)
            let hosts = reporters[link, default: []]
            if hosts.count > 1 { return unwanted(stream, evidence) }
            return isSurelyForeign(stream, hosts) ? flooded(stream, evidence) : nil
        }
    }

    /// Whether another host sent it: where few report, the capture may be the source's own.
    private func isSurelyForeign(_ stream: StreamMeasure, _ reporters: Set<IPAddress>) -> Bool {
        guard settings.ownAddresses.isEmpty else {
            return stream.sender.map { !settings.ownAddresses.contains($0) } ?? false
        }
        return reporters.count == 1 && !reporters.contains(stream.key.source)
    }

    private func unwanted(_ stream: StreamMeasure, _ evidence: [UInt64]) -> Finding {
        Finding(
            kind: .senderWithoutReport, severity: .warning,
            text: "\(stream.key.source) sends to \(stream.key.destination), but no host here "
                + "reported that group when it was asked",
            evidence: evidence,
            fix: "see whether receivers joined the right group on the right interface "
                + "(polycast doctor \(stream.key.destination) there), or stop the source")
    }

    private func flooded(_ stream: StreamMeasure, _ evidence: [UInt64]) -> Finding {
        Finding(
            kind: .flooded, severity: .warning,
            text: "\(stream.key.destination) reaches this port though nobody here reported it: "
                + "the switch floods unregistered multicast",
            evidence: evidence,
            fix: "enable IGMP and MLD snooping on the switch, and drop unregistered multicast "
                + "instead of flooding it")
    }

    private func joinsWithoutSource() -> [Finding] {
        memberships.filter { GroupScope.isSourceSpecific($0.group) }.flatMap { membership in
            membership.presentMembers.filter { $0.mode == .exclude }.map { member in
                Finding(
                    kind: .sourceSpecificWithoutSource, severity: .problem,
                    text: "\(member.address) joins \(membership.group) without a source; in "
                        + "the source-specific range routers ignore such a join",
                    evidence: [member.lastNumber],
                    fix: "join SOURCE,\(membership.group) (IGMPv3 or MLDv2 with a source list), "
                        + "or move the group out of 232.0.0.0/8 and ff3x::/32")
            }
        }
    }

    // MARK: - Words

    private func newestVersion(_ address: IPAddress) -> UInt8 {
        switch address {
        case .v4: 3
        case .v6: 2
        }
    }

    private func name(_ address: IPAddress) -> String {
        switch address {
        case .v4: "IGMP"
        case .v6: "MLD"
        }
    }

    private func isSameFamily(_ one: IPAddress, _ other: IPAddress) -> Bool {
        switch (one, other) {
        case (.v4, .v4), (.v6, .v6): true
        default: false
        }
    }

    private func isUnspecified(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let address): address.rawValue == 0
        case .v6(let address): address.high | address.low == 0
        }
    }
}

/// For texts.
func wholeSeconds(_ duration: Duration) -> Int64 { duration.components.seconds }
