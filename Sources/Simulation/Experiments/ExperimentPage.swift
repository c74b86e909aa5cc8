import Management

// What experiments found, as Markdown and JSON.

extension ExperimentResults {
    /// The page of the experiment; its plots lie beside it.
    package var page: String {
        var text = "# \(experiment.name): \(experiment.title)\n\n\(experiment.text)\n\n"
        if experiment.isQuick { text += "**Small groups, to see that all works.**\n\n" }
        if !experiment.targets.isEmpty {
            text += "## Targets\n\n\(verdictTable)\nMeasured is the median over the seeds, where "
            text +=
                "it is nearest to a miss, or the furthest beyond; in brackets the least and the "
            text += "greatest of all seeds.\n\n"
        }
        if !experiment.remarks.isEmpty { text += "## Bounds\n\n\(experiment.remarks)\n\n" }
        text += "## Figures\n\n\(glossary)\n"
        for x in xs { text += "### \(axisText(x)) \(experiment.xTitle)\n\n\(table(at: x))\n" }
        let plots = plots
        if !plots.isEmpty { text += "## Plots\n\n" }
        for plot in plots {
            text += "![\(plot.plot.title)](\(plot.name).svg)\n\n\(plot.caption)\n\n"
        }
        return text + "## Runs\n\n\(runs)"
    }

    /// The rows of this experiment in the table of all.
    var indexRows: String {
        verdicts.map { "| [\(experiment.name)](\(experiment.name).md) \(cells(of: $0))\n" }.joined()
    }

    private var verdictTable: String {
        verdicts.reduce("| wanted | limit | measured | at | |\n|---|--:|--:|--:|---|\n") {
            "\($0)\(cells(of: $1))\n"
        }
    }

    /// What follows the name of the experiment in the table of all.
    private func cells(of verdict: Verdict) -> String {
        let place = verdict.at.map { "\(axisText($0)) \(experiment.xTitle)" } ?? "-"
        return "| \(verdict.text) | \(verdict.boundText) | \(verdict.measuredText) | \(place) | "
            + "\(verdict.verdictText) |"
    }

    private var shownColumns: [Metric] {
        experiment.columns.filter { metric in
            figures.joined().contains { $0?[metric] != nil }
        }
    }

    /// What the columns mean.
    private var glossary: String {
        var entries: [(titles: [String], explanation: String)] = []
        for metric in shownColumns {
            if entries.last?.explanation == metric.explanation {
                entries[entries.count - 1].titles.append(metric.title)
            } else {
                entries.append(([metric.title], metric.explanation))
            }
        }
        let columns = entries.map { entry in
            "- **\(entry.titles.joined(separator: ", "))**: \(entry.explanation)\n"
        }.joined()
        return "Medians over the seeds; in brackets the least and the greatest.\n\n\(columns)"
    }

    private func table(at x: Double) -> String {
        let shown = shownColumns.filter { metric in
            systems.contains { spread(metric, $0, at: x) != nil }
        }
        var text = "| system | \(shown.map(\.title).joined(separator: " | ")) |\n"
        text += "|---|\(shown.map { _ in "--:|" }.joined())\n"
        for system in systems {
            let cells = shown.map { metric in
                spread(metric, system, at: x)?.text(decimals: metric.decimals) ?? "-"
            }
            guard cells.contains(where: { $0 != "-" }) else { continue }
            text += "| \(system) | \(cells.joined(separator: " | ")) |\n"
        }
        return text
    }

    // MARK: - For programs and people

    /// `polycast.experiment/1`: every target, and the medians of every cell.
    var json: JSONValue {
        [
            "schema": "polycast.experiment/1",
            "experiment": .string(experiment.name),
            "complete": .bool(isComplete),
            "targets": .array(verdicts.map(\.json)),
            "cells": .array(experiment.cells.indices.map(cellJSON)),
        ]
    }

    private func cellJSON(_ index: Int) -> JSONValue {
        let cell = experiment.cells[index]
        let members = experiment.columns.compactMap { metric -> JSONValue.Member? in
            guard let spread = Spread(figures[index].compactMap { $0?[metric] }) else { return nil }
            return .init(
                metric.rawValue,
                [
                    "median": .number(spread.median), "low": .number(spread.low),
                    "high": .number(spread.high),
                ])
        }
        return [
            "system": .string(cell.system), "x": .number(cell.x),
            "seeds": .array(cell.seeds.map { .string("\($0)") }), "figures": .object(members),
            "processor_s": .number(figures[index].reduce(0) { $0 + ($1?.processorSeconds ?? 0) }),
        ]
    }

    /// The targets as lines for a terminal.
    var text: String {
        var table = TextTable([
            ("experiment", .left), ("wanted", .left), ("measured", .right), ("", .left),
        ])
        for verdict in verdicts {
            table.append(
                [experiment.name, verdict.text, verdict.measuredText, verdict.verdictText])
        }
        return table.text
    }
}

extension Verdict {
    var measuredText: String { measured?.text(decimals: decimals) ?? "-" }

    var boundText: String {
        bound.map { "\(isUpper ? "≤" : "≥") \(Readable.decimals($0, decimals))" } ?? "-"
    }

    var verdictText: String {
        switch isMet {
        case true?: "met"
        case false?: "**missed**"
        case nil: "not measured"
        }
    }

    fileprivate var json: JSONValue {
        [
            "wanted": .string(text), "median": JSONValue(measured?.median),
            "low": JSONValue(measured?.low), "high": JSONValue(measured?.high),
            "bound": JSONValue(bound), "met": isMet.map(JSONValue.bool) ?? .null,
        ]
    }
}

extension Spread {
    /// `1.25 (1.10–1.31)`, or the one value that there is.
    func text(decimals: Int) -> String {
        let middle = Readable.decimals(median, decimals)
        let range = [low, high].map { Readable.decimals($0, decimals) }
        return range == [middle, middle] ? middle : "\(middle) (\(range[0])–\(range[1]))"
    }
}

/// A number of the x axis, without a point if it is whole.
func axisText(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? Readable.count(Int(value)) : "\(value)"
}
