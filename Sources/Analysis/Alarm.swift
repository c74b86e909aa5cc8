import Inspection
import NetBasics

/// A limit on a figure of a stream, or of the capture: `loss>1%`, `jitter>20ms`, `rate<2M`.
package struct Alarm: Equatable, Sendable, CustomStringConvertible {
    package enum Figure: String, Sendable, CaseIterable {
        /// Share of the packets between the first and the last number that did not come.
        case loss
        /// Packets that did not come.
        case lost
        case duplicates
        case reordered
        /// RFC 3550's, in milliseconds.
        case jitter
        /// Longest time between two packets, in milliseconds.
        case gap
        /// Mean and peak, in bits per second.
        case rate
        case peak
        /// Packets in the fullest window.
        case burst
        /// The most that the modelled buffer held; bytes.
        case buffer
        case packets
        /// Packets that the capture itself lost.
        case drops
        /// Findings that are problems, and all.
        case problems
        case findings

        var isOfCapture: Bool { [.drops, .problems, .findings].contains(self) }
    }

    package enum Comparison: String, Sendable {
        case above = ">"
        case below = "<"
    }

    package var figure: Figure
    package var comparison: Comparison
    /// In the figure's unit.
    package var limit: Double
    /// As it was written.
    package var description: String

    package init(figure: Figure, _ comparison: Comparison, _ limit: Double) {
        self.figure = figure
        self.comparison = comparison
        self.limit = limit
        description = "\(figure.rawValue)\(comparison.rawValue)\(limit)"
    }

    /// Parses `FIGURE>VALUE` or `FIGURE<VALUE`, where the value may end in `%`, `ms`, `s`, `k`, `M` or `G`.
    package init?(_ text: String) {
        guard let place = text.firstIndex(where: { $0 == ">" || $0 == "<" }),
            let figure = Figure(rawValue: String(text[..<place])),
            let comparison = Comparison(rawValue: String(text[place])),
            let limit = Self.value(String(text[text.index(after: place)...]))
        else { return nil }
        self.figure = figure
        self.comparison = comparison
        self.limit = limit
        description = text
    }

    private static let units: [(suffix: String, factor: Double)] = [
        ("%", 0.01), ("ms", 1), ("s", 1000), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("", 1),
    ]

    private static func value(_ text: String) -> Double? {
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            guard let number = Double(text.dropLast(suffix.count)), number.isFinite, number >= 0
            else { return nil }
            return number * factor
        }
        return nil
    }

    private func isBroken(by value: Double) -> Bool {
        switch comparison {
        case .above: value > limit
        case .below: value < limit
        }
    }

    /// What breaks it, a line each; empty if nothing does.
    func breaches(_ report: InspectionReport) -> [String] {
        if figure.isOfCapture {
            let value = captureValue(report)
            return isBroken(by: value) ? ["\(description): \(shortNumber(value))"] : []
        }
        return report.streams.compactMap { stream in
            guard let value = value(of: stream, report.settings), isBroken(by: value) else {
                return nil
            }
            return "\(description): \(stream.title) has \(shortNumber(value * display))\(unit)"
        }
    }

    private var display: Double { figure == .loss ? 100 : 1 }

    private var unit: String {
        switch figure {
        case .loss: " %"
        case .jitter, .gap: " ms"
        case .rate, .peak: " bit/s"
        case .buffer: " bytes"
        default: ""
        }
    }

    private func captureValue(_ report: InspectionReport) -> Double {
        switch figure {
        case .problems: Double(report.findings.count { $0.severity == .problem })
        case .findings: Double(report.findings.count)
        default: Double(report.capture.droppedCount)
        }
    }

    private func value(of stream: StreamMeasure, _ settings: InspectionSettings) -> Double? {
        switch figure {
        case .loss: stream.lossShare
        case .lost: Double(stream.lost)
        case .duplicates: Double(stream.duplicates)
        case .reordered: Double(stream.reordered)
        case .jitter: stream.jitterMilliseconds?.greatest
        case .gap: stream.longestPause.milliseconds
        case .rate: stream.meanRate
        case .peak: stream.peakRate(window: settings.window)
        case .burst: Double(stream.burst.packets)
        case .buffer: stream.greatestBufferLevel
        case .packets: Double(stream.packets)
        case .drops, .problems, .findings: nil
        }
    }
}
