/// One peer's place in the tree of every source (schema `polycast.tree/1`).
///
/// Joining the views of all members gives the whole trees.
package struct TreeView: Equatable, Sendable {
    package static let schema = "polycast.tree/1"

    package var group: String
    package var party: Party
    package var sources: [Source]

    package struct Source: Equatable, Sendable {
        package enum State: String, Sendable, CaseIterable {
            /// The peer itself publishes.
            case source
            /// A parent feeds the peer.
            case attached
            /// A parent was asked and has not answered.
            case attaching
            /// Nobody feeds the peer.
            case orphan
        }

        /// The publishing member's peer id.
        package var source: String
        /// The publishing member's name.
        package var member: String
        package var state: State
        /// Links between the source and the peer; zero at the source.
        package var hops: Int
        /// Estimated one-way delay from the source; `nil` without a route.
        package var metricMilliseconds: Double?
        package var parent: Party?
        package var children: [Party]
        /// Neighbors that could feed the peer at once if the parent failed.
        package var spares: [Party]
        /// How many streams the source publishes.
        package var streamCount: Int
        /// How they find the members, `spt` or `flood`.
        package var algorithm: String

        package init(
            source: String, member: String, state: State, hops: Int, metricMilliseconds: Double?,
            parent: Party?, children: [Party], spares: [Party], streamCount: Int,
            algorithm: String = AlgorithmChoice.tree.rawValue
        ) {
            self.source = source
            self.member = member
            self.state = state
            self.hops = hops
            self.metricMilliseconds = metricMilliseconds
            self.parent = parent
            self.children = children
            self.spares = spares
            self.streamCount = streamCount
            self.algorithm = algorithm
        }
    }

    package init(group: String, party: Party, sources: [Source]) {
        self.group = group
        self.party = party
        self.sources = sources
    }
}

// MARK: - JSON

extension TreeView {
    package var json: JSONValue {
        [
            "schema": .string(Self.schema), "group": .string(group), "peer": .string(party.peer),
            "name": .string(party.name), "sources": .array(sources.map(\.json)),
        ]
    }

    package init(json: JSONValue) throws(JSONError) {
        try expectSchema(Self.schema, of: json)
        group = try json.text("group")
        party = try Party(json: json)
        sources = try json.list("sources", of: Source.init(json:))
    }
}

extension TreeView.Source {
    var json: JSONValue {
        [
            "source": .string(source), "member": .string(member),
            "state": .string(state.rawValue), "hops": JSONValue(hops),
            "metric_ms": JSONValue(metricMilliseconds), "parent": parent?.json ?? .null,
            "children": .array(children.map(\.json)), "spares": .array(spares.map(\.json)),
            "streams": JSONValue(streamCount), "algorithm": .string(algorithm),
        ]
    }

    init(json: JSONValue) throws(JSONError) {
        source = try json.text("source")
        member = try json.text("member")
        guard let state = State(rawValue: try json.text("state")) else {
            throw .unexpected(member: "state", expected: "a known state")
        }
        self.state = state
        hops = try json.count("hops")
        metricMilliseconds = try json.optional("metric_ms", JSONValue.number)
        parent = try Party.optional("parent", in: json)
        children = try json.list("children", of: Party.init(json:))
        spares = try json.list("spares", of: Party.init(json:))
        streamCount = try json.count("streams")
        algorithm = try json.text("algorithm")
    }
}

// MARK: - Text

extension TreeView {
    package var table: String {
        var table = TextTable([
            ("SOURCE", .left), ("STATE", .left), ("HOPS", .right), ("DELAY", .right),
            ("PARENT", .left), ("CHILDREN", .left), ("SPARES", .left), ("STREAMS", .right),
            ("BY", .left),
        ])
        func names(_ parties: [Party]) -> String {
            parties.isEmpty ? "-" : parties.map(\.name).joined(separator: " ")
        }
        for source in sources {
            table.append([
                source.member, source.state.rawValue, "\(source.hops)",
                Readable.milliseconds(source.metricMilliseconds), source.parent?.name ?? "-",
                names(source.children), names(source.spares), "\(source.streamCount)",
                source.algorithm,
            ])
        }
        return table.isEmpty ? "\(group): no sources\n" : table.text
    }
}
