import NetBasics
import Rendezvous
import Testing
import Wire

/// What forgers with many addresses cost members, and the server.
@Suite struct ForgeryTests {
    private let bench = ServerBench {
        $0.requestBurst = RendezvousConfiguration().requestBurst
        $0.addressMemberLimit = RendezvousConfiguration().addressMemberLimit
        $0.verificationRate = RendezvousConfiguration().verificationRate
    }

    /// A member with its client, and when it was registered.
    private final class Member {
        let endpoint: Endpoint
        let startsAt: Instant
        private(set) var registrations: [Instant] = []
        private var client: RendezvousClient
        private var hasStarted = false

        init(_ number: UInt64, startsAt: Instant) {
            endpoint = RendezvousTests.endpoint(Int(number))
            self.startsAt = startsAt
            client = RendezvousClient(
                keys: keys(1), groupName: "group 1", peer: PeerID(rawValue: number),
                generator: SeededGenerator(seed: number))
        }

        func work(_ bench: ServerBench) {
            if !hasStarted, startsAt <= bench.now {
                hasStarted = true
                tell(.started, bench)
            }
            if let due = client.nextWakeup, due <= bench.now { tell(.wakeupReached, bench) }
        }

        private func tell(_ event: RendezvousClient.Event, _ bench: ServerBench) {
            var actions: [RendezvousClient.Action] = []
            client.handle(event, at: bench.now, into: &actions)
            for action in actions {
                switch action {
                case .send(let request):
                    let answer = bench.server.handle(request, from: endpoint, at: bench.now)
                    if let answer { tell(.messageReceived(answer), bench) }
                case .report(.registered): registrations.append(bench.now)
                case .report, .left: break
                }
            }
        }
    }

    private func forge(from sender: Endpoint, cookie: Cookie) {
        var forged = bench.request(.register, 99, cookie: cookie)
        forged.signature = [UInt8](repeating: 7, count: 64)
        _ = bench.server.handle(forged, from: sender, at: bench.now)
    }

    @Test func aThousandForgersKeepNoMemberWaiting() {
        let forgers = (0..<1000).map { endpoint(1_000_000 + $0) }
        let cookies = forgers.map { bench.cookie(for: $0) }
        let early = Member(1, startsAt: .zero)
        let late = Member(2, startsAt: .zero + .seconds(3))

        for tick in 0..<1200 {
            bench.now = .zero + .milliseconds(tick * 10)
            early.work(bench)
            // All of them at once, ten times a second; the first is before whoever comes late.
            if tick % 10 == 0 {
                for (forger, cookie) in zip(forgers, cookies) {
                    forge(from: forger, cookie: cookie)
                }
            }
            late.work(bench)
        }

        #expect(early.registrations.first == .zero)
        #expect(early.registrations.count == 2, "after 10 s it has refreshed")
        #expect(late.registrations.first == late.startsAt)
        let counters = bench.server.counters
        // Four at once, then one a second from each address: 0.2 s of processor, then 5 %.
        #expect(counters.verifications < 1000 * (4 + 12) + 5)
        #expect(counters.refusals(.requestRate) > 100_000)
        #expect(counters.unverified == 0)
    }

    /// More addresses than time: what is left over is for members.
    @Test func whoIsAMemberIsVerifiedWhenOthersAreNot() throws {
        let bench = ServerBench { $0.verificationRate = 100 }
        bench.reply(.register, 1, from: endpoint(1))
        let strangers = (0..<200).map { endpoint(1000 + $0) }
        let verified = strangers.count {
            bench.ask(.lookUp, 0, in: 2, from: $0) != nil
        }

        #expect(verified == 75 - 1, "a second's worth, but for a quarter")
        #expect(bench.server.counters.unverified == 200 - 74)
        #expect(bench.reply(.register, 1, from: endpoint(1)) != nil, "the same signature")
        #expect(bench.reply(.registerSource, 1, from: endpoint(1)) != nil, "another one")
        #expect(bench.reply(.leave, 1, from: endpoint(1)) != nil)

        bench.now = .zero + .milliseconds(10)
        #expect(bench.reply(.register, 3, from: endpoint(3)) == nil)
        bench.now = .zero + .milliseconds(40)
        #expect(bench.reply(.register, 3, from: endpoint(3)) != nil)
    }
}
