/// Rows of text in aligned columns, for people; no colors, no lines.
package struct TextTable {
    package enum Alignment: Sendable {
        case left
        case right
    }

    private let alignments: [Alignment]
    private var rows: [[String]]

    /// A table whose first row is the titles.
    package init(_ columns: [(title: String, alignment: Alignment)]) {
        alignments = columns.map(\.alignment)
        rows = [columns.map(\.title)]
    }

    package var isEmpty: Bool { rows.count == 1 }

    /// Appends a row; cells beyond the columns are dropped, missing ones are blank.
    package mutating func append(_ cells: [String]) {
        let missing = max(0, alignments.count - cells.count)
        rows.append(Array(cells.prefix(alignments.count)) + Array(repeating: "", count: missing))
    }

    /// The lines, each ending in a line feed; columns are two spaces apart.
    package var text: String {
        let widths = alignments.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                if column > 0 { line += "  " }
                line += alignments[column] == .left ? cell + padding : padding + cell
            }
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

/// How quantities read in tables.
package enum Readable {
    /// `1,234,567`.
    package static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var result = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
            result.append(digit)
        }
        return result
    }

    /// `0.25 %` of `whole`; `-` of nothing.
    package static func share(_ part: Int, of whole: Int) -> String {
        guard whole > 0 else { return "-" }
        return decimals(100 * Double(part) / Double(whole), 2) + " %"
    }

    /// `12.3 ms`, or `-` where nothing was measured.
    package static func milliseconds(_ value: Double?) -> String {
        value.map { decimals($0, 1) + " ms" } ?? "-"
    }

    /// `2.5 Mbit/s`.
    package static func rate(_ bitsPerSecond: Int64) -> String {
        let value = Double(bitsPerSecond)
        return switch value.magnitude {
        case 1e9...: decimals(value / 1e9, 2) + " Gbit/s"
        case 1e6...: decimals(value / 1e6, 2) + " Mbit/s"
        case 1e3...: decimals(value / 1e3, 1) + " kbit/s"
        default: decimals(value, 0) + " bit/s"
        }
    }

    /// `45 s`, `12 m 05 s` or `3 h 07 m`.
    package static func duration(seconds value: Double) -> String {
        let seconds = Int(clamping: Int64(min(max(value, 0), 1e12)))
        if value < 10 { return decimals(max(value, 0), 1) + " s" }
        if seconds < 60 { return "\(seconds) s" }
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if seconds < 3600 { return "\(seconds / 60) m \(two(seconds % 60)) s" }
        return "\(seconds / 3600) h \(two(seconds / 60 % 60)) m"
    }

    /// A fixed number of decimals, rounded half away from zero.
    package static func decimals(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return "-" }
        let scale = (0..<places).reduce(Int64(1)) { power, _ in power * 10 }
        let scaled = value * Double(scale)
        let rounded = Int64(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
        let sign = rounded < 0 ? "-" : ""
        let whole = sign + String((rounded / scale).magnitude)
        guard places > 0 else { return whole }
        return whole + "." + String((rounded % scale).magnitude + scale.magnitude).dropFirst()
    }
}
