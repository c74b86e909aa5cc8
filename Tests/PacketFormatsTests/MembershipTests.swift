import NetBasics
import PacketFormats
import TestSupport
import Testing

@Suite struct IGMPMessageTests {
    private func message(_ name: String) throws -> IGMPMessage {
        try IGMPMessage(decoding: ProtocolSamples.named(name).span.bytes)
    }

    private func query(_ name: String) throws -> MembershipQuery {
        guard case .query(let query) = try message(name).content else {
            throw DecodeError.invalidField("type")
        }
        return query
    }

    @Test func lengthAndCodeTellTheVersionOfAQuery() throws {
        #expect(try query("IGMPv1 query").version == 1)
        #expect(try query("IGMPv2 general query").version == 2)
        #expect(try query("IGMPv3 general query").version == 3)
        #expect(throws: DecodeError.self) {
            let bytes = Array(ProtocolSamples.named("IGMPv3 general query").prefix(10))
            return try IGMPMessage(decoding: bytes.span.bytes)
        }
    }

    @Test func responseTimesAreThoseOfTheVersion() throws {
        #expect(try query("IGMPv1 query").maxResponseTime == .seconds(10))
        #expect(try query("IGMPv2 group query").maxResponseTime == .seconds(20))
        #expect(try query("IGMPv3 general query").maxResponseTime == .seconds(10))
        // 0x9A is (10 + 16) << (1 + 3) tenths.
        #expect(try query("IGMPv3 source query").maxResponseTime == .milliseconds(41_600))
    }

    @Test func aSourceQueryHasAllItsParts() throws {
        let query = try query("IGMPv3 source query")
        let details = try #require(query.details)

        #expect(query.group == IPAddress("232.1.2.3"))
        #expect(!query.isGeneral)
        #expect(details.suppressesRouters)
        #expect(details.robustness == 7)
        // 0x8B is (11 + 16) << 3 seconds.
        #expect(details.queryInterval == .seconds(216))
        #expect(details.sources == [IPAddress("192.0.2.1"), IPAddress("198.51.100.7")])
    }

    @Test func reportsAndLeavesNameTheirGroup() throws {
        let group = try #require(IPAddress("239.1.2.3"))

        #expect(try message("IGMPv1 report").content == .report(group: group))
        #expect(try message("IGMPv1 report").version == 1)
        #expect(try message("IGMPv2 report").content == .report(group: group))
        #expect(try message("IGMPv2 leave").content == .leave(group: group))
    }

    @Test func aReportOfVersion3HasAllRecordTypes() throws {
        let name = "IGMPv3 report, all record types"
        guard case .records(let records) = try message(name).content else {
            Issue.record("no records")
            return
        }

        #expect(
            records.map(\.kind) == [
                .modeIsInclude, .modeIsExclude, .changeToInclude, .changeToExclude,
                .allowNewSources, .blockOldSources,
            ])
        #expect(records.map(\.sources.count) == [2, 0, 0, 1, 1, 1])
        #expect(records[4].auxiliaryData == Array("auxdata!".utf8))
        #expect(records[5].group == IPAddress("232.1.2.5"))
        #expect(records[5].sources == [IPAddress("192.0.2.3")])
    }

    @Test func anUnknownRecordTypeIsKept() throws {
        let name = "IGMPv3 report, unknown record type"
        guard case .records(let records) = try message(name).content else {
            Issue.record("no records")
            return
        }

        #expect(records.map(\.kind.rawValue) == [9])
        #expect(records.map(\.kind.meaning) == ["unknown"])
    }

    @Test func aWrongChecksumIsAValueAndNoError() throws {
        #expect(try message("IGMPv2 report").isChecksumValid)
        #expect(try !message("IGMPv2 report, bad checksum").isChecksumValid)
        #expect(try message("IGMPv2 report, bad checksum").checksum == 0xE9E8)
    }

    @Test func additionalDataIsCountedOnly() throws {
        let message = try message("IGMPv3 query, additional data")

        #expect(message.additionalByteCount == 4)
        #expect(message.isChecksumValid)
    }

    @Test(arguments: [0x13, 0x14, 0x1E, 0xFF] as [UInt8])
    func otherTypesAreRefused(type: UInt8) {
        let bytes = [type] + [UInt8](repeating: 0, count: 11)

        #expect(throws: DecodeError.unknownType(type)) {
            try IGMPMessage(decoding: bytes.span.bytes)
        }
    }

    @Test func aCountBeyondTheMessageIsRefusedBeforeAnythingIsRead() {
        var report = ProtocolSamples.named("IGMPv3 report, all record types")
        report[6] = 0xFF

        #expect(throws: DecodeError.truncated(needed: 8 + 0xFF06 * 8, available: 84)) {
            try IGMPMessage(decoding: report.span.bytes)
        }
    }

    @Test func theTreeReadsAsText() throws {
        #expect(
            try message("IGMPv2 report").field.description == """
                Internet Group Management Protocol, IGMPv2 membership report for 239.1.2.3
                  IGMP version: 2
                  Type: 0x16 (membership report)
                  Max response time: 0 (0.0 s)
                  Checksum: 0xf8fa (correct)
                  Checksum status: 1 (good)
                  Multicast address: 239.1.2.3
                """)
    }
}

@Suite struct MLDMessageTests {
    private func message(_ name: String) throws -> MLDMessage {
        try decode(ProtocolSamples.named(name))
    }

    private func decode(_ bytes: [UInt8]) throws -> MLDMessage {
        try MLDMessage(
            decoding: bytes.span.bytes, from: ProtocolSample.sender,
            to: ProtocolSample.routersOfMLD)
    }

    @Test func versionsAreToldApart() throws {
        #expect(try message("MLDv1 general query").version == 1)
        #expect(try message("MLDv1 report").version == 1)
        #expect(try message("MLDv2 general query").version == 2)
        #expect(try message("MLDv2 report, all record types").version == 2)
    }

    @Test func reportsAndDonesNameTheirGroup() throws {
        let group = try #require(IPAddress("ff0e::1:2"))

        #expect(try message("MLDv1 report").content == .report(group: group))
        #expect(try message("MLDv1 done").content == .leave(group: group))
    }

    @Test func aSourceQueryHasAllItsParts() throws {
        guard case .query(let query) = try message("MLDv2 source query").content else {
            Issue.record("no query")
            return
        }
        let details = try #require(query.details)

        // 0x9ABC is (0xABC + 0x1000) << (1 + 3) milliseconds.
        #expect(query.maxResponseTime == .milliseconds(109_504))
        #expect(query.group == IPAddress("ff3e::1:2"))
        #expect(details.robustness == 3)
        #expect(details.queryInterval == .seconds(216))
        #expect(details.sources == [IPAddress("2001:db8::1"), IPAddress("2001:db8::2")])
    }

    @Test func aReportOfVersion2HasAllRecordTypes() throws {
        let name = "MLDv2 report, all record types"
        guard case .records(let records) = try message(name).content else {
            Issue.record("no records")
            return
        }

        #expect(records.map(\.kind.rawValue) == [1, 2, 3, 4, 5, 6])
        #expect(records[0].sources == [IPAddress("2001:db8::1"), IPAddress("2001:db8::2")])
        #expect(records[4].auxiliaryData == Array("auxdata!".utf8))
        #expect(records[5].group == IPAddress("ff3e::5"))
    }

    @Test func theAddressesArePartOfTheChecksum() throws {
        let bytes = ProtocolSamples.named("MLDv1 report")
        let other = try MLDMessage(
            decoding: bytes.span.bytes, from: ProtocolSample.sender,
            to: ProtocolSample.routersOfPIM)

        #expect(try decode(bytes).isChecksumValid)
        #expect(!other.isChecksumValid)
        #expect(try !message("MLDv1 report, bad checksum").isChecksumValid)
    }

    @Test(arguments: [1, 128, 135, 142, 144] as [UInt8])
    func otherTypesOfICMPv6AreRefused(type: UInt8) {
        #expect(throws: DecodeError.unknownType(type)) {
            try decode([type] + [UInt8](repeating: 0, count: 27))
        }
    }

    @Test func aQueryBetweenTheVersionsIsRefused() {
        for count in 25..<28 {
            #expect(throws: DecodeError.self) {
                try decode(Array(ProtocolSamples.named("MLDv2 general query").prefix(count)))
            }
        }
    }
}
