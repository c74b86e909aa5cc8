import NetBasics
import PacketFormats
import TestSupport
import Testing

@Suite struct PIMMessageTests {
    private let router = IPAddress.v4(IPv4Address(rawValue: 0xC000_0201))

    private func message(_ name: String) throws -> PIMMessage {
        let sample = try #require(ProtocolSamples.pim.first { $0.name == name })
        let isIPv6 = sample.kind == .pimOnIPv6
        return try PIMMessage(
            decoding: sample.bytes.span.bytes,
            from: isIPv6 ? .v6(ProtocolSample.sender) : router, to: sample.kind.group)
    }

    @Test func aHelloHasItsOptions() throws {
        guard case .hello(let options) = try message("PIM hello").body else {
            Issue.record("no hello")
            return
        }

        #expect(options.map(\.type) == [1, 2, 19, 20, 21, 24, 65_100])
        #expect(options[0].value == .holdtime(105))
        #expect(
            options[1].value
                == .lanPruneDelay(
                    tracksJoins: true, propagationDelay: 500, overrideInterval: 2500))
        #expect(options[2].value == .designatedRouterPriority(7))
        #expect(options[3].value == .generation(0xDEAD_BEEF))
        #expect(options[4].value == .stateRefresh(version: 1, interval: 60))
        guard case .addressList(let addresses) = options[5].value else {
            Issue.record("no addresses")
            return
        }
        #expect(addresses.map(\.address) == [IPAddress("192.0.2.5"), IPAddress("192.0.2.6")])
        #expect(options[6].value == .other(Array("abc".utf8)))
    }

    @Test func aJoinPruneHasGroupsWithSources() throws {
        guard case .joinPrune(let body) = try message("PIM join/prune").body else {
            Issue.record("no join/prune")
            return
        }

        #expect(body.upstreamNeighbor.address == IPAddress("192.0.2.254"))
        #expect(body.holdtime == 210)
        #expect(body.groups.map(\.joins.count) == [2, 1])
        #expect(body.groups.map(\.prunes.count) == [1, 0])
        #expect(body.groups[0].prunes[0].isRPTree)
        #expect(body.groups[1].group.maskLength == 8)
        #expect(body.groups[1].group.isBidirectional)
        #expect(body.groups[1].group.isScopeZone)
        #expect(body.groups[1].joins[0].isWildcard)
    }

    @Test func addressesOfIPv6AreRead() throws {
        guard case .joinPrune(let body) = try message("PIM join/prune on IPv6").body else {
            Issue.record("no join/prune")
            return
        }

        #expect(body.upstreamNeighbor.address == IPAddress("fe80::254"))
        #expect(body.groups[0].group.address == IPAddress("ff3e::1:2"))
        #expect(body.groups[0].joins.map(\.address) == [IPAddress("2001:db8::1")])
    }

    @Test func anAssertHasItsMetric() throws {
        guard case .assert(let body) = try message("PIM assert").body else {
            Issue.record("no assert")
            return
        }

        #expect(body.isRPTree)
        #expect(body.metricPreference == 101)
        #expect(body.metric == 1234)
    }

    @Test func aRegisterSaysWhereItsPacketIs() throws {
        guard case .register(let body) = try message("PIM register").body,
            case .register(let null) = try message("PIM null-register").body
        else {
            Issue.record("no register")
            return
        }

        #expect(body.packetOffset == 8)
        #expect(body.packetByteCount == 28)
        #expect(body.innerVersion == 4)
        #expect(!body.isNull)
        #expect(null.isNull)
    }

    @Test(arguments: ["PIM register", "PIM register, whole checksum", "PIM register on IPv6"])
    func aRegisterMayBeSummedInPartOrAsAWhole(name: String) throws {
        #expect(try message(name).isChecksumValid)
    }

    @Test func onIPv6TheAddressesArePartOfTheChecksum() throws {
        let bytes = ProtocolSamples.named("PIM hello on IPv6")
        let address = IPAddress.v6(ProtocolSample.sender)

        #expect(try message("PIM hello on IPv6").isChecksumValid)
        #expect(
            try !PIMMessage(decoding: bytes.span.bytes, from: address, to: address)
                .isChecksumValid)
        #expect(try !message("PIM hello, bad checksum").isChecksumValid)
    }

    @Test func aBootstrapHasGroupsWithTheirRPs() throws {
        guard case .bootstrap(let body) = try message("PIM bootstrap").body else {
            Issue.record("no bootstrap")
            return
        }

        #expect(body.fragmentTag == 0x1234)
        #expect(body.priority == 192)
        #expect(body.groups.map(\.routers.count) == [2, 1])
        #expect(body.groups[0].routers[1].address.address == IPAddress("192.0.2.11"))
        #expect(body.groups[0].routers.map(\.priority) == [10, 20])
        #expect(body.groups[1].routers.map(\.holdtime) == [75])
    }

    @Test func aCandidateOffersItselfForGroups() throws {
        guard case .candidateRP(let body) = try message("PIM candidate-RP advertisement").body
        else {
            Issue.record("no candidate")
            return
        }

        #expect(body.priority == 10)
        #expect(body.holdtime == 150)
        #expect(body.groups.map(\.address) == [IPAddress("239.0.0.0"), IPAddress("232.0.0.0")])
    }

    @Test func aStateRefreshIsKeptAsBytes() throws {
        guard case .other(let bytes) = try message("PIM state refresh").body else {
            Issue.record("decoded")
            return
        }

        #expect(bytes.count == 32)
    }

    @Test(arguments: [(4, 3 as UInt8, "family"), (5, 1, "encoding type"), (7, 33, "mask length")])
    func nonsenseInAnAddressIsRefused(offset: Int, byte: UInt8, field: String) {
        // Its group starts at 4.
        var bytes = ProtocolSamples.named("PIM register-stop")
        bytes[offset] = byte

        #expect(throws: DecodeError.invalidField(field)) {
            try PIMMessage(decoding: bytes.span.bytes, from: router, to: router)
        }
    }

    @Test func otherVersionsAreRefused() {
        #expect(throws: DecodeError.unsupportedVersion(1)) {
            try PIMMessage(decoding: [0x10, 0, 0, 0].span.bytes, from: router, to: router)
        }
    }
}
