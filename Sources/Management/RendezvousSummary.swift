/// What a rendezvous server did, printed when it ends (schema `polycast.rendezvous/1`).
package struct RendezvousSummary: Equatable, Sendable {
    package static let schema = "polycast.rendezvous/1"

    /// Where it listened.
    package var address: String
    package var seconds: Double
    /// Groups and members with a live lease at the end.
    package var groups: Int
    package var members: Int
    package var registered: Int
    package var refreshed: Int
    package var left: Int
    /// Members whose lease ran out.
    package var expired: Int
    package var lookups: Int
    /// Requests answered by a cookie only.
    package var challenges: Int
    /// Proven requests that a limit refused.
    package var refusals: [DropCount]
    /// Datagrams that were no requests.
    package var drops: [DropCount]

    package init(
        address: String, seconds: Double, groups: Int, members: Int, registered: Int,
        refreshed: Int, left: Int, expired: Int, lookups: Int, challenges: Int,
        refusals: [DropCount], drops: [DropCount]
    ) {
        self.address = address
        self.seconds = seconds
        self.groups = groups
        self.members = members
        self.registered = registered
        self.refreshed = refreshed
        self.left = left
        self.expired = expired
        self.lookups = lookups
        self.challenges = challenges
        self.refusals = refusals
        self.drops = drops
    }

    package var json: JSONValue {
        [
            "schema": .string(Self.schema), "address": .string(address),
            "seconds": .number(seconds), "groups": JSONValue(groups),
            "members": JSONValue(members), "registered": JSONValue(registered),
            "refreshed": JSONValue(refreshed), "left": JSONValue(left),
            "expired": JSONValue(expired), "lookups": JSONValue(lookups),
            "challenges": JSONValue(challenges), "refusals": DropCount.json(refusals),
            "drops": DropCount.json(drops),
        ]
    }

    /// A last line in the manner of ping, and what was refused and dropped.
    package var table: String {
        let refused = refusals.reduce(0) { $0 + $1.count }
        return DropCount.line(drops)
            + "rendezvous \(address): \(Readable.duration(seconds: seconds)), "
            + "\(Readable.count(members)) members in \(Readable.count(groups)) groups, "
            + "\(Readable.count(registered)) registered, \(Readable.count(left)) left, "
            + "\(Readable.count(expired)) expired, \(Readable.count(refused)) refused\n"
    }
}
