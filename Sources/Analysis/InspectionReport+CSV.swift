import Inspection
import NetBasics

extension InspectionReport {
    /// A line per stream behind a line of names (RFC 4180); nothing is known where a field is empty.
    package var csv: String {
        let names = columns.map(\.name).joined(separator: ",")
        let lines = streams.map { stream in
            columns.map { csvField($0.value(stream)) }.joined(separator: ",")
        }
        return ([names] + lines).map { $0 + "\r\n" }.joined()
    }

    private struct Column {
        var name: String
        var value: (StreamMeasure) -> String
    }

    private var columns: [Column] {
        func text(_ number: Double?) -> String { number.map { "\($0)" } ?? "" }
        func counted(_ stream: StreamMeasure, _ count: UInt64) -> String {
            stream.ssrc == nil ? "" : "\(count)"
        }
        let window = settings.window
        return [
            Column(name: "source") { "\($0.key.source)" },
            Column(name: "group") { "\($0.key.destination)" },
            Column(name: "source_port") { "\($0.key.sourcePort)" },
            Column(name: "destination_port") { "\($0.key.destinationPort)" },
            Column(name: "interface") { interfaceName($0.key.interface) },
            Column(name: "vlan") { $0.key.vlan > 0 ? "\($0.key.vlan)" : "" },
            Column(name: "ssrc") { $0.ssrc.map { "\($0)" } ?? "" },
            Column(name: "payload_type") { $0.ssrc == nil ? "" : "\($0.payloadType)" },
            Column(name: "kind") { $0.kind.name },
            Column(name: "packets") { "\($0.packets)" },
            Column(name: "bytes") { "\($0.bytes)" },
            Column(name: "lost") { counted($0, $0.lost) },
            Column(name: "duplicates") { counted($0, $0.duplicates) },
            Column(name: "reordered") { counted($0, $0.reordered) },
            Column(name: "jitter_ms") { text($0.jitterMilliseconds?.running) },
            Column(name: "rate_bps") { text($0.meanRate) },
            Column(name: "peak_bps") { text($0.peakRate(window: window)) },
            Column(name: "gap_p99_ms") { text($0.gaps.quantile(0.99)?.milliseconds) },
            Column(name: "gap_max_ms") { text($0.longestPause.milliseconds) },
            Column(name: "ttl") { "\($0.hopLimits.least)" },
            Column(name: "dscp") { "\($0.trafficClass >> 2)" },
        ]
    }
}
