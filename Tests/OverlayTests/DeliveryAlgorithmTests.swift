import Overlay
import Testing

@Suite struct DeliveryAlgorithmTests {
    private func choice(
        members: Int, sources: Int, linkEnds: Int = 0
    ) -> DeliveryAlgorithm {
        .choice(
            for: .init(
                memberCount: members, sourceCount: sources, linkEndsPerMinute: linkEnds))
    }

    @Test(arguments: [(0, 1), (1, 1), (5, 5), (16, 16), (17, 4), (1000, 1), (1000, 16)])
    func fewSourcesMakeTrees(members: Int, sources: Int) {
        #expect(choice(members: members, sources: sources) == .shortestPathTree)
    }

    @Test(arguments: [(17, 5), (40, 11), (0, 17), (1000, 17), (1000, 1000)])
    func manySourcesFlood(members: Int, sources: Int) {
        #expect(choice(members: members, sources: sources) == .floodAndPrune)
    }

    @Test func membersThatComeAndGoMakeASourceFlood() {
        #expect(choice(members: 100, sources: 1, linkEnds: 30) == .shortestPathTree)
        #expect(choice(members: 100, sources: 1, linkEnds: 31) == .floodAndPrune)
    }
}
