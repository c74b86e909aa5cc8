/// The members of a group that a peer or a rendezvous knows (schema `polycast.members/1`).
package struct MemberList: Equatable, Sendable {
    package static let schema = "polycast.members/1"

    package var group: String
    package var members: [Member]
    /// Members that the rendezvous knows in groups with this name and other keys.
    package var namesakes: Int
    /// What is wrong with the list, for people; empty when all is well.
    package var detail: String

    package struct Member: Equatable, Sendable {
        /// How the member is known.
        package enum Origin: String, Sendable, CaseIterable {
            /// It is the peer that was asked.
            case asked = "self"
            case link
            case rendezvous
            case gossip
        }

        /// The name is empty where only the peer id is known, as at a rendezvous.
        package var party: Party
        package var endpoint: String
        /// Whether it publishes media.
        package var isSource: Bool
        package var origin: Origin
        /// Smoothed round trip of the link; `nil` without one.
        package var roundTripMilliseconds: Double?

        package init(
            party: Party, endpoint: String, isSource: Bool, origin: Origin,
            roundTripMilliseconds: Double? = nil
        ) {
            self.party = party
            self.endpoint = endpoint
            self.isSource = isSource
            self.origin = origin
            self.roundTripMilliseconds = roundTripMilliseconds
        }
    }

    package init(group: String, members: [Member], namesakes: Int = 0, detail: String = "") {
        self.group = group
        self.members = members
        self.namesakes = namesakes
        self.detail = detail
    }
}

// MARK: - JSON

extension MemberList {
    package var json: JSONValue {
        [
            "schema": .string(Self.schema), "group": .string(group),
            "members": .array(members.map(\.json)), "namesakes": JSONValue(namesakes),
            "detail": .string(detail),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        try expectSchema(Self.schema, of: json)
        group = try json.text("group")
        members = try json.list("members", of: Member.init(json:))
        namesakes = try json.count("namesakes")
        detail = try json.text("detail")
    }
}

extension MemberList.Member {
    var json: JSONValue {
        [
            "peer": .string(party.peer), "name": .string(party.name),
            "endpoint": .string(endpoint), "self": .bool(origin == .asked),
            "source": .bool(isSource), "via": .string(origin.rawValue),
            "rtt_ms": JSONValue(roundTripMilliseconds),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        party = try Party(json: json)
        endpoint = try json.text("endpoint")
        isSource = try json.flag("source")
        guard let origin = Origin(rawValue: try json.text("via")) else {
            throw .unexpected(member: "via", expected: "a known origin")
        }
        self.origin = origin
        roundTripMilliseconds = try json.optional("rtt_ms", JSONValue.number)
    }
}

// MARK: - Text

extension MemberList {
    package var table: String {
        var table = TextTable([
            ("NAME", .left), ("PEER", .left), ("ENDPOINT", .left), ("VIA", .left),
            ("RTT", .right), ("SOURCE", .left),
        ])
        for member in members {
            table.append([
                member.party.name.isEmpty ? "-" : member.party.name, member.party.peer,
                member.endpoint, member.origin.rawValue,
                Readable.milliseconds(member.roundTripMilliseconds),
                member.isSource ? "yes" : "no",
            ])
        }
        let noun = members.count == 1 ? "member" : "members"
        return (table.isEmpty ? "" : table.text) + "\(group): \(members.count) \(noun)\n"
            + (detail.isEmpty ? "" : detail + "\n")
    }
}
