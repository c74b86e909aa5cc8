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

    /// Processor time of all simulations, in seconds.
    var processorSeconds: Double {
        figures.joined().reduce(0) { $0 + ($1?.processorSeconds ?? 0) }
    }

    /// The metric over the seeds of the cell of `system` at `x`; of those that are among `chosen`.
    func spread(
        _ metric: Metric, _ system: String, at x: Double, chosen: Set<UInt64>? = nil
    ) -> Spread? {
        var values: [Double] = []
        for (index, cell) in experiment.cells.enumerated()
        where cell.system == system && cell.x == x {
            for (seed, found) in zip(cell.seeds, figures[index])
            where chosen?.contains(seed) ?? true {
                if let value = found?[metric] { values.append(value) }
            }
        }
        return Spread(values)
    }

    /// The seeds with which the system was run at `x`.
    private func seeds(of system: String, at x: Double) -> Set<UInt64> {
        var seeds: Set<UInt64> = []
        for (index, cell) in experiment.cells.enumerated()
        where cell.system == system && cell.x == x {
            for (seed, found) in zip(cell.seeds, figures[index]) where found != nil {
                seeds.insert(seed)
            }
        }
        return seeds
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
                let start = Machine.threadSeconds
                var figures = try cell.run(seed)
                figures.processorSeconds = Machine.threadSeconds - start
                return (job, .success(figures))
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
    /// Where that was.
    package var at: Double?
    package var bound: Double?
    package var isUpper = true
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
            guard let bound = bound(of: target, at: x),
                let measured = spread(
                    target.metric, target.system, at: x, chosen: bound.seeds)
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
                verdict.at = x
                verdict.bound = bound.value
                verdict.isUpper = bound.isUpper
            }
        }
        return verdict
    }

    /// The value to keep, and with which seeds: those that the other system had too.
    private func bound(
        of target: Experiment.Target, at x: Double
    ) -> (value: Double, isUpper: Bool, seeds: Set<UInt64>?)? {
        switch target.bound {
        case .atMost(let value): return (value, true, nil)
        case .atLeast(let value): return (value, false, nil)
        case .atMostOf(let system):
            let common = seeds(of: system, at: x).intersection(seeds(of: target.system, at: x))
            return spread(target.metric, system, at: x, chosen: common).map {
                ($0.median, true, common)
            }
        }
    }
}
