import Forwarding
import Management
import NetBasics
import Overlay
import Wire

extension SwarmScenario {
    /// Runs the scenario; the answer is everything that was wrong, empty if nothing was.
    package func problems() throws(Failure) -> [String] {
        var generator = SeededGenerator(seed: seed ^ 0x5357_4152_4D00_0000)
        let underlay = try underlay(&generator)
        let world = try world(on: underlay.topology)
        var simulator = Simulator<PolycastMember>(
            underlay: underlay, faults: faults, generator: &generator
        ) { host, generator in
            PolycastMember(host: host, world: world, generator: &generator)
        }
        simulator.checksInvariants = true
        simulator.ledger = ForwardingLedger()
        simulator.measurements.measuredFrom = calmAt + Self.settleTime
        for (step, at) in steps { simulator.schedule(step, at: at) }
        simulator.run(until: end + Self.drain) { _ in Interruption.pending != nil }
        return simulator.violations + failings(of: simulator)
    }

    /// The last packets need time to arrive.
    private static let drain: Duration = .seconds(3)

    private func underlay(_ generator: inout SeededGenerator) throws(Failure) -> Underlay {
        do throws(TopologyError) {
            var network = try TopologySpec(parsing: topology).make(
                hostCount: hosts + 2, generator: &generator)
            for (host, uplink) in uplinks.enumerated() {
                // The overlay's budget is for media; control and headers come on top.
                network.hosts[host].uplinkMbps = Double(uplink) * 1.25 / 1000 + 0.2
            }
            return try Underlay(network)
        } catch {
            throw error.failure
        }
    }

    private func world(on topology: Topology) throws(Failure) -> PolycastWorld {
        guard let name = MemberName("m") else { preconditionFailure("m is a name") }
        var overlay = OverlayConfiguration(
            group: PolycastWorld.group, peer: PeerID(rawValue: 0), name: name, uplinkRate: 0)
        overlay.childLimit = fanout
        overlay.algorithm = algorithm
        let routers = topology.pairwise == nil ? topology.hosts.map(\.router) : nil
        return PolycastWorld(
            addresses: AddressPlan(hostCount: topology.hosts.count, routers: routers),
            rendezvousHost: rendezvous, strangerHost: stranger, overlay: overlay,
            repair: RepairConfiguration(),
            uplinks: ContiguousArray(uplinks + [0, 0]), sourceCount: sources,
            sourceRate: Self.streamRate, bodyBytes: Self.bodyBytes)
    }

    // MARK: - What must hold in the end

    private func failings(of simulator: Simulator<PolycastMember>) -> [String] {
        let measurements = simulator.measurements
        var found: [String] = []
        if measurements.duplicates > 0 {
            found.append("\(measurements.duplicates) packets were delivered twice")
        }
        for host in 0..<hosts where simulator.isUp(host) {
            for source in 0..<sources where source != host && simulator.isUp(source) {
                let missed = measurements.missed(by: host, of: source, until: end)
                if missed > 0 {
                    found.append(
                        "host \(host) lacks \(missed) packets of host \(source), sent more than "
                            + "\(Self.settleTime.components.seconds) s after the last fault")
                }
            }
        }
        return found
    }
}

/// Who has sent which packet to whom; finds those that were forwarded twice.
struct ForwardingLedger: Sendable {
    private struct Entry: Hashable {
        var packet: MediaPacket
        var from: Int32
        var to: Int32
        /// Which process of the host it was.
        var life: Int32
        var link: UInt64
    }

    /// Looked up only, never iterated.
    private var entries: Set<Entry> = []
    /// More would be no small scenario.
    private static let limit = 10_000_000

    /// Whether the copy is the first of its kind.
    mutating func note(
        _ packet: MediaPacket, from: Int, to: Int, life: Int, link: UInt64
    ) -> Bool {
        guard entries.count < Self.limit else { return true }
        return entries.insert(
            Entry(packet: packet, from: Int32(from), to: Int32(to), life: Int32(life), link: link)
        ).inserted
    }
}
