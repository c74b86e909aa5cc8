import Demo
import Foundation
import Management
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct TreePictureTests {
    @Test func thePictureIsWellFormedAndSelfContained() throws {
        let picture = try Drawing(SourceTree.join(sampleViews, lans: sampleLANs))

        #expect(picture.elements.first?.name == "svg")
        #expect(Set(picture.elements.map(\.name)) == ["svg", "title", "rect", "text", "g", "path"])
        let attributes = picture.elements.dropFirst().flatMap(\.attributes.keys)
        #expect(!attributes.contains { $0.hasPrefix("on") || $0.contains("href") })
        for text in ["alice", "erin", "2 hops · 0.7 ms", "11.7 ms", "LAN A", "LAN B"] {
            #expect(picture.texts.contains(text), "\(text)")
        }
    }

    @Test func nodesOfWholeTreesDoNotOverlap() throws {
        let views = sampleViews + sampleViews.map { mirrored($0) }

        let picture = try Drawing(SourceTree.join(views, lans: sampleLANs))

        #expect(picture.nodes.count == 10)
        expectApart(picture.nodes)
    }

    @Test(arguments: 0..<30)
    func nodesOfAnyTreeStayApartAndInsideThePicture(seed: UInt64) throws {
        let views = contradictoryViews(seed: seed, count: 25)

        let picture = try Drawing(SourceTree.join(views, lans: [:]))

        #expect(picture.nodes.count == 25)
        expectApart(picture.nodes)
        let frame = CGRect(x: 0, y: 0, width: picture.width, height: picture.height)
        #expect(picture.nodes.allSatisfy(frame.contains))
    }

    @Test func hostileNamesAreTextAndNothingElse() throws {
        let name = "</text><script>alert('&\"')</script>\u{0}\u{FFFE}]]>"
        let views = [view(name, of: name), view("bob", of: name, parent: name)]

        let picture = try Drawing(SourceTree.join(views, lans: [name: name]))

        #expect(!picture.elements.contains { $0.name == "script" })
        #expect(picture.nodes.count == 2)
        #expect(picture.texts.contains { $0.hasPrefix("</text><scri") })
    }

    @Test func aTreeOfOneAndNoTreeAtAllAreDrawn() throws {
        #expect(try Drawing([]).nodes.isEmpty)
        #expect(try Drawing(SourceTree.join([view("a", of: "a")], lans: [:])).nodes.count == 1)
    }

    @Test func onlyLinksBetweenLANsAreDashed() throws {
        let picture = try Drawing(SourceTree.join(sampleViews, lans: sampleLANs))

        let edges = picture.elements.filter { $0.attributes["d"]?.contains(" C") == true }

        #expect(edges.count == 4)
        #expect(edges.count { $0.attributes["stroke-dasharray"] != nil } == 1)
    }

    private func mirrored(_ view: TreeView) -> TreeView {
        var view = view
        view.sources[0].source = "id-erin"
        view.sources[0].member = "erin"
        view.sources[0].parent = nil
        return view
    }

    private func expectApart(_ nodes: [CGRect]) {
        for (index, node) in nodes.enumerated() {
            for other in nodes[..<index] {
                #expect(!node.intersects(other), "\(node) overlaps \(other)")
            }
        }
    }
}

/// A picture as an XML parser of somebody else's sees it.
private final class Drawing: NSObject, XMLParserDelegate {
    struct Element {
        var name: String
        var attributes: [String: String]
    }

    private(set) var elements: [Element] = []
    private(set) var texts: [String] = []
    /// In the coordinates of the picture.
    private(set) var nodes: [CGRect] = []
    private var isInText = false
    private var shift = 0.0
    private var drop = 0.0

    var width: Double { number("width") }
    var height: Double { number("height") }

    init(_ trees: [SourceTree]) throws {
        super.init()
        let parser = XMLParser(data: Data(TreePicture.svg(trees).utf8))
        parser.delegate = self
        try #require(parser.parse(), "\(String(describing: parser.parserError))")
    }

    private func number(_ attribute: String) -> Double {
        elements.first?.attributes[attribute].flatMap(Double.init) ?? 0
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
    ) {
        elements.append(Element(name: name, attributes: attributes))
        if name == "text" {
            texts.append("")
            isInText = true
        }
        let translation = attributes["transform"]?.split { "(,)".contains($0) } ?? []
        if translation.count == 3, let x = Double(translation[1]), let y = Double(translation[2]) {
            (shift, drop) = (x, y)
        }
        guard attributes["class"] == "node" else { return }
        let values = ["x", "y", "width", "height"].map { Double(attributes[$0] ?? "") ?? .nan }
        nodes.append(
            CGRect(x: values[0] + shift, y: values[1] + drop, width: values[2], height: values[3]))
    }

    func parser(_ parser: XMLParser, foundCharacters characters: String) {
        if isInText { texts[texts.count - 1] += characters }
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
        qualifiedName: String?
    ) {
        if name == "text" { isInText = false }
    }
}
