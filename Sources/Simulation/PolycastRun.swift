import Forwarding
import NetBasics
import Overlay
import Wire

/// Simulates Polycast's own cores in `scenario` over `underlay`, which has one host more than the
/// scenario, for the rendezvous.
func simulatePolycast(
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
    return simulator.outcome(scenario, server: server)
}

private func makeWorld(
    _ scenario: Scenario, routers: [Int32]?, uplinks: ContiguousArray<UInt32>, server: Int,
    configure: (inout OverlayConfiguration) -> Void
) -> PolycastWorld {
    guard let name = MemberName("m") else { preconditionFailure("m is a name") }
    var overlay = OverlayConfiguration(
        group: PolycastWorld.group, peer: PeerID(rawValue: 0), name: name, uplinkRate: 0)
    overlay.childLimit = scenario.fanout
    if let weight = scenario.distanceWeight { overlay.distanceWeight = weight }
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
    if peers > 2500 { let m = meter.measure(source: 0, parents: [-1] + Array(repeating: 0, count: hosts - 1)); return (outcome, nil, m) }
    let table = DelayTable(underlay, hosts: Array(0..<peers))
    let plan = CompactTree.plan(table, source: 0, degreeLimits: Array(repeating: 6, count: peers))
    let best = meter.measure(source: 0, parents: plan.parents + Array(repeating: -1, count: hosts - peers))
    let star = meter.measure(source: 0, parents: [-1] + Array(repeating: 0, count: peers - 1)
            + Array(repeating: -1, count: hosts - peers))
    return (outcome, best, star)
}
