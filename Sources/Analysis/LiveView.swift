import Inspection
import Management
import NetBasics

/// What a live inspection shows on a terminal: a page of it, cut to the screen.
struct LiveView: Equatable, Sendable {
    enum Page: Int, CaseIterable, Sendable {
        case streams = 1
        case groups = 2
        case findings = 3

        var title: String {
            switch self {
            case .streams: "1 streams"
            case .groups: "2 groups"
            case .findings: "3 findings"
            }
        }
    }

    enum Order: String, CaseIterable, Sendable {
        case address
        case rate
        case loss
        case jitter
    }

    private(set) var page = Page.streams
    private(set) var order = Order.address
    private(set) var isPaused = false
    private(set) var isOver = false
    /// Lines of the page above the screen.
    private var offset = 0

    /// Obeys keys: 1, 2, 3 and tab choose a page, s the order, space pauses, j and k scroll, q ends.
    mutating func press(_ keys: [UInt8]) {
        // Arrows come as three bytes, of which the last one tells.
        let codes = keys.starts(with: [0x1B, UInt8(ascii: "[")]) ? Array(keys.dropFirst(2)) : keys
        let isArrow = codes.count != keys.count
        for code in codes { press(code, isArrow: isArrow) }
    }

    private mutating func press(_ code: UInt8, isArrow: Bool) {
        switch Character(UnicodeScalar(code)) {
        case "A" where isArrow, "k": offset = max(0, offset - 1)
        case "B" where isArrow, "j": offset += 1
        case "q": isOver = true
        case " ": isPaused.toggle()
        case "s":
            let place = Order.allCases.firstIndex(of: order) ?? 0
            order = Order.allCases[(place + 1) % Order.allCases.count]
        case "\t": turn(to: Page(rawValue: page.rawValue % Page.allCases.count + 1) ?? .streams)
        case let digit: if let page = digit.wholeNumberValue.flatMap(Page.init) { turn(to: page) }
        }
    }

    private mutating func turn(to page: Page) {
        self.page = page
        offset = 0
    }

    /// The screen's lines, each of at most `columns` characters; ends scrolling at the page's end.
    mutating func lines(
        _ report: InspectionReport, columns: Int, rows: Int, hasColors: Bool
    ) -> [String] {
        let body = pageLines(report, columns)
        let room = max(1, rows - 3)
        offset = min(offset, max(0, body.count - room))
        let shown = Array(body.dropFirst(offset).prefix(room))
        let filler = [String](repeating: "", count: room - shown.count)
        let all = [head(report)] + shown + filler + [foot(report), keysLine]
        return all.enumerated().map { index, line in
            let cut = String(line.prefix(columns))
            guard hasColors else { return cut }
            if index == 0 { return "\u{1B}[7m\(cut)\u{1B}[0m" }
            if cut.hasPrefix("problem") { return "\u{1B}[31m\(cut)\u{1B}[0m" }
            if cut.hasPrefix("warning") { return "\u{1B}[33m\(cut)\u{1B}[0m" }
            return cut
        }
    }

    private func head(_ report: InspectionReport) -> String {
        let pages = Page.allCases.map { $0 == page ? "[\($0.title)]" : " \($0.title) " }
        return "polycast \(report.subject)  " + pages.joined(separator: " ")
            + (isPaused ? "  paused" : "")
    }

    private func foot(_ report: InspectionReport) -> String {
        let problems = report.findings.count { $0.severity == .problem }
        return "\(report.streams.count) streams, \(report.groups.count) groups, "
            + "\(report.queriers.count) queriers, \(problems) problems, "
            + "\(report.capture.counts.packets) packets, \(report.capture.droppedCount) dropped"
    }

    private var keysLine: String {
        "q quit  tab page  s order (\(order.rawValue))  space pause  j k scroll"
    }

    private func pageLines(_ report: InspectionReport, _ columns: Int) -> [String] {
        let text =
            switch page {
            case .streams: report.streamTable(sorted(report.streams), within: columns)
            case .groups: report.groupTable(report.groups, within: columns)
            case .findings:
                report.findings.isEmpty
                    ? "No findings.\n" : report.findings.map(InspectionReport.text).joined()
            }
        let lines = text.split(separator: "\n").map(String.init)
        return page == .findings ? lines.flatMap { Self.wrapped($0, columns) } : lines
    }

    /// A line broken between words, its later parts two columns in.
    static func wrapped(_ line: String, _ columns: Int) -> [String] {
        var lines: [String] = []
        var current = String(line.prefix { $0 == " " })
        var isEmpty = true
        for word in line.split(separator: " ") {
            if !isEmpty, current.count + 1 + word.count > columns {
                lines.append(current)
                (current, isEmpty) = ("  ", true)
            }
            current += isEmpty ? String(word) : " \(word)"
            isEmpty = false
        }
        return lines + [current]
    }

    private func sorted(_ streams: [StreamMeasure]) -> [StreamMeasure] {
        func most(_ value: (StreamMeasure) -> Double?) -> [StreamMeasure] {
            streams.sorted { (value($0) ?? -1, $1.order) > (value($1) ?? -1, $0.order) }
        }
        return switch order {
        case .address: streams
        case .rate: most { $0.meanRate }
        case .loss: most { $0.lossShare }
        case .jitter: most { $0.jitterMilliseconds?.running }
        }
    }
}
