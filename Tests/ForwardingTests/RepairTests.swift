import Forwarding
import NetBasics
import Testing
import Wire

private let source = PeerID(rawValue: 100)
private let me = PeerID(rawValue: 200)
private let parent = LinkToken(rawValue: 1)
private let formerParent = LinkToken(rawValue: 2)
private let neighbor = LinkToken(rawValue: 3)
private let stream = StreamID(source: source, index: 0)

private func endpoint(_ number: UInt16) -> Endpoint {
    Endpoint(address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: number)
}

private let child = ForwardingTable.Child(
    token: LinkToken(rawValue: 1001), endpoint: endpoint(1), localToken: neighbor)

private func asker(_ number: UInt16, roundTrip: Duration? = nil) -> RepairAsker {
    RepairAsker(
        token: LinkToken(rawValue: 1000 + UInt32(number)), endpoint: endpoint(number),
        localToken: LinkToken(rawValue: UInt32(number)),
        roundTrip: roundTrip)
}

private func milliseconds(_ count: Int64) -> Instant { .zero + .milliseconds(count) }

private func header(
    _ sequence: UInt32, from token: LinkToken = parent, isRepair: Bool = false
) -> MediaHeader {
    MediaHeader(
        token: token, stream: stream, isControlFlow: false, isRepair: isRepair,
        sequence: sequence)
}

private func table(
    upstreams: [LinkToken] = [parent], retry: Duration? = .milliseconds(50),
    patience: Duration = .zero
) -> ForwardingTable {
    ForwardingTable(
        routes: [
            .init(
                source: source, upstreams: upstreams, children: [child], repairRetry: retry,
                repairPatience: patience),
            .init(source: me, upstreams: [], children: [child]),
        ],
        links: [parent, formerParent, neighbor])
}

/// A forwarder with what its driver does around it.
private final class Plane {
    var forwarder: Forwarder
    var plan = FanOutPlan()
    var passed: [UInt32] = []

    init(_ configuration: RepairConfiguration = RepairConfiguration()) {
        forwarder = Forwarder(repair: configuration)
        forwarder.install(table())
    }

    @discardableResult
    func receive(_ header: MediaHeader, at now: Instant, bodyBytes: Int = 1000) -> Bool {
        plan.removeAll()
        guard
            forwarder.receive(header, bodyBytes: bodyBytes, packet: 0, at: now, into: &plan)
        else { return false }
        forwarder.keep(header, slot: Int(header.sequence), bodyBytes: bodyBytes, at: now)
        passed.append(header.sequence)
        return true
    }

    func wanted(at now: Instant) -> [WantedRepair] {
        var wanted: [WantedRepair] = []
        forwarder.takeRepairRequests(at: now, into: &wanted)
        return wanted
    }

    /// The numbers asked for, every request taken apart.
    func asked(at now: Instant) -> [UInt32] {
        wanted(at: now).flatMap { repair in
            (0..<64).filter { repair.request.bitmap >> $0 & 1 == 1 }.map {
                repair.request.base &+ UInt32($0)
            }
        }
    }

    func answers(
        _ base: UInt32, _ bitmap: UInt64, to asker: RepairAsker, at now: Instant
    ) -> [RepairAnswer] {
        var answers: [RepairAnswer] = []
        forwarder.answer(
            RepairRequest(stream: stream, base: base, bitmap: bitmap), to: asker, at: now,
            into: &answers)
        return answers
    }
}

@Suite struct RepairAskingTests {
    private var plane = Plane()

    @Test(arguments: [0, 5, .max, .max - 1, .max - 2, 0x7FFF_FFFF] as [UInt32])
    mutating func aGapIsAskedForAfterTheTolerance(start: UInt32) {
        plane.receive(header(start), at: milliseconds(0))
        #expect(plane.forwarder.nextWakeup == nil, "nothing was lost before the first")
        plane.receive(header(start &+ 3), at: milliseconds(1))

        #expect(plane.forwarder.nextWakeup == milliseconds(11))
        #expect(plane.wanted(at: milliseconds(10)).isEmpty)
        let request = RepairRequest(stream: stream, base: start &+ 1, bitmap: 0b11)
        #expect(
            plane.wanted(at: milliseconds(11)) == [WantedRepair(request: request, attempt: 1)])
        #expect(plane.wanted(at: milliseconds(12)).isEmpty)
        #expect(plane.forwarder.repairCounts.requested == 2)
    }

    @Test mutating func reorderedPacketsAreNotAskedFor() {
        for sequence in [5, 7, 6, 9, 8] as [UInt32] {
            plane.receive(header(sequence), at: milliseconds(0))
        }

        #expect(plane.asked(at: milliseconds(1000)).isEmpty)
        #expect(plane.forwarder.nextWakeup == nil)
        #expect(plane.forwarder.repairCounts == RepairCounts())
    }

    @Test mutating func aRepairIsForwardedOnceAndOnlyWhileItIsMissing() {
        plane.receive(header(5), at: milliseconds(0))
        plane.receive(header(7), at: milliseconds(0))
        #expect(!plane.receive(header(6, from: neighbor, isRepair: true), at: milliseconds(5)))
        #expect(plane.forwarder.dropCount(.unwantedRepair) == 1, "nobody was asked yet")
        #expect(plane.asked(at: milliseconds(10)) == [6])

        #expect(plane.receive(header(6, from: neighbor, isRepair: true), at: milliseconds(20)))
        #expect(plane.plan.copies.count == 1)
        #expect(!plane.receive(header(6, from: parent, isRepair: true), at: milliseconds(21)))
        #expect(!plane.receive(header(6), at: milliseconds(22)))

        #expect(plane.passed == [5, 7, 6])
        #expect(plane.forwarder.dropCount(.unwantedRepair) == 2)
        #expect(plane.forwarder.dropCount(.duplicate) == 1)
        #expect(plane.forwarder.repairCounts.repaired == 1)
        #expect(plane.asked(at: milliseconds(1000)).isEmpty)
    }

    @Test mutating func unwantedRepairsAreDroppedAndTellNobodyToStop() {
        plane.receive(header(5), at: milliseconds(0))
        let future = header(6, from: neighbor, isRepair: true)
        let past = header(4, from: neighbor, isRepair: true)
        let stranger = header(6, from: LinkToken(rawValue: 99), isRepair: true)

        #expect(!plane.receive(future, at: milliseconds(1)))
        #expect(!plane.receive(past, at: milliseconds(1)))
        #expect(!plane.receive(stranger, at: milliseconds(1)))

        #expect(plane.forwarder.dropCount(.unwantedRepair) == 2)
        #expect(plane.forwarder.dropCount(.unknownLink) == 1)
        #expect(plane.forwarder.takeUnexpected() == nil)
        #expect(plane.receive(header(6), at: milliseconds(2)), "the drop used up no number")
    }

    @Test mutating func askingGrowsSlowerAndEndsWithTheBudget() {
        plane.receive(header(5), at: milliseconds(0))
        plane.receive(header(7), at: milliseconds(0))

        var times: [Int64] = []
        var attempts: [Int] = []
        for time in 0..<2000 as Range<Int64> {
            let wanted = plane.wanted(at: milliseconds(time))
            times += wanted.map { _ in time }
            attempts += wanted.map(\.attempt)
        }

        // 50 ms twice, then 100 ms twice; a sixth would come after the budget.
        #expect(times == [10, 60, 110, 210, 310])
        #expect(attempts == [1, 2, 3, 4, 5])
        #expect(plane.forwarder.repairCounts.gaveUp == 1)
        #expect(plane.forwarder.nextWakeup == nil)
        #expect(!plane.receive(header(6, isRepair: true), at: milliseconds(2000)))
        #expect(plane.receive(header(6), at: milliseconds(2000)), "late, but not repeated")
    }

    @Test mutating func theParentGetsTimeForItsOwnRepair() {
        plane.forwarder.install(table(patience: .milliseconds(100)))
        plane.receive(header(5), at: milliseconds(0))
        var first = header(7)
        first.lacks = 0b1
        plane.receive(first, at: milliseconds(0))

        var wanted: [(Int64, WantedRepair)] = []
        for time in 0..<600 as Range<Int64> {
            wanted += plane.wanted(at: milliseconds(time)).map { (time, $0) }
        }

        #expect(wanted.map(\.0) == [100, 150, 200, 300, 400])
        let areAwaited = wanted.allSatisfy { $0.1.isAwaited }
        #expect(areAwaited, "the parent has not said otherwise")
    }

    @Test mutating func whatTheParentHasSentInVainIsAskedForAtOnce() {
        plane.forwarder.install(table(patience: .milliseconds(100)))
        plane.receive(header(5), at: milliseconds(0))
        var first = header(7)
        first.lacks = 0b1
        plane.receive(first, at: milliseconds(0))
        plane.receive(header(8), at: milliseconds(50))

        #expect(plane.wanted(at: milliseconds(59)).isEmpty)
        let wanted = plane.wanted(at: milliseconds(60))
        #expect(wanted.map(\.request.base) == [6])
        #expect(wanted.map(\.isAwaited) == [false])
    }

    @Test mutating func aFormerParentMayFillTheGapForLonger() {
        plane.forwarder.install(table(upstreams: [parent, formerParent]))
        plane.receive(header(5, from: formerParent), at: milliseconds(0))
        plane.receive(header(8), at: milliseconds(0))

        #expect(plane.asked(at: milliseconds(59)).isEmpty)
        plane.receive(header(6, from: formerParent), at: milliseconds(59))
        #expect(plane.asked(at: milliseconds(60)) == [7])
    }

    @Test mutating func aNewParentIsAskedToResumeAfterTheOldOneDied() {
        plane.receive(header(5), at: milliseconds(0))
        // No route at all for a while, as when no other parent is known.
        plane.forwarder.install(ForwardingTable(routes: [], links: [neighbor]))
        #expect(!plane.receive(header(40, from: neighbor), at: milliseconds(1200)))
        plane.forwarder.install(table(upstreams: [neighbor]))

        #expect(plane.receive(header(41, from: neighbor), at: milliseconds(1300)))
        #expect(!plane.receive(header(5, from: neighbor), at: milliseconds(1300)))
        #expect(plane.asked(at: milliseconds(1310)) == Array(6...40))
    }

    @Test mutating func whatADeadParentWasAskedForIsAskedAgainAtOnce() {
        plane.receive(header(5), at: milliseconds(0))
        plane.receive(header(7), at: milliseconds(0))
        #expect(plane.asked(at: milliseconds(10)) == [6])

        plane.forwarder.install(table(upstreams: [neighbor]))

        #expect(plane.forwarder.nextWakeup.map { $0 <= milliseconds(11) } ?? false)
        #expect(plane.asked(at: milliseconds(11)) == [6])
    }

    @Test mutating func aLossAtTheEndIsLearntFromTheParent() {
        plane.receive(header(5), at: milliseconds(0))

        plane.forwarder.noteHighest(stream, 7, at: milliseconds(100))
        plane.forwarder.noteHighest(stream, 7, at: milliseconds(101))

        #expect(plane.asked(at: milliseconds(110)) == [6, 7])
        plane.receive(header(8), at: milliseconds(111))
        #expect(plane.receive(header(7, isRepair: true), at: milliseconds(112)))
        #expect(plane.asked(at: milliseconds(160)) == [6])
        #expect(plane.forwarder.highest(of: stream) == 8)
    }

    @Test mutating func whatAParentClaimsIsNotBelievedFarAhead() {
        plane.receive(header(5), at: milliseconds(0))
        for claim in [5 + 1025, 5 + 0x4000_0000, 4, 5] as [UInt32] {
            plane.forwarder.noteHighest(stream, claim, at: milliseconds(0))
        }
        #expect(plane.forwarder.nextWakeup == nil)

        plane.forwarder.noteHighest(stream, 5 + 1024, at: milliseconds(0))
        plane.forwarder.noteHighest(stream, 5 + 2048, at: milliseconds(0))
        #expect(plane.asked(at: milliseconds(10)).count == 1024)
        let unheard = StreamID(source: source, index: 1)
        plane.forwarder.noteHighest(unheard, 3, at: milliseconds(20))
        #expect(plane.asked(at: milliseconds(40)).isEmpty, "it never began")
    }

    @Test mutating func aLongGapIsBoundedAndTheNewestIsAskedFor() {
        plane.receive(header(.max - 5), at: milliseconds(0))
        plane.receive(header(3000), at: milliseconds(0))

        let asked = plane.asked(at: milliseconds(10))

        #expect(asked == Array(1976...2999))
        // 3000 + 5 are missing, 0 counts as well.
        #expect(plane.forwarder.repairCounts.gaveUp == 3005 - 1024)
    }

    @Test mutating func manyLossesNeverExceedTheLimit() {
        plane.receive(header(0), at: milliseconds(0))
        for step in 1...1500 as ClosedRange<UInt32> {
            plane.receive(header(2 * step), at: milliseconds(0))
        }

        let asked = plane.asked(at: milliseconds(10))

        // Of 1500 odd numbers those in the window, which is shorter than 1024 of them.
        #expect(asked.count <= 1024 && asked.allSatisfy { 3000 - $0 < 2048 })
        #expect(plane.forwarder.repairCounts.gaveUp + UInt64(asked.count) == 1500)
    }

    @Test mutating func hostileJumpsDoNotTrap() {
        var generator = SeededGenerator(seed: 7)
        for time in 0..<3000 as Range<Int64> {
            let sequence = UInt32(truncatingIfNeeded: generator.next())
            plane.receive(header(sequence), at: milliseconds(time))
            plane.forwarder.noteHighest(stream, sequence &+ 9, at: milliseconds(time))
            #expect(plane.asked(at: milliseconds(time)).count <= 1024)
        }
    }

    @Test func askingCanBeTurnedOff() {
        var configuration = RepairConfiguration()
        configuration.tryLimit = 0
        let plane = Plane(configuration)
        plane.receive(header(5), at: milliseconds(0))
        plane.receive(header(7), at: milliseconds(0))

        #expect(plane.forwarder.nextWakeup == nil)
        #expect(plane.asked(at: milliseconds(1000)).isEmpty)
    }

    /// Against a model that keeps every number in a set.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whatIsAskedForIsExactlyWhatIsMissing(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let plane = Plane()
        let start = UInt32(truncatingIfNeeded: generator.next())
        plane.receive(header(start), at: milliseconds(0))
        var missing: [UInt32] = []
        var highest: UInt32 = 0
        for offset in 1...400 as ClosedRange<UInt32> {
            if generator.uniform(below: 5) == 0 {
                missing.append(offset)
            } else {
                highest = offset
                plane.receive(header(start &+ offset), at: milliseconds(0))
            }
        }
        missing.removeAll { offset in
            guard offset <= highest else { return true }
            return generator.uniform(below: 3) == 0
                && plane.receive(header(start &+ offset), at: milliseconds(1))
        }

        #expect(plane.asked(at: milliseconds(10)) == missing.map { start &+ $0 })
    }
}

@Suite struct RepairAnsweringTests {
    private var plane = Plane()

    init() {
        for sequence in 10..<74 as Range<UInt32> {
            plane.receive(header(sequence), at: milliseconds(0))
        }
    }

    @Test mutating func whatIsCachedIsSentAgainAndNothingElse() {
        let answers = plane.answers(72, 0b111, to: asker(5), at: milliseconds(100))

        #expect(answers.map(\.header.sequence) == [72, 73])
        #expect(answers.map(\.slot) == [72, 73])
        #expect(answers.allSatisfy { $0.header.isRepair && $0.header.token == asker(5).token })
        #expect(answers.allSatisfy { $0.bodyBytes == 1000 })
        #expect(plane.forwarder.repairCounts.answered == 2)
    }

    @Test mutating func ownPacketsAreSentAgainToo() {
        let own = StreamID(source: me, index: 2)
        plane.forwarder.startSequence(of: own, at: .max)
        #expect(plane.forwarder.highest(of: own) == nil)
        for _ in 0..<2 {
            let header = plane.forwarder.originate(
                own, isControlFlow: true, bodyBytes: 10, packet: 0, into: &plane.plan)
            if let header {
                plane.forwarder.keep(header, slot: 3, bodyBytes: 10, at: milliseconds(0))
            }
        }

        var answers: [RepairAnswer] = []
        plane.forwarder.answer(
            RepairRequest(stream: own, base: .max, bitmap: 0b11), to: asker(5),
            at: milliseconds(50), into: &answers)

        #expect(answers.map(\.header.sequence) == [.max, 0])
        #expect(answers.allSatisfy { $0.header.isControlFlow })
        #expect(plane.forwarder.highest(of: own) == 0)
    }

    @Test mutating func oldPacketsAreForgotten() {
        #expect(plane.forwarder.cached(stream, 10, at: milliseconds(2000)) == 10)
        #expect(plane.forwarder.cached(stream, 10, at: milliseconds(2001)) == nil)
        #expect(plane.answers(10, .max, to: asker(5), at: milliseconds(2001)).isEmpty)
    }

    @Test mutating func theCacheIsBoundedByCount() {
        for sequence in 74..<5000 as Range<UInt32> {
            plane.receive(header(sequence), at: milliseconds(1))
        }

        let kept = (0..<5000 as Range<UInt32>).filter {
            plane.forwarder.cached(stream, $0, at: milliseconds(2)) != nil
        }
        #expect(kept == Array(3976..<5000))
    }

    @Test mutating func aPeerThatAsksForEverythingGetsEachPacketSixTimesAtMost() {
        var counts: [UInt32: Int] = [:]
        for time in 100..<1100 as Range<Int64> {
            for answer in plane.answers(10, .max, to: asker(5), at: milliseconds(time)) {
                counts[answer.header.sequence, default: 0] += 1
            }
        }

        #expect(counts.count == 64)
        #expect(counts.values.allSatisfy { $0 == 6 })
        #expect(plane.forwarder.repairCounts.refused == 64_000 - 384)
    }

    @Test mutating func whatOneNeighborGetsIsBoundedByWhatPasses() {
        var configuration = RepairConfiguration()
        configuration.answerBurst = 10_240
        configuration.answerLimit = .max
        plane = Plane(configuration)
        for sequence in 0..<64 as Range<UInt32> {
            plane.receive(header(sequence), at: milliseconds(0))
        }

        // 1024 bytes each, header included.
        let burst = plane.answers(0, .max, to: asker(5), at: milliseconds(10))
        let nothing = plane.answers(0, .max, to: asker(5), at: milliseconds(11))
        let other = plane.answers(0, .max, to: asker(6), at: milliseconds(11))
        for sequence in 64..<67 as Range<UInt32> {
            plane.receive(header(sequence), at: milliseconds(12))
        }
        let earned = plane.answers(0, .max, to: asker(5), at: milliseconds(13))

        #expect(burst.count == 10 && nothing.isEmpty && other.count == 10)
        #expect(earned.count == 3)
    }

    @Test mutating func repairsTakeNoMoreOfTheUplinkThanTheTableSays() {
        var slow = table()
        slow.repairRate = 800
        plane.forwarder.install(slow)
        for sequence in 0..<256 as Range<UInt32> {
            plane.receive(header(sequence), at: milliseconds(0))
        }

        // 1024 bytes each; 32 KiB at first, then 100 bytes a millisecond.
        let burst = plane.answers(0, .max, to: asker(5), at: milliseconds(0))
        let others = (6..<10).map {
            plane.answers(64, .max, to: asker($0), at: milliseconds(0)).count
        }
        let later = plane.answers(64, .max, to: asker(5), at: milliseconds(103))

        #expect(burst.count == 32 && others == [0, 0, 0, 0])
        #expect(later.count == 10)
        #expect(plane.forwarder.repairCounts.refused == 32 + 4 * 64 + 54)
    }

    @Test mutating func aNewTokenBringsNoNewCredit() {
        var configuration = RepairConfiguration()
        configuration.answerBurst = 10_240
        plane = Plane(configuration)
        for sequence in 0..<64 as Range<UInt32> {
            plane.receive(header(sequence), at: milliseconds(0))
        }
        var total = 0
        for number in 0..<100 {
            var neighbor = asker(5)
            neighbor.token = LinkToken(rawValue: UInt32(number))
            total += plane.answers(0, .max, to: neighbor, at: milliseconds(10)).count
        }

        #expect(total == 10)
    }

    @Test mutating func aRequestThatCrossedThePacketIsNotAnswered() {
        plane.receive(header(74), at: milliseconds(100))
        let near = asker(1, roundTrip: .milliseconds(40))

        #expect(plane.answers(74, 1, to: near, at: milliseconds(141)).isEmpty)
        #expect(plane.answers(74, 1, to: near, at: milliseconds(142)).count == 1)
        // Who is no child was not sent it.
        let other = asker(5, roundTrip: .milliseconds(40))
        #expect(plane.answers(74, 1, to: other, at: milliseconds(101)).count == 1)
    }

    @Test mutating func unknownStreamsAreNotAnswered() {
        for unknown in [
            StreamID(source: PeerID(rawValue: 9), index: 0), StreamID(source: source, index: 255),
        ] {
            var answers: [RepairAnswer] = []
            plane.forwarder.answer(
                RepairRequest(stream: unknown, base: 0, bitmap: .max), to: asker(5),
                at: milliseconds(10), into: &answers)
            #expect(answers.isEmpty)
        }
    }
}
