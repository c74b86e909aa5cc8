import NetBasics

/// A run for tuning: what it showed, and the centralised tree and the star over the same network.
package func quickRun(
    _ topologyText: String, _ peers: Int, seed: UInt64, change: (inout Scenario) -> Void
) throws -> (Outcome, TreeMetrics?, TreeMetrics) {
    var plan = RunPlan(topology: try TopologySpec(parsing: topologyText), system: .shortestPathTree)
    plan.scenario.seed = seed
    plan.scenario.peers = peers
    plan.scenario.fanout = 6
    change(&plan.scenario)
    let run = try plan.prepared()
    let outcome = try run.run()
    let underlay = try run.underlay()
    var meter = TreeMeter(underlay)
    let others = Array(repeating: Int32(-1), count: underlay.hostCount - peers)
    let star = StaticDelivery.unicastStar(source: 0, count: peers) + others
    guard peers <= 2500 else { return (outcome, nil, meter.measure(source: 0, parents: star)) }
    let table = DelayTable(underlay, hosts: Array(0..<peers))
    let plan6 = CompactTree.plan(table, source: 0, degreeLimits: Array(repeating: 6, count: peers))
    let best = meter.measure(source: 0, parents: plan6.parents + others)
    return (outcome, best, meter.measure(source: 0, parents: star))
}
