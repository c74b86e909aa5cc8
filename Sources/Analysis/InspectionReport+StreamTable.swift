import Inspection
import Management
import NetBasics

extension InspectionReport {
    private struct Column {
        var title: String
        var alignment: TextTable.Alignment
        /// Where there is no room, the column with the greatest one goes; zero stays.
        var rank: Int
        var cells: [String]

        var width: Int { cells.map(\.count).reduce(title.count, max) }
    }

    /// A line per stream; columns that find no room in so many characters are left out.
    func streamTable(_ streams: [StreamMeasure], within room: Int = .max) -> String {
        var columns = addressColumns(streams) + figureColumns(streams)
        while columns.reduce(-2, { $0 + $1.width + 2 }) > room,
            let most = columns.map(\.rank).max(), most > 0
        {
            columns.removeAll { $0.rank == most }
        }
        var table = TextTable(columns.map { ($0.title, $0.alignment) })
        for row in streams.indices { table.append(columns.map { $0.cells[row] }) }
        return table.text
    }

    private func addressColumns(_ streams: [StreamMeasure]) -> [Column] {
        // With one interface there is nothing to tell.
        let hasSeveral = Set(streams.map(\.key.interface)).count > 1
        func group(_ key: FlowKey) -> String {
            let group = Endpoint(address: key.destination, port: key.destinationPort)
            return hasSeveral ? "\(group) \(interfaceName(key.interface))" : "\(group)"
        }
        func column(_ title: String, _ rank: Int, _ cell: (StreamMeasure) -> String) -> Column {
            Column(title: title, alignment: .left, rank: rank, cells: streams.map(cell))
        }
        return [
            column("SOURCE", 0) { "\(Endpoint(address: $0.key.source, port: $0.key.sourcePort))" },
            column(hasSeveral ? "GROUP, INTERFACE" : "GROUP", 0) { group($0.key) },
            column("SSRC", 7) { $0.ssrc.map { "0x" + String($0, radix: 16) } ?? "-" },
            column("KIND", 3) { $0.kind.name },
        ]
    }

    private func figureColumns(_ streams: [StreamMeasure]) -> [Column] {
        func column(_ title: String, _ rank: Int, _ cell: (StreamMeasure) -> String) -> Column {
            Column(title: title, alignment: .right, rank: rank, cells: streams.map(cell))
        }
        func count(_ stream: StreamMeasure, _ count: UInt64) -> String {
            stream.ssrc == nil ? "-" : "\(count)"
        }
        let window = settings.window
        return [
            column("PACKETS", 2) { "\($0.packets)" },
            column("RATE", 0) { $0.meanRate.map(rateText) ?? "-" },
            column("PEAK", 8) { rateText($0.peakRate(window: window)) },
            column("LOST", 0) { $0.ssrc == nil ? "-" : lossText($0) },
            column("DUP", 4) { count($0, $0.duplicates) },
            column("REORD", 6) { count($0, $0.reordered) },
            column("JITTER", 1) {
                $0.jitterMilliseconds.map { "\(milliseconds($0.running)) ms" } ?? "-"
            },
            column("GAP99", 9) {
                $0.gaps.quantile(0.99).map { "\(milliseconds($0.milliseconds)) ms" } ?? "-"
            },
            column("TTL", 5) { stream in
                let (least, greatest) = stream.hopLimits
                return least == greatest ? "\(least)" : "\(least)-\(greatest)"
            },
            column("DSCP", 10) { "\($0.trafficClass >> 2)" },
        ]
    }

    private func lossText(_ stream: StreamMeasure) -> String {
        guard let share = stream.lossShare, stream.lost > 0 else { return "0" }
        return "\(stream.lost) (\(shortNumber((share * 10_000).rounded() / 100)) %)"
    }
}
