import Glibc

/// A picture of lines over two axes, as SVG that suits light and dark pages.
package struct Plot: Equatable, Sendable {
    package struct Line: Equatable, Sendable {
        package var title: String
        package var points: [(x: Double, y: Double)]
        /// Least and greatest value at each point, drawn as a bar; empty: none.
        package var spread: [(low: Double, high: Double)] = []
        package var isDashed = false

        package init(title: String, points: [(x: Double, y: Double)]) {
            self.title = title
            self.points = points
        }

        package static func == (left: Line, right: Line) -> Bool {
            left.title == right.title && left.points.elementsEqual(right.points, by: ==)
                && left.spread.elementsEqual(right.spread, by: ==)
                && left.isDashed == right.isDashed
        }
    }

    package enum Scale: Equatable, Sendable {
        case linear
        /// Values of zero and less are drawn at the lower end.
        case logarithmic
    }

    package var title: String
    package var xTitle: String
    package var yTitle: String
    package var xScale = Scale.linear
    package var yScale = Scale.linear
    /// Where a logarithmic x axis has marks, if not at powers of ten.
    package var xTicks: [Double] = []
    package var lines: [Line]

    package init(title: String, xTitle: String, yTitle: String, lines: [Line] = []) {
        self.title = title
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.lines = lines
    }

    // MARK: - Drawing

    private static let width = 720.0
    private static let left = 72.0
    private static let right = 700.0
    private static let top = 40.0
    private static let bottom = 350.0
    private static let colors = [
        "#1f77b4", "#e6550d", "#2ca02c", "#9467bd", "#d62728", "#8c6d31", "#17a2b8", "#e377c2",
        "#7f7f7f", "#bcbd22",
    ]

    /// The picture as a document.
    package var svg: String {
        let xAxis = PlotAxis(xScale, lines.flatMap { $0.points.map(\.x) }, marks: xTicks)
        let yAxis = PlotAxis(
            yScale, lines.flatMap { $0.points.map(\.y) + $0.spread.flatMap { [$0.low, $0.high] } })
        let rows = (lines.count + 2) / 3
        let height = 400 + 20 * Double(rows)
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(Self.width)) \
            \(number(height))" font-family="sans-serif" font-size="12">
            <style>
            text { fill: #333 } .g { stroke: #ccc } .a { stroke: #666 } .b { fill: #fff }
            @media (prefers-color-scheme: dark) {
            text { fill: #ddd } .g { stroke: #444 } .a { stroke: #aaa } .b { fill: #16181d }
            }
            </style>
            <rect class="b" width="100%" height="100%"/>

            """
        text += label(title, x: Self.width / 2, y: 22, anchor: "middle", extra: " font-size=\"15\"")
        text += grid(xAxis, yAxis)
        // The first lines lie on top of the others.
        for index in lines.indices.reversed() { text += draw(lines[index], index, xAxis, yAxis) }
        for (index, line) in lines.enumerated() { text += legend(line, index) }
        return text + "</svg>\n"
    }

    private func x(_ value: Double, _ axis: PlotAxis) -> Double {
        Self.left + axis.place(of: value) * (Self.right - Self.left)
    }

    private func y(_ value: Double, _ axis: PlotAxis) -> Double {
        Self.bottom - axis.place(of: value) * (Self.bottom - Self.top)
    }

    private func grid(_ xAxis: PlotAxis, _ yAxis: PlotAxis) -> String {
        var text = ""
        for tick in xAxis.ticks {
            let at = x(tick, xAxis)
            text += stroke("g", at, Self.top, at, Self.bottom)
            text += label(PlotAxis.text(tick), x: at, y: Self.bottom + 16, anchor: "middle")
        }
        for tick in yAxis.ticks {
            let at = y(tick, yAxis)
            text += stroke("g", Self.left, at, Self.right, at)
            text += label(PlotAxis.text(tick), x: Self.left - 6, y: at + 4, anchor: "end")
        }
        text += stroke("a", Self.left, Self.bottom, Self.right, Self.bottom)
        text += stroke("a", Self.left, Self.top, Self.left, Self.bottom)
        let middle = (Self.left + Self.right) / 2
        text += label(xTitle, x: middle, y: Self.bottom + 36, anchor: "middle")
        let center = (Self.top + Self.bottom) / 2
        let turn = " transform=\"rotate(-90 16 \(number(center)))\""
        return text + label(yTitle, x: 16, y: center, anchor: "middle", extra: turn)
    }

    private func draw(
        _ line: Line, _ index: Int, _ xAxis: PlotAxis, _ yAxis: PlotAxis
    ) -> String {
        let color = Self.colors[index % Self.colors.count]
        let points = line.points.map {
            "\(number(x($0.x, xAxis))),\(number(y($0.y, yAxis)))"
        }
        let dash = line.isDashed || index >= Self.colors.count ? " stroke-dasharray=\"6 4\"" : ""
        var text =
            "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(index == 0 ? 3 : 2)\"\(dash) "
        text += "points=\"\(points.joined(separator: " "))\"/>\n"
        for (point, range) in zip(line.points, line.spread) {
            let at = number(x(point.x, xAxis))
            text += "<line stroke=\"\(color)\" x1=\"\(at)\" x2=\"\(at)\" "
            text +=
                "y1=\"\(number(y(range.low, yAxis)))\" y2=\"\(number(y(range.high, yAxis)))\"/>\n"
        }
        guard line.points.count <= 20 else { return text }
        for point in line.points {
            text += "<circle fill=\"\(color)\" r=\"3\" cx=\"\(number(x(point.x, xAxis)))\" "
            text += "cy=\"\(number(y(point.y, yAxis)))\"/>\n"
        }
        return text
    }

    private func legend(_ line: Line, _ index: Int) -> String {
        let color = Self.colors[index % Self.colors.count]
        let left = Self.left + Double(index % 3) * 212
        let top = 406 + Double(index / 3) * 20
        return
            "<rect fill=\"\(color)\" x=\"\(number(left))\" y=\"\(number(top - 4))\" width=\"18\" "
            + "height=\"4\"/>\n" + label(line.title, x: left + 24, y: top + 2, anchor: "start")
    }

    private func stroke(
        _ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double
    ) -> String {
        "<line class=\"\(kind)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" "
            + "y2=\"\(number(y2))\"/>\n"
    }

    private func label(
        _ text: String, x: Double, y: Double, anchor: String, extra: String = ""
    ) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\"\(extra)>"
            + "\(escaped(text))</text>\n"
    }

    /// A coordinate with one decimal.
    private func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
    }

    private func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}

/// One axis: which values it shows, and where.
struct PlotAxis {
    let scale: Plot.Scale
    private let low: Double
    private let high: Double
    private let marks: [Double]

    /// An axis that holds the values; `marks` take the place of round numbers if it is logarithmic.
    init(_ scale: Plot.Scale, _ values: [Double], marks: [Double] = []) {
        self.scale = scale
        let positive = marks.filter { $0 > 0 && $0.isFinite }
        self.marks = positive.count > 1 && scale == .logarithmic ? positive : []
        let finite = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
        let least = finite.min() ?? (scale == .linear ? 0 : 1)
        let most = finite.max() ?? 1
        switch scale {
        case .linear:
            let floor = min(0, least)
            let step = Self.step(most - floor)
            (low, high) = (floor, max((most / step).rounded(.up) * step, floor + step))
        case .logarithmic:
            guard self.marks.isEmpty else {
                (low, high) = (least / 1.1, max(most * 1.1, least * 2))
                return
            }
            let lowest = Self.roundDown(least)
            (low, high) = (lowest, max(-Self.roundDown(-most), lowest * 10))
        }
    }

    /// The next 1, 2 or 5 times a power of ten towards zero; of negative numbers, away from it.
    private static func roundDown(_ value: Double) -> Double {
        let size = value.magnitude
        let power = pow(10, log10(size).rounded(.down))
        let steps = [1.0, 2, 5, 10].map { $0 * power }
        guard value < 0 else { return steps.last { $0 <= size * 1.0001 } ?? power }
        return -(steps.first { $0 >= size * 0.9999 } ?? power * 10)
    }

    /// Where on the axis a value is: 0 to 1.
    func place(of value: Double) -> Double {
        let place: Double
        switch scale {
        case .linear: place = (value - low) / (high - low)
        case .logarithmic: place = value <= low ? 0 : log(value / low) / log(high / low)
        }
        return min(max(place.isFinite ? place : 0, 0), 1)
    }

    var ticks: [Double] {
        switch scale {
        case .linear:
            let step = Self.step(high - low)
            return (0...20).map { low + Double($0) * step }.filter { $0 <= high * 1.0001 }
        case .logarithmic:
            guard marks.isEmpty else { return marks }
            let first = pow(10, log10(low * 1.0001).rounded(.down))
            let digits = high / low > 300 ? [1.0] : [1.0, 2, 5]
            return (0...15).flatMap { power in
                digits.map { $0 * first * pow(10, Double(power)) }
            }.filter { $0 >= low * 0.9999 && $0 <= high * 1.0001 }
        }
    }

    /// A round distance that divides a range into four to ten.
    private static func step(_ range: Double) -> Double {
        guard range > 0, range.isFinite else { return 1 }
        let power = pow(10, log10(range).rounded(.down))
        let share = range / power
        return power * (share < 2 ? 0.25 : share < 4 ? 0.5 : 1)
    }

    /// `1.5`, `20k` or `3M`.
    static func text(_ value: Double) -> String {
        for (unit, suffix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] where value >= unit {
            return plain(value / unit) + suffix
        }
        return plain(value)
    }

    private static func plain(_ value: Double) -> String {
        let rounded = (value * 10000).rounded() / 10000
        return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
    }
}
