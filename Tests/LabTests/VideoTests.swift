import Foundation
import Management
import Testing

extension LabTests {
    /// Real video through peers on two LANs, decoded frame by frame.
    @Suite(.enabled(if: MediaTools.isInstalled, MediaTools.comment))
    struct VideoTests {
        @Test(.timeLimit(.minutes(4)), arguments: NetworkLab.Family.allCases)
        func oneSourceReachesFourReceiversOverTwoLANs(family: NetworkLab.Family) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let clip = try Clip(seconds: 16, in: lab.directory)
            let conference = try Conference(family, lab: lab)
            try conference.startRendezvous()
            let broadcast = try Broadcast(of: clip, at: .a1, in: conference)
            let receivers = try [.a2, .a3, .b1, .b2].map { try conference.receiver(at: $0) }
            #expect(try await conference.attached(receivers, to: "a1"))
            try await broadcast.watch(from: receivers)

            try broadcast.play()
            try await Task.sleep(for: .seconds(7))
            let count = try await Broadcast.copiesCrossing(
                [(broadcast, \.aToB)], during: .seconds(7))[0]
            let tree = conference.picture(of: "a1")
            let receptions = try await broadcast.finish()
            let counters = try lab.counters(of: .a1)
            let summaries = try await conference.end()

            #expect(receptions.count == 4)
            for (peer, reception) in receptions { expectAll(of: clip, reception, at: peer.name) }
            expectCleanSummaries(summaries, receivers: receivers, of: ["a1"])
            expectTwoCopiesAtMost(summaries["a1"], counters, tree)
            #expect(count.published > 500)
            #expect(count.isOneCopy, "\(count) of \(tree)")
            print("\(family): \(count.copies) copies crossed the router; \(tree)")
        }

        @Test(.timeLimit(.minutes(4)))
        func sourcesThatDeclareNoRateAreMeasuredAndCarried() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            try conference.startRendezvous()
            let broadcasts = try [(NetworkLab.Host.a1, 440), (.b1, 550)].map { host, tone in
                let clip = try Clip(seconds: 12, tone: tone, in: lab.directory)
                return try Broadcast(of: clip, at: host, in: conference, declaresRates: false)
            }
            for host in [NetworkLab.Host.a2, .a3, .b2] { try conference.receiver(at: host) }
            for broadcast in broadcasts {
                let others = conference.peers.filter { $0 !== broadcast.source }
                #expect(try await conference.attached(others, to: broadcast.source.name))
                try await broadcast.watch(from: others)
            }

            for broadcast in broadcasts { try broadcast.play() }
            var receptions: [(clip: Clip, peer: Peer, reception: Reception)] = []
            for broadcast in broadcasts {
                receptions += try await broadcast.finish().map { (broadcast.clip, $0, $1) }
            }
            let summaries = try await conference.end()

            for (clip, peer, reception) in receptions {
                expectAll(of: clip, reception, at: peer.name)
            }
            expectCleanSummaries(summaries, receivers: conference.peers, of: ["a1", "b1"])
            for stream in (summaries["a1"]?.sent ?? []) + (summaries["b1"]?.sent ?? []) {
                #expect(stream.copies <= 2 * stream.packets)
            }
        }

        @Test(.timeLimit(.minutes(4)), arguments: NetworkLab.Family.allCases)
        func twoSourcesAtOnceCrossTheRouterOnceEach(family: NetworkLab.Family) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(family, lab: lab)
            try conference.startRendezvous()
            let broadcasts = try [(NetworkLab.Host.a1, 440), (.b1, 550)].map { host, tone in
                let clip = try Clip(seconds: 36, tone: tone, in: lab.directory)
                return try Broadcast(of: clip, at: host, in: conference)
            }
            for host in [NetworkLab.Host.a2, .a3, .b2] { try conference.receiver(at: host) }
            for broadcast in broadcasts {
                let others = conference.peers.filter { $0 !== broadcast.source }
                #expect(try await conference.attached(others, to: broadcast.source.name))
                try await broadcast.watch(from: others)
            }

            for broadcast in broadcasts { try broadcast.play() }
            let flows: [(Broadcast, Broadcast.Direction)] = [
                (broadcasts[0], \.aToB), (broadcasts[1], \.bToA),
            ]
            // Uplinks of two copies leave little room to change places.
            #expect(try await Broadcast.settles(flows, within: .seconds(20)))
            let counts = try await Broadcast.copiesCrossing(flows, during: .seconds(7))
            let trees = broadcasts.map { conference.picture(of: $0.source.name) }
            var receptions: [(clip: Clip, peer: Peer, reception: Reception)] = []
            for broadcast in broadcasts {
                receptions += try await broadcast.finish().map { (broadcast.clip, $0, $1) }
            }
            let summaries = try await conference.end()

            #expect(receptions.count == 8)
            for (clip, peer, reception) in receptions {
                expectAll(of: clip, reception, at: peer.name)
            }
            expectCleanSummaries(summaries, receivers: conference.peers, of: ["a1", "b1"])
            for (count, tree) in zip(counts, trees) {
                #expect(count.published > 500)
                #expect(count.isOneCopy, "\(count) of \(tree)")
                print("\(family): \(count.copies) copies crossed the router; \(tree)")
            }
        }

        @Test(.enabled(if: Files.has("gst-launch-1.0"), "GStreamer is installed"))
        func anotherPlayerDecodesTheSameFrames() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let clip = try Clip(seconds: 3, in: lab.directory)
            let conference = try Conference(.ipv6, lab: lab)
            try conference.startRendezvous()
            let broadcast = try Broadcast(of: clip, at: .a1, in: conference)
            let receiver = try conference.receiver(at: .b1)
            #expect(try await conference.attached([receiver], to: "a1"))
            try await broadcast.watch(from: [receiver], with: GStreamerPlayer.init)

            try broadcast.play()
            let receptions = try await broadcast.finish()
            _ = try await conference.end()

            #expect(receptions[0].reception.share(of: clip) >= 0.999)
            #expect(receptions[0].reception.strangers(to: clip) == 0)
        }

        @Test(.timeLimit(.minutes(4)))
        func aLateMemberDecodesAllSinceItsJoin() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let clip = try Clip(seconds: 10, in: lab.directory)
            let conference = try Conference(.ipv4, lab: lab)
            try conference.startRendezvous()
            let broadcast = try Broadcast(of: clip, at: .a1, in: conference)
            let early = try conference.receiver(at: .b1)
            #expect(try await conference.attached([early], to: "a1"))
            try await broadcast.watch(from: [early])

            try broadcast.play()
            let start = ContinuousClock.now
            try await Task.sleep(for: .seconds(4))
            let late = try conference.receiver(at: .b2)
            try await broadcast.watch(from: [late])
            let watching = (ContinuousClock.now - start) / .seconds(1)
            let receptions = try await broadcast.finish()
            _ = try await conference.end()

            expectAll(of: clip, receptions[0].reception, at: "b1")
            let (first, share) = try #require(receptions[1].reception.shareSinceFirst(of: clip))
            #expect(share >= 0.999, "\(receptions[1].reception.errors)")
            // The first picture that can be decoded is the next key frame, within a second.
            #expect(Double(first) <= (watching + 1.1) * Double(Clip.framesPerSecond))
        }
    }
}

// MARK: - Expectations

extension Conference {
    /// A member that watches: it delivers to players on its host.
    @discardableResult
    func receiver(at host: NetworkLab.Host) throws -> Peer {
        try join(host, "--deliver", "rtp://127.0.0.1:6000", "--uplink", Clip.uplinkOfTwo)
    }
}

private func expectAll(of clip: Clip, _ reception: Reception, at name: String) {
    #expect(reception.share(of: clip) >= 0.999, "\(name): \(reception.errors)")
    #expect(reception.audioShare(of: clip) >= 0.999, "\(name): \(reception.errors)")
    #expect(reception.strangers(to: clip) == 0, "\(name)")
}

private func expectCleanSummaries(
    _ summaries: [String: JoinSummary], receivers: [Peer], of sources: [String]
) {
    for receiver in receivers {
        let streams = summaries[receiver.name]?.streams ?? []
        let wanted = sources.filter { $0 != receiver.name }
        #expect(Set(streams.map(\.member)) == Set(wanted), "\(receiver.name)")
        #expect(streams.allSatisfy { $0.received > 0 }, "\(receiver.name): \(streams)")
        #expect(streams.allSatisfy { $0.duplicates == 0 }, "\(receiver.name): \(streams)")
        #expect(streams.allSatisfy { $0.lost == 0 }, "\(receiver.name): \(streams)")
    }
}

/// By the peer's own account, and by the kernel's.
private func expectTwoCopiesAtMost(
    _ summary: JoinSummary?, _ counters: NetworkLab.HostCounters, _ tree: String
) {
    let sent = summary?.sent ?? []
    #expect(!sent.isEmpty)
    for stream in sent {
        #expect(stream.packets > 0)
        #expect(stream.copies <= 2 * stream.packets, "\(tree)")
    }
    #expect(counters.fed > 0)
    #expect(Double(counters.mediaOut) <= 2.02 * Double(counters.fed), "\(tree)")
}
