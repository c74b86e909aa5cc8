import NetBasics
import PacketFormats
import TestSupport
import Testing

@Suite struct RTCPPacketTests {
    private func packets(_ name: String) throws -> [RTCPPacket] {
        try RTCPPacket.packets(in: ProtocolSamples.named(name).span.bytes)
    }

    private func report() throws -> RTCPSenderReport {
        guard case .senderReport(let report) = try packets("RTCP sender report")[0].body else {
            throw DecodeError.invalidField("type")
        }
        return report
    }

    @Test func aSenderReportHasItsCounts() throws {
        let report = try report()

        #expect(report.source == 0x739E_56E4)
        #expect(report.time.rawValue == 0xEEAB_BE47_3851_EB85)
        #expect(report.time.middle32 == 0xBE47_3851)
        #expect(report.timestamp == 0x32E8_859E)
        #expect(report.packetCount == 1000)
        #expect(report.octetCount == 1_200_000)
    }

    @Test func aReportBlockHasItsLossWithASign() throws {
        let block = try #require(try report().reports.first)

        #expect(block.fractionLost == 25)
        #expect(block.cumulativeLost == -3)
        #expect(block.highestSequence == 0x0002_0100)
        #expect(block.jitter == 77)
        #expect(block.lastReport == 0xBE47_3851)
        #expect(block.delaySinceLastReport == 65_536)
    }

    @Test func roundTripIsWhatRemainsOfTheTimeSinceTheReport() throws {
        let block = try #require(try report().reports.first)
        func roundTrip(afterSeconds seconds: Double) throws -> Duration? {
            let units = UInt64(seconds * 65_536) << 16
            return block.roundTrip(
                at: NTPTimestamp(rawValue: try report().time.rawValue + units))
        }

        #expect(try roundTrip(afterSeconds: 1.5) == .milliseconds(500))
        #expect(try roundTrip(afterSeconds: 1) == .zero)
        #expect(try roundTrip(afterSeconds: 0.5) == nil)
    }

    @Test func aReportAfterNoneHasNoRoundTrip() throws {
        let name = "RTCP receiver report, all description items"
        guard case .receiverReport(let report) = try packets(name)[0].body else {
            Issue.record("no report")
            return
        }

        #expect(report.reports[0].roundTrip(at: NTPTimestamp(rawValue: 1 << 48)) == nil)
        #expect(report.reports[1].cumulativeLost == 8_388_607)
    }

    @Test func aDescriptionHasAllItems() throws {
        let name = "RTCP receiver report, all description items"
        guard case .sourceDescription(let chunks) = try packets(name)[1].body else {
            Issue.record("no description")
            return
        }

        #expect(chunks.map(\.source) == [0x1122_3344, 0x5566_7788])
        #expect(chunks.map(\.canonicalName) == ["a@host1", "b@c"])
        #expect(chunks[0].items.map(\.type) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(chunks[0].items[7].prefix == Array("fav".utf8))
        #expect(chunks[0].items[7].text == Array("blue".utf8))
    }

    @Test func aGoodbyeMayHaveAReason() throws {
        guard case .goodbye(let goodbye) = try packets("RTCP goodbye")[2].body,
            case .goodbye(let silent) = try packets("RTCP goodbye without reason")[2].body
        else {
            Issue.record("no goodbye")
            return
        }

        #expect(goodbye.sources == [0x1122_3344, 0x5566_7788])
        #expect(goodbye.reason == Array("too hot".utf8))
        #expect(silent.reason == nil)
    }

    @Test func anApplicationHasNameAndData() throws {
        guard case .application(let body) = try packets("RTCP application")[2].body else {
            Issue.record("no application")
            return
        }

        #expect(body.subtype == 5)
        #expect(body.name == Array("POLY".utf8))
        #expect(body.data == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test func feedbackIsDecodedByFormat() throws {
        let bodies = try packets("RTCP feedback").dropFirst(2).map(\.body)
        let information = bodies.compactMap { body -> RTCPFeedback.Information? in
            switch body {
            case .transportFeedback(let feedback), .payloadFeedback(let feedback):
                feedback.information
            default: nil
            }
        }

        guard information.count == 4, case .lostPackets(let lost) = information[0],
            case .pictureLoss = information[1],
            case .fullIntraRequests(let requests) = information[2],
            case .receiverEstimate(let estimate) = information[3]
        else {
            Issue.record("\(information)")
            return
        }
        #expect(lost.map(\.sequences) == [[100, 101, 116], [300]])
        #expect(requests.map(\.source) == [0x739E_56E4])
        #expect(requests.map(\.sequence) == [9])
        #expect(estimate.bitsPerSecond == 0x2ABCD << 5)
        #expect(estimate.sources == [0x739E_56E4, 0x5566_7788])
    }

    @Test func lostSequencesWrapAround() throws {
        var bytes = ProtocolSamples.named("RTCP feedback")
        // The entry of the NACK, behind a report of 8 bytes, a description of 20 and 12 of its own.
        bytes.replaceSubrange(40..<44, with: [0xFF, 0xFF, 0x80, 0x01])

        guard
            case .transportFeedback(let feedback) = try RTCPPacket.packets(
                in: bytes.span.bytes)[2].body,
            case .lostPackets(let lost) = feedback.information
        else {
            Issue.record("no feedback")
            return
        }
        #expect(lost[0].sequences == [65_535, 0, 15])
    }

    @Test func aHugeEstimateSaturates() throws {
        var bytes = ProtocolSamples.named("RTCP feedback")
        // The exponent is at the end but for two sources and two bytes of mantissa.
        bytes[bytes.count - 11] = 0xFF

        guard
            case .payloadFeedback(let feedback) = try RTCPPacket.packets(
                in: bytes.span.bytes)[5].body,
            case .receiverEstimate(let estimate) = feedback.information
        else {
            Issue.record("no estimate")
            return
        }
        #expect(estimate.bitsPerSecond == .max)
    }

    @Test func otherFeedbackAndTypesAreKeptAsBytes() throws {
        guard case .transportFeedback(let feedback) = try packets("RTCP TMMBR")[2].body,
            case .other(let information) = feedback.information,
            case .other(let body) = try packets("RTCP unknown type")[1].body
        else {
            Issue.record("decoded")
            return
        }

        #expect(information.count == 8)
        #expect(body.count == 16)
    }

    @Test func paddingIsNotPartOfTheBody() throws {
        let packet = try packets("RTCP padding")[1]

        #expect(packet.paddingByteCount == 4)
        #expect(packet.header.packetByteCount == 12)
    }
}

@Suite struct NTPTimestampTests {
    @Test(arguments: [
        (0 as Int64, 0x83AA_7E80_0000_0000 as UInt64),
        (500_000_000, 0x83AA_7E80_8000_0000),
        (-500_000_000, 0x83AA_7E7F_8000_0000),
        // The first second of the next era, in 2036.
        (2_085_978_496_000_000_000, 0),
    ])
    func nanosecondsAndBackAgain(nanoseconds: Int64, rawValue: UInt64) {
        let time = NTPTimestamp(nanosecondsSince1970: nanoseconds)

        #expect(time.rawValue == rawValue)
        #expect(time.nanosecondsSince1970 == nanoseconds)
    }

    @Test func everyValueIsATime() {
        for rawValue in [0, 1, 0x7FFF_FFFF_FFFF_FFFF, 1 << 63, UInt64.max] {
            let nanoseconds = NTPTimestamp(rawValue: rawValue).nanosecondsSince1970
            _ = NTPTimestamp(nanosecondsSince1970: nanoseconds)
        }
        _ = NTPTimestamp(nanosecondsSince1970: .min)
        _ = NTPTimestamp(nanosecondsSince1970: .max)
        #expect(NTPTimestamp.duration(ofMiddle32: 65_536) == .seconds(1))
        #expect(NTPTimestamp.duration(ofMiddle32: .max) < .seconds(65_536))
    }
}
