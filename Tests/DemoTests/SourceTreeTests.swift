import Demo
import Management
import Testing

@Suite struct SourceTreeTests {
    @Test func viewsJoinIntoTheWholeTree() throws {
        let tree = try #require(SourceTree.join(sampleViews, lans: sampleLANs).first)

        #expect(tree.source == Party(peer: "id-alice", name: "alice"))
        #expect(tree.streamCount == 2)
        #expect(tree.nodes.map(\.party.name) == ["alice", "bob", "dave", "erin", "carol"])
        #expect(tree.nodes.map(\.parent) == [nil, 0, 1, 2, 0])
        #expect(tree.nodes.map(\.depth) == [0, 1, 2, 3, 1])
        #expect(tree.isWhole)
        #expect(tree.farthest?.party.name == "erin")
    }

    @Test func theOrderOfTheViewsDoesNotMatter() {
        let forward = SourceTree.join(sampleViews, lans: [:])
        let backward = SourceTree.join(sampleViews.reversed(), lans: [:])

        #expect(forward == backward)
    }

    @Test func eachSourceHasATreeInTheOrderOfNames() {
        let views = [view("b", of: "b"), view("a", of: "a")]

        #expect(SourceTree.join(views, lans: [:]).map(\.source.name) == ["a", "b"])
    }

    @Test func theSourceItselfKnowsItsNameBest() {
        let stranger = TreeView(
            group: "demo", party: Party(peer: "id-bob", name: "bob"),
            sources: [
                TreeView.Source(
                    source: "id-alice", member: "", state: .orphan, hops: 0,
                    metricMilliseconds: nil, parent: nil, children: [], spares: [],
                    streamCount: 0)
            ])

        let trees = SourceTree.join([stranger, view("alice", of: "alice")], lans: [:])

        #expect(trees.map(\.source.name) == ["alice"])
    }

    @Test func ofEquallyFarMembersTheFirstByNameIsFarthest() {
        let views = ["d", "b", "c"].map { view($0, of: "a", parent: "a") } + [view("a", of: "a")]

        #expect(SourceTree.join(views, lans: [:]).first?.farthest?.party.name == "b")
    }

    @Test func anOrphanIsShownAsSuch() throws {
        let views = [view("alice", of: "alice"), view("bob", of: "alice")]

        let tree = try #require(SourceTree.join(views, lans: [:]).first)

        #expect(tree.nodes.map(\.place) == [.source, .orphan])
        #expect(!tree.isWhole)
        #expect(tree.farthest == nil)
        #expect(tree.text.contains("bob    nobody feeds it\n"))
    }

    @Test func whoIsFedByAMemberWithoutAViewStartsAPartOfItsOwn() throws {
        let views = [
            view("alice", of: "alice"), view("dave", of: "alice", parent: "bob", hops: 2),
            view("erin", of: "alice", parent: "dave", hops: 3),
        ]

        let tree = try #require(SourceTree.join(views, lans: [:]).first)

        #expect(tree.nodes.map(\.place) == [.source, .fedByUnknown("bob"), .fed])
        #expect(tree.nodes.map(\.parent) == [nil, nil, 1])
        #expect(!tree.isWhole)
        #expect(tree.text.contains("dave     fed by bob, which did not answer\n"))
    }

    @Test func aCircleIsCutAndNamed() throws {
        let views = [
            view("alice", of: "alice"), view("bob", of: "alice", parent: "carol"),
            view("carol", of: "alice", parent: "bob"), view("dave", of: "alice", parent: "dave"),
        ]

        let tree = try #require(SourceTree.join(views, lans: [:]).first)

        #expect(tree.nodes.map(\.party.name) == ["alice", "bob", "carol", "dave"])
        #expect(tree.nodes.map(\.place) == [.source, .circle, .fed, .circle])
        #expect(tree.text.contains("bob       fed in a circle\n"))
    }

    @Test func aTreeOfDifferentMomentsIsNotWhole() {
        var views = sampleViews
        views[4].sources[0].hops = 2

        #expect(SourceTree.join(views, lans: [:]).first?.isWhole == false)
    }

    @Test(arguments: 0..<50)
    func contradictionsNeitherLoopNorLoseAMember(seed: UInt64) throws {
        let views = contradictoryViews(seed: seed, count: 40)

        let tree = try #require(SourceTree.join(views + views, lans: [:]).first)

        #expect(Set(tree.nodes.map(\.party.name)).count == 40)
        #expect(tree.nodes.count == 40)
        for (index, node) in tree.nodes.enumerated() {
            #expect(node.parent.map { $0 < index } ?? true)
        }
        #expect(tree.text.split(separator: "\n").count == 40)
    }

    @Test func aLongChainIsJoinedAndPrinted() throws {
        let chain = (0..<2000).map { index in
            view("m\(index)", of: "m0", parent: index == 0 ? nil : "m\(index - 1)", hops: index)
        }

        let tree = try #require(SourceTree.join(chain, lans: [:]).first)

        #expect(tree.isWhole)
        #expect(tree.farthest?.hops == 1999)
        #expect(tree.text.utf8.count < 2000 * 600)
    }

    // MARK: - Printing

    @Test func theTreeIsPrintedWithLinesAndColumns() {
        let text = SourceTree.join(sampleViews, lans: sampleLANs).first?.text

        #expect(
            text == """
                alice          LAN A  source of 2 streams
                ├─ bob         LAN A  1 hop   0.3 ms
                │  └─ dave     LAN B  2 hops  0.7 ms
                │     └─ erin  LAN B  3 hops  12.3 ms
                └─ carol       LAN A  1 hop   0.4 ms

                """)
    }

    @Test func namesThatMoveTheCursorArePrintedWithoutIt() {
        let name = "\u{1B}[2J\r\nroot\u{202E}"

        let text = SourceTree.join([view(name, of: name)], lans: [:]).first?.text

        #expect(text == "\u{FFFD}[2J\u{FFFD}\u{FFFD}root\u{FFFD}  source of 2 streams\n")
    }

    @Test func programsGetTheTreeAsJSON() throws {
        let tree = try #require(SourceTree.join(sampleViews, lans: sampleLANs).first)

        let json = try JSONValue(parsing: tree.json.description)

        #expect(try json.text("member") == "alice")
        let erin = try json.list("nodes")[3]
        #expect(try erin.text("name") == "erin")
        #expect(try erin.text("parent") == "dave")
        #expect(try erin.text("lan") == "LAN B")
        #expect(try erin.count("hops") == 3)
        #expect(try erin.number("metric_ms") == 12.345)
        #expect(try json.list("nodes")[0]["parent"] == .null)
    }
}
