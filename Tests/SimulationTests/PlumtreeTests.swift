import NetBasics
import Testing

@testable import Simulation

@Suite struct PlumtreeTests {
    private func network(_ hosts: Int, seed: UInt64) throws -> Underlay {
        var generator = SeededGenerator(seed: seed)
        let spec = try TopologySpec(parsing: "pairwise:10-50")
        return try Underlay(spec.make(hostCount: hosts, generator: &generator))
    }

    private func scenario(_ peers: Int, sources: Int, rate: Double, seed: UInt64) -> Scenario {
        var scenario = Scenario()
        scenario.seed = seed
        scenario.peers = peers
        scenario.sources = sources
        scenario.rate = rate
        scenario.publishAt = .seconds(20)
        scenario.warmUp = .seconds(40)
        scenario.duration = .seconds(50)
        scenario.followedStride = 0
        return scenario
    }

    // MARK: - Against the gates of a current implementation, iroh-gossip

    @Test(arguments: [0, 1, 212_312_388_123, 123] as [UInt64])
    func oneSenderHasNearlyNoRedundancy(seed: UInt64) throws {
        let scenario = scenario(100, sources: 1, rate: 3, seed: seed)

        let outcome = simulatePlumtree(scenario, underlay: try network(100, seed: seed))

        #expect(outcome.missed == 0)
        #expect(outcome.deliveries >= 29 * 99)
        #expect(outcome.rmr < 0.2)
        #expect(outcome.lastHop < 15)
    }

    @Test(arguments: [0, 1] as [UInt64])
    func sendersInTurnShareATree(seed: UInt64) throws {
        var scenario = scenario(100, sources: 100, rate: 0.05, seed: seed)
        // As there: 30 rounds, one after the other.
        scenario.workload = .rounds(count: 30, interval: .seconds(1), .inTurn)
        scenario.duration = scenario.warmUp + .seconds(33)

        let outcome = simulatePlumtree(scenario, underlay: try network(100, seed: seed))

        #expect(outcome.missed == 0)
        #expect(outcome.rmr < 1)
        #expect(outcome.lastHop < 18)
    }

    @Test func aBurstOfAllReachesAll() throws {
        let scenario = scenario(60, sources: 60, rate: 0.2, seed: 4)

        let outcome = simulatePlumtree(scenario, underlay: try network(60, seed: 4))

        #expect(outcome.missed == 0)
        #expect(outcome.rmr < 3)
        #expect(outcome.lastHop < 30)
    }

    // MARK: - Views and failures

    @Test func viewsAreBoundedMutualAndConnected() throws {
        let limits = HyParViewParameters()
        var reached: Set<Int32> = [0]
        var waiting: [Int32] = [0]

        _ = simulatePlumtree(
            scenario(200, sources: 1, rate: 1, seed: 5), underlay: try network(200, seed: 5),
            inspect: { members in
                for (host, member) in members.enumerated() {
                    guard let member else { continue }
                    #expect(member.neighbors.count <= limits.activeLimit)
                    #expect(member.passiveView.count <= limits.passiveLimit)
                    #expect(!member.neighbors.contains(Int32(host)))
                    for neighbor in member.neighbors {
                        let back = members[Int(neighbor)]?.neighbors.contains(Int32(host))
                        #expect(back == true)
                    }
                }
                while let host = waiting.popLast() {
                    for next in members[Int(host)]?.neighbors ?? []
                    where reached.insert(next).inserted {
                        waiting.append(next)
                    }
                }
            })

        #expect(reached.count == 200)
    }

    @Test func survivorsOfMassiveFailureAreReachedAgain() throws {
        var scenario = scenario(200, sources: 1, rate: 2, seed: 6)
        scenario.failures = [.init(count: 100, at: .seconds(30))]
        scenario.warmUp = .seconds(60)
        scenario.duration = .seconds(65)

        let outcome = simulatePlumtree(scenario, underlay: try network(200, seed: 6))

        #expect(outcome.deliveries >= 9 * 99)
        #expect(outcome.missed == 0)
    }

    @Test func oneSeedIsOneRun() throws {
        let scenario = scenario(40, sources: 3, rate: 2, seed: 7)

        let first = simulatePlumtree(scenario, underlay: try network(40, seed: 7))
        let second = simulatePlumtree(scenario, underlay: try network(40, seed: 7))

        #expect(first.events == second.events)
        #expect(first.payloadsSent == second.payloadsSent)
        #expect(first.control.sum == second.control.sum)
    }
}

/// Single steps of the broadcast and of what it stands on.
@Suite struct PlumtreeStepTests {
    private let packet = MediaPacket(source: 9, number: 0)

    private func tree(neighbors: [Int32]) -> Plumtree {
        var tree = Plumtree(parameters: PlumtreeParameters())
        for neighbor in neighbors { tree.neighborUp(neighbor) }
        return tree
    }

    private func described(_ actions: ContiguousArray<Plumtree.Action>) -> [String] {
        actions.map { action in
            switch action {
            case .deliver: "deliver"
            case .send(.gossip(_, let round), let to): "gossip \(round) to \(to)"
            case .send(.announcements(let list), let to): "announce \(list.count) to \(to)"
            case .send(.graft(let packet), let to):
                "graft \(packet == nil ? "link" : "packet") \(to)"
            case .send(.prune, let to): "prune \(to)"
            }
        }
    }

    @Test func aRepeatedPayloadPrunesItsSender() {
        var tree = tree(neighbors: [1, 2, 3])

        tree.receive(.gossip(packet, round: 0), from: 1, at: .zero)
        tree.receive(.gossip(packet, round: 0), from: 2, at: .zero)

        #expect(
            described(tree.actions) == ["deliver", "gossip 1 to 2", "gossip 1 to 3", "prune 2"])
        #expect(tree.eagerCount == 2)
    }

    @Test func lazyNeighborsGetAnnouncementsAfterTheDelay() {
        var tree = tree(neighbors: [1, 2])
        tree.receive(.prune, from: 2, at: .zero)

        tree.broadcast(packet, at: .zero)
        #expect(tree.nextWakeup == .zero + .milliseconds(5))
        tree.wake(at: .zero + .milliseconds(5))

        #expect(described(tree.actions) == ["gossip 0 to 1", "announce 1 to 2"])
    }

    @Test func anAnnouncedPacketThatDoesNotComeIsAskedForFromOneAnnouncerAfterTheOther() {
        var tree = tree(neighbors: [1, 2])
        let list = PlumtreeMessage.announcements([.init(packet: packet, round: 3)])
        tree.receive(list, from: 1, at: .zero)
        tree.receive(list, from: 2, at: .zero)

        tree.wake(at: .zero + .milliseconds(79))
        #expect(tree.actions.isEmpty)
        tree.wake(at: .zero + .milliseconds(80))
        tree.wake(at: .zero + .milliseconds(120))

        #expect(described(tree.actions) == ["graft packet 1", "graft packet 2"])
    }

    @Test func aGraftIsAnsweredWithThePacket() {
        var tree = tree(neighbors: [1])
        tree.receive(.prune, from: 1, at: .zero)
        tree.broadcast(packet, at: .zero)

        tree.receive(.graft(packet), from: 1, at: .zero)

        #expect(described(tree.actions) == ["gossip 0 to 1"])
        #expect(tree.eagerCount == 1)
    }

    @Test(arguments: [(UInt8(7), false), (8, true)])
    func anAnnouncerThatIsMuchNearerReplacesTheSender(round: UInt8, isReplaced: Bool) {
        var tree = tree(neighbors: [1, 2])
        let list = PlumtreeMessage.announcements([.init(packet: packet, round: 0)])
        tree.receive(list, from: 2, at: .zero)

        tree.receive(.gossip(packet, round: round - 1), from: 1, at: .zero)

        #expect(described(tree.actions).contains("graft link 2") == isReplaced)
        #expect(described(tree.actions).contains("prune 1") == isReplaced)
    }

    @Test func aSilentNeighborFailsAfterTwoRoundTripsTwice() {
        var watch = LinkWatch(HyParViewParameters())
        var asked: ContiguousArray<Int32> = []
        var failed: ContiguousArray<Int32> = []
        watch.add(1, at: .zero)
        let asksAtFirst = watch.willSend(to: 1, at: .zero)
        watch.acknowledged(by: 1, at: .zero + .milliseconds(40))

        let sentAt = Instant.zero + .seconds(1)
        let asksAgain = watch.willSend(to: 1, at: sentAt)
        let asksTwice = watch.willSend(to: 1, at: sentAt)
        #expect([asksAtFirst, asksAgain, asksTwice] == [true, true, false])
        watch.due(at: sentAt + .milliseconds(80), asked: &asked, failed: &failed)
        #expect(asked == [1])
        #expect(failed.isEmpty)
        watch.due(at: sentAt + .milliseconds(160), asked: &asked, failed: &failed)

        #expect(failed == [1])
    }

    @Test func historyRemembersTheLatestPacketsAndRefusesOlderOnes() {
        var history = PacketHistory()
        let limit = PacketHistory.limit
        for number in [5, 3, 4 + limit] {
            let isNew = history.insert(MediaPacket(source: 1, number: number), round: 2)
            #expect(isNew)
        }

        #expect(history.contains(MediaPacket(source: 1, number: 3)))
        #expect(history.contains(MediaPacket(source: 1, number: 4)))
        #expect(history.round(of: MediaPacket(source: 1, number: 5)) == 2)
        #expect(history.round(of: MediaPacket(source: 1, number: 3)) == nil)
        #expect(!history.contains(MediaPacket(source: 1, number: 6)))
        #expect(!history.contains(MediaPacket(source: 2, number: 5)))
    }
}
