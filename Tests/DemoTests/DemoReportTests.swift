import Demo
import Management
import Testing

@Suite struct DemoReportTests {
    private func summary(
        _ name: String, of source: String? = nil, received: Int = 1000, lost: Int = 0
    ) -> JoinSummary {
        JoinSummary(
            group: "demo", peer: "id-\(name)", name: name, seconds: 5, joinedMilliseconds: 3,
            firstPacketMilliseconds: 4,
            streams: source.map {
                [
                    JoinSummary.Stream(
                        member: $0, stream: 0, kind: "data", format: "test", received: received,
                        lost: lost, duplicates: 7,
                        latency: JoinSummary.Latency(p50: 0.2, p99: 0.94))
                ]
            } ?? [],
            sent: source == nil ? [SentStream(stream: 0, packets: 1000, copies: 2000)] : [],
            links: 2, drops: [])
    }

    private func report(_ peers: [JoinSummary], streamCount: Int = 1) -> DemoReport {
        DemoReport(
            trees: SourceTree.join(sampleViews, lans: sampleLANs), peers: peers,
            expectations: [DemoReport.Expectation(source: "alice", streamCount: streamCount)],
            picturePath: "out/tree.svg", frame: nil, logDirectory: "out/*.log")
    }

    @Test func allIsWellWhenEveryPeerGotEveryPacket() {
        #expect(report([summary("alice"), summary("bob", of: "alice")]).problems.isEmpty)
    }

    @Test func aPeerThatReceivedNothingIsAProblem() {
        let silent = summary("bob", of: "alice", received: 0)

        #expect(
            report([summary("alice"), silent]).problems == [
                "bob received packets of 0 of alice's 1 stream"
            ])
        #expect(report([summary("bob", of: "carol")]).problems.count == 1)
    }

    @Test func aMissingStreamIsAProblem() {
        #expect(
            report([summary("bob", of: "alice")], streamCount: 2).problems == [
                "bob received packets of 1 of alice's 2 streams"
            ])
    }

    @Test func lossIsAProblemAboveAThousandth() {
        #expect(report([summary("bob", of: "alice", received: 999, lost: 1)]).problems.isEmpty)
        #expect(
            report([summary("bob", of: "alice", received: 998, lost: 2)]).problems == [
                "bob lost 2 packets of alice's, 0.20 %"
            ])
    }

    @Test func theCountsArePrintedPerPeerAndSource() {
        let text = report([summary("alice"), summary("bob", of: "alice")]).text

        #expect(
            text.hasSuffix(
                """
                PEER   SOURCE  RECEIVED  LOST  DUP   SENT  COPIES  DELAY P50     P99
                alice  alice          -     -    -  1,000   2,000
                bob    alice      1,000     0    7      -       -     0.2 ms  0.9 ms

                2 peers, 1 source: 1,000 rx, 0 lost, 7 dup

                Trees    out/tree.svg
                Logs     out/*.log

                """))
        #expect(text.hasPrefix("alice          LAN A  source of 2 streams\n"))
    }

    @Test func theFrameIsNamedWithWhoDecodedIt() throws {
        var report = report([summary("alice")])
        report.frame = DemoReport.Frame(
            path: "out/frame.png", member: "erin", hops: 3, source: "alice")

        #expect(report.text.contains("out/frame.png  (alice's picture, decoded by erin, 3 hops"))
        let json = try JSONValue(parsing: report.json.description)
        #expect(try json.text("schema") == "polycast.demo/1")
        #expect(try #require(json["files"]).text("png") == "out/frame.png")
        #expect(try #require(json["files"]).text("svg") == "out/tree.svg")
        #expect(try json.list("trees").count == 1)
        #expect(try json.list("peers", of: JoinSummary.init(json:)) == report.peers)
    }
}
