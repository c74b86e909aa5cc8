import Foundation

/// What docs/protocol.md names: fields in its drawings and tables, and codes.
struct ProtocolPage {
    /// Where a field is named, and how.
    struct Name: Hashable {
        var text: String
        var line: String
    }

    private(set) var names: [Name] = []
    /// Datagrams by the code of their type.
    private(set) var types: [Int: String] = [:]
    /// Control records by kind, with what their body holds.
    private(set) var records: [Int: (name: String, body: String)] = [:]

    init() throws {
        let page = Tshark.package.appending(path: "docs/protocol.md")
        let lines = try String(contentsOf: page, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var columns: [String] = []
        for line in lines {
            let cells = Self.cells(of: line)
            if line.hasPrefix("|"), columns.isEmpty {
                columns = cells
            } else if line.hasPrefix("|"), !line.hasPrefix("|---") {
                read(cells, under: columns, in: line)
            } else if !line.hasPrefix("|") {
                columns = []
                readDrawing(line)
            }
        }
    }

    private static func cells(of line: String) -> [String] {
        line.split(separator: "|", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }.dropFirst().dropLast().map { $0 }
    }

    private mutating func read(_ cells: [String], under columns: [String], in line: String) {
        switch columns.first {
        case "field": add(cells[0], in: line)
        case "type":
            let digits = cells[0].filter { $0 != "`" }.dropFirst(2)
            guard let code = Int(digits, radix: 16) else { return }
            types[code] = cells[1].replacing(#/\[([^\]]*)\]\([^)]*\)/#) { $0.output.1 }
        case "kind":
            guard let kind = Int(cells[0]) else { return }
            records[kind] = (cells[1], cells[2])
            if cells[2] != "none" { add(cells[2], in: line) }
        default: break
        }
    }

    /// A box of a drawing, or the fields of a short datagram in one line.
    private mutating func readDrawing(_ line: String) {
        let isList = line.contains("header (4) |") || line.contains("in the message:")
        let isBox = line.hasPrefix("    |")
        // What cookies, codes and signatures are made from travels nowhere.
        guard isList || isBox, !line.contains("\"polycast") else { return }
        let inside = line.firstIndex(of: ":").map { line[line.index(after: $0)...] }
        let text = isList ? inside ?? line[...] : line[...]
        for cell in text.split(separator: "|") { add(String(cell), in: line) }
    }

    /// Names in a cell, without lengths and what is said about them.
    private mutating func add(_ cell: String, in line: String) {
        let bare = cell.replacing(#/\([^)]*\)/#, with: "").replacing("...", with: "")
            .replacing("`", with: "")
        for part in bare.split(whereSeparator: { ",:".contains($0) }) {
            let text = part.trimmingCharacters(in: .whitespaces)
            if !text.isEmpty { names.append(Name(text: text, line: line)) }
        }
    }
}

extension ProtocolPage {
    /// Bytes of a record's body if it says them all, as they stand behind its fields.
    func byteCount(ofRecord kind: Int) -> Int? {
        guard let body = records[kind]?.body else { return nil }
        let isCounted = ["contacts", "contact,", "+ n", "so many"].contains { body.contains($0) }
        guard !isCounted else { return nil }
        let bits = body.matches(of: #/\((\d+)( bits?)?\)/#).map { match in
            (Int(match.1) ?? 0) * (match.2 == nil ? 8 : 1)
        }
        return bits.reduce(0, +) / 8
    }
}
