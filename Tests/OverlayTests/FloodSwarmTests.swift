import Overlay
import Testing

/// Random groups whose sources flood, under loss, joins, leaves and crashes; some sources use
/// trees beside them.
@Suite struct FloodSwarmTests {
    @Test(arguments: Array(1...12) as [UInt64])
    func everybodyReceivesEverySourceOnceFaultsStop(seed: UInt64) {
        var group = RandomGroup(seed: seed, salt: 104_729, newcomerChildren: 6) {
            group, lanCount, generator in
            let algorithm: DeliveryAlgorithm =
                generator.uniform(below: 4) == 0 ? .shortestPathTree : .floodAndPrune
            group.add(
                lan: generator.uniform(below: lanCount), children: 5 + generator.uniform(below: 4)
            ) { $0.algorithm = algorithm }
        }

        let problems = group.problemsOnceFaultsStop()

        #expect(problems == [], "seed \(seed)")
    }
}
