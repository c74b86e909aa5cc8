import Foundation
import Simulation
import Testing

/// What the author of GossipSub published of his simulator's runs (vyzo/gerbil-simsub): README for
/// 100 nodes, gists 68d4435295aff39b8df07f2f25a53fb0, e5d41faa2333f15f528526616380deca and
/// 25a53ec19c6b1d3b5e1064ece60b755c for 250, 500 and 1,000.
struct PublishedRun: Sendable, CustomTestStringConvertible {
    var version: GossipSubConfiguration.Version
    var peers: Int
    var messages: Int
    var payloads: Int
    var gossip: Int
    /// Deliveries per 100 ms of latency, from zero; the publications of v1.1 stop after the first.
    var histogram: [Int]

    var testDescription: String { "v\(version.rawValue) with \(peers) nodes" }
    var deliveries: Int { messages * (peers - 1) }
    /// The README's run dates from before that simulator had virtual time: its latencies include the
    /// program's own, and only the shares of the others are held to 3 points.
    var shareTolerance: Double { peers == 100 ? 0.06 : 0.03 }
    var redundancy: Double { Double(payloads) / Double(deliveries) - 1 }

    static let all: [PublishedRun] = [
        .init(.v1dot0, 100, 10, 6_280, 7_212, [156, 722, 112, 0]),
        .init(.v1dot1, 100, 10, 6_738, 9_516, [527, 463, 0, 0]),
        .init(.v1dot0, 250, 60, 96_320, 93_108, [878, 10_109, 3_915, 38]),
        .init(.v1dot1, 250, 60, 100_112, 136_173, [5_907]),
        .init(.v1dot0, 500, 60, 189_451, 185_892, [1_028, 12_986, 15_234, 692]),
        .init(.v1dot1, 500, 60, 193_171, 262_444, [7_232]),
        .init(.v1dot0, 1000, 60, 377_370, 372_006, [1_334, 20_818, 36_508, 1_280]),
        .init(.v1dot1, 1000, 60, 381_920, 538_202, [5_375]),
    ]

    init(
        _ version: GossipSubConfiguration.Version, _ peers: Int, _ messages: Int, _ payloads: Int,
        _ gossip: Int, _ histogram: [Int]
    ) {
        self.version = version
        self.peers = peers
        self.messages = messages
        self.payloads = payloads
        self.gossip = gossip
        self.histogram = histogram
    }

    func run(seed: UInt64) throws -> GossipSubResult {
        try GossipSubExperiment(peers: peers, messages: messages, seed: seed)
            .run(.gossipSub(GossipSubConfiguration(version)))
    }
}

/// Each publication is a single run with five random sources, so histograms differ more between
/// seeds than the tolerance; counts do not.
@Suite struct GossipSubPublishedTests {
    static let countTolerance = 0.05
    static var runsLong: Bool {
        ProcessInfo.processInfo.environment["POLYCAST_LONG_TESTS"] != nil
    }

    @Test(arguments: PublishedRun.all.filter { $0.peers == 100 })
    func hundredNodesShowThePublishedCounts(published: PublishedRun) throws {
        try compare(published, seeds: 1...5)
    }

    @Test(arguments: PublishedRun.all.filter { $0.peers == 250 })
    func twoHundredFiftyNodesShowThePublishedCounts(published: PublishedRun) throws {
        try compare(published, seeds: 1...2)
    }

    /// For a release build: `POLYCAST_LONG_TESTS=1 swift test -c release --filter GossipSub`.
    @Test(.enabled(if: runsLong), .serialized, arguments: PublishedRun.all)
    func manySeedsShowThePublishedCounts(published: PublishedRun) throws {
        let results = try compare(published, seeds: 1...40)

        for (bucket, count) in published.histogram.enumerated() {
            let shares = results.map { $0.latencyShares()[bucket] }.sorted()
            let share = Double(count) / Double(published.deliveries)
            #expect(shares[0] <= share && share <= shares[shares.count - 1], "bucket \(bucket)")
        }
    }

    @discardableResult
    private func compare(
        _ published: PublishedRun, seeds: ClosedRange<UInt64>
    ) throws -> [GossipSubResult] {
        let results = try seeds.map(published.run(seed:))
        for result in results {
            #expect(result.outcome.deliveries == published.deliveries)
            #expect(result.outcome.missed == 0)
        }
        expect(results.map { Double($0.outcome.payloadsSent) }, near: Double(published.payloads))
        expect(results.map { Double($0.count(of: .ihave)) }, near: Double(published.gossip))
        expect(results.map(\.outcome.rmr), near: published.redundancy)
        for (bucket, count) in published.histogram.enumerated() {
            let shares = results.map { $0.latencyShares()[bucket] }.sorted()
            let share = Double(count) / Double(published.deliveries)
            #expect(share > shares[0] - published.shareTolerance, "bucket \(bucket)")
            #expect(share < shares[shares.count - 1] + published.shareTolerance, "bucket \(bucket)")
        }
        return results
    }

    /// The median of `values` is the published one, but for the tolerance.
    private func expect(
        _ values: [Double], near published: Double, _ location: SourceLocation = #_sourceLocation
    ) {
        let sorted = values.sorted()
        let median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        #expect(
            abs(median / published - 1) <= Self.countTolerance, "\(median), published \(published)",
            sourceLocation: location)
    }
}
