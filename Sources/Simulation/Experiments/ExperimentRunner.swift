import Glibc
import Management

/// What the simulations of an experiment yielded.
package struct ExperimentResults: Sendable {
    package let experiment: Experiment
    /// Per cell and seed; `nil`: not run.
    package var figures: [[Figures?]]
    /// Whether every simulation was run.
    package var isComplete: Bool { figures.allSatisfy { $0.allSatisfy { $0 != nil } } }

    init(_ experiment: Experiment) {
        self.experiment = experiment
        figures = experiment.cells.map { [Figures?](repeating: nil, count: $0.seeds.count) }
    }

    /// The metric over the seeds of the cell of `system` at `x`.
    func spread(_ metric: Metric, _ system: String, at x: Double) -> Spread? {
        let values = experiment.cells.indices
            .filter { experiment.cells[$0].system == system && experiment.cells[$0].x == x }
            .flatMap { figures[$0].compactMap { $0?[metric] } }
        return Spread(values)
    }

    /// All systems, and all places on the x axis, in order of appearance.
    var systems: [String] { Self.distinct(experiment.cells.map(\.system)) }
    var xs: [Double] { Self.distinct(experiment.cells.map(\.x)) }

    private static func distinct<Element: Equatable>(_ elements: [Element]) -> [Element] {
        elements.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}

extension Experiment {
    /// Simulations at once: as many as the machines that this is measured on have processors.
    static let parallelism = 2

    private struct Job: Sendable {
        var cell: Int
        var place: Int
    }

    /// Runs every cell with every seed, `parallelism` at a time; stops early at a signal.
    func results(
        progress: (_ done: Int, _ count: Int) -> Void
    ) async throws(Failure) -> ExperimentResults {
        var results = ExperimentResults(self)
        var jobs: [Job] = []
        for (cell, contents) in cells.enumerated() {
            for place in contents.seeds.indices { jobs.append(Job(cell: cell, place: place)) }
        }
        let count = jobs.count
        jobs.reverse()
        var done = 0
        var failure: Failure?
        await withTaskGroup(of: (Job, Result<Figures, Failure>).self) { group in
            for _ in 0..<(isSequential ? 1 : Self.parallelism) { start(jobs.popLast(), in: &group) }
            for await (job, result) in group {
                switch result {
                case .success(let figures):
                    // What a signal cut short is no result.
                    if Interruption.pending == nil {
                        results.figures[job.cell][job.place] = figures
                    }
                case .failure(let found):
                    failure = failure ?? found
                }
                done += 1
                progress(done, count)
                guard failure == nil, Interruption.pending == nil else { continue }
                start(jobs.popLast(), in: &group)
            }
        }
        if let failure { throw failure }
        return results
    }

    private func start(
        _ job: Job?, in group: inout TaskGroup<(Job, Result<Figures, Failure>)>
    ) {
        guard let job else { return }
        let cell = cells[job.cell]
        let seed = cell.seeds[job.place]
        group.addTask {
            do throws(Failure) {
                return (job, .success(try cell.run(seed)))
            } catch {
                return (job, .failure(error))
            }
        }
    }
}

// MARK: - Targets

/// Whether a target was met, and by how much.
package struct Verdict: Equatable, Sendable {
    package var text: String
    /// The worst median of all places where the target applies, with its spread.
    package var measured: Spread?
    package var bound: Double?
    package var decimals: Int
    /// `nil`: nothing was measured.
    package var isMet: Bool?
}

extension ExperimentResults {
    package var verdicts: [Verdict] { experiment.targets.map(verdict) }

    private func verdict(on target: Experiment.Target) -> Verdict {
        var verdict = Verdict(text: target.text, decimals: target.metric.decimals)
        var worstRatio = -Double.infinity
        for x in target.xs ?? xs {
            guard let measured = spread(target.metric, target.system, at: x),
                let bound = bound(of: target, at: x)
            else { continue }
            let isMet =
                bound.isUpper ? measured.median <= bound.value : measured.median >= bound.value
            let ratio =
                (bound.isUpper ? measured.median - bound.value : bound.value - measured.median)
                / max(1e-9, bound.value.magnitude)
            verdict.isMet = (verdict.isMet ?? true) && isMet
            if ratio > worstRatio {
                worstRatio = ratio
                verdict.measured = measured
                verdict.bound = bound.value
            }
        }
        return verdict
    }

    private func bound(
        of target: Experiment.Target, at x: Double
    ) -> (value: Double, isUpper: Bool)? {
        switch target.bound {
        case .atMost(let value): return (value, true)
        case .atLeast(let value): return (value, false)
        case .atMostOf(let system):
            return spread(target.metric, system, at: x).map { ($0.median, true) }
        }
    }
}
