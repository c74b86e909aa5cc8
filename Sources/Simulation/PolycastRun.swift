import Forwarding
import NetBasics
import Overlay
import Wire

/// Simulates Polycast's own cores in `scenario` over `underlay`, which has one host more than the
/// scenario, for the rendezvous.
package func simulatePolycast(
    _ scenario: Scenario, underlay: Underlay, routers: [Int32]?, uplinks: ContiguousArray<UInt32>,
    configure: (inout OverlayConfiguration) -> Void = { _ in },
    shouldStop: () -> Bool = { false }
) -> Outcome {
    var generator = SeededGenerator(seed: scenario.seed)
    let server = underlay.hostCount - 1
    let world = makeWorld(
        scenario, routers: routers, uplinks: uplinks, server: server, configure: configure)
    var simulator = Simulator<PolycastMember>(
        underlay: underlay, faults: scenario.faults, generator: &generator
    ) { host, generator in
        PolycastMember(host: host, world: world, generator: &generator)
    }
    simulator.schedule(scenario, generator: &generator, first: [server])
    simulator.run(until: .zero + scenario.duration + Scenario.drain, shouldStop: shouldStop)
    debugDump(simulator.members, underlay, world)
    return simulator.outcome(scenario, server: server)
}

func debugDump(
    _ members: ContiguousArray<PolycastMember?>, _ underlay: Underlay, _ world: PolycastWorld
) {
    var metric: [Int: Double] = [:], parent: [Int: Int] = [:], kids: [Int: [Int]] = [:],
        linked: [Int: Set<Int>] = [:], known: [Int: Set<Int>] = [:]
    var index: [PeerID: Int] = [:]
    for (h, m) in members.enumerated() {
        if let p = m?.peer { index[p.overlay.configuration.peer] = h }
    }
    var vivaldi: [Double] = []
    var linkCount = 0, orphans = 0
    for (h, m) in members.enumerated() {
        guard let p = m?.peer else { continue }
        let v = p.overlay.view
        linked[h] = Set(v.neighbors.compactMap { index[$0.peer] })
        linkCount += v.neighbors.count
        known[h] = Set(v.candidates.compactMap { index[$0.peer] })
        guard let s = v.sources.first else { continue }
        if let q = s.parent, let i = index[q] { parent[h] = i } else if !s.isLocal { orphans += 1 }
        kids[h] = s.children.compactMap { index[$0] }
    }
    for (h, m) in members.enumerated() {
        guard let p = m?.peer else { continue }
        for g in [3, 17, 29, 61, 90] where g < members.count && g != h {
            if let o = members[g]?.peer,
                let e = p.overlay.debugCoordinate.delay(to: o.overlay.debugCoordinate)
            {
                let t = underlay.delay(from: h, to: g).milliseconds * 1000
                vivaldi.append(abs(e - t) / t)
            }
        }
    }
    func d(_ a: Int, _ b: Int) -> Double { underlay.delay(from: a, to: b).milliseconds + 2 }
    func m(_ h: Int) -> Double {
        if let x = metric[h] { return x }; guard let p = parent[h] else { return h == 0 ? 0 : 1e9 };
        let x = m(p) + d(p, h); metric[h] = x; return x
    }
    var blocking = 0, blockLinked = 0, blockKnown = 0, roomBlock = 0
    for h in kids.keys.sorted() where h != 0 {
        var best: (Double, Int, Bool)?
        var hasLinked = false, hasKnown = false, hasRoom = false
        for v in kids.keys.sorted() where v != h && m(v) < m(h) {
            let t = m(v) + d(v, h)
            let room = kids[v]!.count < 6
            let evict = kids[v]!.contains { d(v, h) < d(v, $0) * 0.9 - 2 }
            if t < m(h) * 0.95 - 1, room || evict, !kids[v]!.contains(h) {
                if best == nil || t < best!.0 { best = (t, v, room) }
                if linked[h]!.contains(v) {
                    if !hasLinked, blockLinked < 12, let p = members[h]?.peer,
                        let q = members[v]?.peer
                    {
                        print(
                            "   ", h, "m", Int(m(h)), "->", v, "m", Int(m(v)), "d", Int(d(v, h)),
                            room, p.overlay.debugRoute(q.overlay.configuration.peer))
                    }
                    hasLinked = true
                }
                if known[h]!.contains(v) { hasKnown = true }
                if room { hasRoom = true }
            }
        }
        if best != nil {
            blocking += 1; if hasLinked { blockLinked += 1 }; if hasKnown { blockKnown += 1 };
            if hasRoom { roomBlock += 1 }
        }
    }
    vivaldi.sort()
    var x = 14
    while let q = parent[x], let p = members[x]?.peer, let pp = members[q]?.peer {
        print(
            "   chain", x, "->", q, "true d", d(q, x), "m", m(x),
            p.overlay.debugRoute(pp.overlay.configuration.peer), "formers", p.overlay.debugFormers,
            "kids of parent contain", kids[q]!.contains(x));
        x = q
    }
    print(
        "  COUNTS",
        debugCounts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
            separator: ", "))
    debugCounts = [:]
    print(
        "  DEBUG members", kids.count, "orphans", orphans, "links/peer",
        Double(linkCount) / Double(kids.count), "blocking", blocking, "of which linked",
        blockLinked, "known", blockKnown, "room", roomBlock, "vivaldi err p50",
        vivaldi.isEmpty ? -1 : vivaldi[vivaldi.count / 2], "p90",
        vivaldi.isEmpty ? -1 : vivaldi[vivaldi.count * 9 / 10], "source kids", kids[0]!.count)
}

private func makeWorld(
    _ scenario: Scenario, routers: [Int32]?, uplinks: ContiguousArray<UInt32>, server: Int,
    configure: (inout OverlayConfiguration) -> Void
) -> PolycastWorld {
    guard let name = MemberName("m") else { preconditionFailure("m is a name") }
    var overlay = OverlayConfiguration(
        group: PolycastWorld.group, peer: PeerID(rawValue: 0), name: name, uplinkRate: 0)
    overlay.childLimit = scenario.fanout
    configure(&overlay)
    var repair = RepairConfiguration()
    repair.delayBudget = scenario.deadline
    let rate = Double(scenario.bodyBytes + MediaHeader.byteCount + Network.headerBytes)
    return PolycastWorld(
        addresses: AddressPlan(hostCount: uplinks.count, routers: routers),
        rendezvousHost: server, overlay: overlay, repair: repair, uplinks: uplinks,
        sourceRate: UInt32(clamping: Int(rate * 8 * scenario.rate / 1000)),
        bodyBytes: scenario.bodyBytes)
}

/// A run for tuning.
package func quickRun(
    _ topologyText: String, _ peers: Int, seed: UInt64, change: (inout Scenario) -> Void
) throws(TopologyError) -> (Outcome, TreeMetrics?, TreeMetrics) {
    var scenario = Scenario()
    scenario.seed = seed
    scenario.peers = peers
    scenario.fanout = 6
    change(&scenario)
    var generator = SeededGenerator(seed: seed &+ 77)
    let hosts = scenario.hostCount + 1
    let topology = try TopologySpec(parsing: topologyText).make(
        hostCount: hosts, generator: &generator)
    let underlay = try Underlay(topology)
    let outcome = simulatePolycast(
        scenario, underlay: underlay,
        routers: topology.pairwise == nil ? topology.hosts.map(\.router) : nil,
        uplinks: ContiguousArray(repeating: 1_000_000, count: hosts))
    var meter = TreeMeter(underlay)
    let table = DelayTable(underlay, hosts: Array(0..<peers))
    let plan = CompactTree.plan(table, source: 0, degreeLimits: Array(repeating: 6, count: peers))
    let best = meter.measure(
        source: 0, parents: plan.parents + Array(repeating: -1, count: hosts - peers))
    let star = meter.measure(
        source: 0,
        parents: [-1] + Array(repeating: 0, count: peers - 1)
            + Array(repeating: -1, count: hosts - peers))
    return (outcome, best, star)
}
