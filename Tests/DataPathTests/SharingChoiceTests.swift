import NetBasics
import Testing

@testable import DataPath

/// Others help as long as that gets more out in a time.
@Suite struct SharingChoiceTests {
    /// What rounds of 1000 units of load take, with others on so many processors, and how long
    /// nothing comes after each.
    private struct Host {
        var alone: Duration
        var shared: Duration
        var wait: Duration = .zero
        var processors = 2
    }

    private struct Owner {
        var choice = SharingChoice()
        var now = Instant(nanoseconds: 1_000_000_000)
        var othersTime = Duration.zero

        /// The share of rounds in which others send, after `before` other rounds.
        mutating func share(
            of rounds: Int, on host: Host, after before: Int = 5000, load: Int = 1000
        ) -> Double {
            var sharedRounds = 0
            for round in 0..<before + rounds {
                let start = now
                let time = choice.isShared ? host.shared : host.alone
                now = now + time
                othersTime = othersTime + time * (choice.isShared ? host.processors - 1 : 0)
                if round >= before, choice.isShared { sharedRounds += 1 }
                choice.note(load: load, from: start, to: now, othersTime: othersTime)
                now = now + host.wait
            }
            return Double(sharedRounds) / Double(rounds)
        }
    }

    private static func share(on host: Host) -> Double {
        var owner = Owner()
        return owner.share(of: 20_000, on: host)
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

    /// A processor is slower at times, and what is measured then is soon past.
    @Test func othersRestOnOneProcessorHoweverFastItIsMeanwhile() {
        let host = Host(alone: .microseconds(200), shared: .microseconds(110), processors: 1)

        #expect(Self.share(on: host) < 0.02)
    }

    @Test func othersRestWhereTheOwnerWaitsForPacketsAnyway() {
        let host = Host(
            alone: .microseconds(200), shared: .microseconds(110), wait: .milliseconds(5))

        #expect(Self.share(on: host) < 0.02)
    }

    @Test func itLearnsWhenAProcessorComesOrGoes() {
        var owner = Owner()
        let free = Host(alone: .microseconds(200), shared: .microseconds(110))
        let busy = Host(alone: .microseconds(200), shared: .microseconds(300))

        let shares = [free, busy, free].map { owner.share(of: 10_000, on: $0, after: 40_000) }

        #expect(shares[0] > 0.9)
        #expect(shares[1] < 0.1)
        #expect(shares[2] > 0.9)
    }

    /// One round of many children is more than a look.
    @Test func looksTakeLittleWhereRoundsAreLong() {
        for shared in [110, 260] {
            var owner = Owner()
            let host = Host(alone: .microseconds(200), shared: .microseconds(shared))
            let share = owner.share(of: 2000, on: host, load: 1 << 18)

            #expect(shared < 200 ? share > 0.98 : share < 0.02)
            #expect(share > 0 && share < 1, "nobody looks any more")
        }
    }

    @Test func looksBecomeRareWhileTheyFindTheSame() {
        var owner = Owner()
        let host = Host(alone: .microseconds(200), shared: .microseconds(260))
        let early = owner.share(of: 10_000, on: host, after: 0)
        let late = owner.share(of: 100_000, on: host, after: 100_000)

        #expect(early > 0.003)
        #expect(late < 0.002 && late > 0)
    }

    @Test func aLongPauseDoesNotCountAgainstTheWayItFellInto() {
        var owner = Owner()
        let host = Host(alone: .microseconds(200), shared: .microseconds(110))
        _ = owner.share(of: 10_000, on: host)

        owner.now = owner.now + .seconds(3600)

        #expect(owner.share(of: 5000, on: host, after: 0) > 0.9)
    }
}
