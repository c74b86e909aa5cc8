import Glibc
import Management

/// Runs the experiments, prints their targets, and writes the report.
func runExperiments(
    _ request: SimulateConfiguration.ExperimentRequest, isJSON: Bool
) async throws(Failure) -> Int32 {
    if let directory = request.reportDirectory {
        try OutputFiles.makeDirectory(directory, option: "report")
    }
    let settings = ExperimentSettings(request)
    var finished: [ExperimentResults] = []
    var progress = ProgressLine()
    for name in Experiment.names where request.names.contains(name) {
        let experiment = try Experiment.named(name, settings)
        progress.show("\(name): 0 of \(experiment.cells.reduce(0) { $0 + $1.seeds.count }) runs")
        let results = try await experiment.results { done, count in
            progress.show("\(name): \(done) of \(count) runs")
        }
        progress.clear()
        writeAll(isJSON ? "\(results.json)\n" : results.text, to: STDOUT_FILENO)
        finished.append(results)
        // An unfinished page would replace a good one.
        if Interruption.pending != nil { break }
        if let directory = request.reportDirectory {
            try results.write(to: directory)
            // Again after each, so that a report that was interrupted shows what it has.
            if request.names == Experiment.names { try writeIndex(of: finished, to: directory) }
        }
    }
    if let signal = Interruption.pending {
        writeAll(
            "polycast: interrupted; figures are of the runs that were finished\n", to: STDERR_FILENO
        )
        return 128 + signal
    }
    return verdictCode(of: finished)
}

private func writeIndex(
    of finished: [ExperimentResults], to directory: String
) throws(Failure) {
    let index = reportIndex(of: finished)
    try OutputFiles.write(index, to: "\(directory)/README.md", option: "report")
}

private func verdictCode(of finished: [ExperimentResults]) -> Int32 {
    let missed = finished.flatMap { results in
        results.verdicts.filter { $0.isMet == false }.map {
            "\(results.experiment.name): \($0.text)"
        }
    }
    guard let first = missed.first else { return ExitCode.success.rawValue }
    let more = missed.count > 1 ? ", and \(missed.count - 1) more" : ""
    let failure = Failure(.checkFailed, "a target was missed: \(first)\(more)")
    writeAll(failure.line + "\n", to: STDERR_FILENO)
    return failure.code.rawValue
}

extension ExperimentResults {
    func write(to directory: String) throws(Failure) {
        try OutputFiles.write(page, to: "\(directory)/\(experiment.name).md", option: "report")
        for (name, plot, _) in plots {
            try OutputFiles.write(plot.svg, to: "\(directory)/\(name).svg", option: "report")
        }
    }
}

/// The first page: every target, and how the figures were made.
func reportIndex(of finished: [ExperimentResults]) -> String {
    let verdicts = finished.flatMap(\.verdicts)
    let met = verdicts.count { $0.isMet == true }
    var text = """
        # How the overlay compares

        Polycast's own control and forwarding planes, and other systems beside them, on the same
        networks with the same seeds, in virtual time. `polycast simulate --experiment all --report
        DIR` makes these pages anew; [simulation.md](../simulation.md) explains the model and
        the figures. Measured is the median over seeds that were not used while anything was
        tuned, at the place where it is nearest to a miss or the furthest beyond, and in brackets the
        least and the greatest of all seeds. \(met) of \(verdicts.count) targets are met; where one
        is not, its page says what bounds it.

        | experiment | wanted | limit | measured | at | |
        |---|---|--:|--:|--:|---|

        """
    for results in finished { text += results.indexRows }
    text += "\n"
    for results in finished {
        text +=
            "- [\(results.experiment.name)](\(results.experiment.name).md): "
            + "\(results.experiment.title)\n"
    }
    let seconds = finished.reduce(0) { $0 + $1.processorSeconds }
    text +=
        "\nMade on \(Machine.description) in \(Readable.duration(seconds: seconds)) of processor "
    text += "time. Only time and memory depend on the machine.\n"
    return text
}
