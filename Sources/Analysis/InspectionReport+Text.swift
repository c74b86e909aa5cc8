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

    func streamTable(_ streams: [StreamMeasure]) -> String {
        // With one interface there is nothing to tell.
        let hasSeveral = Set(streams.map(\.key.interface)).count > 1
        var table = TextTable([
            ("SOURCE", .left), (hasSeveral ? "GROUP, INTERFACE" : "GROUP", .left), ("SSRC", .left),
            ("KIND", .left),
            ("PACKETS", .right), ("RATE", .right), ("PEAK", .right), ("LOST", .right),
            ("DUP", .right), ("REORD", .right), ("JITTER", .right), ("GAP99", .right),
            ("TTL", .right), ("DSCP", .right),
        ])
        for stream in streams {
            let key = stream.key
            let isNumbered = stream.ssrc != nil
            func count(_ count: UInt64) -> String { isNumbered ? "\(count)" : "-" }
            table.append([
                "\(key.source):\(key.sourcePort)",
                "\(stream.target)"
                    + (hasSeveral ? " \(interfaceName(key.interface))" : ""),
                stream.ssrc.map { "0x" + String($0, radix: 16) } ?? "-", stream.kind.name,
                "\(stream.packets)", stream.meanRate.map(rateText) ?? "-",
                rateText(stream.peakRate(window: settings.window)),
                isNumbered ? lossText(stream) : "-", count(stream.duplicates),
                count(stream.reordered),
                stream.jitterMilliseconds.map { "\(milliseconds($0.running)) ms" } ?? "-",
                stream.gaps.quantile(0.99).map { "\(milliseconds($0.milliseconds)) ms" } ?? "-",
                stream.hopLimits.least == stream.hopLimits.greatest
                    ? "\(stream.hopLimits.least)"
                    : "\(stream.hopLimits.least)-\(stream.hopLimits.greatest)",
                "\(stream.trafficClass >> 2)",
            ])
        }
        return table.text
    }

    private func lossText(_ stream: StreamMeasure) -> String {
        guard let share = stream.lossShare, stream.lost > 0 else { return "0" }
        return "\(stream.lost) (\(shortNumber((share * 10_000).rounded() / 100)) %)"
    }

    func groupTable(_ groups: [GroupSummary]) -> String {
        var table = TextTable([
            ("GROUP", .left), ("MAC", .left), ("SOURCES", .left), ("MEMBERS", .left),
            ("FORGOTTEN IN", .right),
        ])
        for group in groups {
            let sources = group.sources.map { "\($0)" }.joined(separator: " ")
            let hardware = group.hardware.map { "\($0)" } ?? "-"
            let present = group.members.filter { $0.member.leftAt == nil }
            if present.isEmpty {
                table.append([
                    "\(group.group)", hardware, sources.isEmpty ? "-" : sources, "-", "-",
                ])
            }
            for (index, entry) in present.enumerated() {
                table.append([
                    index == 0 ? "\(group.group)" : "", index == 0 ? hardware : "",
                    index == 0 ? (sources.isEmpty ? "-" : sources) : "", memberText(entry.member),
                    "\((entry.expiry - end).components.seconds) s",
                ])
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
            (counts.cut, "cut by the capture"), (counts.malformed, "malformed"),
            (counts.undecoded, "of unknown link types"),
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
