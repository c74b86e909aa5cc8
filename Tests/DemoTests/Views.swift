import Demo
import Management
import NetBasics

/// What a member says about one source, in short.
func view(
    _ name: String, of source: String, parent: String? = nil, hops: Int = 1,
    delay: Double? = nil, state: TreeView.Source.State? = nil
) -> TreeView {
    let isSource = name == source
    let place = TreeView.Source(
        source: "id-\(source)", member: source,
        state: state ?? (isSource ? .source : parent == nil ? .orphan : .attached),
        hops: isSource ? 0 : hops, metricMilliseconds: delay,
        parent: parent.map { Party(peer: "id-\($0)", name: $0) }, children: [], spares: [],
        streamCount: 2)
    return TreeView(
        group: "demo", party: Party(peer: "id-\(name)", name: name), sources: [place])
}

/// The tree of the example in the demo's help: alice feeds bob and carol, bob feeds the others.
let sampleViews = [
    view("alice", of: "alice"),
    view("bob", of: "alice", parent: "alice", delay: 0.31),
    view("carol", of: "alice", parent: "alice", delay: 0.4),
    view("dave", of: "alice", parent: "bob", hops: 2, delay: 0.66),
    view("erin", of: "alice", parent: "dave", hops: 3, delay: 12.345),
]
let sampleLANs = [
    "alice": "LAN A", "bob": "LAN A", "carol": "LAN A", "dave": "LAN B", "erin": "LAN B",
]

/// Views in which every member names any parent, itself and strangers included.
func contradictoryViews(seed: UInt64, count: Int) -> [TreeView] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
        let parent = generator.uniform(below: count + 2)
        return view(
            "m\(index)", of: "m0", parent: "m\(parent)", hops: generator.uniform(below: 9),
            delay: Double(generator.uniform(below: 50)),
            state: index > 0 && generator.uniform(below: 8) == 0 ? .attaching : nil)
    }
}
