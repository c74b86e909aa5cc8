import NetBasics
import PacketFormats
import TestSupport
import Testing

/// A packet that ffmpeg 5.1 sent (VP8), cut behind its 16th payload byte; the expected values are
/// tshark's reading of it.
private let vp8 = bytes("80e0065732eab76a739e56e4 90808008f1020000101000180025c02f")
/// With contributing sources, an extension and padding; the expected values are tshark's.
private let complete = bytes(
    "b26ffffe00000007deadbeef 0000000100000002 bede000110aa0000 01020304 00000004")

@Suite struct RTPHeaderTests {
    @Test func aPacketOfFFmpegReadsAsInTshark() throws {
        let header = try RTPHeader(decoding: vp8.span.bytes)

        #expect(header.hasMarker)
        #expect(header.payloadType == 96)
        #expect(header.sequence == 1623)
        #expect(header.timestamp == 854_243_178)
        #expect(header.source == 0x739E_56E4)
        #expect(header.contributingSourceCount == 0)
        #expect(header.extensionProfile == nil)
        #expect(header.payloadOffset == 12)
        #expect(header.payloadByteCount == 16)
        #expect(header.paddingByteCount == 0)
    }

    @Test func sourcesExtensionAndPaddingAreNotPayload() throws {
        let header = try RTPHeader(decoding: complete.span.bytes)

        #expect(!header.hasMarker)
        #expect(header.payloadType == 111)
        #expect(header.sequence == 65_534)
        #expect(header.timestamp == 7)
        #expect(header.source == 0xDEAD_BEEF)
        #expect(header.contributingSourceCount == 2)
        #expect(header.extensionProfile == 0xBEDE)
        #expect(header.paddingByteCount == 4)
        let payload = complete[header.payloadOffset...].prefix(header.payloadByteCount)
        #expect(Array(payload) == [1, 2, 3, 4])
    }

    @Test func everyTruncationOfTheHeaderIsRefused() {
        for length in 0..<28 {
            #expect(throws: DecodeError.self, "\(length) bytes") {
                try RTPHeader(decoding: Array(complete.prefix(length)).span.bytes)
            }
        }
        #expect(throws: DecodeError.truncated(needed: 12, available: 11)) {
            try RTPHeader(decoding: Array(vp8.prefix(11)).span.bytes)
        }
    }

    @Test func aPacketWithoutPayloadIsAPacket() throws {
        let header = try RTPHeader(decoding: Array(vp8.prefix(12)).span.bytes)

        #expect(header.payloadByteCount == 0)
    }

    @Test(arguments: [0, 1, 3] as [UInt8])
    func otherVersionsAreRefused(version: UInt8) {
        var packet = vp8
        packet[0] = version << 6

        #expect(throws: DecodeError.unsupportedVersion(version)) {
            try RTPHeader(decoding: packet.span.bytes)
        }
    }

    @Test(arguments: [0, 9, 255] as [UInt8])
    func paddingBeyondThePayloadIsRefused(count: UInt8) {
        var packet = complete
        packet[packet.count - 1] = count

        #expect(throws: DecodeError.invalidField("padding")) {
            try RTPHeader(decoding: packet.span.bytes)
        }
    }

    @Test func paddingMayFillThePacket() throws {
        var packet = complete
        packet[packet.count - 1] = 8

        let header = try RTPHeader(decoding: packet.span.bytes)
        #expect(header.payloadByteCount == 0)
    }

    @Test func anExtensionBeyondThePacketIsRefused() {
        var packet = complete
        packet[22] = 0xFF

        #expect(throws: DecodeError.self) { try RTPHeader(decoding: packet.span.bytes) }
    }

    @Test func randomBytesNeverTrapAndNeverReadBeyondTheEnd() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<100_000 {
            var packet = complete
            for _ in 0...generator.uniform(below: 4) {
                packet[generator.uniform(below: packet.count)] = UInt8(
                    generator.uniform(below: 256))
            }
            packet.removeLast(generator.uniform(below: packet.count + 1))
            guard let header = try? RTPHeader(decoding: packet.span.bytes) else { continue }
            let total =
                header.payloadOffset + header.payloadByteCount + header.paddingByteCount
            #expect(total == packet.count)
            #expect(header.payloadByteCount >= 0)
        }
    }
}

@Suite struct RTCPHeaderTests {
    /// A sender report of ffmpeg 5.1.
    private let report = bytes("80c80006739e56e4eeabbe473851eb8532e8859e0000000000000000")
    /// An empty receiver report, a description and a goodbye; tshark agrees.
    private let compound = bytes(
        "80c90001deadbeef 81ca0003deadbeef0104616263640000 81cb0001deadbeef")

    @Test func aSenderReportOfFFmpegReadsAsInTshark() throws {
        let header = try RTCPHeader(decoding: report.span.bytes)

        #expect(header.packetType == RTCPHeader.senderReport)
        #expect(header.count == 0)
        #expect(header.packetByteCount == report.count)
        #expect(isRTCP(report))
    }

    @Test func aCompoundIsReadToItsEnd() throws {
        let headers = try RTCPHeader.packets(in: compound.span.bytes)

        #expect(headers.map(\.packetType) == [201, 202, 203])
        #expect(headers.map(\.count) == [0, 1, 1])
        #expect(headers.map(\.packetByteCount) == [8, 16, 8])
    }

    @Test func everyTruncationOfACompoundIsRefused() {
        for length in 0..<compound.count where length != 8 && length != 24 {
            #expect(throws: DecodeError.self, "\(length) bytes") {
                try RTCPHeader.packets(in: Array(compound.prefix(length)).span.bytes)
            }
        }
    }

    /// RFC 5761, section 4: the second byte of RTCP is 192 to 223; RTP with a marker and payload
    /// types 64 to 95 would be mistaken, and those are not to be used on a shared port.
    @Test func onASharedPortTheSecondByteDecides() {
        for second in UInt8.min...UInt8.max {
            let answer = isRTCP([0x80, second, 0, 1, 0, 0, 0, 0])
            #expect(answer == (192...223).contains(second), "\(second)")
        }
        #expect(!isRTCP(vp8))
        #expect(!isRTCP([0x80, 200]))
        #expect(!isRTCP([0x16, 200, 0, 0]))
        #expect(!isRTCP([UInt8]()))
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<100_000 {
            var packet = compound
            packet[generator.uniform(below: packet.count)] = UInt8(generator.uniform(below: 256))
            packet.removeLast(generator.uniform(below: packet.count))
            guard let headers = try? RTCPHeader.packets(in: packet.span.bytes) else { continue }
            #expect(headers.map(\.packetByteCount).reduce(0, +) == packet.count)
        }
    }
}

private func isRTCP(_ packet: [UInt8]) -> Bool { RTCPHeader.isRTCP(packet.span.bytes) }

/// The bytes of a hexadecimal text with spaces.
private func bytes(_ text: String) -> [UInt8] {
    let digits = text.filter { $0 != " " }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
