import NetBasics

extension HostChecks {
    // MARK: - Interface

    /// The interface is there, up, multicast-capable and has an address of the group's family.
    static func interface(_ facts: HostFacts, _ question: Question) -> [Check] {
        if let reason = facts.interfaces.reason {
            return [.cannotSee(.interface, question.interface ?? "", reason)]
        }
        if let name = question.interface {
            guard let found = facts.interface(named: name) else {
                return [missingInterface(name, facts)]
            }
            return [judge(found, question)]
        }
        if let reason = facts.groupRoute.reason { return [.cannotSee(.interface, "", reason)] }
        guard let found = facts.chosenInterface(for: question) else {
            return [
                .cannotSee(
                    .interface, "", "none is chosen, and no route leads to \(question.group)")
            ]
        }
        return [judge(found, question)]
    }

    private static func missingInterface(_ name: String, _ facts: HostFacts) -> Check {
        let known = (facts.interfaces.value ?? []).prefix(20).map(\.name).joined(separator: ", ")
        return .fail(
            .interface, name, "there is no interface \(name)",
            cause: "the name is wrong, or the device is not there in this network namespace",
            fix: "choose one of: \(known)")
    }

    private static func judge(_ found: InterfaceFacts, _ question: Question) -> Check {
        let name = found.name
        if !found.isUp {
            return .fail(
                .interface, name, "\(name) is down",
                cause: "the interface was not brought up, so nothing is sent or received on it",
                fix: "ip link set \(name) up")
        }
        if !found.isMulticast, !found.isLoopback {
            return .fail(
                .interface, name, "\(name) has no MULTICAST flag",
                cause: "the kernel neither joins groups there nor reports memberships",
                fix: "ip link set \(name) multicast on")
        }
        if !found.hasCarrier {
            return .fail(
                .interface, name, "\(name) is up but has no carrier",
                cause: "the cable, the radio or the other end of the link is down",
                fix: "look at the other end: ip -d link show \(name); ethtool \(name)")
        }
        if found.isLoopback {
            return .warn(
                .interface, name, "\(name) is the loopback interface",
                cause: "packets of the group reach only programs of this host",
                fix: "choose the interface of the network with --interface")
        }
        guard found.hasAddress(isIPv6: question.isIPv6) else { return addressless(found, question) }
        return .pass(
            .interface, name,
            "\(name) is up, with MULTICAST, MTU \(found.mtu), "
                + found.addresses.filter { $0.isIPv6 == question.isIPv6 }
                .map { "\($0.address)/\($0.prefixBits)" }.joined(separator: ", "))
    }

    private static func addressless(_ found: InterfaceFacts, _ question: Question) -> Check {
        let name = found.name
        let family = question.isIPv6 ? "IPv6" : "IPv4"
        let least = leastMTU(isIPv6: question.isIPv6)
        guard found.mtu >= least else {
            return .fail(
                .interface, name, "\(name) has no \(family) address",
                cause: "it carries \(found.mtu) bytes, and the kernel has \(family) off where "
                    + "that is less than \(least)",
                fix: "ip link set \(name) mtu 1500, and give it its addresses again")
        }
        return .fail(
            .interface, name, "\(name) has no \(family) address",
            cause: "without one nothing can be sent to the group from there, and reports carry "
                + (question.isIPv6 ? "::, which switches ignore" : "0.0.0.0"),
            fix: question.isIPv6
                ? "sysctl -w net.ipv6.conf.\(name).disable_ipv6=0, and give it an address: "
                    + "ip -6 addr add ADDRESS/64 dev \(name)"
                : "ip addr add ADDRESS/24 dev \(name)")
    }

    // MARK: - Group

    /// The group's range fits what is wanted of it.
    static func group(_ facts: HostFacts, _ question: Question) -> [Check] {
        let text = question.groupText
        switch GroupRange(question.group) {
        case .sourceSpecific where question.source == nil:
            return [
                .fail(
                    .group, text, "\(question.group) needs a source",
                    cause: "it is of the source-specific range, where joins without a source "
                        + "are ignored by routers (RFC 4607)",
                    fix: "ask for SOURCE,\(question.group), and join with the source")
            ]
        case .interfaceLocal:
            return [
                .fail(
                    .group, text, "\(question.group) never leaves a host",
                    cause: "its scope is interface-local (RFC 4291, section 2.7)",
                    fix: "use a group of a wider scope, such as [ff15::1]")
            ]
        case .linkLocal:
            return [
                .warn(
                    .group, text, "\(question.group) never passes a router",
                    cause: "its scope is the link; in 224.0.0.0/24 switches flood it, too",
                    fix: "use a group such as "
                        + (question.isIPv6 ? "[ff15::1]" : "239.1.2.3")
                        + " if members are beyond this LAN")
            ]
        case .flooded:
            return [
                .warn(
                    .group, text, "\(question.group) is flooded by switches",
                    cause: "it has the MAC address of a group in 224.0.0.0/24, which switches "
                        + "send to every port (RFC 4541, section 2.1.2)",
                    fix: "choose a group that does not end in .0.N with a second octet of 0 or 128")
            ]
        case .sourceSpecific, .ordinary:
            return [.pass(.group, text, "\(text) is a group that routers may forward")]
        }
    }

    // MARK: - Route

    /// Programs that choose no interface reach the group through the right one.
    static func route(_ facts: HostFacts, _ question: Question) -> [Check] {
        let subject = question.groupRange
        guard case .known(let found) = facts.groupRoute else {
            return [.cannotSee(.route, subject, facts.groupRoute.reason ?? "")]
        }
        let chosen = question.interface
        guard let found, let name = facts.interface(at: found.interface)?.name else {
            return [routeless(question)]
        }
        if let chosen, chosen != name {
            return [
                .warn(
                    .route, subject, "the kernel's own choice for \(question.group) is \(name)",
                    cause: "programs that name no interface send and join on \(name), not on "
                        + chosen,
                    fix: "\(question.ipCommand) route replace "
                        + (question.isIPv6 ? "multicast " : "") + "\(question.group)/"
                        + (question.isIPv6 ? "128" : "32") + " dev \(chosen)"
                        + (question.isIPv6 ? " table local" : "")
                        + ", or name the interface to each program")
            ]
        }
        return [.pass(.route, subject, "\(question.group) leaves by \(name)")]
    }
}

extension HostChecks {
    /// Only who names the interface gets along without a route.
    private static func routeless(_ question: Question) -> Check {
        let device = question.interface ?? "INTERFACE"
        let text = "no route leads to \(question.group)"
        let cause =
            "there is neither a route for \(question.groupRange) nor a default route: in programs "
            + "that name no interface sending fails with \"Network is unreachable\", and joining "
            + "with \"No such device\""
        let fix =
            "\(question.ipCommand) route add " + (question.isIPv6 ? "multicast " : "")
            + "\(question.groupRange) dev \(device)" + (question.isIPv6 ? " table local" : "")
        return question.interface == nil
            ? .fail(.route, question.groupRange, text, cause: cause, fix: fix)
            : .warn(.route, question.groupRange, text, cause: cause, fix: fix)
    }
}

/// What the address of a group says about where its packets may go.
enum GroupRange: Equatable {
    case interfaceLocal
    case linkLocal
    /// 232.0.0.0/8 or ff3x::/32.
    case sourceSpecific
    /// Of a MAC address that switches do not prune.
    case flooded
    case ordinary

    init(_ group: IPAddress) {
        switch group {
        case .v4(let address):
            let word = address.rawValue
            if word >> 8 == 0xE0_0000 {
                self = .linkLocal
            } else if word >> 24 == 232 {
                self = .sourceSpecific
            } else if word & 0x7F_FF00 == 0 {
                self = .flooded
            } else {
                self = .ordinary
            }
        case .v6(let address):
            let flags = address.high >> 52 & 0xF
            let scope = address.high >> 48 & 0xF
            if scope <= 1 {
                self = .interfaceLocal
            } else if scope == 2 {
                self = .linkLocal
            } else if flags == 3, address.high >> 32 & 0xFFFF == 0 {
                self = .sourceSpecific
            } else {
                self = .ordinary
            }
        }
    }
}
