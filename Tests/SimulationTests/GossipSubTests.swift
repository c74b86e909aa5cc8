import NetBasics
import Simulation
import Testing

@Suite struct GossipSubTests {
    typealias Datagrams = ContiguousArray<Outbox<GossipSubMessage>.Datagram>

    /// A router with 20 connections, and a clock.
    struct Bench {
        var member: GossipSubMember
        var now = Instant.zero
        static let peers = Array(1...20)

        init(_ version: GossipSubConfiguration.Version, keepAlive: Duration? = nil) {
            var generator = SeededGenerator(seed: 5)
            var configuration = GossipSubConfiguration(version)
            configuration.keepAlive = keepAlive
            member = GossipSubMember(
                host: 0, configuration: configuration, generator: &generator)
            tell(.started(contacts: Self.peers))
        }

        @discardableResult
        mutating func tell(
            _ event: MemberEvent<GossipSubMessage>
        ) -> (sent: Datagrams, delivered: ContiguousArray<MediaPacket>) {
            var outbox = Outbox<GossipSubMessage>()
            member.handle(event, at: now, into: &outbox)
            return (outbox.datagrams, outbox.deliveries)
        }

        mutating func beat() -> Datagrams {
            now = member.nextWakeup ?? now
            return tell(.wakeupReached).sent
        }
    }

    private func receivers(
        _ datagrams: Datagrams, _ kind: GossipSubControl
    ) -> [Int] {
        datagrams.filter { $0.packet == nil && $0.kind == kind.rawValue }.map(\.to).sorted()
    }

    private func simulate(
        _ gossip: GossipProtocol, _ scenario: Scenario
    ) throws -> GossipSubResult {
        var generator = SeededGenerator(seed: scenario.seed)
        let topology = try TopologySpec(parsing: "pairwise:10-150")
            .make(hostCount: scenario.hostCount, generator: &generator)
        return simulateGossip(gossip, in: scenario, underlay: try Underlay(topology))
    }

    private let message = MediaPacket(source: 99, number: 0)

    @Test func firstHeartbeatComesInTheSecondSecondAndGraftsSix() {
        var bench = Bench(.v1dot0)

        let sent = bench.beat()

        #expect((Instant.zero + .seconds(1)..<Instant.zero + .seconds(2)).contains(bench.now))
        #expect(receivers(sent, .graft).count == 6)
        #expect(receivers(sent, .graft) == bench.member.mesh.map(Int.init).sorted())
        #expect(bench.beat().isEmpty)
    }

    @Test(arguments: GossipSubConfiguration.Version.allCases)
    func moreThanTwelveInTheMeshArePrunedToSix(version: GossipSubConfiguration.Version) {
        var bench = Bench(version)
        for peer in 1...12 { bench.tell(.received(.graft, from: peer)) }
        #expect(bench.beat().isEmpty)
        bench.tell(.received(.graft, from: 13))

        let sent = bench.beat()

        #expect(receivers(sent, .prune).count == 7)
        #expect(bench.member.mesh.count == 6)
        for datagram in sent {
            guard case .prune(let named) = datagram.message else { continue }
            #expect(named.count == (version == .v1dot0 ? 0 : 16))
            #expect(!named.contains(Int32(datagram.to)))
        }
    }

    @Test func prunedRoutersConnectToThePeersThatTheyAreTold() {
        var bench = Bench(.v1dot1)
        bench.tell(.received(.graft, from: 3))

        let sent = bench.tell(.received(.prune([0, 5, 77]), from: 3)).sent

        #expect(receivers(sent, .connect) == [77])
        #expect(bench.member.mesh.isEmpty)
        #expect(bench.member.connected.contains(77))
    }

    @Test func graftsWithinTheBackoffArePrunedByVersionOneOneOnly() {
        for version in GossipSubConfiguration.Version.allCases {
            var bench = Bench(version)
            bench.tell(.received(.prune([]), from: 3))
            let early = bench.tell(.received(.graft, from: 3)).sent
            #expect(receivers(early, .prune) == (version == .v1dot0 ? [] : [3]))
            bench.now = bench.now + .seconds(61)
            bench.tell(.received(.graft, from: 3))
            #expect(bench.member.mesh == [3])
        }
    }

    @Test func messagesAreForwardedOnceToTheMeshButNotToWhereTheyCameFrom() {
        var bench = Bench(.v1dot1)
        for peer in [1, 2, 3, 4, 5] { bench.tell(.received(.graft, from: peer)) }
        let packet = MediaPacket(source: 4, number: 7)

        let first = bench.tell(.received(.payload(packet), from: 2))
        let second = bench.tell(.received(.payload(packet), from: 5))

        #expect(first.delivered == [packet])
        #expect(first.sent.map(\.to).sorted() == [1, 3, 5])
        #expect(second.delivered.isEmpty)
        #expect(second.sent.isEmpty)
    }

    @Test func versionOneOnePublishesToAllPeersAndVersionOneToTheMesh() {
        for version in GossipSubConfiguration.Version.allCases {
            var bench = Bench(version)
            for peer in [1, 2, 3] { bench.tell(.received(.graft, from: peer)) }
            let sent = bench.tell(.packetDue(MediaPacket(source: 0, number: 0))).sent
            #expect(sent.map(\.to).sorted() == (version == .v1dot0 ? [1, 2, 3] : Bench.peers))
        }
    }

    @Test func messagesAreGossipedAtThreeHeartbeatsToSixOutsideOfTheMesh() {
        var bench = Bench(.v1dot0)
        _ = bench.beat()
        bench.tell(.received(.payload(message), from: 1))

        for _ in 0..<3 {
            let told = receivers(bench.beat(), .ihave)
            #expect(told.count == 6)
            #expect(told.allSatisfy { !bench.member.mesh.contains(Int32($0)) })
        }

        #expect(bench.beat().isEmpty)
    }

    /// The mean of the greater of six and a binomial draw (14 peers outside of the mesh of 6, and
    /// 0.25) is 6.05; none of v1.1's gossip goes to fewer than six.
    @Test func versionOneOneGossipsToAShareOfThePeersButAtLeastSix() {
        var bench = Bench(.v1dot1)
        _ = bench.beat()
        var told = 0
        for number in 0..<400 {
            let packet = MediaPacket(source: 99, number: Int32(number))
            bench.tell(.received(.payload(packet), from: 1))
            let receivers = receivers(bench.beat(), .ihave)
            #expect(receivers.count >= 6)
            told += receivers.count
        }
        #expect(abs(Double(told) / 400 - 6.051) < 0.05)
    }

    @Test func onlyWhatIsMissingIsAskedForAndSent() {
        var bench = Bench(.v1dot0)
        let unseen = MediaPacket(source: 99, number: 1)
        bench.tell(.received(.payload(message), from: 1))

        let asked = bench.tell(.received(.ihave([message, unseen]), from: 9)).sent
        let answered = bench.tell(.received(.iwant([message, unseen]), from: 9)).sent

        #expect(receivers(asked, .iwant) == [9])
        if case .iwant(let ids)? = asked.first?.message { #expect(ids == [unseen]) }
        #expect(answered.map(\.packet) == [message])
        #expect(bench.tell(.received(.ihave([message]), from: 9)).sent.isEmpty)
    }

    @Test func leavingTellsEveryPeer() {
        var bench = Bench(.v1dot1)
        #expect(receivers(bench.tell(.leaveRequested).sent, .disconnect) == Bench.peers)
        bench.tell(.received(.graft, from: 3))
        bench.tell(.received(.disconnect, from: 3))
        #expect(bench.member.mesh.isEmpty)
        #expect(!bench.member.connected.contains(3))
    }

    @Test func peersThatAreSilentAreAskedAndThenDropped() {
        var bench = Bench(.v1dot0, keepAlive: .seconds(30))
        var asked: [Int] = []
        var answered = false
        while bench.now < .zero + .seconds(60) {
            let pinged = receivers(bench.beat(), .ping)
            asked += pinged
            if pinged.contains(7) { bench.tell(.received(.pong, from: 7)) }
            answered = answered || pinged.contains(7)
        }

        #expect(answered)
        #expect(Set(asked) == Set(Bench.peers))
        #expect(bench.member.connected == [7])
        #expect(bench.member.mesh == [7])
    }

    /// Half of the members crash; routers that kept sending to them would send 7 to 9 copies each.
    @Test func meshIsRepairedAfterCrashes() throws {
        var scenario = Scenario()
        scenario.peers = 60
        scenario.sources = 2
        scenario.rate = 1
        scenario.duration = .seconds(140)
        scenario.warmUp = .seconds(115)
        scenario.failures = [.init(count: 30, at: .seconds(50))]

        let result = try simulate(.gossipSub(.init(.v1dot1)), scenario)

        #expect(result.outcome.missed == 0)
        #expect(result.outcome.deliveries > 29 * 2 * 20)
        #expect(result.outcome.late == 0)
        #expect(result.outcome.rmr < 6.5)
    }

    @Test func membersComeAndGoWithoutLosingMessages() throws {
        var scenario = Scenario()
        scenario.peers = 40
        scenario.rate = 2
        scenario.duration = .seconds(80)
        scenario.warmUp = .seconds(30)
        scenario.churn = 0.5
        scenario.gracefulShare = 1

        let result = try simulate(.gossipSub(.init(.v1dot0)), scenario)

        #expect(result.count(of: .disconnect) > 0)
        #expect(Double(result.outcome.missed) < 0.01 * Double(result.outcome.deliveries))
    }

    @Test func oneSeedIsOneRun() throws {
        let experiment = GossipSubExperiment(peers: 40, messages: 5, seed: 3)
        let results = try (0..<2).map { _ in try experiment.run(.gossipSub(.init(.v1dot1))) }
        #expect(results[0].control == results[1].control)
        #expect(results[0].outcome.payloadsSent == results[1].outcome.payloadsSent)
        #expect(results[0].latencyShares() == results[1].latencyShares())
    }
}

@Suite struct FloodingTests {
    /// Everybody is connected to everybody: the source sends n - 1 copies, each other n - 2.
    @Test func naiveFloodingUsesEveryEdgeOfTheGraph() throws {
        var experiment = GossipSubExperiment(peers: 20, messages: 4, seed: 1)
        experiment.dialed = 19

        let result = try experiment.run(.naiveFlooding)

        #expect(result.outcome.payloadsSent == 4 * 19 * 19)
        #expect(result.outcome.deliveries == 4 * 19)
    }

    @Test func floodSubSparesTheSource() throws {
        var experiment = GossipSubExperiment(peers: 20, messages: 4, seed: 1)
        experiment.dialed = 19

        let naive = try experiment.run(.naiveFlooding)
        let spared = try experiment.run(.floodSub)

        // Of each other node's copies, the one to the source is left out, if it was not anyway.
        #expect(spared.outcome.payloadsSent < naive.outcome.payloadsSent)
        #expect(spared.outcome.payloadsSent >= naive.outcome.payloadsSent - 4 * 19)
        #expect(spared.outcome.deliveries == naive.outcome.deliveries)
    }

    /// No protocol on the same connections is faster.
    @Test func floodingIsFasterThanGossipSub() throws {
        let experiment = GossipSubExperiment(peers: 60, messages: 10, seed: 2)
        let flooding = try experiment.run(.floodSub).outcome.latency
        let gossip = try experiment.run(.gossipSub(.init(.v1dot1))).outcome.latency
        #expect(flooding.quantile(0.5) < gossip.quantile(0.5))
        #expect(flooding.quantile(0.99) < gossip.quantile(0.99))
    }
}
