import NetBasics
import Rendezvous
import Testing
import Wire

/// The server against a list that is searched from end to end.
@Suite struct ServerModelTests {
    private struct Entry {
        var group: UInt64
        var peer: UInt64
        var endpoint: Endpoint
        var deadline: Instant
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func theServerAgreesWithASimpleList(seed: UInt64) throws {
        let bench = ServerBench(seed: seed)
        var generator = SeededGenerator(seed: seed)
        var model: [Entry] = []
        var seen = Set<RendezvousRequest.Operation>()

        for _ in 0..<6000 {
            bench.now = bench.now + .milliseconds(Int64(generator.uniform(below: 300)))
            let now = bench.now
            model.removeAll { $0.deadline <= now }
            let group = UInt64(generator.uniform(below: 4))
            let peer = UInt64(generator.uniform(below: 60))
            // Mostly the peer's own endpoint; 60 hosts in 6 subnets.
            let host = generator.uniform(below: 8) == 0 ? generator.uniform(below: 60) : Int(peer)
            let sender = endpoint(host % 6 * 256 + host)
            let operations: [RendezvousRequest.Operation] = [.register, .register, .leave, .lookUp]
            let operation = operations[generator.uniform(below: 4)]
            seen.insert(operation)

            let answer = bench.ask(operation, peer, in: group, from: sender)

            let isTaken = model.contains {
                $0.group == group && $0.peer == peer && $0.endpoint != sender
            }
            if operation == .register, isTaken {
                guard case .refusal(_, .peerIDTaken) = answer else {
                    Issue.record("\(String(describing: answer))")
                    return
                }
                continue
            }
            if operation == .register {
                model.removeAll { $0.group == group && $0.endpoint == sender }
                model.append(
                    Entry(
                        group: group, peer: peer, endpoint: sender,
                        deadline: bench.now + .seconds(30)))
            } else if operation == .leave {
                model.removeAll {
                    $0.group == group && $0.peer == peer && $0.endpoint == sender
                }
            }
            try check(answer, operation, model.filter { $0.group == group }, sender)
            #expect(bench.server.counters.members == model.count)
            #expect(bench.server.counters.groups == Set(model.map(\.group)).count)
            #expect(bench.server.nextWakeup == model.map(\.deadline).min())
        }
        #expect(seen.count == 3)
    }

    private func check(
        _ answer: RendezvousMessage?, _ operation: RendezvousRequest.Operation,
        _ members: [Entry], _ sender: Endpoint
    ) throws {
        guard case .reply(let reply) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(reply.memberCount == members.count)
        #expect(reply.observed == sender)
        let others = members.filter { $0.endpoint != sender }.map {
            Contact(peer: PeerID(rawValue: $0.peer), endpoint: $0.endpoint)
        }
        #expect(reply.peers.count == (operation == .leave ? 0 : min(16, others.count)))
        #expect(Set(reply.contacts).isSubset(of: others))
        #expect(Set(reply.contacts).count == reply.contacts.count)
    }

    /// Recorded once; another process, whose hash tables iterate otherwise, must agree.
    @Test func theSameSeedGivesTheSameAnswersInEveryProcess() {
        let bench = ServerBench(seed: 99)
        var generator = SeededGenerator(seed: 100)
        var fingerprint: UInt64 = 0xCBF2_9CE4_8422_2325

        for step in 0..<2000 {
            bench.now = .zero + .milliseconds(Int64(step * 40))
            let host = generator.uniform(below: 1000)
            let operation: RendezvousRequest.Operation =
                generator.uniform(below: 5) == 0 ? .leave : .register
            let answer = bench.ask(operation, UInt64(host), from: endpoint(host * 7))
            for byte in answer?.encoded ?? [] {
                fingerprint = (fingerprint ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }

        #expect(fingerprint == 1_385_102_440_704_304_869)
    }
}

@Suite struct ServerCostTests {
    /// Time per round of leaving, registering and refreshing; the least of several tries.
    private func cost(members: Int) -> Duration {
        let bench = ServerBench()
        for host in 0..<members {
            bench.reply(.register, UInt64(host), from: endpoint(host * 3))
        }
        let clock = ContinuousClock()
        return (0..<5).map { _ in
            clock.measure {
                for host in 0..<100 {
                    bench.reply(.leave, UInt64(host), from: endpoint(host * 3))
                    bench.reply(.register, UInt64(host), from: endpoint(host * 3))
                    bench.reply(.register, UInt64(host + 1), from: endpoint((host + 1) * 3))
                }
            }
        }.min() ?? .zero
    }

    /// A cost in proportion to the group would be a hundred times as much, and signatures hide
    /// some of it: they are two thirds of the cost.
    @Test func tenThousandMembersCostAsMuchAsAHundred() {
        let small = cost(members: 100)
        let large = cost(members: 10_000)

        #expect(large < small * 4, "\(small) with 100, \(large) with 10 000")
    }

    @Test func membersOfOneSubnetCostNoMore() {
        let bench = ServerBench()
        let clock = ContinuousClock()
        // One address, one subnet: the worst case of the choice by subnet.
        func register(_ range: Range<Int>) -> Duration {
            clock.measure {
                for port in range {
                    bench.reply(.register, UInt64(port), from: endpoint(1, port: UInt16(port)))
                }
            }
        }

        let first = register(1..<1001)
        _ = register(1001..<9001)
        let last = register(9001..<10_001)

        #expect(last < first * 4, "\(first) for the first thousand, \(last) for the last")
        #expect(bench.server.counters.members == 10_000)
    }
}
