import Foundation

/// The table of fields in the Wireshark script, read as text.
struct DissectorFields {
    struct Row {
        var key: String
        /// As docs/protocol.md says it.
        var name: String

        var abbreviation: String { "polycast.\(key)" }
    }

    let rows: [Row]

    init() throws {
        let text = try String(contentsOf: Tshark.script, encoding: .utf8)
        let pattern = #/^    \{ "([a-z0-9_.]+)", "[a-z0-9]+", "([^"]+)",/#
        rows = text.split(separator: "\n").compactMap { line in
            line.firstMatch(of: pattern).map { Row(key: String($0.1), name: String($0.2)) }
        }
    }
}
