import NetBasics
import PacketFormats
import TestSupport
import Testing

@Suite struct RTPPacketTests {
    private func packet(_ name: String) throws -> RTPPacket {
        try RTPPacket(decoding: ProtocolSamples.named(name).span.bytes)
    }

    @Test func contributingSourcesAreRead() throws {
        let packet = try packet("RTP, sources, extension, padding")

        #expect(packet.contributingSources == [1, 2])
        #expect(packet.extensions?.elements.map(\.identifier) == [1])
    }

    @Test func aPacketWithoutExtensionHasNone() throws {
        #expect(try packet("RTP").extensions == nil)
    }

    @Test func elementsOfOneByteStandBetweenPadding() throws {
        let extensions = try #require(try packet("RTP, one-byte extensions").extensions)

        #expect(extensions.form == .oneByte)
        #expect(extensions.elements.map(\.identifier) == [2, 1, 5])
        #expect(
            extensions.elements.map(\.data) == [[0xAB, 0xCD, 0xEF], [0xFF], [0xCA, 0xFE]])
    }

    @Test func elementsOfTwoBytesMayBeEmpty() throws {
        let extensions = try #require(try packet("RTP, two-byte extensions").extensions)

        #expect(extensions.form == .twoByte(applicationBits: 3))
        #expect(extensions.elements.map(\.identifier) == [1, 2, 7])
        #expect(extensions.elements.map(\.data) == [[0xAB, 0xCD], [], [1, 2, 3]])
    }

    @Test func anExtensionOfAProfileIsKeptAsBytes() throws {
        let extensions = try #require(try packet("RTP, extension of a profile").extensions)

        #expect(extensions.form == .other)
        #expect(extensions.data == [0xCA, 0xFE, 0xBA, 0xBE])
    }

    @Test func theReservedIdentifierEndsTheList() throws {
        var bytes = ProtocolSamples.named("RTP, one-byte extensions")
        // Where the second element starts: 12 of the header, 4 of the extension, 4 of the first.
        bytes[20] = 0xF0

        let packet = try RTPPacket(decoding: bytes.span.bytes)
        #expect(packet.extensions?.elements.map(\.identifier) == [2])
    }

    @Test func anElementBeyondTheExtensionIsRefused() {
        var bytes = ProtocolSamples.named("RTP, two-byte extensions")
        bytes[17] = 11

        #expect(throws: DecodeError.self) { try RTPPacket(decoding: bytes.span.bytes) }
    }
}

@Suite struct TransportStreamPacketTests {
    private func packets(_ name: String) throws -> [TransportStreamPacket] {
        try TransportStreamPacket.packets(in: ProtocolSamples.named(name).span.bytes)
    }

    @Test func aHeaderHasItsBits() throws {
        let packets = try packets("Transport stream, errors and scrambling")

        #expect(packets.map(\.pid) == [0x1FFE, 0x1ABC])
        #expect(packets.map(\.continuityCounter) == [15, 9])
        #expect(packets.map(\.scrambling) == [3, 2])
        #expect(packets.map(\.hasTransportError) == [true, false])
        #expect(packets.map(\.payloadByteCount) == [184, 183])
    }

    @Test func aClockCounts27MHz() throws {
        let field = try #require(try packets("Transport stream")[1].adaptationField)

        let clock: UInt64 = 0x1_2345_6789 * 300 + 299
        #expect(field.clockReference == clock)
        #expect(field.isDiscontinuity)
        #expect(field.isRandomAccess)
        #expect(try packets("Transport stream")[0].pid == TransportStreamPacket.nullPID)
    }

    @Test func anAdaptationFieldHasItsParts() throws {
        let packet = try packets("Transport stream, adaptation only")[0]
        let field = try #require(packet.adaptationField)
        let (clock, original): (UInt64, UInt64) = (8_589_934_591 * 300, 77 * 300 + 5)

        #expect(!packet.hasPayload)
        #expect(packet.payloadByteCount == 0)
        #expect(field.clockReference == clock)
        #expect(field.originalClockReference == original)
        #expect(field.spliceCountdown == -3)
        #expect(field.privateData == Array("abc".utf8))
    }

    @Test func aPayloadIsAStreamIfEveryPacketStartsInStep() {
        var bytes = ProtocolSamples.named("Transport stream")
        #expect(TransportStreamPacket.packetCount(in: bytes.span.bytes) == 2)

        bytes[188] = 0x46
        #expect(TransportStreamPacket.packetCount(in: bytes.span.bytes) == nil)
        #expect(TransportStreamPacket.packetCount(in: Array(bytes.prefix(187)).span.bytes) == nil)
        #expect(TransportStreamPacket.packetCount(in: [UInt8]().span.bytes) == nil)
    }

    @Test func aFieldBeyondThePacketIsRefused() {
        var bytes = ProtocolSamples.named("Transport stream, adaptation only")
        bytes[4] = 184

        #expect(throws: DecodeError.self) {
            try TransportStreamPacket(decoding: bytes.span.bytes)
        }
        bytes[0] = 0
        #expect(throws: DecodeError.invalidField("sync")) {
            try TransportStreamPacket(decoding: bytes.span.bytes)
        }
    }
}
