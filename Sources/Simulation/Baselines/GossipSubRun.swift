import NetBasics

/// A baseline that spreads messages among connected peers.
package enum GossipProtocol: Sendable {
    case gossipSub(GossipSubConfiguration)
    case floodSub
    case naiveFlooding
}

/// What one run of such a baseline showed.
package struct GossipSubResult: Sendable {
    package var outcome: Outcome
    /// Messages that sources published; the counts of ``Outcome`` leave their own copies out.
    package var published: Int
    /// How often each ``GossipSubControl`` was sent.
    package var control: [Int]

    package func count(of kind: GossipSubControl) -> Int { control[Int(kind.rawValue)] }

    /// Shares of deliveries per `width` of latency, over `count` buckets from zero.
    package func latencyShares(width: Duration = .milliseconds(100), count: Int = 5) -> [Double] {
        let latency = outcome.latency
        guard latency.count > 0 else { return Array(repeating: 0, count: count) }
        let bounds = (0...count).map { place in
            place == 0 ? 0 : latency.count(upTo: width.milliseconds * 1000 * Double(place))
        }
        return zip(bounds, bounds.dropFirst()).map { Double($1 - $0) / Double(latency.count) }
    }
}

/// The experiment that the author of GossipSub published with his simulator
/// (vyzo/gerbil-simsub, README and its gists).
///
/// Each node dials random ones; a pair's delay is drawn from 10 to 150 ms, and every message takes
/// up to a tenth longer; a message a second comes from one of a few random sources; nothing is lost.
package struct GossipSubExperiment: Sendable {
    package var peers: Int
    package var messages: Int
    package var seed: UInt64
    package var sources = 5
    package var dialed = 20
    package var initialDelay: Duration = .seconds(10)
    package var interval: Duration = .seconds(1)
    /// Time for the last messages and their gossip.
    package var linger: Duration = .seconds(10)

    package init(peers: Int, messages: Int, seed: UInt64) {
        self.peers = peers
        self.messages = messages
        self.seed = seed
    }

    /// Throws where there are no peers, or too many.
    package func run(_ gossip: GossipProtocol) throws(TopologyError) -> GossipSubResult {
        var generator = SeededGenerator(seed: seed)
        let underlay = try Underlay(
            TopologySpec(parsing: "pairwise:10-150").make(hostCount: peers, generator: &generator))
        return switch gossip {
        case .gossipSub(let configuration):
            run(on: underlay) { [configuration = configuration.withoutKeepAlive] host, generator in
                GossipSubMember(host: host, configuration: configuration, generator: &generator)
            }
        case .floodSub:
            run(on: underlay) { host, generator in
                FloodingMember(host: host, rule: .floodSub, bodyBytes: 1000, generator: &generator)
            }
        case .naiveFlooding:
            run(on: underlay) { host, generator in
                FloodingMember(host: host, rule: .naive, bodyBytes: 1000, generator: &generator)
            }
        }
    }

    /// The same experiment with members of any protocol.
    func run<Member: SimulatedMember>(
        on underlay: Underlay,
        makeMember: @escaping (Int, inout SeededGenerator) -> Member
    ) -> GossipSubResult {
        var scenario = Scenario()
        scenario.seed = seed
        scenario.peers = peers
        scenario.duration = initialDelay + interval * messages + linger
        scenario.faults.jitter = 0.1
        var generator = SeededGenerator(seed: seed)
        var simulator = Simulator<Member>(
            underlay: underlay, faults: scenario.faults, generator: &generator,
            makeMember: makeMember)
        schedule(on: &simulator, generator: generator.child())
        simulator.run(until: .zero + scenario.duration)
        return simulator.gossipSubResult(scenario, published: messages)
    }

    private func schedule<Member>(
        on simulator: inout Simulator<Member>, generator: consuming SeededGenerator
    ) {
        let all = Array(0..<peers)
        for host in all {
            let drawn = generator.sample(dialed + 1, of: all).filter { $0 != host }
            let contacts = Array(drawn.prefix(dialed))
            simulator.schedule(.start(host: host, contacts: contacts), at: .zero)
        }
        let chosen = generator.sample(sources, of: all)
        for message in 0..<messages {
            let source = chosen[generator.uniform(below: chosen.count)]
            simulator.schedule(.burst(host: source), at: .zero + initialDelay + interval * message)
        }
    }
}

/// Simulates a baseline in `scenario` over `underlay`, which has at least the scenario's hosts; a
/// joining member dials the contacts that it is given.
///
/// Deviation: what the network loses is not sent again, as the baselines' connections would do.
package func simulateGossip(
    _ gossip: GossipProtocol, in scenario: Scenario, underlay: Underlay,
    shouldStop: (Instant) -> Bool = { _ in false }
) -> GossipSubResult {
    switch gossip {
    case .gossipSub(var configuration):
        configuration.bodyBytes = scenario.bodyBytes
        return simulate(scenario, underlay, shouldStop) { [configuration] host, generator in
            GossipSubMember(host: host, configuration: configuration, generator: &generator)
        }
    case .floodSub, .naiveFlooding:
        let rule: FloodingMember.Rule = if case .floodSub = gossip { .floodSub } else { .naive }
        return simulate(scenario, underlay, shouldStop) { host, generator in
            FloodingMember(
                host: host, rule: rule, bodyBytes: scenario.bodyBytes, generator: &generator)
        }
    }
}

private func simulate<Member: SimulatedMember>(
    _ scenario: Scenario, _ underlay: Underlay, _ shouldStop: (Instant) -> Bool,
    makeMember: @escaping (Int, inout SeededGenerator) -> Member
) -> GossipSubResult {
    var generator = SeededGenerator(seed: scenario.seed)
    var simulator = Simulator<Member>(
        underlay: underlay, faults: scenario.faults, generator: &generator, makeMember: makeMember)
    simulator.schedule(scenario, generator: generator.child())
    simulator.run(until: .zero + scenario.duration + Scenario.drain, shouldStop: shouldStop)
    let published = simulator.measurements.sources.values.reduce(0) { $0 + $1.sentAt.count }
    return simulator.gossipSubResult(scenario, published: published)
}

extension GossipSubConfiguration {
    /// As in the author's simulator, which has no connections that could break.
    fileprivate var withoutKeepAlive: Self {
        var copy = self
        copy.keepAlive = nil
        return copy
    }
}

extension Simulator {
    fileprivate mutating func gossipSubResult(
        _ scenario: Scenario, published: Int
    ) -> GossipSubResult {
        GossipSubResult(
            outcome: outcome(scenario), published: published,
            control: GossipSubControl.allCases.map {
                measurements.controlByKind[Int($0.rawValue)]
            })
    }
}
