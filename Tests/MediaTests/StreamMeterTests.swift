import Media
import NetBasics
import Testing
import Wire

/// The wire's numbers wrap at 32 bits; 16-bit boundaries are where careless code breaks.
private let starts: [UInt32] = [
    0, 1, 100, 0xFFF0, 0x1_0000, 0x7FFF_FFF0, 0x8000_0000, 0xFFFF_0000, 0xFFFF_FFF0, .max,
]

private struct Feed {
    var meter = StreamMeter(format: .rtp)
    var now = Instant.zero

    mutating func receive(_ sequence: UInt32) {
        now = now + .milliseconds(1)
        let body: [UInt8] = [1, 2, 3]
        meter.record(body.span.bytes, sequence: sequence, at: now, wallNanoseconds: 5)
    }
}

@Suite struct StreamMeterTests {
    @Test(arguments: starts)
    func nothingIsLostInOrder(start: UInt32) {
        var feed = Feed()
        for step in 0..<20_000 as Range<UInt32> { feed.receive(start &+ step) }

        #expect(feed.meter.receivedCount == 20_000)
        #expect(feed.meter.lostCount == 0)
        #expect(feed.meter.duplicateCount == 0)
        #expect(feed.meter.reorderedCount == 0)
        #expect(feed.meter.byteCount == 60_000)
        #expect(feed.meter.firstArrival == Instant(nanoseconds: 1_000_000))
        #expect(feed.meter.lastArrival == Instant(nanoseconds: 20_000_000_000))
        #expect(feed.meter.medianLatency == nil)
    }

    /// A random channel that keeps its own books.
    @Test(arguments: starts)
    func countsMatchAChannelThatKnowsTheTruth(start: UInt32) {
        var generator = SeededGenerator(seed: UInt64(start) + 1)
        var feed = Feed()
        var inFlight: [(due: Int, sequence: UInt32)] = []
        var arrived: Set<UInt32> = []
        var duplicates: UInt64 = 0
        var reordered: UInt64 = 0
        var highest: UInt32 = 0

        for step in 0..<10_000 {
            let isLost = step > 0 && step < 9_999 && generator.uniform(below: 10) == 0
            if !isLost {
                for _ in 0...(generator.uniform(below: 20) == 0 ? 1 : 0) {
                    let delay = generator.uniform(below: 10) == 0 ? generator.uniform(below: 50) : 0
                    inFlight.append((step + delay, UInt32(step)))
                }
            }
            let due = inFlight.filter { $0.due <= step || step == 9_999 }
            inFlight.removeAll { $0.due <= step }
            for packet in due {
                feed.receive(start &+ packet.sequence)
                if !arrived.insert(packet.sequence).inserted {
                    duplicates += 1
                } else if packet.sequence < highest {
                    reordered += 1
                }
                highest = max(highest, packet.sequence)
            }
        }

        let span = UInt64(highest - (arrived.min() ?? 0)) + 1
        #expect(feed.meter.receivedCount == UInt64(arrived.count))
        #expect(feed.meter.lostCount == span - UInt64(arrived.count))
        #expect(feed.meter.duplicateCount == duplicates)
        #expect(feed.meter.reorderedCount == reordered)
        #expect(feed.meter.lateCount == 0)
        #expect(duplicates > 300 && reordered > 300 && feed.meter.lostCount > 800)
    }

    @Test(arguments: starts)
    func packetsBeforeTheFirstWidenTheSpan(start: UInt32) {
        var feed = Feed()
        for step in [5, 2, 6] as [UInt32] { feed.receive(start &+ step) }

        #expect(feed.meter.receivedCount == 3)
        #expect(feed.meter.lostCount == 2)
        #expect(feed.meter.reorderedCount == 1)
    }

    @Test(arguments: starts)
    func whatIsOlderThanTheWindowIsLate(start: UInt32) {
        var feed = Feed()
        feed.receive(start)
        feed.receive(start &+ 8191)
        feed.receive(start)
        feed.receive(start &+ 8192)
        feed.receive(start)
        feed.receive(start &+ 1)

        #expect(feed.meter.duplicateCount == 1)
        #expect(feed.meter.lateCount == 1)
        #expect(feed.meter.receivedCount == 4)
        #expect(feed.meter.lostCount == 8193 - 4)
    }

    /// Steps of 2^31 and more are backwards: nobody can tell.
    @Test(arguments: starts)
    func aLongOutageIsAllLost(start: UInt32) {
        var feed = Feed()
        for step in [0, 1_000_000, 1_000_001, 2_148_000_000, 2_147_999_999] as [UInt32] {
            feed.receive(start &+ step)
        }

        #expect(feed.meter.receivedCount == 5)
        #expect(feed.meter.lostCount == 2_148_000_001 - 5)
        #expect(feed.meter.reorderedCount == 1)
    }

    @Test func randomNumbersNeverTrap() {
        var generator = SeededGenerator(seed: 9)
        var feed = Feed()
        for _ in 0..<100_000 { feed.receive(UInt32(truncatingIfNeeded: generator.next())) }

        let meter = feed.meter
        #expect(meter.receivedCount + meter.duplicateCount + meter.lateCount == 100_000)
    }
}

@Suite struct TestStreamMeterTests {
    private func packet(_ sequence: UInt64, sentAt: UInt64 = 0) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        bytes.withUnsafeMutableBytes {
            TestPayload(sequence: sequence, sendTime: sentAt).store(into: $0)
        }
        return bytes
    }

    @Test func thePayloadsNumberCountsNotTheHeaders() {
        var meter = StreamMeter(format: .testPattern)
        for (wire, sequence) in [(1, 10), (2, 11), (3, 11), (4, 14), (5, 13)] as [(UInt32, UInt64)]
        {
            meter.record(
                packet(sequence).span.bytes, sequence: wire, at: .zero, wallNanoseconds: 0)
        }

        #expect(meter.receivedCount == 4)
        #expect(meter.duplicateCount == 1)
        #expect(meter.reorderedCount == 1)
        #expect(meter.lostCount == 1)
        #expect(meter.byteCount == 4 * 64)
    }

    @Test func corruptionIsCountedAndNothingElse() {
        var meter = StreamMeter(format: .testPattern)
        var bad = packet(1)
        bad[40] ^= 1

        meter.record(packet(0).span.bytes, sequence: 0, at: .zero, wallNanoseconds: 0)
        meter.record(bad.span.bytes, sequence: 1, at: .zero, wallNanoseconds: 0)
        meter.record([UInt8]().span.bytes, sequence: 2, at: .zero, wallNanoseconds: 0)
        meter.record(packet(2).span.bytes, sequence: 3, at: .zero, wallNanoseconds: 0)

        #expect(meter.corruptedCount == 2)
        #expect(meter.receivedCount == 2)
        #expect(meter.lostCount == 1)
    }

    @Test func latencyIsOfFirstCopiesAndNeverNegative() throws {
        var meter = StreamMeter(format: .testPattern)
        let sent: UInt64 = 1_000_000_000_000
        for sequence in 0..<100 as Range<UInt64> {
            meter.record(
                packet(sequence, sentAt: sent).span.bytes, sequence: 0, at: .zero,
                wallNanoseconds: sent + (sequence < 98 ? 5_000_000 : 200_000_000))
        }
        meter.record(
            packet(0, sentAt: sent).span.bytes, sequence: 0, at: .zero, wallNanoseconds: .max)

        let median = try #require(meter.medianLatency).milliseconds
        let late = try #require(meter.latency99).milliseconds
        #expect(abs(median / 5 - 1) <= 0.02)
        #expect(abs(late / 200 - 1) <= 0.02)
        #expect(meter.latency.sampleCount == 100)

        var behind = StreamMeter(format: .testPattern)
        behind.record(
            packet(0, sentAt: sent).span.bytes, sequence: 0, at: .zero, wallNanoseconds: 1)
        let clamped = try #require(behind.medianLatency)
        #expect(clamped < .microseconds(2))
    }

    @Test func extremeNumbersDoNotTrap() {
        var meter = StreamMeter(format: .testPattern)
        for sequence in [0, .max, .max - 1, 1 << 63, 0] as [UInt64] {
            meter.record(
                packet(sequence, sentAt: sequence).span.bytes, sequence: 0, at: .zero,
                wallNanoseconds: sequence &+ 1)
        }

        #expect(meter.receivedCount == 3)
        #expect(meter.lateCount == 2)
    }
}

@Suite struct LatencyHistogramTests {
    @Test func everyLatencyIsWithinTwoPercent() throws {
        var nanoseconds = 1000.0
        while nanoseconds <= 60e9 {
            var histogram = LatencyHistogram()
            histogram.record(nanoseconds: UInt64(nanoseconds))
            let value = try #require(histogram.quantile(0.5))
            let error = abs(Double(value.nanoseconds) / nanoseconds.rounded(.down) - 1)
            #expect(error <= 0.02, "\(nanoseconds) ns")
            nanoseconds *= 1.003
        }
    }

    @Test func quantilesMatchSortedSamples() throws {
        var generator = SeededGenerator(seed: 11)
        var histogram = LatencyHistogram()
        var samples: [UInt64] = []
        for _ in 0..<10_001 {
            let sample = UInt64(
                1000 + 1e7 * generator.uniformFraction() * generator.uniformFraction())
            samples.append(sample)
            histogram.record(nanoseconds: sample)
        }
        samples.sort()

        for fraction in [0, 0.01, 0.5, 0.9, 0.99, 1] {
            let rank = max(1, Int((fraction * 10_001).rounded(.up)))
            let value = try #require(histogram.quantile(fraction))
            #expect(abs(Double(value.nanoseconds) / Double(samples[rank - 1]) - 1) <= 0.02)
        }
    }

    @Test func theEndsHoldWhatIsBeyond() throws {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: 0)
        histogram.record(nanoseconds: .max)

        #expect(abs(try #require(histogram.quantile(0)).nanoseconds - 1000) <= 20)
        #expect(abs(try #require(histogram.quantile(1)).seconds / 60 - 1) <= 0.02)
        #expect(LatencyHistogram().quantile(0.5) == nil)
    }
}
