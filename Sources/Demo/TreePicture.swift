import Management

/// Draws trees as one self-contained SVG: sources on top, a row per hop, LANs by color.
package enum TreePicture {
    /// A complete document; each tree is a panel, side by side in the order given.
    package static func svg(_ trees: [SourceTree]) -> String {
        let lans = Array(Set(trees.flatMap(\.nodes).compactMap(\.lan))).sorted()
        let panels = trees.map { PanelLayout($0) }
        let panelHeight = panels.map(\.height).max() ?? 0
        let panelsWidth =
            panels.map(\.width).reduce(0, +) + max(0, panels.count - 1) * panelGap
        let width = max(panelsWidth, minimumWidth) + 2 * margin
        let height = margin + titleHeight + panelHeight + legendHeight
        var out = opening(width: width, height: height)
        var x = (width - panelsWidth) / 2
        for (tree, panel) in zip(trees, panels) {
            draw(tree, panel, x: x, height: panelHeight, lans: lans, into: &out)
            x += panel.width + panelGap
        }
        drawLegend(
            lans, hasCrossing: trees.contains(where: hasCrossing), left: (width - panelsWidth) / 2,
            y: margin + titleHeight + panelHeight + 28, into: &out)
        return out + "</svg>\n"
    }

    // MARK: - Parts

    private static func opening(width: Int, height: Int) -> String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
        viewBox="0 0 \(width) \(height)" role="img" \
        font-family="'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif">
        <title>\(title)</title>
        <rect width="\(width)" height="\(height)" fill="#ffffff"/>
        \(text(title, x: width / 2, y: margin + 18, size: 18, weight: "bold", fill: ink))
        """
    }

    private static func draw(
        _ tree: SourceTree, _ panel: PanelLayout, x: Int, height: Int, lans: [String],
        into out: inout String
    ) {
        out += "<g transform=\"translate(\(x),\(margin + titleHeight))\">\n"
        out += "<rect width=\"\(panel.width)\" height=\"\(height)\" rx=\"10\" "
        out += "fill=\"\(paper)\"/>\n"
        let name = shortened(tree.source.name, to: 20)
        out += text(
            "Media of \(name): \(counted(tree.streamCount, "stream"))", x: panel.width / 2, y: 28,
            size: 14, weight: "bold", fill: ink)
        let placed = Array(zip(tree.nodes, panel.places))
        for node in placed {
            guard let parent = node.0.parent else { continue }
            drawEdge(from: placed[parent], to: node, into: &out)
        }
        for (node, place) in placed { draw(node, at: place, lans: lans, into: &out) }
        out += "</g>\n"
    }

    private typealias PlacedNode = (node: SourceTree.Node, place: PanelLayout.Place)

    private static func drawEdge(
        from parent: PlacedNode, to child: PlacedNode, into out: inout String
    ) {
        let (x1, y1) = (parent.place.x, parent.place.y + PanelLayout.nodeHeight / 2)
        let (x2, y2) = (child.place.x, child.place.y - PanelLayout.nodeHeight / 2)
        let middle = (y1 + y2) / 2
        let isCrossing = crosses(parent.node, child.node)
        let stroke = isCrossing ? "\(crossing)\" stroke-dasharray=\"6 4" : line
        out += "<path d=\"M\(x1),\(y1) C\(x1),\(middle) \(x2),\(middle) \(x2),\(y2)\" "
        out += "fill=\"none\" stroke-width=\"2\" stroke=\"\(stroke)\"/>\n"
        guard let label = delayLabel(parent.node, child.node) else { return }
        let x = (x1 + x2) / 2
        let width = 8 + 7 * label.count
        out += "<rect x=\"\(x - width / 2)\" y=\"\(middle - 9)\" width=\"\(width)\" "
        out += "height=\"18\" rx=\"4\" fill=\"\(paper)\"/>\n"
        out += text(label, x: x, y: middle + 4, size: 12, fill: isCrossing ? crossing : quiet)
    }

    /// What the link adds to the delay, as far as both ends know theirs.
    private static func delayLabel(
        _ parent: SourceTree.Node, _ child: SourceTree.Node
    ) -> String? {
        guard let end = child.delayMilliseconds,
            let start = parent.place == .source ? 0 : parent.delayMilliseconds
        else { return nil }
        return Readable.milliseconds(max(0, end - start))
    }

    private static func draw(
        _ node: SourceTree.Node, at place: PanelLayout.Place, lans: [String],
        into out: inout String
    ) {
        let color = colors(of: node, lans)
        let (width, height) = (PanelLayout.nodeWidth, PanelLayout.nodeHeight)
        let dashes = node.place.remark == nil ? "" : " stroke-dasharray=\"4 3\""
        out += "<rect class=\"node\" x=\"\(place.x - width / 2)\" y=\"\(place.y - height / 2)\" "
        out += "width=\"\(width)\" height=\"\(height)\" rx=\"8\" fill=\"\(color.fill)\" "
        out += "stroke=\"\(color.stroke)\" stroke-width=\"\(node.place == .source ? 3 : 1)\""
        out += "\(dashes)/>\n"
        out += text(
            shortened(node.party.name, to: 13), x: place.x, y: place.y - 3, size: 14,
            weight: "bold", fill: ink)
        out += text(caption(of: node), x: place.x, y: place.y + 14, size: 11, fill: quiet)
    }

    private static func caption(of node: SourceTree.Node) -> String {
        let delay = node.delayMilliseconds.map { " · \(Readable.milliseconds($0))" } ?? ""
        return switch node.place {
        case .source: "source"
        case .fed: counted(node.hops, "hop") + delay
        case .orphan: "nobody feeds it"
        case .fedByUnknown(let name): "fed by \(shortened(name, to: 8))?"
        case .circle: "fed in a circle"
        }
    }

    private static func drawLegend(
        _ lans: [String], hasCrossing: Bool, left: Int, y: Int, into out: inout String
    ) {
        out += text(
            "In the boxes: links and delay from the source. On the lines: delay of the link.",
            x: left, y: y + 32, size: 12, anchor: "start", fill: quiet)
        var x = left
        for (lan, color) in zip(lans, palette) {
            out += "<rect x=\"\(x)\" y=\"\(y - 8)\" width=\"16\" height=\"16\" rx=\"4\" "
            out += "fill=\"\(color.fill)\" stroke=\"\(color.stroke)\"/>\n"
            let label = shortened(lan, to: 32)
            out += text(label, x: x + 24, y: y + 4, size: 12, anchor: "start", fill: ink)
            x += 24 + 7 * label.count + 24
        }
        guard hasCrossing else { return }
        out += "<path d=\"M\(x),\(y) h32\" stroke=\"\(crossing)\" stroke-width=\"2\" "
        out += "stroke-dasharray=\"6 4\"/>\n"
        out += text(
            "from one LAN to the other", x: x + 40, y: y + 4, size: 12, anchor: "start", fill: ink)
    }

    private static func crosses(_ parent: SourceTree.Node, _ child: SourceTree.Node) -> Bool {
        parent.lan != nil && child.lan != nil && parent.lan != child.lan
    }

    private static func hasCrossing(_ tree: SourceTree) -> Bool {
        tree.nodes.contains { node in
            node.parent.map { crosses(tree.nodes[$0], node) } ?? false
        }
    }

    // MARK: - Text

    private static func text(
        _ content: String, x: Int, y: Int, size: Int, weight: String = "normal",
        anchor: String = "middle", fill: String
    ) -> String {
        "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\" font-size=\"\(size)\" "
            + "font-weight=\"\(weight)\" fill=\"\(fill)\">\(escaped(content))</text>\n"
    }

    private static func shortened(_ text: String, to limit: Int) -> String {
        text.count > limit ? text.prefix(limit - 1) + "…" : text
    }

    /// The text as XML content (XML 1.0, sections 2.2 and 2.4).
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in printable(text, to: 200).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    // MARK: - Measures, in pixels, and colors

    private static let title = "Who feeds whom, per source"
    private static let margin = 20
    private static let titleHeight = 40
    private static let legendHeight = 80
    private static let panelGap = 24
    private static let minimumWidth = 560

    private struct Colors: Sendable {
        var fill: String
        var stroke: String
    }

    private static func colors(of node: SourceTree.Node, _ lans: [String]) -> Colors {
        guard let index = node.lan.flatMap({ lans.firstIndex(of: $0) }), index < palette.count
        else { return Colors(fill: "#ffffff", stroke: line) }
        return palette[index]
    }

    private static let ink = "#1f2933"
    private static let quiet = "#52606d"
    private static let line = "#7b8794"
    private static let paper = "#f5f7fa"
    private static let crossing = "#b44d12"
    /// Apart in hue and in lightness, also for who sees no red or green.
    private static let palette = [
        Colors(fill: "#cfe3fb", stroke: "#2563a8"), Colors(fill: "#fde8b5", stroke: "#a66b00"),
        Colors(fill: "#d5f0dd", stroke: "#2d7a4b"), Colors(fill: "#ecdcf7", stroke: "#7a45a5"),
    ]
}
