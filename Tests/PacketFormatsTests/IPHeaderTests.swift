import NetBasics
import TestSupport
import Testing

@testable import PacketFormats

/// Headers of IP and UDP, and what is shown of them.
@Suite struct IPHeaderTests {
    private func values(_ fields: [PacketField]) -> [String: [String]] {
        var values: [String: [String]] = [:]
        for name in Set(fields.flatMap(\.allNames)) {
            values[name] = fields.flatMap { $0.values(named: name) }.map(\.description)
        }
        return values
    }

    private func shown4(_ bytes: [UInt8]) throws -> [String: [String]] {
        let header = try IPv4Header(decoding: bytes.span.bytes)
        return values([try header.field(in: bytes.span.bytes)])
    }

    private func shown6(_ bytes: [UInt8]) throws -> [String: [String]] {
        let header = try IPv6Header(decoding: bytes.span.bytes)
        return values(try header.fields(in: bytes.span.bytes))
    }

    // MARK: - IPv4

    @Test func everyFieldOfIPv4IsShown() throws {
        let bytes: [UInt8] = [
            0x45, 0xB9, 0, 0x18, 0x12, 0x34, 0x40, 0, 5, 17, 0xE4, 0x01, 192, 0, 2, 1, 239, 1, 2, 3,
            1, 2, 3, 4,
        ]

        let values = try shown4(bytes)

        #expect(values["ip.hdr_len"] == ["20"])
        #expect(values["ip.dsfield"] == ["0xb9"])
        #expect(values["ip.dsfield.dscp"] == ["46"])
        #expect(values["ip.dsfield.ecn"] == ["1"])
        #expect(values["ip.len"] == ["24"])
        #expect(values["ip.id"] == ["0x1234"])
        #expect(values["ip.flags.df"] == ["1"])
        #expect(values["ip.flags.mf"] == ["0"])
        #expect(values["ip.frag_offset"] == ["0"])
        #expect(values["ip.ttl"] == ["5"])
        #expect(values["ip.proto"] == ["17"])
        #expect(values["ip.checksum"] == ["0xe401"])
        #expect(values["ip.src"] == ["192.0.2.1"])
        #expect(values["ip.dst"] == ["239.1.2.3"])
    }

    @Test func theChecksumOfIPv4IsJudged() throws {
        var bytes = Packets.ipv4(17, [])
        #expect(try shown4(bytes)["ip.checksum.status"] == ["1"])

        bytes[8] ^= 1

        #expect(try shown4(bytes)["ip.checksum.status"] == ["0"])
    }

    @Test func aFragmentOfIPv4HasAnOffset() throws {
        let values = try shown4(Packets.ipv4(17, [1, 2], fragment: 0x2003))

        #expect(values["ip.frag_offset"] == ["3"])
        #expect(values["ip.flags.mf"] == ["1"])
    }

    @Test func optionsOfIPv4AreShownUpToTheirEnd() throws {
        let options: [UInt8] = [0x94, 4, 0, 0, 1, 7, 7, 4, 192, 0, 2, 3, 0, 9, 9, 9]

        let values = try shown4(Packets.ipv4(2, [], options: options))

        #expect(values["ip.opt.type"] == ["148", "1", "7", "0"])
        #expect(values["ip.opt.len"] == ["4", "7"])
        #expect(values["ip.opt.ra"] == ["0"])
        #expect(values["polycast.ip.option.data"] == ["04c0000203"])
    }

    @Test(arguments: [
        ([0x94, 1, 0, 0] as [UInt8], DecodeError.invalidField("option length")),
        ([7, 9, 0, 0], .truncated(needed: 9, available: 4)),
    ])
    func optionsThatContradictTheirLengthAreRefused(options: [UInt8], error: DecodeError) {
        let bytes = Packets.ipv4(2, [], options: options)

        #expect(throws: error) { try IPv4Header(decoding: bytes.span.bytes) }
    }

    @Test(arguments: [(4, 0x44, "IHL"), (3, 0x13, "total length")])
    func lengthsOfIPv4ThatContradictEachOtherAreRefused(
        place: Int, value: UInt8, field: String
    ) {
        var bytes = Packets.ipv4(17, [])
        bytes[place == 4 ? 0 : place] = value

        #expect(throws: DecodeError.invalidField(field)) {
            try IPv4Header(decoding: bytes.span.bytes)
        }
    }

    // MARK: - IPv6

    @Test func everyFieldOfIPv6IsShown() throws {
        let values = try shown6(Packets.ipv6(17, [1, 2, 3]))

        #expect(values["ipv6.tclass"] == ["0x000000b8"])
        #expect(values["ipv6.tclass.dscp"] == ["46"])
        #expect(values["ipv6.tclass.ecn"] == ["0"])
        #expect(values["ipv6.flow"] == ["0x012345"])
        #expect(values["ipv6.plen"] == ["3"])
        #expect(values["ipv6.nxt"] == ["17"])
        #expect(values["ipv6.hlim"] == ["32"])
        #expect(values["ipv6.src"] == ["2001:db8::1"])
        #expect(values["ipv6.dst"] == ["ff0e::1:3"])
    }

    @Test func everyExtensionHeaderIsShown() throws {
        let sample = try #require(
            SampleFrames.networks.first { $0.name == "every extension header" })

        let values = try shown6(Array(sample.bytes.dropFirst(14)))

        #expect(values["ipv6.hopopts.nxt"] == ["60"])
        #expect(values["ipv6.hopopts.len_oct"] == ["16"])
        #expect(values["ipv6.dstopts.nxt"] == ["43", "17"])
        #expect(values["ipv6.opt.router_alert"] == ["0"])
        #expect(values["ipv6.opt.tel"] == ["7"])
        #expect(values["ipv6.routing.type"] == ["253"])
        #expect(values["ipv6.routing.segleft"] == ["1"])
        #expect(values["polycast.ipv6.routing.data"] == ["01020304"])
        #expect(values["ah.spi"] == ["0x00000009"])
        #expect(values["ah.sequence"] == ["3"])
        #expect(values["ipv6.fraghdr.ident"] == ["0x00000005"])
        #expect(values["ipv6.fraghdr.more"] == ["0"])
    }

    @Test func aFragmentOfIPv6HasItsNumbers() throws {
        let bytes = Packets.ipv6(
            17, [1, 2, 3], extensions: [(44, [0, 0, 0x19, 0, 0, 0x12, 0x34])])

        let header = try IPv6Header(decoding: bytes.span.bytes)

        #expect(
            header.fragment
                == IPPacket.Fragment(identification: 0x1234, offset: 24, hasMore: true))
        #expect(header.byteCount == 48)
    }

    @Test func optionsThatLeaveTheirHeaderAreRefused() {
        let bytes = Packets.ipv6(17, [], extensions: [(60, [0, 1, 9, 0, 0, 0, 0])])

        #expect(throws: DecodeError.self) {
            try IPv6Header(decoding: bytes.span.bytes).fields(in: bytes.span.bytes)
        }
    }

    @Test func seventeenExtensionHeadersAreRefused() {
        let header: (UInt8, [UInt8]) = (60, [0, 1, 4, 0, 0, 0, 0])
        let bytes = Packets.ipv6(17, [], extensions: Array(repeating: header, count: 17))

        #expect(throws: DecodeError.oversized(limit: 16, actual: 17)) {
            try IPv6Header(decoding: bytes.span.bytes)
        }
    }

    // MARK: - UDP

    @Test func theChecksumOfUDPIsJudged() throws {
        let (source, group) = (IPAddress.v4(Packets.source4), IPAddress.v4(Packets.group4))
        func status(_ bytes: [UInt8], _ from: IPAddress, _ to: IPAddress) throws -> [String]? {
            let header = try UDPHeader(decoding: bytes.span.bytes)
            return values([header.field(in: bytes.span.bytes, from: from, to: to)])[
                "udp.checksum.status"]
        }

        let good = Packets.udp([1, 2, 3], from: source, to: group)
        let bad = Packets.udp([1, 2, 3], from: source, to: group, error: 1)
        let absent = Packets.uncheckedUDP([1, 2, 3], port: 5004)
        let (source6, group6) = (IPAddress.v6(Packets.source6), IPAddress.v6(Packets.group6))

        #expect(try status(good, source, group) == ["1"])
        #expect(try status(bad, source, group) == ["0"])
        #expect(try status(good.dropLast(), source, group) == ["2"])
        #expect(try status(absent, source, group) == ["3"])
        #expect(try status(absent, source6, group6) == ["4"])
        #expect(try status(good + [0, 0], source, group) == ["1"])
    }
}
