/// The outcome of one look at one thing.
package struct Check: Equatable, Sendable {
    package enum Status: String, Sendable, CaseIterable {
        case pass
        case warn
        case fail
        case cannotSee = "cannot_see"
    }

    package var name: CheckName
    /// The interface, address or program that the check is about; may be empty.
    package var subject: String
    package var status: Status
    /// What was seen; of ``Status/cannotSee`` why nothing was.
    package var text: String
    /// Why it is so; only of ``Status/warn`` and ``Status/fail``.
    package var cause: String?
    /// What to type or to do about it.
    package var fix: String?
    /// What the kernel or the network said, word by word.
    package var evidence: [String]

    package static func pass(
        _ name: CheckName, _ subject: String, _ text: String, evidence: [String] = []
    ) -> Check {
        Check(name: name, subject: subject, status: .pass, text: text, evidence: evidence)
    }

    package static func cannotSee(_ name: CheckName, _ subject: String, _ reason: String) -> Check {
        Check(name: name, subject: subject, status: .cannotSee, text: reason, evidence: [])
    }

    package static func warn(
        _ name: CheckName, _ subject: String, _ text: String, cause: String, fix: String,
        evidence: [String] = []
    ) -> Check {
        Check(
            name: name, subject: subject, status: .warn, text: text, cause: cause, fix: fix,
            evidence: evidence)
    }

    package static func fail(
        _ name: CheckName, _ subject: String, _ text: String, cause: String, fix: String,
        evidence: [String] = []
    ) -> Check {
        Check(
            name: name, subject: subject, status: .fail, text: text, cause: cause, fix: fix,
            evidence: evidence)
    }
}

/// What is looked at; docs/doctor.md has a row for each.
///
/// Two doctors tell each other their failing checks by the position in this list: append, never
/// reorder.
package enum CheckName: String, Sendable, CaseIterable {
    case interface
    case group
    case route
    case reversePath = "reverse_path"
    case forwarding
    case ttl
    case firewall
    case iptables
    case bridge
    case querier
    case container
    case buffers
    case drops
    case memberships
    case igmp
    case mld
    case loopback
    case mtu
    case rendezvous
    case nat
    case clock
    case pairUnicast = "pair_unicast"
    case pairMulticastOut = "pair_multicast_out"
    case pairMulticastIn = "pair_multicast_in"
    case pairMTUOut = "pair_mtu_out"
    case pairMTUIn = "pair_mtu_in"
    case pairClock = "pair_clock"
}

/// A set of names in 32 bits, as two doctors exchange it.
package struct CheckNames: Equatable, Sendable {
    package var bits: UInt32

    package init(bits: UInt32) { self.bits = bits }

    /// The names of the checks that failed.
    package init(failedIn checks: [Check]) {
        bits = 0
        for (index, name) in CheckName.allCases.enumerated()
        where checks.contains(where: { $0.name == name && $0.status == .fail }) {
            bits |= 1 << UInt32(index)
        }
    }

    package var names: [CheckName] {
        CheckName.allCases.enumerated().filter { bits >> UInt32($0.offset) & 1 == 1 }
            .map(\.element)
    }
}
