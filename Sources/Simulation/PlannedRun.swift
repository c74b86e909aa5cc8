import Management
import NetBasics

/// Trees that are known before the simulation starts.
struct PlannedTrees: Sendable {
    /// Per source and host, whom it feeds.
    private let children: [[[Int32]]]

    init(_ trees: [OverlayTree]) {
        children = trees.map { tree in
            var lists = [[Int32]](repeating: [], count: tree.parents.count)
            for (host, parent) in tree.parents.enumerated() where parent >= 0 {
                lists[Int(parent)].append(Int32(host))
            }
            return lists
        }
    }

    func children(of host: Int, source: Int32) -> [Int32] {
        let source = Int(source)
        guard children.indices.contains(source), children[source].indices.contains(host) else {
            return []
        }
        return children[source][host]
    }
}

/// A host that forwards along planned trees, and knows nothing else.
struct PlannedMember: SimulatedMember {
    typealias Message = MediaPacket

    let host: Int
    let trees: PlannedTrees
    let bodyBytes: Int

    var nextWakeup: Instant? { nil }

    mutating func handle(
        _ event: MemberEvent<MediaPacket>, at now: Instant, into outbox: inout Outbox<MediaPacket>
    ) {
        switch event {
        case .packetDue(let packet):
            forward(packet, into: &outbox)
        case .received(let packet, _):
            outbox.deliver(packet)
            forward(packet, into: &outbox)
        case .leaveRequested:
            outbox.hasLeft = true
        case .started, .publishingStarted, .wakeupReached:
            break
        }
    }

    private func forward(_ packet: MediaPacket, into outbox: inout Outbox<MediaPacket>) {
        for child in trees.children(of: host, source: packet.source) {
            outbox.sendMedia(packet, packet, bytes: bodyBytes, to: Int(child))
        }
    }
}

extension PreparedRun {
    /// Members that a plan can take; it looks at the delays of all pairs.
    private static let plannedLimit = 5000

    func runPlanned(_ watch: Watch) throws(Failure) -> Outcome {
        let trees = PlannedTrees(try plannedTrees())
        let bytes = plan.scenario.bodyBytes
        var outcome = try simulate(watch: watch) { host, _ in
            PlannedMember(host: host, trees: trees, bodyBytes: bytes)
        }
        guard plan.system == .ipMulticast else { return outcome }
        // Routers make the copies: one on each link of the shortest paths.
        outcome.payloadsSent = outcome.deliveries
        outcome.quality.stressSum = Double(outcome.quality.stressLinks)
        outcome.quality.stressMaximum = outcome.quality.stressLinks > 0 ? 1 : 0
        outcome.quality.usage = outcome.quality.shortestPathUsage
        return outcome
    }

    /// For each source, over the members of the start.
    private func plannedTrees() throws(Failure) -> [OverlayTree] {
        let peers = plan.scenario.peers
        guard plan.system == .compactTree else {
            return (0..<plan.scenario.sources).map { source in
                OverlayTree(
                    source: source,
                    parents: StaticDelivery.unicastStar(source: source, count: peers))
            }
        }
        guard peers <= Self.plannedLimit else {
            throw Failure(
                .usage, "\(plan.system.rawValue) plans for at most \(Self.plannedLimit) peers",
                advice: "lower --peers, or choose another --algorithm")
        }
        let delays = DelayTable(try underlay(), hosts: Array(0..<peers))
        let limits = degreeLimits
        return (0..<plan.scenario.sources).map { source in
            CompactTree.plan(delays, source: source, degreeLimits: limits, rule: plan.treeRule)
        }
    }

    /// Children per source that each member may have.
    private var degreeLimits: [Int] {
        let sources = max(1, plan.scenario.sources)
        return uplinkLimits.prefix(plan.scenario.peers).map { uplink in
            let byUplink = uplink.map { Int(Double($0) / (streamRate * Double(sources))) }
            return min(plan.scenario.fanout ?? plan.scenario.peers, byUplink ?? .max)
        }
    }
}
