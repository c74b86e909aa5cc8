import Foundation
import Management
import Testing

extension LabTests {
    /// One of three children behind a link that carries a quarter of what it should get.
    @Suite struct LimitedChildTests {
        struct Queue: CustomTestStringConvertible {
            var milliseconds: Int
            var bytes: Int
            var testDescription: String { "\(milliseconds) ms" }
        }

        @Test(
            .timeLimit(.minutes(1)),
            arguments: [
                Queue(milliseconds: 5, bytes: 2000), Queue(milliseconds: 100, bytes: 5000),
                Queue(milliseconds: 500, bytes: 5000),
            ])
        func itsAudioStaysWholeAndItsSiblingsLoseNothing(queue: Queue) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            let (limited, siblings) = try await conference.startAudioAndVideo()
            let source = conference.peers[0]

            try lab.limit(.a2, kilobits: 516, queue: queue.milliseconds, burst: queue.bytes)
            try await Task.sleep(for: .seconds(5))
            let before = try #require(limited.status)
            try await Task.sleep(for: .seconds(12))
            let after = try #require(limited.status)
            let child = try #require(source.status?.children.first { $0.party.name == "a2" })
            let others = source.status?.children.filter { $0.party.name != "a2" } ?? []
            let summaries = try await conference.end()

            let audio = try #require(after.stream("audio"))
            let audioBefore = try #require(before.stream("audio"))
            let video = try #require(after.stream("video"))
            let videoBefore = try #require(before.stream("video"))
            print(
                "\(queue): \(child.rateBitsPerSecond ?? 0) bit/s, shed \(child.shed), "
                    + "audio lost \(audioBefore.lost) at first and "
                    + "\(audio.lost - audioBefore.lost) then; video "
                    + "\(video.received - videoBefore.received) of 3000; "
                    + "\(summaries["a2"]?.streams.map { $0.latency?.p99 ?? 0 } ?? [])")
            let heard = audio.received - audioBefore.received
            #expect(heard >= 580)
            #expect((audio.lost - audioBefore.lost) * 1000 <= heard)
            let seen = video.received - videoBefore.received
            #expect(seen > 400, "a quarter of the rate is more than that")
            #expect(seen < 900)
            let delay = try #require(summaries["a2"]?.streams.first { $0.kind == "audio" }?.latency)
            #expect(delay.p50 < 100)
            #expect(child.state == "limited")
            #expect((300_000...620_000).contains(child.rateBitsPerSecond ?? 0))
            #expect(child.shed.contains { $0.reason == "shed_late" && $0.count > 1000 })
            #expect(after.repair.leftOut > 1000)
            #expect(others.map(\.state) == ["calm", "calm"])
            for sibling in siblings {
                let streams = summaries[sibling.name]?.streams ?? []
                #expect(streams.map(\.lost) == [0, 0], "\(sibling.name)")
                #expect(streams.allSatisfy { $0.received > 500 })
            }
        }
    }
}

extension PeerStatus {
    fileprivate func stream(_ kind: String) -> Stream? { streams.first { $0.kind == kind } }
}

extension NetworkLab {
    /// Lets the link to a host carry so much, behind a queue of so many milliseconds.
    fileprivate func limit(_ host: Host, kilobits: Int, queue: Int, burst: Int) throws {
        try control(
            "qdisc", "replace", "dev", host.rawValue, "root", "tbf", "rate", "\(kilobits)kbit",
            "burst", "\(burst)", "latency", "\(queue)ms")
    }
}

extension Conference {
    /// a1 publishes 64 kbit/s of audio and 2 Mbit/s of video, and feeds a2, a3 and b1, which feed nobody.
    fileprivate func startAudioAndVideo() async throws -> (limited: Peer, siblings: [Peer]) {
        try startRendezvous()
        try join(
            .a1, "--publish", "test:rate=64k,size=160,kind=audio", "--publish",
            "test:rate=2M,size=1000,kind=video", "--uplink", "20M")
        let children = try [NetworkLab.Host.a2, .a3, .b1].map { try join($0, "--uplink", "1K") }
        let areFed = try await eventually(within: .seconds(10)) {
            children.allSatisfy { $0.received(from: "a1") > 100 }
        }
        guard areFed else { throw LabError("not all receive: \(picture(of: "a1"))") }
        return (children[0], Array(children.dropFirst()))
    }
}
