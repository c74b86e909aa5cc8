import Media
import NetBasics
import Testing

private func bytes(_ payload: TestPayload, count: Int) -> [UInt8] {
    var packet = [UInt8](repeating: 0xAA, count: count)
    packet.withUnsafeMutableBytes { payload.store(into: $0) }
    return packet
}

@Suite struct TestPayloadTests {
    private let payload = TestPayload(sequence: 0x0102_0304_0506_0708, sendTime: .max - 1)

    @Test func theHeaderIsAsDrawn() {
        let packet = bytes(payload, count: 32)

        #expect(Array(packet[..<8]) == [0x50, 0x63, 0x54, 0x50, 0, 32, 0, 0])
        #expect(Array(packet[8..<16]) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Array(packet[16..<24]) == [255, 255, 255, 255, 255, 255, 255, 254])
    }

    /// SplitMix64 of seed 1234567 starts so in its author's reference; sequence 0 makes the send
    /// time the seed.
    @Test func theFillIsSplitMix64() {
        let packet = bytes(TestPayload(sequence: 0, sendTime: 1_234_567), count: 40)
        let words = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973] as [UInt64]

        let expected = words.flatMap { word in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        #expect(Array(packet[24...]) == expected)
    }

    @Test func everySizeReadsBack() throws {
        for size in TestPattern.payloadByteRange {
            let packet = bytes(payload, count: size)
            #expect(try TestPayload(decoding: packet.span.bytes) == payload)
        }
    }

    @Test func everyTruncationAndAnyFurtherByteIsRefused() {
        for size in [32, 33, 1200] {
            let packet = bytes(payload, count: size)
            for length in 0..<size {
                #expect(throws: DecodeError.self) {
                    try TestPayload(decoding: Array(packet.prefix(length)).span.bytes)
                }
            }
            #expect(throws: DecodeError.trailingBytes(1)) {
                try TestPayload(decoding: (packet + [0]).span.bytes)
            }
        }
    }

    @Test func everyFlippedBitIsNoticed() {
        for size in [32, 37] {
            for bit in 0..<8 * size {
                var packet = bytes(payload, count: size)
                packet[bit / 8] ^= 1 << (bit % 8)
                #expect(throws: DecodeError.self, "bit \(bit)") {
                    try TestPayload(decoding: packet.span.bytes)
                }
            }
        }
    }
}

@Suite struct TestPatternSenderTests {
    /// Rates and sizes whose intervals are whole, periodic and long fractions.
    @Test(arguments: [
        ("1k", 32), ("1k", 1400), ("64k", 160), ("777777", 1111), ("2M", 1200), ("20M", 1200),
        ("33333333", 1399), ("99M", 101), ("1G", 1400), ("999999937", 32),
    ])
    func anySecondCarriesTheRate(text: String, size: Int) throws {
        let pattern = try TestPattern(rate: BitRate(parsing: text), payloadByteCount: size)
        var sender = TestPatternSender(pattern, startingAt: Instant(nanoseconds: 12_345))
        let bits = pattern.rate.bitsPerSecond
        let seconds = bits > 100_000_000 ? 2 : bits < 10_000 ? 100 : 5
        let start = sender.nextDue
        var sent: Int64 = 0

        for second in 1...seconds {
            let end = start + .seconds(second)
            while sender.nextDue < end {
                guard sender.takeDue(at: sender.nextDue) == UInt64(sent) else {
                    Issue.record("not packet \(sent)")
                    return
                }
                sent += 1
            }
            // All packets due before the end of the second: the exact count, rounded up.
            let exact = Double(bits) * Double(second) / Double(8 * size)
            #expect(Double(sent) == exact.rounded(.up), "second \(second)")
        }
        #expect(sender.skippedCount == 0)
    }

    @Test func nothingIsDueBeforeItsTime() throws {
        let pattern = try TestPattern(rate: BitRate(parsing: "800k"), payloadByteCount: 1000)
        var sender = TestPatternSender(pattern, startingAt: .zero)

        #expect(sender.takeDue(at: .zero) == 0)
        #expect(sender.takeDue(at: .zero) == nil)
        #expect(sender.nextDue == Instant(nanoseconds: 10_000_000))
        #expect(sender.takeDue(at: Instant(nanoseconds: 9_999_999)) == nil)
        #expect(sender.takeDue(at: Instant(nanoseconds: 10_000_000)) == 1)
    }

    @Test func aLateDriverCatchesUpAndLosesNothing() throws {
        let pattern = try TestPattern(rate: BitRate(parsing: "800k"), payloadByteCount: 1000)
        var sender = TestPatternSender(pattern, startingAt: .zero)
        var sent: [UInt64] = []

        for millisecond in stride(from: 0, to: 1000, by: 45) {
            let now = Instant(nanoseconds: Int64(millisecond) * 1_000_000)
            while let sequence = sender.takeDue(at: now) { sent.append(sequence) }
        }

        #expect(sent == Array(0...99))
        #expect(sender.skippedCount == 0)
    }

    @Test func aSleepingDriverSkipsAndBurstsLittle() throws {
        let pattern = try TestPattern(rate: BitRate(parsing: "800k"), payloadByteCount: 1000)
        var sender = TestPatternSender(pattern, startingAt: .zero)
        _ = sender.takeDue(at: .zero)
        let now = Instant(nanoseconds: 3_600_000_000_000)
        var burst: [UInt64] = []

        while let sequence = sender.takeDue(at: now) { burst.append(sequence) }

        #expect(burst == [1, 2, 3, 4, 5, 6])
        #expect(sender.skippedCount == 360_000 - 6)
        #expect(sender.nextDue == now + .milliseconds(10))
    }
}
