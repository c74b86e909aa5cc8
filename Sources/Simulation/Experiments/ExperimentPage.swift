import Management

// What experiments found, as Markdown and JSON.

extension ExperimentResults {
    /// The page of the experiment; its plots lie beside it.
    func page(seeds: String) -> String {
        var text = "# \(experiment.name): \(experiment.title)\n\n"
        text += "\(experiment.text)\n\n"
        text += "Medians over the seeds \(seeds); the range in brackets. "
        text += "[docs/simulation.md](../simulation.md) explains the figures. Repeat with\n\n"
        text += "    polycast simulate --experiment \(experiment.name)\n\n"
        if !experiment.targets.isEmpty { text += "## Targets\n\n\(verdictTable)\n" }
        text += "## Figures\n\n"
        for x in xs {
            text += "### \(plain(x)) \(experiment.xTitle)\n\n\(table(at: x))\n"
        }
        let plots = plots
        if !plots.isEmpty { text += "## Plots\n\n" }
        for (name, plot) in plots { text += "![\(plot.title)](\(name).svg)\n\n" }
        return text
    }

    /// The rows of this experiment in the table of all.
    var indexRows: String {
        verdicts.map { verdict in
            "| [\(experiment.name)](\(experiment.name).md) | \(verdict.text) | "
                + "\(verdict.measuredText) | \(verdict.verdictText) |\n"
        }.joined()
    }

    private var verdictTable: String {
        var text = "| wanted | measured | |\n|---|---|---|\n"
        for verdict in verdicts {
            text += "| \(verdict.text) | \(verdict.measuredText) | \(verdict.verdictText) |\n"
        }
        return text
    }

    private func table(at x: Double) -> String {
        let shown = experiment.columns.filter { metric in
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

    // MARK: - Plots

    /// Names of files without their ending, and pictures.
    var plots: [(name: String, plot: Plot)] {
        experiment.plots.map(linePlot) + experiment.cumulatives.map(cumulativePlot)
    }

    private func linePlot(_ request: Experiment.PlotRequest) -> (name: String, plot: Plot) {
        var plot = Plot(
            title: "\(experiment.name): \(request.metric.title)", xTitle: experiment.xTitle,
            yTitle: request.metric.title)
        plot.xScale = request.xScale
        plot.yScale = request.yScale
        for system in systems {
            let measured = xs.compactMap { x in
                spread(request.metric, system, at: x).map { (x: x, spread: $0) }
            }
            guard !measured.isEmpty else { continue }
            var line = Plot.Line(
                title: system, points: measured.map { (x: $0.x, y: $0.spread.median) })
            line.spread = measured.map { (low: $0.spread.low, high: $0.spread.high) }
            plot.lines.append(line)
        }
        return ("\(experiment.name)-\(request.metric.rawValue)", plot)
    }

    private func cumulativePlot(_ request: Experiment.Cumulative) -> (name: String, plot: Plot) {
        let name: String, title: String, unit: String, at: Double, scale: Double
        let values: KeyPath<Figures, Histogram>
        switch request {
        case .latency(let x):
            (name, title, unit, at, scale) = (
                "latency", "delay from source to member", "ms", x, 1e-3
            )
            values = \.latency
        case .stretch(let x):
            let unit1 = 1 / TreeQuality.stretchScale
            (name, title, unit, at, scale) = ("stretch", "stretch", "ratio", x, unit1)
            values = \.stretch
        case .outage(let x):
            (name, title, unit, at, scale) = ("outage", "interruptions", "ms", x, 1)
            values = \.outages
        case .join(let x):
            (name, title, unit, at, scale) = ("join", "join to first packet", "ms", x, 1)
            values = \.joins
        }
        let place = "\(plain(at)) \(experiment.xTitle)"
        var plot = Plot(
            title: "\(experiment.name): \(title), \(place)", xTitle: unit, yTitle: "share of all")
        for system in systems {
            var merged = Histogram()
            for (cell, figures) in zip(experiment.cells, figures)
            where cell.system == system && cell.x == at {
                for found in figures { if let found { merged.merge(found[keyPath: values]) } }
            }
            if merged.count > 0 {
                plot.lines.append(Plot.cumulative(system, of: merged, scale: scale))
            }
        }
        return ("\(experiment.name)-cdf-\(name)", plot)
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
private func plain(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? Readable.count(Int(value)) : "\(value)"
}
