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
    /// The share of all deliveries in each bucket.
    var shares: [Double] { histogram.map { Double($0) / Double(deliveries) } }
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

/// Each publication is a single run with five random sources.
///
/// Counts differ little between seeds; the latencies of two runs are rarely within three points of
/// each other in every bucket.
@Suite struct GossipSubPublishedTests {
    static let countTolerance = 0.05
    static let shareTolerance = 0.03
    static var runsLong: Bool {
        ProcessInfo.processInfo.environment["POLYCAST_LONG_TESTS"] != nil
    }

    @Test(arguments: PublishedRun.all.filter { $0.peers == 100 })
    func hundredNodesShowThePublishedRun(published: PublishedRun) throws {
        try expectCountsAndHistogram(of: published)
    }

    @Test(arguments: PublishedRun.all.filter { $0.peers == 250 })
    func twoHundredFiftyNodesShowThePublishedCounts(published: PublishedRun) throws {
        try expectCounts(of: published, seeds: 1...2)
    }

    /// For a release build: `POLYCAST_LONG_TESTS=1 swift test -c release --filter GossipSub`.
    @Test(.enabled(if: runsLong), .serialized, arguments: PublishedRun.all)
    func manySeedsShowThePublishedRun(published: PublishedRun) throws {
        try expectCountsAndHistogram(of: published)
    }

    /// Of 40 runs, some are the published one but for the tolerance, and none of its buckets is
    /// beyond all of them.
    private func expectCountsAndHistogram(of published: PublishedRun) throws {
        let runs = try expectCounts(of: published, seeds: 1...40).map { $0.latencyShares() }

        for (bucket, share) in published.shares.enumerated() {
            let ours = runs.map { $0[bucket] }.sorted()
            #expect(ours[0] <= share && share <= ours[ours.count - 1], "bucket \(bucket)")
        }
        let likePublished = runs.count { Self.areAlike($0, published.shares) }
        let pairs = runs.indices.flatMap { left in
            runs.indices.dropFirst(left + 1).map { (runs[left], runs[$0]) }
        }
        let alike = pairs.count { Self.areAlike($0.prefix(published.shares.count), $1) }
        print(
            "\(published.testDescription): \(likePublished) of \(runs.count) runs are like the",
            "published one, and \(100 * alike / pairs.count) % of all pairs of runs like each other"
        )
        #expect(likePublished > 0)
    }

    /// Whether no bucket of the one differs from that of the other by more than the tolerance.
    private static func areAlike(
        _ left: some Sequence<Double>, _ right: some Sequence<Double>
    ) -> Bool {
        zip(left, right).allSatisfy { abs($0 - $1) <= shareTolerance }
    }

    @discardableResult
    private func expectCounts(
        of published: PublishedRun, seeds: ClosedRange<UInt64>
    ) throws -> [GossipSubResult] {
        let results = try seeds.map(published.run(seed:))
        for result in results {
            #expect(result.outcome.deliveries == published.deliveries)
            #expect(result.outcome.missed == 0)
        }
        expect(results.map { Double($0.outcome.payloadsSent) }, near: Double(published.payloads))
        expect(results.map { Double($0.count(of: .ihave)) }, near: Double(published.gossip))
        expect(results.map(\.outcome.rmr), near: published.redundancy)
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
