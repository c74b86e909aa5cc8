import Inspection
import Management
import NetBasics
import Wire

extension InspectionReport {
    /// For people: tables of streams, groups and queriers, findings, and what was captured.
    package var text: String {
        var parts: [String] = []
        if !streams.isEmpty { parts.append(streamTable(streams)) }
        if !groups.isEmpty { parts.append(groupTable(groups)) }
        if !queriers.isEmpty { parts.append(querierTable) }
        if overlay.datagrams > 0 { parts.append(overlayText) }
        parts.append(findings.isEmpty ? "No findings.\n" : findings.map(Self.text).joined())
        parts.append(captureText)
        return parts.joined(separator: "\n")
    }

    /// Link-layer addresses are left out where lines would be longer than `room`.
    func groupTable(_ groups: [GroupSummary], within room: Int = .max) -> String {
        let text = groupTable(groups, showsHardware: true)
        let isFit = text.split(separator: "\n").allSatisfy { $0.count <= room }
        return isFit ? text : groupTable(groups, showsHardware: false)
    }

    private func groupTable(_ groups: [GroupSummary], showsHardware: Bool) -> String {
        let all: [(title: String, alignment: TextTable.Alignment)] = [
            ("GROUP", .left), ("MAC", .left), ("SOURCES", .left), ("MEMBERS", .left),
            ("FORGOTTEN IN", .right),
        ]
        func shown<Cell>(_ cells: [Cell]) -> [Cell] {
            showsHardware ? cells : Array(cells[..<1] + cells[2...])
        }
        var table = TextTable(shown(all))
        for group in groups {
            let sources = group.sources.map { "\($0)" }.joined(separator: " ")
            let head = [
                "\(group.group)", group.hardware.map { "\($0)" } ?? "-",
                sources.isEmpty ? "-" : sources,
            ]
            let present = group.members.filter { $0.member.leftAt == nil }
            if present.isEmpty { table.append(shown(head + ["-", "-"])) }
            for (index, entry) in present.enumerated() {
                let first = index == 0 ? head : ["", "", ""]
                let rest = "\((entry.expiry - end).components.seconds) s"
                table.append(shown(first + [memberText(entry.member), rest]))
            }
        }
        return table.text
    }

    private func memberText(_ member: GroupMember) -> String {
        let filter =
            member.sources.isEmpty
            ? ""
            : " \(member.mode.rawValue) "
                + member.sources.map { "\($0)" }.joined(separator: ",")
        return "\(member.address) v\(member.version)\(filter)"
    }

    private var querierTable: String {
        var table = TextTable([
            ("QUERIER", .left), ("VERSION", .left), ("INTERVAL", .right), ("QUERIES", .right),
            ("LAST", .right),
        ])
        for querier in queriers {
            let family = if case .v4 = querier.address { "IGMPv" } else { "MLDv" }
            table.append([
                "\(querier.address)", "\(family)\(querier.version)",
                querier.interval.map { "\($0.components.seconds) s" } ?? "-",
                "\(querier.generalQueries + querier.specificQueries)",
                "\((end - querier.lastSeen).components.seconds) s ago",
            ])
        }
        return table.text
    }

    private var overlayText: String {
        let kinds = DatagramHeader.Kind.allCases.filter { overlay.count(of: $0) > 0 }
        let list = kinds.map { "\(overlay.count(of: $0)) \($0)" }.joined(separator: ", ")
        return "Polycast: \(overlay.datagrams) datagrams of \(overlay.endpointCount) peers, "
            + "\(overlay.groups.count) groups registered (\(list))\n"
    }

    static func text(_ finding: Finding) -> String {
        let packets = finding.evidence.map { "\($0)" }.joined(separator: ", ")
        let place = finding.evidence.isEmpty ? "" : " [packet \(packets)]"
        return "\(finding.severity.rawValue): \(finding.text)\(place)\n  fix: \(finding.fix)\n"
    }

    /// What was looked at, and every kind of drop.
    var captureText: String {
        let counts = capture.counts
        var line =
            "\(subject): \(counts.packets) packets, \(counts.bytes) bytes in "
            + "\(shortNumber(duration.seconds)) s"
        let notes: [(UInt64, String)] = [
            (counts.cut, "cut by the capture"), (counts.joined, "of several datagrams each"),
            (counts.malformed, "malformed"), (counts.undecoded, "of unknown link types"),
            (capture.untracked, "of streams beyond the limit"),
            (capture.fragments.incomplete, "with missing fragments"),
            (capture.fragments.contradictory, "with fragments that overlap"),
        ]
        for (count, what) in notes where count > 0 { line += ", \(count) \(what)" }
        func known(_ count: UInt64?) -> String { count.map { "\($0)" } ?? "unknown" }
        line +=
            "; dropped: \(known(capture.kernelDropped)) by the kernel, "
            + "\(known(capture.interfaceDropped)) by the interface, \(capture.ringDropped) here\n"
        return capture.trouble.map { "\(line)incomplete: \($0)\n" } ?? line
    }
}

/// `12.5M` for 12.5 Mbit/s.
func rateText(_ rate: Double) -> String {
    for (unit, suffix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] where rate >= unit {
        return shortNumber((rate / unit * 100).rounded() / 100) + suffix
    }
    return shortNumber(rate.rounded())
}

/// Three digits behind the point for small values, fewer for large ones.
func milliseconds(_ value: Double) -> String {
    shortNumber(value < 1 ? value : (value * 100).rounded() / 100)
}
