import Inspection
import NetBasics
import PacketFormats
import Testing

/// Counts and jitter of streams whose truth is known.
@Suite struct StreamMeasureTests {
    /// What became of a stream on the way.
    private struct Truth {
        var arrivals: [Int] = []
        var lost = 0
        var duplicates = 0
        var reordered = 0
    }

    /// Loses, repeats and delays packets of a run of numbers, as a bad path does.
    private func path(
        _ count: Int, loss: Double, duplication: Double, delay: Double, seed: UInt64
    ) -> Truth {
        var generator = SeededGenerator(seed: seed)
        func happens(_ share: Double) -> Bool {
            Double(UInt32.random(in: 0...UInt32.max, using: &generator)) < share * 4_294_967_296
        }
        var timed: [(place: Int, order: Int, number: Int)] = []
        for number in 0..<count {
            // The ends arrive, so that between them everything counts.
            let isEnd = number == 0 || number == count - 1
            if !isEnd, happens(loss) { continue }
            let place =
                !isEnd && happens(delay)
                ? number + Int.random(in: 2...60, using: &generator) : number
            timed.append((place, timed.count, number))
            if happens(duplication) {
                let later = Int.random(in: 0...200, using: &generator)
                timed.append((place + later, timed.count, number))
            }
        }
        timed.sort { ($0.place, $0.order) < ($1.place, $1.order) }
        return truth(timed.map(\.number), of: count)
    }

    /// The definitions, applied to all that arrived at once.
    private func truth(_ arrivals: [Int], of count: Int) -> Truth {
        var truth = Truth(arrivals: arrivals)
        var seen: Set<Int> = []
        var highest = -1
        for number in arrivals {
            if !seen.insert(number).inserted {
                truth.duplicates += 1
            } else if number < highest {
                truth.reordered += 1
            }
            highest = max(highest, number)
        }
        truth.lost = (seen.max() ?? 0) - (seen.min() ?? 0) + 1 - seen.count
        return truth
    }

    private func inspected(_ truth: Truth, first: UInt16) -> Inspector {
        var capture = TestCapture()
        for number in truth.arrivals {
            capture.addRTP(
                first &+ UInt16(truncatingIfNeeded: number),
                timestamp: UInt32(truncatingIfNeeded: number) &* 1800)
            capture.pass(.milliseconds(20))
        }
        return capture.inspected()
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func countsAreExactWhereLossDuplicatesAndReorderMix(seed: UInt64) {
        let shares: [(Double, Double, Double)] = [
            (0.05, 0, 0), (0, 0.05, 0), (0, 0, 0.05), (0.05, 0.05, 0.05), (0.3, 0.3, 0.3),
            (0.01, 0.9, 0.2),
        ]
        let (loss, duplication, delay) = shares[Int(seed) % shares.count]
        let truth = path(
            5000, loss: loss, duplication: duplication, delay: delay, seed: seed)
        // Numbers wrap at the start, in the middle and never.
        for first in [0, 1, 65_530, 63_000, 32_760] as [UInt16] {
            let stream = inspected(truth, first: first).streams[0]

            #expect(stream.lost == UInt64(truth.lost), "seed \(seed), first \(first)")
            #expect(stream.duplicates == UInt64(truth.duplicates), "seed \(seed), first \(first)")
            #expect(stream.reordered == UInt64(truth.reordered), "seed \(seed), first \(first)")
            #expect(stream.packets == UInt64(truth.arrivals.count))
        }
    }

    @Test func numbersThatWrapManyTimesAreCounted() {
        let truth = path(200_000, loss: 0.02, duplication: 0.02, delay: 0.02, seed: 99)

        let stream = inspected(truth, first: 5).streams[0]

        #expect(stream.lost == UInt64(truth.lost))
        #expect(stream.duplicates == UInt64(truth.duplicates))
        #expect(stream.reordered == UInt64(truth.reordered))
    }

    @Test func aLongLossIsLossAndNoNewBeginning() {
        let truth = truth(Array(0..<500) + Array(6500..<7000), of: 7000)
        var capture = TestCapture()
        let start = capture.now
        for number in truth.arrivals {
            capture.now = start + .milliseconds(20 * number)
            capture.addRTP(UInt16(number), timestamp: UInt32(number) * 1800)
        }

        let stream = capture.inspected().streams[0]

        #expect(stream.lost == 6000)
        #expect(stream.restarts == 0)
    }

    @Test(arguments: [0, 33, 96] as [UInt8], [0.0, 0.3, 4])
    func jitterIsThatOfTheFormula(payloadType: UInt8, noise: Double) throws {
        let clock = payloadType == 0 ? 8000.0 : 90_000
        let step = UInt32(clock / 50)
        var generator = SeededGenerator(seed: 7)
        var capture = TestCapture()
        let start = capture.now
        var expected = 0.0
        var last: (arrival: Double, stamp: Double)?
        for index in 0..<3000 {
            let late = Double(UInt32.random(in: 0...1000, using: &generator)) / 1000 * noise
            let arrival = Int64(20_000_000 * index) + Int64(late * 1e6)
            capture.now = start + .nanoseconds(arrival)
            let stamp = UInt32(index) * step &+ 0xFFFF_F000
            capture.addRTP(UInt16(index), timestamp: stamp, payloadType: payloadType)
            // RFC 3550, section 6.4.1, in time stamp units and real numbers.
            let here = (arrival: Double(arrival) * clock / 1e9, stamp: Double(index) * Double(step))
            if let last {
                let difference = abs((here.arrival - last.arrival) - (here.stamp - last.stamp))
                expected += (difference - expected) / 16
            }
            last = here
        }

        let stream = capture.inspected().streams[0]

        let jitter = try #require(stream.jitterMilliseconds)
        #expect(stream.clockRate == clock)
        #expect(abs(jitter.running - expected / clock * 1000) <= 0.01 * expected / clock * 1000)
    }

    @Test func ratesAreThoseOfTheWindow() throws {
        var capture = TestCapture()
        // Ten packets of 1000 bytes each 100 ms, the ten of second 3 at once.
        for index in 0..<100 {
            let burst = index == 30 ? 10 : 1
            for part in 0..<burst {
                capture.addRTP(
                    UInt16(index * 10 + part), timestamp: UInt32(index) * 9000,
                    payloadBytes: 960)
            }
            capture.pass(.milliseconds(100))
        }

        let stream = capture.inspected().streams[0]

        #expect(stream.burst.packets == 10)
        #expect(stream.burst.number == 40)
        #expect(stream.peakRate(window: .milliseconds(100)) == 10 * 1000 * 8 * 10)
        #expect(abs(try #require(stream.meanRate) - 109 * 8000 / 9.9) < 1)
    }

    @Test func aBufferHoldsWhatIsNotDrained() {
        var capture = TestCapture()
        for index in 0..<50 {
            capture.addRTP(UInt16(index), timestamp: UInt32(index), payloadBytes: 960)
            capture.pass(.milliseconds(1))
        }

        // One packet in 1 ms is 8 Mbit/s; half of it leaves.
        let stream = capture.inspected(InspectionSettings(drainRate: 4e6)).streams[0]

        #expect(abs(stream.greatestBufferLevel - 25_500) < 1)
    }

    @Test func dataThatOnlyLooksLikeRTPIsNoStreamOfRTP() {
        var capture = TestCapture()
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let random = (0..<40).map { _ in UInt8.random(in: 0...255, using: &generator) }
            capture.addUDP([0x80, 0x21] + random, from: "10.0.0.5", to: "239.1.2.3")
            capture.pass(.milliseconds(1))
        }

        let streams = capture.inspected().streams

        #expect(streams.map(\.ssrc) == [nil])
        #expect(streams.map(\.packets) == [2000])
    }

    @Test func anAnnouncementTellsTheClock() {
        var capture = TestCapture()
        capture.addAnnouncement("One", session: 1, group: "239.1.2.3")
        // Time stamps follow no usual clock, as those of a still camera do not.
        for index in 0..<200 {
            capture.addRTP(
                UInt16(index), timestamp: UInt32(index) * 50, payloadType: 96)
            capture.pass(.milliseconds(20))
        }

        let stream = capture.inspected().streams.first { $0.ssrc != nil }

        #expect(stream?.clockRate == 90_000)
        #expect(stream?.kind == .media("h264"))
    }

    /// Its first packet comes 35 ms late, so that after half a second 90 kHz look like 96.
    private static var lateStart: TestCapture {
        var capture = TestCapture()
        let start = capture.now
        for index in 0..<300 {
            capture.now = start + .milliseconds(index == 0 ? 35 : 20 * index + 20)
            capture.addRTP(
                UInt16(index), timestamp: UInt32(index) * 1800, payloadType: 96)
        }
        return capture
    }

    @Test func aClockThatLooksLikeAnotherAtFirstIsFound() throws {
        let stream = try #require(
            Self.lateStart.inspected().streams.first { $0.ssrc != nil })

        #expect(stream.clockRate == 90_000)
        // One interval is 15 ms too long by the first packet, the others are exact.
        let jitter = try #require(stream.jitterMilliseconds)
        #expect(abs(jitter.greatest - 15.0 / 16) < 0.001)
    }

    @Test func anAnnouncementInTheMiddleKeepsWhatWasMeasured() throws {
        var late = TestCapture()
        for index in 0..<100 {
            if index == 60 { late.addAnnouncement("One", session: 1, group: "239.1.2.3") }
            // A packet in ten comes 4 ms late.
            let delay = Duration.milliseconds(index % 10 == 5 ? 4 : 0)
            late.pass(delay)
            late.addRTP(UInt16(index), timestamp: UInt32(index) * 1800, payloadType: 96)
            late.pass(.milliseconds(20) - delay)
        }
        let stream = try #require(late.inspected().streams.first { $0.ssrc != nil })
        var told = InspectionSettings()
        told.clockRates = [96: 90_000]
        let known = try #require(late.inspected(told).streams.first { $0.ssrc != nil })

        let jitter = try #require(stream.jitterMilliseconds)
        let expected = try #require(known.jitterMilliseconds)
        #expect(jitter.mean == expected.mean)
        #expect(jitter.greatest == expected.greatest)
        #expect(stream.kind == .media("h264"))
    }

    @Test func senderReportsTellTheDelay() {
        var capture = TestCapture()
        capture.addStream(packets: 10)
        let sent = capture.now
        capture.pass(.milliseconds(35))
        let time = NTPTimestamp(nanosecondsSince1970: sent.nanoseconds).rawValue
        let report =
            [0x80, 200] + word(6) + long(0x1234) + long(UInt32(time >> 32))
            + long(UInt32(truncatingIfNeeded: time)) + long(9000) + long(10) + long(1000)
        capture.addUDP(report, from: "10.0.0.5", to: "239.1.2.3", port: 5005)

        let stream = capture.inspected().streams.first { $0.ssrc == 0x1234 }

        #expect(stream?.reports.count == 1)
        let delay = stream?.reports.leastDelay?.milliseconds ?? 0
        #expect(abs(delay - 35) < 0.001)
    }

    @Test func moreStreamsThanThereIsRoomForAreCounted() {
        var capture = TestCapture()
        for index in 0..<20_000 {
            capture.addUDP(
                [1, 2, 3], from: "10.0.\(index / 250 % 250).\(index % 250)", to: "239.1.2.3",
                port: UInt16(5000 + index / 62_500))
        }

        let inspector = capture.inspected()

        #expect(inspector.streams.count == 4096)
        #expect(inspector.untrackedCount == 20_000 - 4096)
    }
}
