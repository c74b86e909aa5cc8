import Management

extension SourceTree {
    /// The tree as indented lines with aligned columns, each ending in a line feed.
    package var text: String {
        let branches = self.branches
        let rows = nodes.indices.map { index in
            [branches[index] + printable(nodes[index].party.name)] + details(of: nodes[index])
        }
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            rows.map { column < $0.count - 1 ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let missing = column < row.count - 1 ? max(0, widths[column] - cell.count) : 0
                return cell + String(repeating: " ", count: missing)
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }

    private func details(of node: Node) -> [String] {
        let lan = node.lan.map { [printable($0)] } ?? []
        switch node.place {
        case .source:
            return lan + ["source of \(counted(streamCount, "stream"))"]
        case .fed:
            return lan + [counted(node.hops, "hop"), Readable.milliseconds(node.delayMilliseconds)]
        case .orphan, .fedByUnknown, .circle:
            return lan + [node.place.remark ?? ""]
        }
    }

    /// The lines that lead to each node: its own elbow, and those of its ancestors that go on.
    private var branches: [String] {
        var lastChild: [Int: Int] = [:]
        for (index, node) in nodes.enumerated() {
            if let parent = node.parent { lastChild[parent] = index }
        }
        // What stands in front of a node's children.
        var indents: [String] = []
        return nodes.enumerated().map { index, node in
            guard let parent = node.parent else {
                indents.append("")
                return ""
            }
            let isLast = lastChild[parent] == index
            let indent = indents[parent]
            // Deeper than any line is wide, the indent no longer grows.
            indents.append(indent.count > 120 ? indent : indent + (isLast ? "   " : "│  "))
            return indent + (isLast ? "└─ " : "├─ ")
        }
    }
}

/// `1 hop`, `2 hops`.
func counted(_ count: Int, _ noun: String) -> String {
    "\(Readable.count(count)) \(noun)\(count == 1 ? "" : "s")"
}

/// The text without what moves a cursor, and not longer than a line should be.
func printable(_ text: String, to limit: Int = 64) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
            .unassigned:
            result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return text.unicodeScalars.count > limit ? result + "…" : result
}
