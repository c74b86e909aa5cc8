import Drawing

// The plots of a page.

extension ExperimentResults {
    /// A picture, the name of its file without the ending, and what to say below it.
    package typealias Picture = (name: String, plot: Plot, caption: String)

    package var plots: [Picture] {
        experiment.plots.map(linePlot) + experiment.cumulatives.map(cumulativePlot)
    }

    private func linePlot(_ request: Experiment.PlotRequest) -> Picture {
        var plot = Plot(
            title: "\(experiment.name): \(request.metric.title)", xTitle: experiment.xTitle,
            yTitle: request.metric.title)
        plot.xScale = request.xScale
        plot.xTicks = xs
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
        let caption =
            "Medians; bars reach from the least to the greatest of the seeds. "
            + "\(request.metric.title): \(request.metric.explanation)"
        return ("\(experiment.name)-\(request.metric.rawValue)", plot, caption)
    }

    private func cumulativePlot(_ request: Experiment.Cumulative) -> Picture {
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
        let place = "\(axisText(at)) \(experiment.xTitle)"
        var plot = Plot(
            title: "\(experiment.name): \(title), \(place)", xTitle: "\(title), \(unit)",
            yTitle: "share of all")
        plot.xScale = .logarithmic
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
        let caption = "Of all seeds together: the share of values that are at most so large."
        return ("\(experiment.name)-cdf-\(name)", plot, caption)
    }
}
