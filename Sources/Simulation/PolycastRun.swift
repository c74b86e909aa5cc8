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
    configure(&overlay)
    let rate = Double(scenario.bodyBytes + MediaHeader.byteCount + Network.headerBytes)
    return PolycastWorld(
        addresses: AddressPlan(hostCount: uplinks.count, routers: routers),
        rendezvousHost: server, overlay: overlay, uplinks: uplinks,
        sourceRate: UInt32(clamping: Int(rate * 8 * scenario.rate / 1000)),
        bodyBytes: scenario.bodyBytes)
}

/// A run on `pairwise` delays, for tuning.
package func quickRun(_ peers: Int, seed: UInt64) -> Outcome {
    var scenario = Scenario()
    scenario.seed = seed
    scenario.peers = peers
    scenario.fanout = 6
    scenario.failures = [.init(count: peers / 8, at: .seconds(60))]
    let underlay = Underlay(hostCount: peers + 1, seed: seed)
    return simulatePolycast(
        scenario, underlay: underlay, routers: nil,
        uplinks: ContiguousArray(repeating: 1_000_000, count: peers + 1))
}
