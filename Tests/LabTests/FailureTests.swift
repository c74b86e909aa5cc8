import Foundation
import Management
import TestSupport
import Testing

extension LabTests {
    /// Joins, deaths and idling, watched with the built-in test pattern.
    @Suite struct FailureTests {
        @Test(.timeLimit(.minutes(1)))
        func aJoinIsSoonFollowedByItsFirstPacket() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            try await conference.startPattern(receivers: [.a2])

            var delays: [Double] = []
            for host in [NetworkLab.Host.b1, .a3, .b2, .b1, .a3] {
                let peer = try conference.join(host, "--duration", "2s", "--uplink", "4800K")
                #expect(try await peer.program.ends(within: .seconds(10)))
                #expect(peer.program.termination == .exit(0), "\(peer.program.errors)")
                delays.append(try #require(try peer.summary().firstPacketMilliseconds))
            }

            print("join to first packet: \(delays.sorted().map { Int($0.rounded()) }) ms")
            #expect(delays.sorted()[delays.count / 2] <= 2000, "\(delays)")
        }

        @Test(.timeLimit(.minutes(1)), arguments: NetworkLab.Family.allCases)
        func othersReceiveAgainSoonAfterAnInteriorPeerDied(
            family: NetworkLab.Family
        ) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(family, lab: lab)
            try await conference.startPattern(receivers: [.a2, .a3, .b1, .b2])
            try await Task.sleep(for: .seconds(3))
            let before = conference.picture(of: "a1")
            let victim = try #require(
                conference.interiorPeers(of: "a1").max { $0.childCount < $1.childCount },
                "nobody forwards: \(before)")

            victim.program.kill()
            let survivors = conference.peers.filter { $0 !== victim && $0.name != "a1" }
            let gaps = try await conference.longestGaps(at: survivors, during: .seconds(6))

            print("\(family): \(victim.name) died; longest gaps \(gaps); before: \(before)")
            for (name, gap) in gaps {
                #expect(gap <= .seconds(2), "\(name), \(conference.picture(of: "a1"))")
            }
            let summaries = try await conference.end()
            for peer in survivors {
                let streams = summaries[peer.name]?.streams ?? []
                #expect(streams.map(\.duplicates) == [0], "\(peer.name)")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func membersOutliveTheRendezvousAndReturnToTheNext() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            try await conference.startPattern(receivers: [.a2, .a3, .b1], lease: "6s")
            #expect(try await conference.members().members.count == 4)
            let lostBefore = ["a2", "a3", "b1"].map { conference.lost(at: $0) }

            conference.rendezvous?.kill()
            try await Task.sleep(for: .seconds(8))
            try conference.startRendezvous(lease: "6s")
            let restarted = ContinuousClock.now
            let areBack = try await conference.listed(4, within: .seconds(6))
            let delay = ContinuousClock.now - restarted
            let newcomer = try conference.join(.b2, "--uplink", "4800K")
            let receives = try await eventually(within: .seconds(5)) {
                newcomer.received(from: "a1") > 0
            }
            let summaries = try await conference.end()

            print("all members listed \(delay) after the restart")
            #expect(areBack)
            #expect(receives)
            for (name, lost) in zip(["a2", "a3", "b1"], lostBefore) {
                let stream = try #require(summaries[name]?.streams.first, "\(name)")
                #expect(stream.lost == lost, "\(name)")
                #expect(stream.duplicates == 0, "\(name)")
                #expect(stream.corrupted == 0, "\(name)")
                #expect(stream.received > 2000, "\(name)")
            }
        }

        @Test(.timeLimit(.minutes(1)), arguments: [2, 5])
        func whatALossyNetworkDropsIsRepaired(percent: Int) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            // More than the caches hold.
            try await conference.startPattern(receivers: [.a2, .a3, .b1, .b2], megabits: 6)
            let receivers = conference.peers.filter { $0.name != "a1" }
            let lostBefore = receivers.map { conference.lost(at: $0.name) }

            try lab.drop(percent)
            try await Task.sleep(for: .seconds(10))
            try lab.drop(0)
            try await Task.sleep(for: .seconds(1))
            let repairs = conference.peers.compactMap(\.status?.repair)
            let summaries = try await conference.end()

            #expect(repairs.count == 5)
            for (peer, before) in zip(receivers, lostBefore) {
                let stream = try #require(summaries[peer.name]?.streams.first, "\(peer.name)")
                #expect(stream.received > 7500, "\(peer.name)")
                #expect(stream.corrupted == 0, "\(peer.name)")
                #expect((stream.lost - before) * 1000 <= stream.received, "\(peer.name): \(stream)")
                #expect(stream.duplicates == 0, "\(peer.name)")
            }
            let repaired = repairs.reduce(0) { $0 + $1.repaired }
            let answered = repairs.reduce(0) { $0 + $1.answered }
            let latency = summaries.values.compactMap(\.streams.first?.latency)
            print(
                "\(percent) % dropped: \(repairs), "
                    + "lost \(summaries.mapValues { $0.streams.first?.lost ?? 0 }), "
                    + "p99 of delay \(latency.map(\.p99)) ms")
            #expect(repaired > 50, "nothing was dropped")
            #expect(Double(answered) <= 1.3 * Double(repaired))
        }

        /// `tools/measure loss` does it for a minute, with a release build.
        @Test(.timeLimit(.minutes(1)))
        func nothingComesLateWhereEveryLinkLosesInBurstsToo() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            try await conference.startPattern(
                receivers: [.a2, .a3, .a4, .b1, .b2, .b3, .b4], uplink: "5500K")
            try await Task.sleep(for: .seconds(2))
            let receivers = conference.peers.filter { $0.name != "a1" }
            let before = receivers.map { conference.missed(at: $0.name) }

            try lab.lose(5, bursts: 2)
            try await Task.sleep(for: .seconds(12))
            let counts = try lab.lossCounters()
            try lab.lose(0, bursts: 0)
            try await Task.sleep(for: .seconds(1))
            let after = receivers.map { conference.missed(at: $0.name) }
            let repairs = conference.peers.compactMap(\.status?.repair)
            let summaries = try await conference.end()

            print("lost \(counts.lost), repairs sent \(counts.repairs); \(repairs)")
            for peer in receivers {
                let stream = try #require(summaries[peer.name]?.streams.first, "\(peer.name)")
                #expect(stream.received > 3000, "\(peer.name)")
                #expect(stream.duplicates == 0, "\(peer.name)")
            }
            // Of some 21,000; on a busy machine now and then a few.
            let missed = zip(before, after).map { $1 - $0 }
            #expect(missed.reduce(0, +) <= 10, "\(missed)")
            #expect(counts.lost > 2000, "nothing was dropped")
            #expect(Double(counts.repairs) <= 1.3 * Double(counts.lost))
        }

        @Test(.timeLimit(.minutes(1)))
        func idlePeersCostLittle() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv6, lab: lab)
            try conference.startRendezvous()
            let peers = try NetworkLab.Host.members.map { try conference.join($0) }
            #expect(
                try await eventually(within: .seconds(5)) {
                    peers.allSatisfy { $0.status?.links.isEmpty == false }
                })
            try await Task.sleep(for: .seconds(2))

            let before = peers.map(\.program.processorSeconds)
            try await Task.sleep(for: .seconds(6))
            let shares = zip(peers, before).map { ($0.program.processorSeconds - $1) / 6 }
            let memory = peers.map(\.program.peakResidentBytes)

            print("idle: \(shares) of a core, \(memory.map { $0 >> 20 }) MiB")
            // Twice what a release build may take, and far more than it does.
            #expect(shares.allSatisfy { $0 < 0.02 }, "\(shares)")
            #expect(
                memory.allSatisfy { $0 > 0 && ($0 < 40 << 20 || Sanitizer.isOn) }, "\(memory)")
        }
    }
}

extension Peer {
    fileprivate var childCount: Int { place(inTreeOf: "a1")?.children.count ?? 0 }
}

extension Conference {
    /// A rendezvous, a1 with some Mbit/s of the test pattern, and receivers that get it.
    fileprivate func startPattern(
        receivers: [NetworkLab.Host], lease: String = "30s", megabits: Int = 2,
        uplink: String? = nil
    ) async throws {
        try startRendezvous(lease: lease)
        // Two copies, and a little for repairs.
        let uplink = uplink ?? "\(megabits * 2400)K"
        try join(.a1, "--publish", "test:rate=\(megabits)M,size=1000", "--uplink", uplink)
        let peers = try receivers.map { try join($0, "--uplink", uplink) }
        let areFed = try await eventually(within: .seconds(10)) {
            peers.allSatisfy { $0.received(from: "a1") > 10 }
        }
        guard areFed else {
            throw LabError(
                "not all receive: \(picture(of: "a1")); "
                    + self.peers.map { "\($0.name): \($0.program.errors)" }.joined(separator: "; "))
        }
    }

    fileprivate func lost(at name: String) -> Int {
        let streams = peers.first { $0.name == name }?.status?.streams ?? []
        return streams.reduce(0) { $0 + $1.lost }
    }

    /// Packets that were lost or took longer than 500 ms.
    fileprivate func missed(at name: String) -> Int {
        let streams = peers.first { $0.name == name }?.status?.streams ?? []
        return streams.reduce(0) { $0 + $1.lost + $1.overdue }
    }

    /// The longest time each peer's count of received packets stood still, from now on.
    fileprivate func longestGaps(
        at peers: [Peer], during interval: Duration
    ) async throws -> [(name: String, gap: Duration)] {
        let start = ContinuousClock.now
        var last = peers.map { (count: $0.received(from: "a1"), since: start) }
        var gaps = peers.map { ($0.name, Duration.zero) }
        while ContinuousClock.now - start < interval {
            try await Task.sleep(for: .milliseconds(50))
            for (index, peer) in peers.enumerated() {
                let count = peer.received(from: "a1")
                let now = ContinuousClock.now
                gaps[index].1 = max(gaps[index].1, now - last[index].since)
                if count > last[index].count { last[index] = (count, now) }
            }
        }
        return gaps
    }

    /// Whether the rendezvous lists `count` members in time.
    fileprivate func listed(_ count: Int, within limit: Duration) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if let list = try? await members(), list.members.count == count { return true }
            try await Task.sleep(for: .milliseconds(200))
        }
        return false
    }
}
