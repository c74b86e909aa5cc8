import NetBasics
import Rendezvous
import Testing
import Wire

/// What keeps strangers from using or exhausting the server.
@Suite struct AdmissionTests {
    @Test(arguments: RendezvousRequest.Operation.allCases)
    func withoutACookieThereIsOnlyAChallenge(operation: RendezvousRequest.Operation) {
        let bench = ServerBench()
        bench.reply(.register, 1, from: endpoint(1))
        let before = bench.server.counters

        let answer = bench.ask(operation, 1, from: endpoint(1), cookie: .none)

        guard case .challenge(_, let cookie, endpoint(1)) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(cookie != .none)
        var expected = before
        expected.challenges += 1
        #expect(bench.server.counters == expected)
        #expect(bench.reply(.lookUp, 0, from: endpoint(2))?.memberCount == 1)
    }

    @Test func aCookieIsGoodForItsAddressAndPortOnly() {
        let bench = ServerBench()
        let cookie = bench.cookie(for: endpoint(1))
        let strangers = [endpoint(2), endpoint(1, port: 7001)]

        for stranger in strangers {
            let answer = bench.ask(.register, 1, from: stranger, cookie: cookie)
            guard case .challenge = answer else {
                Issue.record("\(stranger): \(String(describing: answer))")
                continue
            }
        }
        #expect(bench.server.counters.members == 0)
    }

    @Test func aCookieEndsAfterTheNextPeriod() {
        let bench = ServerBench()
        let cookie = bench.cookie(for: endpoint(1))

        bench.now = .zero + .seconds(119)
        guard case .reply = bench.ask(.register, 1, from: endpoint(1), cookie: cookie) else {
            Issue.record("refused within its time")
            return
        }
        bench.now = .zero + .seconds(120)
        guard case .challenge = bench.ask(.register, 1, from: endpoint(1), cookie: cookie) else {
            Issue.record("accepted after its time")
            return
        }
    }

    @Test func unprovenSendersGetNoMoreBytesThanTheySent() {
        let bench = ServerBench()
        for host in 0..<100 { bench.reply(.register, UInt64(host), from: endpoint(host)) }
        var generator = SeededGenerator(seed: 3)
        let before = bench.server.counters.members

        for _ in 0..<2000 {
            let operations = RendezvousRequest.Operation.allCases
            let request = bench.request(
                operations[generator.uniform(below: operations.count)],
                UInt64(generator.uniform(below: 200)),
                in: UInt64(generator.uniform(below: 3)),
                cookie: generator.uniform(below: 2) == 0
                    ? .none : Cookie(high: generator.next(), low: generator.next()))
            // The longest addresses make the longest challenges.
            let address = IPv6Address(
                high: 0x2001_0DB8 << 32, low: UInt64(generator.uniform(below: 200)))
            let sender = Endpoint(address: .v6(address), port: 7000)

            let answer = bench.server.handle(request, from: sender, at: .zero)

            let sent = RendezvousMessage.request(request).encoded.count
            #expect((answer?.encoded.count ?? 0) <= sent)
        }
        #expect(bench.server.counters.members == before)
    }

    @Test(arguments: ["0.0.0.0:7000", "224.0.0.1:7000", "255.255.255.255:7000", "[ff02::1]:7000"])
    func addressesOfNobodyMeetSilence(text: String) throws {
        let bench = ServerBench()
        let sender = try #require(Endpoint(text))

        #expect(bench.ask(.register, 1, from: sender, cookie: .none) == nil)
        #expect(bench.ask(.lookUp, 1, from: endpoint(1, port: 0), cookie: .none) == nil)
        #expect(bench.server.counters.ignored == 2)
        #expect(bench.server.counters.challenges == 0)
    }

    // MARK: - Limits

    @Test func groupsAreLimited() {
        let bench = ServerBench { $0.groupLimit = 2 }
        bench.reply(.register, 1, in: 1, from: endpoint(1))
        bench.reply(.register, 2, in: 2, from: endpoint(2))

        #expect(bench.refusal(.register, 3, in: 3, from: endpoint(3)) == .groupLimit)
        #expect(bench.reply(.register, 3, in: 2, from: endpoint(3)) != nil)
        #expect(bench.reply(.lookUp, 0, in: 3, from: endpoint(3)) != nil)

        bench.reply(.leave, 1, in: 1, from: endpoint(1))
        #expect(bench.reply(.register, 4, in: 3, from: endpoint(4)) != nil)
        #expect(bench.server.counters.refusals(.groupLimit) == 1)
    }

    @Test func membersOfAGroupAreLimited() {
        let bench = ServerBench { $0.groupMemberLimit = 2 }
        for peer in 1...2 { bench.reply(.register, UInt64(peer), from: endpoint(peer)) }

        #expect(bench.refusal(.register, 3, from: endpoint(3)) == .memberLimit)
        #expect(bench.reply(.register, 1, from: endpoint(1)) != nil, "a refresh needs no place")
        #expect(bench.reply(.register, 3, in: 2, from: endpoint(3)) != nil)

        bench.now = .zero + .seconds(30)
        #expect(bench.reply(.register, 3, from: endpoint(3)) != nil)
    }

    @Test func membersInAllAreLimited() {
        let bench = ServerBench { $0.memberLimit = 3 }
        for peer in 1...3 {
            bench.reply(.register, UInt64(peer), in: UInt64(peer), from: endpoint(peer))
        }

        #expect(bench.refusal(.register, 4, in: 1, from: endpoint(4)) == .memberLimit)
        bench.reply(.leave, 2, in: 2, from: endpoint(2))
        #expect(bench.reply(.register, 4, in: 1, from: endpoint(4)) != nil)
    }

    @Test func membersOfAnAddressAreLimitedOverAllGroups() {
        let bench = ServerBench { $0.addressMemberLimit = 2 }
        bench.reply(.register, 1, in: 1, from: endpoint(1, port: 1))
        bench.reply(.register, 2, in: 2, from: endpoint(1, port: 2))

        let third = endpoint(1, port: 3)
        #expect(bench.refusal(.register, 3, in: 1, from: third) == .addressMemberLimit)
        #expect(bench.reply(.register, 3, in: 1, from: endpoint(2)) != nil)
        #expect(bench.reply(.register, 4, in: 1, from: endpoint(1, port: 1)) != nil, "replaced")

        bench.reply(.leave, 2, in: 2, from: endpoint(1, port: 2))
        #expect(bench.reply(.register, 5, in: 1, from: third) != nil)
    }

    @Test func aRefusedMemberIsNowhere() {
        let bench = ServerBench { $0.groupMemberLimit = 1 }
        bench.reply(.register, 1, from: endpoint(1))
        let before = bench.server.counters

        #expect(bench.refusal(.register, 2, from: endpoint(2)) == .memberLimit)

        #expect(bench.server.counters.members == before.members)
        #expect(bench.reply(.register, 1, from: endpoint(1))?.peers == [])
    }

    @Test func requestsOfAnAddressAreLimited() {
        let bench = ServerBench {
            $0.requestRate = 50
            $0.requestBurst = 200
        }
        let cookie = bench.cookie(for: endpoint(1))
        func admitted(_ tries: Int) -> Int {
            (0..<tries).count { _ in
                guard case .reply = bench.ask(.lookUp, 0, from: endpoint(1), cookie: cookie) else {
                    return false
                }
                return true
            }
        }

        #expect(admitted(300) == 200)
        #expect(bench.refusal(.lookUp, 0, from: endpoint(1, port: 9)) == .requestRate)
        #expect(bench.reply(.lookUp, 0, from: endpoint(2)) != nil)
        bench.now = .zero + .milliseconds(100)
        #expect(admitted(300) == 5)
        bench.now = .zero + .seconds(60)
        #expect(admitted(300) == 200)
    }

    @Test func unprovenRequestsTakeNoTokens() {
        let bench = ServerBench { $0.requestBurst = 1 }
        let cookie = bench.cookie(for: endpoint(1))
        for _ in 0..<100 { _ = bench.ask(.register, 1, from: endpoint(1), cookie: .none) }

        guard case .reply = bench.ask(.register, 1, from: endpoint(1), cookie: cookie) else {
            Issue.record("a stranger spent the token")
            return
        }
    }

    @Test func impossibleLimitsAreRefused() async {
        await #expect(processExitsWith: .failure) {
            var configuration = RendezvousConfiguration()
            configuration.groupLimit = 0
            _ = RendezvousServer(
                configuration: configuration, cookieSecret: Array(0..<32),
                generator: SeededGenerator(seed: 0))
        }
        await #expect(processExitsWith: .failure) {
            var configuration = RendezvousConfiguration()
            configuration.lease = .seconds(0)
            _ = RendezvousServer(
                configuration: configuration, cookieSecret: Array(0..<32),
                generator: SeededGenerator(seed: 0))
        }
    }
}
