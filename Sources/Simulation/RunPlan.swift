import Management
import NetBasics
import Overlay
import Wire

/// One simulation in full: which network, which system, and what happens.
package struct RunPlan: Equatable, Sendable {
    package var topology: TopologySpec
    package var system = SimulatedSystem.automatic
    /// How uplinks are drawn; `nil`: as the topology has them.
    package var uplinks: UplinkModel?
    package var scenario = Scenario()
    /// Polycast's members learn of each other from the scenario, as those of baselines do, and not
    /// from a rendezvous.
    package var usesContacts = false
    /// Links that a Polycast member opens; `nil`: its default.
    package var neighborTarget: Int?
    /// How the centralised tree is made.
    package var treeRule = CompactTree.Rule.published

    package init(topology: TopologySpec, system: SimulatedSystem = .automatic) {
        self.topology = topology
        self.system = system
    }

    /// The independent sources of randomness of a run.
    ///
    /// Which network it is and who does what when do not depend on the system that runs.
    fileprivate var generators:
        (topology: SeededGenerator, script: SeededGenerator, run: SeededGenerator)
    {
        var seed = SeededGenerator(seed: scenario.seed)
        return (seed.child(), seed.child(), seed.child())
    }
}

/// A plan with its network at hand; what can be wrong with it was found before.
package struct PreparedRun: Sendable {
    package let plan: RunPlan
    package let topology: Topology
    /// The host of the rendezvous, behind all members; `nil`: the network has none to spare.
    package let server: Int?
}

extension RunPlan {
    /// Makes the network, and finds out whether the run is possible on it.
    package func prepared() throws(Failure) -> PreparedRun {
        let count = scenario.hostCount
        guard scenario.sources <= scenario.peers else {
            throw Failure(
                .usage, "\(scenario.sources) sources are more than the \(scenario.peers) peers",
                advice: "give fewer --sources or more --peers")
        }
        if system.isPlanned, scenario.churn > 0 || !scenario.crowds.isEmpty {
            throw Failure(
                .usage, "\(system.rawValue) is planned at the start and knows no joins",
                advice: "remove --churn, or choose another --algorithm")
        }
        try checkMemory(hosts: count)
        var (topology, server) = try network(hosts: count)
        if let uplinks {
            var generator = generators.topology
            for _ in 0..<4 { _ = generator.next() }
            uplinks.assign(to: &topology, generator: &generator)
        }
        if let server { topology.hosts[server].uplinkMbps = nil }
        return PreparedRun(plan: self, topology: topology, server: server)
    }

    /// The network with a host for the rendezvous, or without one where it has none to spare.
    private func network(hosts count: Int) throws(Failure) -> (Topology, server: Int?) {
        var generator = generators.topology
        if var spacious = try? topology.make(hostCount: count + 1, generator: &generator) {
            spacious.hosts[count].name = "rendezvous"
            return (spacious, count)
        }
        generator = generators.topology
        do throws(TopologyError) {
            return (try topology.make(hostCount: count, generator: &generator), nil)
        } catch {
            throw error.failure
        }
    }

    /// Refuses what would fill more memory than the machine has to give.
    private func checkMemory(hosts count: Int) throws(Failure) {
        let seconds = scenario.duration.seconds
        let packets = scenario.rate * seconds * Double(min(scenario.sources, count))
        let bytes = Double(count) * (Self.hostBytes + packets / 8 + 100 * Double(scenario.sources))
        guard packets < Double(Int32.max) else {
            throw Failure(
                .usage, "\(Int64(packets)) packets are too many to count",
                advice: "lower --rate or --duration")
        }
        guard let available = Machine.availableBytes, bytes > Double(available) else { return }
        throw Failure(
            .usage,
            "\(count) hosts need about \(Int(bytes / 1e6)) MB, more than the "
                + "\(available / 1_000_000) MB that are free",
            advice: "lower --peers, --rate or --duration")
    }

    /// Measured with 10,000 members of Polycast; with all links and events in flight.
    private static let hostBytes = 60_000.0
}

extension TopologyError {
    /// Files have an exit code of their own.
    var failure: Failure { Failure(.configuration, message, advice: advice) }
}

// MARK: - Running

extension PreparedRun {
    /// Asked now and then at which moment of virtual time a run is; `true` ends it there.
    package typealias Watch = (Instant) -> Bool

    /// Runs to the end, or until `watch` says so.
    package func run(watch: Watch = { _ in false }) throws(Failure) -> Outcome {
        switch plan.system {
        case .automatic, .shortestPathTree, .floodAndPrune: try runPolycast(watch)
        case .narada: try runNarada(watch)
        case .plumtree: try runPlumtree(watch)
        case .gossipSub10: try runGossipSub(.v1dot0, watch)
        case .gossipSub11: try runGossipSub(.v1dot1, watch)
        case .flooding: try runFlooding(watch)
        case .star, .ipMulticast, .compactTree: try runPlanned(watch)
        }
    }

    /// Runs members of any kind on the hosts; `first` are those that start before all others.
    func simulate<Member: SimulatedMember>(
        first: [Int] = [], watch: Watch,
        makeMember: @escaping (Int, inout SeededGenerator) -> Member
    ) throws(Failure) -> Outcome {
        var generators = plan.generators
        var simulator = Simulator(
            underlay: try underlay(), faults: plan.scenario.faults, generator: &generators.run,
            makeMember: makeMember)
        simulator.schedule(plan.scenario, generator: generators.script, first: first)
        simulator.run(until: .zero + plan.scenario.duration + Scenario.drain, shouldStop: watch)
        return simulator.outcome(plan.scenario, server: server, uplinks: uplinkLimits)
    }

    func underlay() throws(Failure) -> Underlay {
        do throws(TopologyError) {
            return try Underlay(topology)
        } catch {
            throw error.failure
        }
    }

    /// kbit/s of each host; `nil` where nothing limits it.
    var uplinkLimits: ContiguousArray<UInt32?> {
        ContiguousArray(
            topology.hosts.map { host in host.uplinkMbps.map { UInt32(clamping: Int($0 * 1000)) } })
    }

    /// What one stream of a source takes on a link, headers included; kbit/s.
    var streamRate: Double {
        let bytes = plan.scenario.bodyBytes + MediaHeader.bodyOffset + Network.headerBytes
        return Double(bytes) * 8 * plan.scenario.rate / 1000
    }
}
