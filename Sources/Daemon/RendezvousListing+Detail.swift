import Management
import Rendezvous

extension RendezvousListing {
    /// Whether this peer, or who only asks, is alone, and others are in a group of that name.
    var hasOnlyNamesakes: Bool { memberCount <= 1 && peers.isEmpty && namesakeCount > 0 }

    /// What is wrong with the list, for people; empty when all is well.
    func detail(for invite: Invite) -> String {
        if hasOnlyNamesakes { return namesakeDetail(for: invite) }
        guard forgedCount > 0 else { return "" }
        return "\(counted(forgedCount, "entry", "entries")) of its list left out: "
            + "no holder of the group's secret made them"
    }

    private func namesakeDetail(for invite: Invite) -> String {
        let group = quoted(invite.group)
        let verb = namesakeCount == 1 ? "has" : "have"
        let others = counted(namesakeCount, "member", "members")
        return invite.secret == nil
            ? "nobody else is in \(group) without a secret, but \(others) \(verb) one: "
                + "ask for the invite"
            : "nobody else in \(group) has this invite's secret, but \(others) \(verb) another: "
                + "check the invite"
    }
}

private func counted(_ count: Int, _ one: String, _ many: String) -> String {
    "\(count) \(count == 1 ? one : many)"
}
