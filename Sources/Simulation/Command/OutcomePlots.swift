import Drawing

extension PreparedRun {
    /// What `--plot` draws of one simulation: file names without their ending, and pictures.
    package func plots(of outcome: Outcome) -> [(name: String, plot: Plot)] {
        let kinds: [(name: String, title: String, unit: String, of: Histogram, scale: Double)] = [
            ("latency", "Delay from source to member", "ms", outcome.latency, 1e-3),
            (
                "stretch", "Delay relative to the direct path", "ratio", outcome.quality.stretch,
                1 / TreeQuality.stretchScale
            ),
            ("control", "Control traffic sent", "bit/s", outcome.control, 1),
            ("join", "Join to first packet", "ms", outcome.joins, 1),
            ("outage", "Interruptions", "ms", outcome.outages, 1),
        ]
        return kinds.filter { $0.of.count > 0 }.map { kind in
            let line = Plot.cumulative(plan.system.title, of: kind.of, scale: kind.scale)
            let plot = Plot(
                title: kind.title, xTitle: kind.unit, yTitle: "share of all", lines: [line])
            return (kind.name, plot)
        }
    }
}
