import NetBasics

/// What `polycast simulate` was asked to do; made by the command line.
package struct SimulateConfiguration: Equatable, Sendable {
    package enum Task: Equatable, Sendable {
        /// One simulation.
        case run(RunPlan)
        /// These experiments, one after the other.
        case experiments(ExperimentRequest)
        /// So many random scenarios, from a seed on.
        case swarm(SwarmRequest)
    }

    package struct ExperimentRequest: Equatable, Sendable {
        package var names: [String]
        /// Where pages and plots go; `nil`: only standard output.
        package var reportDirectory: String?
        /// Seeds from this one on.
        package var firstSeed: UInt64 = 101
        package var seedCount = 5
        /// Small sizes and few seeds, to see that all works.
        package var isQuick = false

        package init(names: [String]) { self.names = names }
    }

    package struct SwarmRequest: Equatable, Sendable {
        package var firstSeed: UInt64
        package var count: Int

        package init(firstSeed: UInt64, count: Int) {
            self.firstSeed = firstSeed
            self.count = count
        }
    }

    package var task: Task
    package var isJSON = false
    /// Files and a directory to write besides; only of one simulation.
    package var treesPath: String?
    package var topologyPath: String?
    package var plotDirectory: String?

    package init(task: Task) { self.task = task }
}
