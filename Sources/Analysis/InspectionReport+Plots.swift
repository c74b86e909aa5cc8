import Drawing
import Inspection
import NetBasics

extension InspectionReport {
    /// Streams that a picture shows at most, those of the highest rate.
    private static let lineLimit = 12

    /// Pictures of rate, loss and jitter over time, by the name of their files.
    package var plots: [(name: String, plot: Plot)] {
        [
            ("rate", plot("Rate", "bit/s") { step, seconds in Double(step.bytes) * 8 / seconds }),
            ("loss", plot("Loss", "% of packets") { step, _ in Self.loss(step) }),
            ("jitter", plot("Jitter", "ms") { step, _ in step.jitter }),
        ]
    }

    /// Packets that came late fill gaps of an earlier step.
    private static func loss(_ step: Timeline.Step) -> Double {
        let lost = Double(max(0, step.lost))
        let all = lost + Double(step.packets)
        return all > 0 ? 100 * lost / all : 0
    }

    private func plot(
        _ title: String, _ unit: String, _ value: (Timeline.Step, Double) -> Double
    ) -> Plot {
        var plot = Plot(title: "\(title), \(subject)", xTitle: "s", yTitle: unit)
        let shown = streams.sorted { $0.bytes > $1.bytes }.prefix(Self.lineLimit)
        let start = shown.compactMap { $0.times?.start }.min() ?? .zero
        for stream in shown {
            guard let times = stream.times else { continue }
            let width = times.stepDuration.seconds
            let offset = (times.start - start).seconds
            let points = times.steps.enumerated().map { index, step in
                (x: offset + (Double(index) + 0.5) * width, y: value(step, width))
            }
            plot.lines.append(Plot.Line(title: stream.title, points: points))
        }
        return plot
    }
}
