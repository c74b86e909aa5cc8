import NetBasics
import Testing

@testable import Sockets

/// Others help as long as that gets more out in a time.
@Suite struct SharingChoiceTests {
    /// What rounds of 1000 units of load take, and how long nothing comes after each.
    private struct Host {
        var alone: Duration
        var shared: Duration
        var wait: Duration = .zero
    }

    /// The share of rounds in which others send, after `before` other rounds.
    private static func share(
        of rounds: Int, on host: Host, after before: Int = 5000,
        choice: inout SharingChoice, at now: inout Instant
    ) -> Double {
        var sharedRounds = 0
        for round in 0..<before + rounds {
            let start = now
            now = now + (choice.isShared ? host.shared : host.alone)
            if round >= before, choice.isShared { sharedRounds += 1 }
            choice.note(load: 1000, from: start, to: now)
            now = now + host.wait
        }
        return Double(sharedRounds) / Double(rounds)
    }

    private static func share(on host: Host) -> Double {
        var choice = SharingChoice()
        var now = Instant(nanoseconds: 1_000_000_000)
        return share(of: 20_000, on: host, choice: &choice, at: &now)
    }

    @Test func othersHelpWhereTwoAreFaster() {
        let share = Self.share(on: Host(alone: .microseconds(200), shared: .microseconds(110)))

        #expect(share > 0.98 && share < 1)
    }

    @Test(arguments: [180, 200, 260])
    func othersRestWhereTheyGainLittle(microseconds: Int) {
        let shared = Duration.microseconds(microseconds)
        let share = Self.share(on: Host(alone: .microseconds(200), shared: shared))

        #expect(share < 0.02 && share > 0)
    }

    @Test func othersRestWhereTheOwnerWaitsForPacketsAnyway() {
        let host = Host(
            alone: .microseconds(200), shared: .microseconds(110), wait: .milliseconds(5))

        #expect(Self.share(on: host) < 0.02)
    }

    @Test func itLearnsWhenAProcessorComesOrGoes() {
        var choice = SharingChoice()
        var now = Instant(nanoseconds: 0)
        let free = Host(alone: .microseconds(200), shared: .microseconds(110))
        let busy = Host(alone: .microseconds(200), shared: .microseconds(300))

        let shares = [free, busy, free].map { host in
            Self.share(of: 10_000, on: host, after: 20_000, choice: &choice, at: &now)
        }

        #expect(shares[0] > 0.9)
        #expect(shares[1] < 0.1)
        #expect(shares[2] > 0.9)
    }

    @Test func aLongPauseDoesNotCountAgainstTheWayItFellInto() {
        var choice = SharingChoice()
        var now = Instant(nanoseconds: 0)
        let host = Host(alone: .microseconds(200), shared: .microseconds(110))
        _ = Self.share(of: 10_000, on: host, choice: &choice, at: &now)

        now = now + .seconds(3600)

        #expect(Self.share(of: 5000, on: host, after: 0, choice: &choice, at: &now) > 0.9)
    }
}
