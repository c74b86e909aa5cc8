import Management

/// One source's whole tree, joined from what the members say about their own places in it.
///
/// The nodes are in depth-first order. What does not hang together with the source, because a
/// view is missing or two views contradict each other, follows as parts of their own.
package struct SourceTree: Equatable, Sendable {
    /// The publishing member.
    package var source: Party
    package var streamCount: Int
    package var nodes: [Node]

    package struct Node: Equatable, Sendable {
        package var party: Party
        /// Which LAN the member is on; `nil` if that is not known.
        package var lan: String?
        package var place: Place
        /// The index of the node that feeds this one; always below its own.
        package var parent: Int?
        /// Links between the root of this part and the member.
        package var depth: Int
        /// Links between the source and the member, as the member says.
        package var hops: Int
        /// Delay from the source, as the member estimates it.
        package var delayMilliseconds: Double?
    }

    package enum Place: Equatable, Sendable {
        case source
        case fed
        /// Nobody feeds the member.
        case orphan
        /// Fed by a member that gave no view.
        case fedByUnknown(String)
        /// The views feed each other in a circle, as views of different moments can.
        case circle
    }

    /// Whether every node is fed from the source, over as many links as it says.
    package var isWhole: Bool {
        nodes.allSatisfy { node in
            (node.place == .source || node.place == .fed) && node.hops == node.depth
        }
    }

    /// The member farthest from the source, the first by name of several.
    package var farthest: Node? {
        nodes.filter { $0.place == .fed }.min { left, right in
            (right.hops, left.party.name) < (left.hops, right.party.name)
        }
    }
}

// MARK: - Joining

extension SourceTree {
    /// The tree of each source that any view knows, in the order of their names.
    ///
    /// `lans` tells the LAN of a member by its name.
    package static func join(_ views: [TreeView], lans: [String: String]) -> [SourceTree] {
        let names = Dictionary(views.map { ($0.party.peer, $0.party.name) }) { first, _ in first }
        var known: Set<String> = []
        var sources: [(party: Party, streamCount: Int)] = []
        for source in views.flatMap(\.sources) where known.insert(source.source).inserted {
            // Others may not have heard its name yet.
            let party = Party(peer: source.source, name: names[source.source] ?? source.member)
            sources.append((party, source.streamCount))
        }
        sources.sort { ($0.party.name, $0.party.peer) < ($1.party.name, $1.party.peer) }
        return sources.map { source in
            var joiner = Joiner(source: source.party, views: views, lans: lans)
            return SourceTree(
                source: source.party, streamCount: source.streamCount, nodes: joiner.join())
        }
    }
}

/// Puts the nodes of one source into depth-first order; visits each member once, so that views
/// that contradict each other cannot lead it in circles.
private struct Joiner {
    private struct Entry {
        var party: Party
        /// The member's own words; `nil` for the source, whose place needs none.
        var view: TreeView.Source?
    }

    private let lans: [String: String]
    private var entries: [Entry]
    private var indexOfPeer: [String: Int]
    private var children: [Int: [Int]] = [:]
    private var isVisited: [Bool]
    private var nodes: [SourceTree.Node] = []

    init(source: Party, views: [TreeView], lans: [String: String]) {
        self.lans = lans
        entries = [Entry(party: source)]
        indexOfPeer = [source.peer: 0]
        for view in views.sorted(by: Self.precedes) where indexOfPeer[view.party.peer] == nil {
            guard let place = view.sources.first(where: { $0.source == source.peer }) else {
                continue
            }
            indexOfPeer[view.party.peer] = entries.count
            entries.append(Entry(party: view.party, view: place))
        }
        isVisited = Array(repeating: false, count: entries.count)
        for index in entries.indices.dropFirst() {
            if let parent = parent(of: index) { children[parent, default: []].append(index) }
        }
    }

    private static func precedes(_ left: TreeView, _ right: TreeView) -> Bool {
        (left.party.name, left.party.peer) < (right.party.name, right.party.peer)
    }

    mutating func join() -> [SourceTree.Node] {
        visit(from: 0, as: .source)
        for index in entries.indices.dropFirst() where parent(of: index) == nil {
            let feeder = attachedParent(of: index)
            visit(from: index, as: feeder.map { .fedByUnknown($0.name) } ?? .orphan)
        }
        for index in entries.indices where !isVisited[index] {
            visit(from: index, as: .circle)
        }
        return nodes
    }

    private func attachedParent(of index: Int) -> Party? {
        guard let view = entries[index].view, view.state == .attached else { return nil }
        return view.parent
    }

    private func parent(of index: Int) -> Int? {
        attachedParent(of: index).flatMap { indexOfPeer[$0.peer] }
    }

    /// Appends a root and all below it that has not been visited.
    private mutating func visit(from root: Int, as place: SourceTree.Place) {
        var pending: [(entry: Int, parent: Int?)] = [(root, nil)]
        while let (index, parent) = pending.popLast() {
            guard !isVisited[index] else { continue }
            isVisited[index] = true
            let entry = entries[index]
            let node = nodes.count
            nodes.append(
                SourceTree.Node(
                    party: entry.party, lan: lans[entry.party.name],
                    place: parent == nil ? place : .fed, parent: parent,
                    depth: parent.map { nodes[$0].depth + 1 } ?? 0,
                    hops: entry.view?.hops ?? 0,
                    delayMilliseconds: entry.view?.metricMilliseconds))
            // The last one pushed is the next one visited.
            for child in (children[index] ?? []).reversed() { pending.append((child, node)) }
        }
    }
}

// MARK: - JSON

extension SourceTree {
    package var json: JSONValue {
        [
            "source": .string(source.peer), "member": .string(source.name),
            "streams": JSONValue(streamCount), "nodes": .array(nodes.map(json(of:))),
        ]
    }

    private func json(of node: Node) -> JSONValue {
        let parent = node.parent.map { nodes[$0].party.name }
        return [
            "peer": .string(node.party.peer), "name": .string(node.party.name),
            "lan": JSONValue(node.lan), "place": .string(node.place.name),
            "parent": JSONValue(parent), "hops": JSONValue(node.hops),
            "metric_ms": JSONValue(node.delayMilliseconds),
        ]
    }
}

extension SourceTree.Place {
    /// A short stable name, for programs.
    var name: String {
        switch self {
        case .source: "source"
        case .fed: "fed"
        case .orphan: "orphan"
        case .fedByUnknown: "fed_by_unknown"
        case .circle: "circle"
        }
    }

    /// What people should know about a member that does not hang together with the source.
    var remark: String? {
        switch self {
        case .source, .fed: nil
        case .orphan: "nobody feeds it"
        case .fedByUnknown(let name): "fed by \(printable(name)), which did not answer"
        case .circle: "fed in a circle"
        }
    }
}
