import NetBasics
import PacketFormats
import TestSupport
import Testing

/// The headers of each link type, and what is shown of them.
@Suite struct LinkFrameTests {
    private func frame(_ bytes: [UInt8], _ type: LinkType) throws -> LinkFrame {
        try LinkFrame(decoding: bytes.span.bytes, as: type)
    }

    /// Values by name, of a sample of ``SampleFrames/links``.
    private func values(_ name: String) throws -> [String: [String]] {
        let sample = try #require(SampleFrames.links.first { $0.name == name })
        let bytes = sample.bytes.span.bytes
        let fields = try LinkFrame(decoding: bytes, as: sample.linkType)
            .fields(in: bytes, as: sample.linkType)
        var values: [String: [String]] = [:]
        for name in Set(fields.flatMap(\.allNames)) {
            values[name] = fields.flatMap { $0.values(named: name) }.map(\.description)
        }
        return values
    }

    @Test func ethernetHasAddressesAndAType() throws {
        let bytes: [UInt8] = [1, 0, 0x5E, 1, 2, 3, 2, 0, 0, 0, 0, 9, 8, 0, 0x45]

        let frame = try frame(bytes, .ethernet)

        #expect(frame.destination?.description == "01:00:5e:01:02:03")
        #expect(frame.source?.description == "02:00:00:00:00:09")
        #expect(frame.etherType == 0x0800)
        #expect(frame.payloadOffset == 14)
        #expect(frame.outermostVLAN == nil)
    }

    @Test func aLengthIsNoType() throws {
        let values = try values("802.3")

        #expect(values["eth.len"] == ["3"])
        #expect(values["eth.type"] == nil)
    }

    @Test func tagsAreReadFromTheOutside() throws {
        let values = try values("QinQ")

        #expect(values["eth.type"] == ["0x9100"])
        #expect(values["vlan.id"] == ["4001", "4002"])
        #expect(values["vlan.priority"] == ["0", "0"])
        #expect(values["vlan.dei"] == ["0", "1"])
        #expect(values["vlan.etype"] == ["0x8100", "0x86dd"])
    }

    @Test func aProvidersTagHasItsOwnName() throws {
        let values = try values("802.1ad")

        #expect(values["ieee8021ad.id"] == ["4094"])
        #expect(values["ieee8021ad.priority"] == ["3"])
        #expect(values["ieee8021ad.dei"] == ["1"])
        #expect(values["vlan.id"] == ["101"])
    }

    @Test func fiveTagsAreRefused() {
        let bytes = Frames.ethernet(0x0800, [], tags: .init(repeating: (0x8100, 1), count: 5))

        #expect(throws: DecodeError.oversized(limit: 4, actual: 5)) {
            try LinkFrame(decoding: bytes.span.bytes, as: .ethernet)
        }
    }

    @Test func cookedCapturesSayWhoSent() throws {
        let first = try values("SLL")
        let second = try values("SLL2")

        #expect(first["sll.pkttype"] == ["2"])
        #expect(first["sll.src.eth"] == ["02:00:00:00:00:01"])
        #expect(first["sll.etype"] == ["0x0800"])
        #expect(second["sll.pkttype"] == ["4"])
        #expect(second["sll.ifindex"] == ["7"])
        #expect(try frame(Frames.cooked2(0x0800, []), .linuxSLL2).isOutgoing == true)
        #expect(try frame(Frames.cooked(0x0800, []), .linuxSLL).isOutgoing == false)
    }

    @Test func tagsBehindACookedHeaderAreRead() throws {
        #expect(try values("SLL with a tag")["vlan.id"] == ["7"])
        #expect(try values("SLL2 with a tag")["vlan.id"] == ["7"])
        #expect(try values("SLL2 with a tag")["vlan.etype"] == ["0x86dd"])
    }

    @Test func cookedTypesOfLinuxAreNoEtherTypes() throws {
        #expect(try values("SLL, own type")["sll.ltype"] == ["0x0003"])
        #expect(try frame(Frames.cooked(0x0003, []), .linuxSLL).etherType == nil)
    }

    @Test(arguments: [
        ("null", "2"), ("null, other order", "2"), ("null, IPv6", "30"), ("loop", "2"),
        ("loop, IPv6", "24"),
    ])
    func loopbackHasAFamilyInEitherOrder(name: String, family: String) throws {
        #expect(try values(name)["null.family"] == [family])
    }

    @Test(arguments: [("raw", 0x0800), ("raw, IPv6", 0x86DD), ("ipv4", 0x0800), ("ipv6", 0x86DD)])
    func rawIPHasNoHeader(name: String, type: UInt16) throws {
        let sample = try #require(SampleFrames.links.first { $0.name == name })

        let frame = try frame(sample.bytes, sample.linkType)

        #expect(frame.etherType == type)
        #expect(frame.payloadOffset == 0)
        #expect(try values(name).isEmpty)
    }

    @Test func wirelessFramesHaveARateAndAddresses() throws {
        let values = try values("radiotap, 5.5 Mbit/s")

        #expect(values["radiotap.datarate"] == ["5.5"])
        #expect(values["wlan.da"] == ["01:00:5e:01:02:03"])
        #expect(values["wlan.sa"] == ["02:00:00:00:00:01"])
        #expect(values["wlan.ta"] == ["02:00:00:00:00:aa"])
        #expect(values["llc.type"] == ["0x0800"])
        #expect(try self.values("radiotap")["radiotap.datarate"] == ["6"])
    }

    @Test func encryptedFramesHaveNoType() throws {
        var bytes = Frames.wireless(0x0800, [1, 2, 3])
        bytes[1] |= 0x40

        let frame = try frame(bytes, .wireless)

        #expect(frame.etherType == nil)
        let names = try frame.fields(in: bytes.span.bytes, as: .wireless).flatMap(\.allNames)
        #expect(names.contains("wlan.ra"))
        #expect(!names.contains("wlan.da"))
    }

    @Test(arguments: SampleFrames.links)
    func everyTruncationIsReadOrRefused(sample: SampleFrame) {
        for count in 0..<sample.bytes.count {
            let bytes = Array(sample.bytes.prefix(count))
            do throws(DecodeError) {
                let frame = try LinkFrame(decoding: bytes.span.bytes, as: sample.linkType)
                _ = try frame.fields(in: bytes.span.bytes, as: sample.linkType)
            } catch {
                #expect(error.reason == "truncated")
            }
        }
    }
}

extension PacketField {
    /// Here and below.
    var allNames: [String] { [name] + children.flatMap(\.allNames) }
}
