import NetBasics
import Testing
import Wire

@testable import Forwarding

private let source = PeerID(rawValue: 9)

private func copy(_ sequence: UInt32, stream: UInt8 = 0) -> WaitingCopy {
    let header = MediaHeader(
        token: LinkToken(rawValue: 1), stream: StreamID(source: source, index: stream),
        isControlFlow: false, sequence: sequence)
    return WaitingCopy(
        header: header, link: LinkToken(rawValue: 2), slot: Int(sequence), bodyBytes: 100)
}

private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

@Suite struct ShedQueueTests {
    private var queue = ShedQueue(capacity: 4, ageLimit: .milliseconds(300))
    private var shed: [WaitingCopy] = []

    private mutating func add(_ sequence: UInt32, priority: UInt8, at now: Instant = .zero) {
        queue.add(copy(sequence), priority: priority, at: now, shedding: &shed)
    }

    private mutating func taken() -> [UInt32] {
        var sequences: [UInt32] = []
        while let copy = queue.take() { sequences.append(copy.header.sequence) }
        return sequences
    }

    @Test mutating func theImportantLeavesFirstAndTheRestInOrder() {
        for (sequence, priority) in [(1, 2), (2, 0), (3, 255), (4, 2)] {
            add(UInt32(sequence), priority: UInt8(priority))
        }

        #expect(queue.count == 4)
        #expect(queue.byteCount == 400)
        #expect(taken() == [2, 1, 4, 3])
        #expect(queue.count == 0)
        #expect(queue.byteCount == 0)
        #expect(shed.isEmpty)
    }

    @Test mutating func aFullQueueShedsAllOfTheLeastImportant() {
        for sequence in 1...2 { add(UInt32(sequence), priority: 2) }
        for sequence in 3...4 { add(UInt32(sequence), priority: 1) }
        add(5, priority: 0)

        #expect(shed.map(\.header.sequence) == [1, 2])
        #expect(taken() == [5, 3, 4])
    }

    @Test mutating func whatIsLessImportantThanAllOfAFullQueueIsShedItself() {
        for sequence in 1...4 { add(UInt32(sequence), priority: 1) }
        add(5, priority: 2)

        #expect(shed.map(\.header.sequence) == [5])
        #expect(taken() == [1, 2, 3, 4])
    }

    @Test mutating func aLevelWhoseOldestIsTooOldGoesWhole() {
        add(1, priority: 0, at: at(200))
        add(2, priority: 2, at: at(0))
        add(3, priority: 2, at: at(290))

        queue.shedOld(at: at(300), into: &shed)
        #expect(shed.isEmpty)
        #expect(queue.age(at: at(300)) == .milliseconds(300))
        queue.shedOld(at: at(301), into: &shed)

        #expect(shed.map(\.header.sequence) == [2, 3])
        #expect(taken() == [1])
    }

    @Test mutating func itsStorageDoesNotGrow() {
        for round in 0..<1000 {
            for sequence in 0..<6 { add(UInt32(round * 6 + sequence), priority: UInt8(sequence)) }
            _ = queue.take()
            queue.shedOld(at: at(Int64(round)), into: &shed)
            #expect(queue.count <= 4)
        }
    }
}

@Suite struct PacerTests {
    @Test func packetsLeaveAtTheRate() {
        var pacer = Pacer(rate: 100_000, at: .zero)
        var left = 0
        var now = Instant.zero
        while now < at(10_000) {
            while pacer.mayLeave(at: now) {
                pacer.spend(1000)
                left += 1
            }
            now = pacer.opensAt
        }

        #expect((999...1003).contains(left))
    }

    @Test func aPauseEarnsNoMoreThanAPacketOrFiveMilliseconds() {
        var pacer = Pacer(rate: 1_000_000, at: .zero)
        var left = 0
        while pacer.mayLeave(at: at(60_000)) {
            pacer.spend(1000)
            left += 1
        }

        #expect(left == 6)
    }
}

@Suite struct ShedLedgerTests {
    private let stream = StreamID(source: source, index: 0)

    @Test func neighborsInNumberAreOneRunAndEachIsToldOnce() {
        var ledger = ShedLedger()
        for sequence in [7, 8, 9, 20] as [UInt32] { ledger.note(copy(sequence).header) }
        ledger.note(copy(10, stream: 1).header)
        var news: [ShedRun] = []

        ledger.takeNew(into: &news)
        ledger.takeNew(into: &news)

        #expect(
            news == [
                ShedRun(stream: stream, first: 7, count: 3),
                ShedRun(stream: stream, first: 20, count: 1),
                ShedRun(stream: StreamID(source: source, index: 1), first: 10, count: 1),
            ])
    }

    @Test func whatWasShedIsNotAnsweredButSaidAgain() {
        var ledger = ShedLedger()
        for sequence in (UInt32.max - 1)...(.max) { ledger.note(copy(sequence).header) }
        ledger.note(copy(0).header)
        var news: [ShedRun] = []
        ledger.takeNew(into: &news)
        let request = RepairRequest(stream: stream, base: .max - 2, bitmap: 0b11111)

        #expect(ledger.remaining(of: request) == 0b10001)

        var again: [ShedRun] = []
        ledger.takeNew(into: &again)
        #expect(again == news)
        #expect(again == [ShedRun(stream: stream, first: .max - 1, count: 3)])
    }

    @Test func itRemembersTheLastFewRuns() {
        var ledger = ShedLedger()
        for sequence in 0..<UInt32(200) { ledger.note(copy(sequence * 2).header) }
        var news: [ShedRun] = []

        ledger.takeNew(into: &news)

        #expect(news.count == ShedLedger.limit)
        #expect(news.last?.first == 398)
        let request = RepairRequest(stream: stream, base: 0, bitmap: 1)
        #expect(ledger.remaining(of: request) == 1)
    }
}
