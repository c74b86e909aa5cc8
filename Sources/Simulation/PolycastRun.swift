import Forwarding
import Management
import NetBasics
import Overlay
import Wire

extension PreparedRun {
    /// Simulates Polycast's own cores.
    func runPolycast(_ watch: Watch) throws(Failure) -> Outcome {
        let rendezvous = plan.usesContacts ? nil : server
        let world = try makeWorld(rendezvous: rendezvous)
        return try simulate(first: rendezvous.map { [$0] } ?? [], watch: watch) {
            host, generator in
            PolycastMember(host: host, world: world, generator: &generator)
        }
    }

    private func makeWorld(rendezvous: Int?) throws(Failure) -> PolycastWorld {
        let scenario = plan.scenario
        guard let name = MemberName("m") else { preconditionFailure("m is a name") }
        var overlay = OverlayConfiguration(
            group: PolycastWorld.group, peer: PeerID(rawValue: 0), name: name, uplinkRate: 0)
        overlay.childLimit = scenario.fanout
        if let weight = scenario.distanceWeight { overlay.distanceWeight = weight }
        overlay.algorithm = plan.system.algorithm
        overlay.neighborTarget = plan.neighborTarget ?? overlay.neighborTarget
        overlay.sourceLimit = max(overlay.sourceLimit, scenario.sources)
        var repair = RepairConfiguration()
        repair.delayBudget = scenario.deadline
        let routers = topology.pairwise == nil ? topology.hosts.map(\.router) : nil
        return PolycastWorld(
            addresses: AddressPlan(hostCount: topology.hosts.count, routers: routers),
            rendezvousHost: rendezvous, strangerHost: nil, overlay: overlay,
            repair: repair,
            uplinks: ContiguousArray(uplinkLimits.map { $0 ?? Self.unlimitedUplink }),
            sourceCount: scenario.sources,
            sourceRate: UInt32(clamping: Int(streamRate.rounded(.up))),
            bodyBytes: scenario.bodyBytes)
    }

    /// kbit/s; what a host whose uplink nothing limits is told.
    private static let unlimitedUplink: UInt32 = 10_000_000
}

extension SimulatedSystem {
    /// What Polycast's sources use.
    fileprivate var algorithm: DeliveryAlgorithm {
        switch self {
        case .shortestPathTree: .shortestPathTree
        case .floodAndPrune: .floodAndPrune
        default: .automatic
        }
    }
}
