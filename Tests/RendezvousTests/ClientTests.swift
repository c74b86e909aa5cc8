import NetBasics
import Rendezvous
import Testing
import Wire

/// A client that is driven by hand: events in, whole action lists out.
final class ClientBench {
    var client: RendezvousClient
    var now = Instant.zero

    init(seed: UInt64 = 1, isSource: Bool = false) {
        client = RendezvousClient(
            keys: keys(1), groupName: "group 1", peer: PeerID(rawValue: 7),
            isSource: isSource, generator: SeededGenerator(seed: seed))
    }

    func handle(_ event: RendezvousClient.Event) -> [RendezvousClient.Action] {
        var actions: [RendezvousClient.Action] = []
        client.handle(event, at: now, into: &actions)
        return actions
    }

    /// Waits for the client's own time and wakes it.
    func wake() -> [RendezvousClient.Action] {
        now = client.nextWakeup ?? now
        return handle(.wakeupReached)
    }

    /// The only request of a call; `nil` if there were none or several.
    func request(_ event: RendezvousClient.Event) -> RendezvousRequest? {
        onlyRequest(handle(event))
    }

    /// Starts, is challenged and registered; returns the proven request.
    @discardableResult
    func register(lease: Duration = .seconds(30)) -> RendezvousRequest? {
        guard let first = request(.started),
            let proven = request(
                .messageReceived(goodChallenge(first)))
        else { return nil }
        _ = handle(.messageReceived(.reply(reply(to: proven, lease: lease))))
        return proven
    }
}

let goodCookie = Cookie(high: 11, low: 12)

func goodChallenge(_ request: RendezvousRequest) -> RendezvousMessage {
    .challenge(transaction: request.transaction, cookie: goodCookie, observed: endpoint(7))
}

func onlyRequest(_ actions: [RendezvousClient.Action]) -> RendezvousRequest? {
    guard actions.count == 1, case .send(let request) = actions[0] else { return nil }
    return request
}

func reply(to request: RendezvousRequest, lease: Duration = .seconds(30)) -> RendezvousReply {
    RendezvousReply(
        transaction: request.transaction, lease: lease, memberCount: 2, sourceCount: 1,
        namesakeCount: 3, observed: endpoint(7), peers: [entry(8, at: 8), entry(7, at: 9)])
}

/// An entry as a member of group 1 registers it.
func entry(_ peer: UInt64, at host: Int) -> PeerEntry {
    let contact = Contact(peer: PeerID(rawValue: peer), endpoint: endpoint(host))
    return PeerEntry(contact: contact, code: keys(1).code(of: contact.peer, at: contact.endpoint))
}

func isJittered(_ wait: Duration, _ nominal: Duration) -> Bool {
    wait >= nominal * 4 / 5 && wait <= nominal * 6 / 5
}

@Suite struct ClientTests {
    @Test func aChallengeIsFollowedAtOnce() throws {
        let bench = ClientBench()

        let first = try #require(bench.request(.started))
        #expect(first.operation == .register && first.cookie == .none)
        #expect(first.key == keys(1).publicKey.bytes && first.peer == PeerID(rawValue: 7))
        #expect(first.signature.allSatisfy { $0 == 0 } && first.code == .none)
        let proven = try #require(bench.request(.messageReceived(goodChallenge(first))))
        #expect(proven.cookie == goodCookie && proven.transaction != first.transaction)

        let actions = bench.handle(.messageReceived(.reply(reply(to: proven))))
        let contact = Contact(peer: PeerID(rawValue: 8), endpoint: endpoint(8))
        #expect(
            actions == [
                .report(
                    .registered(
                        RendezvousListing(
                            observed: endpoint(7), peers: [contact], memberCount: 2,
                            sourceCount: 1, namesakeCount: 3)))
            ])
    }

    @Test func theLeaseIsRefreshedAtAThird() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            let bench = ClientBench(seed: seed)
            let proven = try #require(bench.register())
            #expect(isJittered(try #require(bench.client.nextWakeup) - .zero, .seconds(10)))

            let refresh = try #require(onlyRequest(bench.wake()))

            #expect(refresh.operation == .register && refresh.cookie == goodCookie)
            #expect(refresh.transaction != proven.transaction)
        }
    }

    @Test func aSourceSaysSoAndSoonAsksWhoBeganWithIt() throws {
        let bench = ClientBench(isSource: true)
        #expect(try #require(bench.register()).operation == .registerSource)
        #expect(isJittered(try #require(bench.client.nextWakeup) - bench.now, .milliseconds(200)))

        let second = try #require(onlyRequest(bench.wake()))
        #expect(second.operation == .registerSource)
        _ = bench.handle(.messageReceived(.reply(reply(to: second))))

        #expect(isJittered(try #require(bench.client.nextWakeup) - bench.now, .seconds(10)))
    }

    @Test func silenceIsMetWithBackOffUpToALimit() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            let bench = ClientBench(seed: seed)
            let first = try #require(bench.request(.started))
            for nominal in [250, 500, 1000, 2000, 4000, 4000, 4000] {
                let wait = try #require(bench.client.nextWakeup) - bench.now
                #expect(isJittered(wait, .milliseconds(nominal)), "\(wait) for \(nominal)")

                let sends = bench.wake().filter { $0 == .send(first) }

                #expect(sends.count == 1, "the same request again, transaction included")
            }
        }
    }

    @Test func earlyWakeupsAreSilent() {
        let bench = ClientBench()
        #expect(bench.handle(.wakeupReached) == [])
        _ = bench.handle(.started)

        #expect(bench.handle(.wakeupReached) == [])
        #expect(bench.handle(.started) == [])
    }

    @Test func anOutageIsReportedAndSoIsItsEnd() throws {
        let bench = ClientBench()
        let first = try #require(bench.request(.started))
        var reports: [RendezvousClient.Action] = []

        for _ in 0..<13 { reports += bench.wake().filter { $0 != .send(first) } }
        #expect(
            reports == [4, 8, 12].map { .report(.unreachable(since: .zero, attempts: $0)) })

        let challenge = goodChallenge(first)
        let actions = bench.handle(.messageReceived(challenge))
        #expect(actions.first == .report(.reachableAgain))
        let proven = try #require(onlyRequest(Array(actions.dropFirst())))
        // Answered, so the patience starts anew.
        #expect(isJittered(try #require(bench.client.nextWakeup) - bench.now, .milliseconds(250)))
        #expect(bench.handle(.messageReceived(.reply(reply(to: proven)))).count == 1)
    }

    @Test func answersToOtherTransactionsAreIgnored() throws {
        let bench = ClientBench()
        #expect(
            bench.handle(
                .messageReceived(
                    .challenge(transaction: 0, cookie: goodCookie, observed: endpoint(7)))) == [])
        let first = try #require(bench.request(.started))
        var foreign = first
        foreign.transaction ^= 1

        let messages: [RendezvousMessage] = [
            goodChallenge(foreign),
            .challenge(transaction: first.transaction, cookie: .none, observed: endpoint(7)),
            .reply(reply(to: foreign)),
            .refusal(transaction: foreign.transaction, reason: .groupLimit),
            .request(first),
        ]
        for message in messages { #expect(bench.handle(.messageReceived(message)) == []) }

        let challenge = goodChallenge(first)
        let proven = try #require(bench.request(.messageReceived(challenge)))
        #expect(bench.handle(.messageReceived(challenge)) == [], "the same challenge again")
        #expect(bench.handle(.messageReceived(.reply(reply(to: first)))) == [])
        #expect(bench.handle(.messageReceived(.reply(reply(to: proven)))).count == 1)
        #expect(bench.handle(.messageReceived(.reply(reply(to: proven)))) == [])
    }

    @Test func aSlowAnswerStillCounts() throws {
        let bench = ClientBench()
        let first = try #require(bench.request(.started))
        _ = bench.wake()
        _ = bench.wake()

        let challenge = goodChallenge(first)
        #expect(bench.request(.messageReceived(challenge)) != nil)
    }

    /// A server that never accepts its cookies must not be asked at the speed of the path.
    @Test func endlessChallengesAreNotChased() throws {
        let bench = ClientBench()
        var outstanding = bench.request(.started)
        var sent = 1
        var number: UInt64 = 1
        while bench.now < .zero + .seconds(60) {
            number += 1
            let challenge = RendezvousMessage.challenge(
                transaction: outstanding?.transaction ?? 0,
                cookie: Cookie(high: number, low: 0), observed: endpoint(7))
            var actions = bench.handle(.messageReceived(challenge))
            if actions.isEmpty { actions = bench.wake() }
            outstanding = onlyRequest(actions) ?? outstanding
            sent += actions.count
        }

        #expect(sent < 60)
        let cookie = try #require(outstanding?.cookie)
        #expect(cookie.high > number - 3, "the newest cookie is used")
    }

    @Test func refusalsAreReportedAndRetriedEverMoreSlowly() throws {
        let bench = ClientBench()
        _ = bench.register()
        for nominal in [1000, 2000, 4000, 8000, 15_000, 15_000] {
            let request = try #require(onlyRequest(bench.wake()))
            let refusal = RendezvousMessage.refusal(
                transaction: request.transaction, reason: .peerIDTaken)

            #expect(bench.handle(.messageReceived(refusal)) == [.report(.refused(.peerIDTaken))])

            let wait = try #require(bench.client.nextWakeup) - bench.now
            #expect(isJittered(wait, .milliseconds(nominal)), "\(wait) for \(nominal)")
        }
        let request = try #require(onlyRequest(bench.wake()))
        _ = bench.handle(.messageReceived(.reply(reply(to: request))))
        #expect(isJittered(try #require(bench.client.nextWakeup) - bench.now, .seconds(10)))
    }

    @Test(arguments: [
        (lease: Duration.zero, wait: Duration.milliseconds(250)),
        (.milliseconds(3), .milliseconds(250)), (.seconds(3), .seconds(1)),
        (.seconds(4_294_967), .seconds(1200)),
    ])
    func strangeLeasesAreBounded(lease: Duration, wait: Duration) throws {
        let bench = ClientBench()
        _ = bench.register(lease: lease)

        #expect(isJittered(try #require(bench.client.nextWakeup) - bench.now, wait))
    }

    // MARK: - Leaving

    @Test func leavingIsConfirmed() throws {
        let bench = ClientBench()
        _ = bench.register()

        let leave = try #require(bench.request(.stopRequested))
        #expect(leave.operation == .leave && leave.cookie == goodCookie)
        #expect(bench.handle(.stopRequested) == [])
        let actions = bench.handle(.messageReceived(.reply(reply(to: leave, lease: .zero))))

        #expect(actions == [.left])
        #expect(bench.client.nextWakeup == nil)
    }

    @Test func leavingIsChallengedLikeAnythingElse() throws {
        let bench = ClientBench()
        _ = bench.register()
        let leave = try #require(bench.request(.stopRequested))
        let fresh = Cookie(high: 1, low: 1)

        let again = bench.request(
            .messageReceived(
                .challenge(transaction: leave.transaction, cookie: fresh, observed: endpoint(7))))

        #expect(again?.operation == .leave && again?.cookie == fresh)
    }

    @Test func aSilentServerDelaysNobodyWhoLeaves() throws {
        for seed in 1...50 as ClosedRange<UInt64> {
            let bench = ClientBench(seed: seed)
            _ = bench.register()
            var actions = bench.handle(.stopRequested)
            while bench.client.nextWakeup != nil { actions += bench.wake() }

            #expect(actions.count == 4 && actions.last == .left)
            #expect(bench.now - .zero < .seconds(3))
        }
    }

    @Test func duringAnOutageLeavingTakesNoTime() throws {
        let bench = ClientBench()
        _ = bench.register()
        for _ in 0..<6 { _ = bench.wake() }

        let actions = bench.handle(.stopRequested)

        #expect(actions.count == 2 && actions.last == .left)
        #expect(bench.client.nextWakeup == nil)
    }

    @Test func whoWasNeverProvenHasNothingToLeave() {
        let bench = ClientBench()
        #expect(bench.handle(.stopRequested) == [.left])
        _ = bench.handle(.started)

        #expect(bench.handle(.stopRequested) == [.left])
    }

    @Test func theSameSeedGivesTheSameActions() {
        func run() -> [RendezvousClient.Action] {
            let bench = ClientBench(seed: 5)
            _ = bench.register()
            return (0..<10).flatMap { _ in bench.wake() }
        }

        #expect(run() == run())
    }
}

@Suite struct LookupTests {
    private func makeLookup() -> RendezvousLookup {
        RendezvousLookup(
            keys: keys(1), groupName: "group 1", generator: SeededGenerator(seed: 1))
    }

    private func handle(
        _ event: RendezvousLookup.Event, at now: Instant = .zero, _ lookup: inout RendezvousLookup
    ) -> [RendezvousLookup.Action] {
        var actions: [RendezvousLookup.Action] = []
        lookup.handle(event, at: now, into: &actions)
        return actions
    }

    private func request(_ actions: [RendezvousLookup.Action]) -> RendezvousRequest? {
        guard case .send(let request) = actions.first else { return nil }
        return request
    }

    @Test func theServerAnswersALookup() throws {
        let bench = ServerBench()
        bench.reply(.register, 5, from: endpoint(5))
        var lookup = makeLookup()

        var actions = handle(.started, &lookup)
        while let request = request(actions) {
            #expect(request.operation == .lookUp)
            let answer = bench.server.handle(request, from: endpoint(1), at: .zero)
            actions = handle(.messageReceived(try #require(answer)), &lookup)
        }

        let contact = Contact(peer: PeerID(rawValue: 5), endpoint: endpoint(5))
        #expect(
            actions == [
                .finish(
                    .found(
                        RendezvousListing(
                            observed: endpoint(1), peers: [contact], memberCount: 1,
                            sourceCount: 0)))
            ])
        #expect(lookup.nextWakeup == nil)
    }

    @Test func aMuteServerIsGivenUp() {
        var lookup = makeLookup()
        var actions = handle(.started, &lookup)
        var end = Instant.zero
        while let due = lookup.nextWakeup {
            end = due
            actions += handle(.wakeupReached, at: due, &lookup)
        }

        #expect(actions.count == 5)
        #expect(actions.last == .finish(.unreachable(attempts: 4)))
        #expect(end - .zero < .seconds(5))
    }

    @Test func endlessChallengesAreGivenUp() throws {
        var lookup = makeLookup()
        var actions = handle(.started, &lookup)
        var now = Instant.zero
        for number in 1...100 as ClosedRange<UInt64> {
            if let request = request(actions) {
                let challenge = RendezvousMessage.challenge(
                    transaction: request.transaction, cookie: Cookie(high: number, low: 0),
                    observed: endpoint(7))
                actions = handle(.messageReceived(challenge), at: now, &lookup)
            } else if let due = lookup.nextWakeup {
                now = due
                actions = handle(.wakeupReached, at: now, &lookup)
            }
        }

        #expect(actions == [.finish(.unreachable(attempts: 4))])
    }

    @Test func aRefusalEndsTheLookup() throws {
        var lookup = makeLookup()
        let first = request(handle(.started, &lookup))
        let request = try #require(first)

        let refusal = RendezvousMessage.refusal(
            transaction: request.transaction, reason: .requestRate)
        #expect(
            handle(.messageReceived(refusal), &lookup) == [.finish(.refused(.requestRate))])
    }
}
