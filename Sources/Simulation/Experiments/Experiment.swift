import Drawing
import Management
import NetBasics

/// A question put to several systems: which simulations answer it, and what counts as success.
package struct Experiment: Sendable {
    /// One system at one place of the x axis; run once per seed.
    package struct Cell: Sendable {
        package var system: String
        package var x: Double
        package var seeds: [UInt64]
        /// What is run, but for its seed; `nil`: no single simulation.
        package var plan: RunPlan?
        package var run: @Sendable (UInt64) throws(Failure) -> Figures
    }

    package struct PlotRequest: Sendable {
        package var metric: Metric
        package var xScale = Plot.Scale.logarithmic
        package var yScale = Plot.Scale.linear
    }

    /// Which distribution to draw of all systems at one place of the x axis.
    package enum Cumulative: Sendable {
        case latency(at: Double)
        case stretch(at: Double)
        case outage(at: Double)
        case join(at: Double)
    }

    package struct Target: Sendable {
        package enum Bound: Sendable {
            case atMost(Double)
            case atLeast(Double)
            /// No more than the other system's, at the same x and seeds.
            case atMostOf(String)
        }

        /// What is wanted, in words.
        package var text: String
        package var system: String
        package var metric: Metric
        /// Where it is wanted; `nil`: everywhere.
        package var xs: [Double]?
        package var bound: Bound

        package init(
            _ text: String, _ system: SimulatedSystem, _ metric: Metric, _ bound: Bound,
            xs: [Double]? = nil
        ) {
            self.text = text
            self.system = system.title
            self.metric = metric
            self.bound = bound
            self.xs = xs
        }
    }

    package var name: String
    package var title: String
    /// Paragraphs of Markdown: set-up, and whose it is.
    package var text: String
    /// What bounds the figures: Markdown, shown where targets are.
    package var remarks = ""
    package var xTitle: String
    package var columns: [Metric]
    package var cells: [Cell] = []
    package var plots: [PlotRequest] = []
    package var cumulatives: [Cumulative] = []
    package var targets: [Target] = []
    /// Small groups, and the options that repeat the experiment.
    package var isQuick = false
    package var options = ""
    /// One run at a time, for those that measure time and memory.
    package var isSequential = false

    package init(
        name: String, title: String, text: String, xTitle: String, columns: [Metric]
    ) {
        self.name = name
        self.title = title
        self.text = text
        self.xTitle = xTitle
        self.columns = columns
    }

    /// Adds a system at `x`; `plan` gets its seed before each run.
    mutating func add(
        _ plan: RunPlan, x: Double, seeds: [UInt64], title: String? = nil,
        measure: @escaping @Sendable (PreparedRun) throws(Failure) -> Figures = measureAll
    ) {
        cells.append(
            Cell(system: title ?? plan.system.title, x: x, seeds: seeds, plan: plan) {
                seed throws(Failure) in
                var plan = plan
                plan.scenario.seed = seed
                return try measure(try plan.prepared())
            })
    }

    /// Runs a simulation to its end, or until a signal comes.
    static let measureAll: @Sendable (PreparedRun) throws(Failure) -> Figures = {
        run throws(Failure) in
        Figures(try run.run { _ in Interruption.pending != nil }, of: run)
    }
}

/// How experiments are run.
package struct ExperimentSettings: Sendable {
    package var seeds: [UInt64]
    package var isQuick: Bool
    /// Fewer, for systems and sizes that take long; the pages say which.
    package var fewSeeds: [UInt64] { Array(seeds.prefix(3)) }

    /// All for Polycast, fewer for others.
    func seeds(of system: SimulatedSystem) -> [UInt64] { system.isPolycast ? seeds : fewSeeds }

    /// What the command line needs besides the name; empty: nothing.
    let options: String

    package init(_ request: SimulateConfiguration.ExperimentRequest) {
        let standard = SimulateConfiguration.ExperimentRequest(names: [])
        var options = request.isQuick ? " --quick" : ""
        if request.firstSeed != standard.firstSeed { options += " --seed \(request.firstSeed)" }
        if request.seedCount != standard.seedCount { options += " --runs \(request.seedCount)" }
        self.options = options
        let count = request.isQuick ? min(2, request.seedCount) : request.seedCount
        seeds = (0..<UInt64(count)).map { request.firstSeed &+ $0 }
        isQuick = request.isQuick
    }

    /// All sizes, or the small ones.
    func sizes(_ all: [Int], quick: [Int]) -> [Int] { isQuick ? quick : all }
}

extension Experiment {
    /// The experiments by name, in the order of the report.
    static let makers:
        [(name: String, make: @Sendable (ExperimentSettings) throws(Failure) -> Experiment)] = [
            ("E1", makeE1), ("E2", makeE2), ("E3", makeE3), ("E4", makeE4), ("E5", makeE5),
            ("E6", makeE6), ("optimum", makeOptimum), ("flash-crowd", makeFlashCrowd),
            ("conference", makeConference), ("growth", makeGrowth),
        ]

    package static var names: [String] { makers.map(\.name) }

    /// The experiment of that name, which is one of ``names``.
    package static func named(
        _ name: String, _ settings: ExperimentSettings
    ) throws(Failure) -> Experiment {
        guard let maker = makers.first(where: { $0.name == name }) else {
            throw Failure(.usage, "no experiment is called \(quoted(name))")
        }
        var experiment = try maker.make(settings)
        experiment.isQuick = settings.isQuick
        experiment.options = settings.options
        return experiment
    }
}

/// A topology of an experiment; its text is ours, so it is well formed.
func topology(_ text: String) throws(Failure) -> TopologySpec {
    do throws(TopologyError) {
        return try TopologySpec(parsing: text)
    } catch {
        throw error.failure
    }
}
