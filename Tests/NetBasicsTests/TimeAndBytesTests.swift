import NetBasics
import Testing

@Suite struct InstantTests {
    private let past = Instant(nanoseconds: .min)

    @Test func sumsAndDifferencesAreExact() {
        let instant = Instant.zero + .seconds(5) + .milliseconds(-2)

        #expect(instant.nanoseconds == 4_998_000_000)
        #expect(instant - .zero == .milliseconds(4998))
        #expect(Instant.zero - instant == .milliseconds(-4998))
    }

    @Test func sumsSaturate() {
        #expect(Instant.distantFuture + .nanoseconds(1) == .distantFuture)
        #expect(Instant.zero + .seconds(Int64.max) == .distantFuture)
        #expect(past + .nanoseconds(-1) == past)
        #expect(Instant.distantFuture + .nanoseconds(-1) < .distantFuture)
    }

    @Test func differencesSaturate() {
        #expect(Instant.distantFuture - past == .nanoseconds(Int64.max))
        #expect(past - .distantFuture == .nanoseconds(Int64.min))
        #expect(Instant.distantFuture - .zero == .nanoseconds(Int64.max))
    }

    @Test func durationsSaturateInNanoseconds() {
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
        #expect(Duration.nanoseconds(Int64.max).nanoseconds == .max)
        #expect(Duration.nanoseconds(Int64.min).nanoseconds == .min)
        #expect(Duration.milliseconds(-1).nanoseconds == -1_000_000)
    }
}

@Suite struct ByteReaderTests {
    private let bytes: [UInt8] = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09]

    @Test func wordsAreBigEndianAtAnyOffset() throws {
        var reader = ByteReader()

        #expect(try reader.readUInt8(from: bytes.span.bytes) == 0x01)
        #expect(try reader.readUInt64(from: bytes.span.bytes) == 0x0203_0405_0607_0809)
        #expect(reader.remaining(in: bytes.span.bytes) == 0)
        try reader.expectEnd(of: bytes.span.bytes)
    }

    @Test func readingBeyondTheEndSaysHowMuchIsMissing() throws {
        var reader = ByteReader()
        try reader.skip(7, in: bytes.span.bytes)

        #expect(throws: DecodeError.truncated(needed: 11, available: 9)) {
            try reader.readUInt32(from: bytes.span.bytes)
        }
        #expect(throws: DecodeError.trailingBytes(2)) {
            try reader.expectEnd(of: bytes.span.bytes)
        }
        #expect(try reader.readUInt16(from: bytes.span.bytes) == 0x0809)
    }

    @Test func impossibleCountsAreRefused() throws {
        var reader = ByteReader()
        try reader.skip(5, in: bytes.span.bytes)

        for count in [-1, Int.min, Int.max, 5] {
            #expect(throws: DecodeError.self) { try reader.skip(count, in: bytes.span.bytes) }
            #expect(throws: DecodeError.self) {
                _ = try reader.readBytes(count, from: bytes.span.bytes)
            }
        }
        #expect(reader.offset == 5)
    }

    @Test func aShorterSpanThanBeforeIsNoDanger() throws {
        var reader = ByteReader()
        try reader.skip(8, in: bytes.span.bytes)
        let shorter: [UInt8] = [1, 2]

        #expect(throws: DecodeError.self) { try reader.readUInt8(from: shorter.span.bytes) }
    }

    @Test(arguments: [[0xC3, 0x28], [0xFF], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]])
    func illFormedTextIsRefused(raw: [UInt8]) {
        var reader = ByteReader()

        #expect(throws: DecodeError.invalidField("name")) {
            _ = try reader.readText(raw.count, field: "name", from: raw.span.bytes)
        }
    }

    @Test func writtenWordsAreReadBack() throws {
        var writer = ByteWriter()
        writer.write(UInt8(1))
        writer.write(UInt16(0x0203))
        writer.write(UInt32(0x0405_0607))
        writer.write([8, 9] as [UInt8])
        #expect(writer.bytes == bytes)
    }
}
