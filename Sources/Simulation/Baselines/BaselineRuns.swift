import NetBasics

/// Simulates HyParView with Plumtree in `scenario`, whose hosts `underlay` has at least.
package func simulatePlumtree(
    _ scenario: Scenario, underlay: Underlay,
    membership: HyParViewParameters = HyParViewParameters(),
    broadcast: PlumtreeParameters = PlumtreeParameters(),
    shouldStop: (Instant) -> Bool = { _ in false },
    inspect: (ContiguousArray<PlumtreeMember?>) -> Void = { _ in }
) -> Outcome {
    var broadcast = broadcast
    broadcast.bodyBytes = scenario.bodyBytes
    return simulateBaseline(scenario, underlay: underlay, shouldStop: shouldStop, inspect: inspect)
    {
        host, generator in
        PlumtreeMember(
            host: host, generator: &generator, membership: membership, broadcast: broadcast)
    }
}

/// Simulates Narada in `scenario`, whose hosts `underlay` has at least.
package func simulateNarada(
    _ scenario: Scenario, underlay: Underlay,
    parameters: NaradaParameters = NaradaParameters(),
    shouldStop: (Instant) -> Bool = { _ in false },
    inspect: (ContiguousArray<NaradaMember?>) -> Void = { _ in }
) -> Outcome {
    var parameters = parameters
    parameters.bodyBytes = scenario.bodyBytes
    let hostCount = underlay.hostCount
    return simulateBaseline(scenario, underlay: underlay, shouldStop: shouldStop, inspect: inspect)
    {
        host, generator in
        NaradaMember(
            host: host, hostCount: hostCount, generator: &generator, parameters: parameters)
    }
}

/// Simulates members of any protocol that need nothing but the contacts of the scenario, and shows
/// those that are up at the end to `inspect`.
package func simulateBaseline<Member: SimulatedMember>(
    _ scenario: Scenario, underlay: Underlay, shouldStop: (Instant) -> Bool,
    inspect: (ContiguousArray<Member?>) -> Void,
    makeMember: @escaping (Int, inout SeededGenerator) -> Member
) -> Outcome {
    var generator = SeededGenerator(seed: scenario.seed)
    var simulator = Simulator<Member>(
        underlay: underlay, faults: scenario.faults, generator: &generator,
        makeMember: makeMember)
    simulator.schedule(scenario, generator: generator.child())
    simulator.run(until: .zero + scenario.duration + Scenario.drain, shouldStop: shouldStop)
    inspect(simulator.members)
    return simulator.outcome(scenario)
}
