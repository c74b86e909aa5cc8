import Overlay
import Wire

// The invariants of the protocol, looked at from outside.

extension PolycastMember {
    static func violation(
        of index: Int, among members: ContiguousArray<PolycastMember?>
    ) -> String? {
        guard let member = members[index] else { return nil }
        if member.strangerBytes.sent > member.strangerBytes.received {
            return "\(member.strangerBytes.sent) bytes went to a stranger that had sent "
                + "\(member.strangerBytes.received)"
        }
        guard let peer = member.peer else { return nil }
        if !peer.overlay.isWithinBudget { return "children exceed the uplink" }
        if let table = peer.overlay.overfullTable { return "too many \(table)" }
        return loop(through: index, of: peer, among: members)
    }

    /// Parents are followed from who has just changed: it is part of every loop that it closed.
    private static func loop(
        through index: Int, of peer: PolycastPeer, among members: ContiguousArray<PolycastMember?>
    ) -> String? {
        for (source, parent) in peer.overlay.parents {
            var current = parent
            var steps = 0
            while let id = current {
                let host = PolycastPeer.host(of: id)
                if id == peer.overlay.configuration.peer {
                    return "it is its own ancestor for host \(name(source))"
                }
                // A peer of an earlier life has nothing to do with the present one.
                guard members.indices.contains(host), let next = members[host]?.peer?.overlay,
                    next.configuration.peer == id
                else { break }
                steps += 1
                guard steps <= members.count else { return "a loop lies above it" }
                current = next.parent(of: source)
            }
        }
        return nil
    }

    private static func name(_ peer: PeerID) -> Int { PolycastPeer.host(of: peer) }
}
