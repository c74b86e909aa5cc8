import Management
import NetBasics

// What was run for a page, so that it can be judged and repeated.

extension ExperimentResults {
    /// How long each system had, with which seeds, and how to repeat it.
    var runs: String {
        var text = "| system | at | seeds | settles for | measured for | media since |\n"
        text += "|---|---|---|--:|--:|--:|\n"
        for system in systems {
            for row in rows(of: system) { text += "| \(system) | \(row) |\n" }
        }
        text += "\nTimes are virtual. The simulations of this page took "
        text += "\(Readable.duration(seconds: processorSeconds)) of processor time. "
        text += "[simulation.md](../simulation.md) explains the model and every figure. "
        text += "To make the page again:\n\n"
        text += "    polycast simulate --experiment \(experiment.name)\(experiment.options)"
        text += " --report DIR\n"
        guard let example else { return text }
        return text + "\nOne of its simulations by itself:\n\n    \(example)\n"
    }

    /// A row for all places of the x axis that were run alike.
    private func rows(of system: String) -> [String] {
        var rows: [(places: [String], rest: String)] = []
        for cell in experiment.cells where cell.system == system {
            let rest = "\(seedText(cell.seeds)) | \(timeText(cell.plan?.scenario))"
            let place = axisText(cell.x)
            if let known = rows.firstIndex(where: { $0.rest == rest }) {
                if !rows[known].places.contains(place) { rows[known].places.append(place) }
            } else {
                rows.append(([place], rest))
            }
        }
        return rows.map { "\($0.places.joined(separator: ", ")) | \($0.rest)" }
    }

    private func timeText(_ scenario: Scenario?) -> String {
        guard let scenario else { return "- | - | -" }
        var since = scenario.publishAt
        if scenario.workload != .steady { since = scenario.warmUp }
        return [scenario.warmUp, scenario.duration - scenario.warmUp, since]
            .map { "\(plainNumber($0.seconds)) s" }.joined(separator: " | ")
    }

    /// A simulation that the command line can express: the first of Polycast in the largest group
    /// where there is one.
    private var example: String? {
        for x in xs.reversed() {
            for cell in experiment.cells where cell.x == x && cell.plan?.system.isPolycast == true {
                if let command = cell.plan?.command, let seed = cell.seeds.first {
                    return "\(command) --seed \(seed)"
                }
            }
        }
        return nil
    }
}

/// `101–105`, or all of them where they do not follow each other.
func seedText(_ seeds: [UInt64]) -> String {
    guard let first = seeds.first, let last = seeds.last, seeds.count > 2,
        zip(seeds, seeds.dropFirst()).allSatisfy({ $0 &+ 1 == $1 })
    else { return seeds.map { "\($0)" }.joined(separator: ", ") }
    return "\(first)–\(last)"
}
