import NetBasics

// Addresses: what is shared, reserved or announced twice.

extension Inspector {
    func addressFindings() -> [Finding] {
        sharedHardwareAddresses() + reservedAddresses() + announcementConflicts() + checksums()
    }

    private func checksums() -> [Finding] {
        guard counts.badChecksums > 0 else { return [] }
        return [
            Finding(
                kind: .badChecksum, severity: .problem,
                text: "\(counts.badChecksums) messages of IGMP, MLD or PIM have a wrong checksum: "
                    + "hosts and routers drop them",
                evidence: [firstBadChecksum].compactMap(\.self),
                fix: "look for a device that rewrites them; where this host itself sent them, "
                    + "its network card fills checksums in later, and nothing is wrong")
        ]
    }

    /// Groups in use whose frames hosts and switches cannot tell apart.
    private func sharedHardwareAddresses() -> [Finding] {
        struct Use {
            var group: IPAddress
            var number: UInt64
        }
        var users: [MACAddress: [Use]] = [:]
        var order: [MACAddress] = []
        func note(_ group: IPAddress, _ number: UInt64) {
            guard !GroupScope.isLinkLocal(group), let address = MACAddress(group: group) else {
                return
            }
            if users[address] == nil { order.append(address) }
            if users[address]?.contains(where: { $0.group == group }) != true {
                users[address, default: []].append(Use(group: group, number: number))
            }
        }
        for stream in streams { note(stream.key.destination, stream.evidence.first) }
        for membership in memberships {
            if let member = membership.members.first {
                note(membership.group, member.firstNumber)
            }
        }
        return order.compactMap { address in
            guard let uses = users[address], uses.count > 1 else { return nil }
            let names = uses.map { "\($0.group)" }.joined(separator: ", ")
            return Finding(
                kind: .sharedHardwareAddress, severity: .warning,
                text: "\(names) share the address \(address): 32 IPv4 groups have one, and "
                    + "switches send all of them to each one's members",
                evidence: uses.map(\.number),
                fix: "choose groups that differ in their last 23 bits, such as 239.1.1.1 and "
                    + "239.1.1.2, not 239.1.1.1 and 239.129.1.1")
        }
    }

    private func reservedAddresses() -> [Finding] {
        var told: Set<IPAddress> = []
        return streams.compactMap { stream in
            let group = stream.key.destination
            guard group.isMulticast, stream.packets >= 10, told.insert(group).inserted,
                let reason = GroupScope.misuse(of: group)
            else { return nil }
            if case .service = stream.kind { return nil }
            return Finding(
                kind: .reservedAddress, severity: .warning,
                text: "\(stream.key.source) sends to \(group), which \(reason)",
                evidence: [stream.evidence.first],
                fix: "choose a group of 239.0.0.0/8 within one site (RFC 2365), 232.0.0.0/8 with "
                    + "sources, or ff15::/16 and ff35::/16 for IPv6")
        }
    }

    private func announcementConflicts() -> [Finding] {
        struct Place: Hashable {
            var group: IPAddress
            var port: UInt16
        }
        var firsts: [Place: Announcement] = [:]
        var findings: [Finding] = []
        for announcement in announcements.all {
            for target in announcement.targets {
                let place = Place(group: target.group, port: target.port)
                guard let first = firsts[place] else {
                    firsts[place] = announcement
                    continue
                }
                guard first.number != announcement.number else { continue }
                findings.append(
                    Finding(
                        kind: .announcementConflict, severity: .problem,
                        text: "\"\(first.name)\" and \"\(announcement.name)\" are both announced "
                            + "for \(target.group), port \(target.port): receivers get both",
                        evidence: [first.number, announcement.number],
                        fix: "give one of them another group"))
            }
        }
        return findings
    }
}
