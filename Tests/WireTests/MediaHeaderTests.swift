import NetBasics
import Testing
import Wire

@Suite struct MediaHeaderTests {
    private static let plain = MediaHeader(
        token: token, stream: StreamID(source: source, index: 7), isControlFlow: false,
        sequence: 0xFFFF_FFFE)
    private static let plainBytes = parseHex(
        "b1010007 41424344 5152535455565758 fffffffe")

    private func decode(_ bytes: [UInt8]) throws -> MediaHeader {
        try MediaHeader(decoding: bytes.span.bytes)
    }

    private func stored(_ header: MediaHeader) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: MediaHeader.byteCount + 2)
        bytes.withUnsafeMutableBytes {
            if let start = $0.baseAddress { header.store(into: start) }
        }
        return bytes
    }

    @Test func storingGivesTheDrawnBytesAndNoMore() {
        #expect(stored(Self.plain) == Self.plainBytes + [0xEE, 0xEE])
    }

    @Test func controlFlowIsAFlag() throws {
        var header = Self.plain
        header.isControlFlow = true
        var bytes = Self.plainBytes
        bytes[2] = 1

        #expect(stored(header).prefix(MediaHeader.byteCount) == bytes[...])
        #expect(try decode(bytes) == header)
    }

    @Test func repairIsAFlagOfItsOwn() throws {
        var header = Self.plain
        header.isRepair = true
        var bytes = Self.plainBytes
        bytes[2] = 2
        #expect(stored(header).prefix(MediaHeader.byteCount) == bytes[...])
        #expect(try decode(bytes) == header)

        header.isControlFlow = true
        bytes[2] = 3
        #expect(stored(header).prefix(MediaHeader.byteCount) == bytes[...])
        #expect(try decode(bytes) == header)
    }

    @Test func whatTheSenderLacksTakesFiveBits() throws {
        var header = Self.plain
        var bytes = Self.plainBytes
        for (lacks, flags) in [(0x01, 0x04), (0x10, 0x40), (0x1F, 0x7C)] as [(UInt8, UInt8)] {
            header.lacks = lacks
            bytes[2] = flags
            #expect(stored(header).prefix(MediaHeader.byteCount) == bytes[...])
            #expect(try decode(bytes) == header)
        }
    }

    @Test func theKeyPhaseIsTheHighestBit() throws {
        var header = Self.plain
        header.keyPhase = 1
        header.lacks = 0x1F
        var bytes = Self.plainBytes
        bytes[2] = 0xFC

        #expect(stored(header).prefix(MediaHeader.byteCount) == bytes[...])
        #expect(try decode(bytes) == header)
    }

    @Test func theBodyIsNotLookedAt() throws {
        #expect(try decode(Self.plainBytes) == Self.plain)
        #expect(try decode(Self.plainBytes + Array(repeating: 0xFF, count: 65_000)) == Self.plain)
    }

    @Test func everyTruncationIsRefused() {
        for count in 0..<MediaHeader.byteCount {
            #expect(throws: DecodeError.self) { try decode(Array(Self.plainBytes[..<count])) }
        }
    }

    @Test(
        arguments: [
            (0, 0xA1, DecodeError.unknownMagic), (0, 0xB2, .unsupportedVersion(2)),
            (1, 0x7F, .unknownType(0x7F)),
        ] as [(Int, UInt8, DecodeError)])
    func brokenFieldsAreRefused(offset: Int, value: UInt8, error: DecodeError) {
        var bytes = Self.plainBytes
        bytes[offset] = value

        #expect(throws: error) { try decode(bytes) }
    }

    @Test func otherDatagramsAreNoMedia() {
        for sample in Samples.all {
            #expect(throws: DecodeError.unknownType(sample.bytes[1])) { try decode(sample.bytes) }
        }
    }

    @Test func mediaIsToldByTwoBytes() {
        func isMedia(_ bytes: [UInt8]) -> Bool { Datagram.isMedia(bytes.span.bytes) }

        #expect(isMedia(Self.plainBytes))
        #expect(isMedia([0xB1, 0x01]))
        #expect(!isMedia([0xB1]))
        #expect(!isMedia([]))
        #expect(!isMedia([0xB2, 0x01]))
        for sample in Samples.all { #expect(!isMedia(sample.bytes)) }
    }
}
