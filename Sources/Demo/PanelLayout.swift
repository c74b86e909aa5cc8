/// Where the nodes of one tree are: a row per level, a column per leaf, parents amid children.
package struct PanelLayout {
    /// The middle of a node, in pixels.
    package struct Place: Equatable {
        package var x: Int
        package var y: Int
    }

    package static let nodeWidth = 116
    package static let nodeHeight = 48
    private static let columnWidth = 140
    private static let rowHeight = 120
    private static let padding = 12
    private static let headingHeight = 44
    /// So that the heading fits above a tree of one column.
    private static let columnMinimum = 2

    /// By index of the node.
    package let places: [Place]
    package let width: Int
    package let height: Int

    package init(_ tree: SourceTree) {
        let nodes = tree.nodes
        // The first child of a node follows it, so who is not followed by one is a leaf.
        let isLeaf = nodes.indices.map { index in
            index + 1 == nodes.count || nodes[index + 1].parent != index
        }
        let leafCount = isLeaf.count { $0 }
        let columns = max(leafCount, Self.columnMinimum)
        var nextLeafX =
            Self.padding + (columns - leafCount) * Self.columnWidth / 2
            + leafCount * Self.columnWidth - Self.columnWidth / 2
        var places = nodes.map { node in
            let top = Self.headingHeight + Self.padding + Self.nodeHeight / 2
            return Place(x: 0, y: top + node.depth * Self.rowHeight)
        }
        var lastChildX: [Int: Int] = [:]
        // From the last node to the first, so that children are placed before their parents.
        for index in nodes.indices.reversed() {
            if isLeaf[index] {
                places[index].x = nextLeafX
                nextLeafX -= Self.columnWidth
            } else {
                let first = places[index + 1].x
                places[index].x = (first + (lastChildX[index] ?? first)) / 2
            }
            if let parent = nodes[index].parent, lastChildX[parent] == nil {
                lastChildX[parent] = places[index].x
            }
        }
        self.places = places
        width = columns * Self.columnWidth + 2 * Self.padding
        let deepest = nodes.map(\.depth).max() ?? 0
        height = Self.headingHeight + deepest * Self.rowHeight + Self.nodeHeight + 3 * Self.padding
    }
}
