import Overlay
import Wire

// The invariants of the protocol, looked at from outside. Members are large: nothing here copies one.

extension PolycastMember {
    static func violation(
        of index: Int, among members: ContiguousArray<PolycastMember?>
    ) -> String? {
        if let own = members[index]?.ownViolation { return own }
        guard let sources = members[index]?.peer?.overlay.parents else { return nil }
        for (source, parent) in sources {
            if let loop = loop(through: index, from: parent, of: source, among: members) {
                return loop
            }
        }
        return nil
    }

    /// What is wrong with this member by itself.
    private var ownViolation: String? {
        if strangerBytes.sent > strangerBytes.received {
            return "\(strangerBytes.sent) bytes went to a stranger that had sent "
                + "\(strangerBytes.received)"
        }
        if peer?.overlay.isWithinBudget == false { return "children exceed the uplink" }
        if peer?.overlay.feedsWithinBudget == false { return "more is fed than the uplink carries" }
        return (peer?.overlay.overfullTable).map { "too many \($0)" }
    }

    /// Parents are followed from who has just changed: it is part of every loop that it closed.
    private static func loop(
        through index: Int, from parent: PeerID?, of source: PeerID,
        among members: ContiguousArray<PolycastMember?>
    ) -> String? {
        var current = parent
        var steps = 0
        while let id = current {
            let host = PolycastPeer.host(of: id)
            // A peer of an earlier life has nothing to do with the present one.
            guard members.indices.contains(host),
                members[host]?.peer?.overlay.configuration.peer == id
            else { return nil }
            if host == index {
                return "it is its own ancestor for host \(PolycastPeer.host(of: source))"
            }
            steps += 1
            guard steps <= members.count else { return "a loop lies above it" }
            current = members[host]?.peer?.overlay.parent(of: source) ?? nil
        }
        return nil
    }
}
