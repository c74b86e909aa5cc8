import Inspection
import NetBasics
import PacketFormats
import TestSupport
import Testing

/// What is shown of packets, layer by layer.
@Suite struct PacketTreeTests {
    private let rtp = ProtocolSamples.named("RTP, one-byte extensions")

    /// Names of the layers of each frame.
    private func layers(_ frames: [SampleFrame]) -> [[String]] {
        Trees.read(frames).map { $0.map(\.name) }
    }

    private func frame(_ payload: [UInt8], port: UInt16, isToGroup: Bool = true) -> SampleFrame {
        let group = isToGroup ? Packets.group4 : Packets.host4
        let udp = Packets.udp(payload, from: .v4(Packets.source4), to: .v4(group), port: port)
        return SampleFrame("frame", Frames.ethernet(0x0800, Packets.ipv4(17, udp, to: group)))
    }

    private func summaries(_ frames: [SampleFrame]) -> [PacketSummary] {
        var tree = PacketTree()
        return frames.enumerated().map { index, frame in
            tree.summary(
                of: frame.bytes.span.bytes, frame.packet(at: SampleFrame.time(index)),
                linkType: frame.linkType, number: UInt64(index + 1))
        }
    }

    private func values(_ name: String, in frame: SampleFrame) -> [String] {
        Trees.read([frame]).flatMap { $0 }.flatMap { $0.values(named: name) }.map(\.description)
    }

    // MARK: - Layers

    @Test func layersAreInTheOrderOfThePacket() {
        let sample = SampleFrames.links.filter { $0.name == "802.1ad" }

        #expect(layers(sample) == [["frame", "eth", "ieee8021ad", "vlan", "ip", "udp", "rtp"]])
    }

    @Test func packetsCapturedAsOneAreSaidToBe() {
        let packets = (7...9).map { number -> [UInt8] in
            [0x80, 33, 0, UInt8(number), 0, 0, 0, 0, 0, 0, 0, 5] + [1, 2, 3]
        }
        let texts = summaries([
            frame(packets[0], port: 5004), frame(Array(packets.joined()), port: 5004),
        ]).map(\.info)

        #expect(texts[0].hasSuffix("SSRC 0x5"))
        #expect(texts[1].hasSuffix("SSRC 0x5, and 2 more behind it"))
    }

    @Test func extensionHeadersAreLayersOfTheirOwn() {
        let sample = SampleFrames.networks.filter { $0.name == "every extension header" }

        #expect(
            layers(sample) == [
                [
                    "frame", "eth", "ipv6", "ipv6.hopopts", "ipv6.dstopts", "ipv6.routing", "ah",
                    "ipv6.fraghdr", "ipv6.dstopts", "udp", "rtp",
                ]
            ])
    }

    @Test func theFrameSaysWhenAndWhere() {
        var packet = CapturedPacket(
            time: Instant(nanoseconds: 1_700_000_000_000_000_005), wireByteCount: 90,
            range: 10..<13)
        packet.comment = "odd\u{1B}"
        var tree = PacketTree()

        let fields = tree.fields(
            of: [1, 2, 3].span.bytes, packet, linkType: nil, number: 9, interfaceName: "eth0")

        let values = fields[0].children.map { "\($0.name)=\($0.value)" }
        #expect(
            values == [
                "frame.number=9", "frame.time_epoch=1700000000.000000005",
                "frame.time_relative=0.000000000", "frame.len=90", "frame.cap_len=3",
                "frame.interface_name=eth0", "frame.comment=odd?",
            ])
        #expect(fields.map(\.name) == ["frame", "polycast.payload_bytes"])
    }

    @Test func theLastFragmentShowsWhatIsInThePacket() {
        let shown = layers(Array(SampleFrames.fragments.prefix(3)))

        #expect(shown[0] == ["frame", "eth", "ip", "polycast.payload_bytes"])
        #expect(shown[1] == shown[0])
        #expect(
            shown[2] == ["frame", "eth", "ip", "polycast.ip.reassembled", "udp", "rtp"])
    }

    @Test func extensionHeadersInsideFragmentsAreShown() {
        let shown = layers(SampleFrames.fragments.filter { $0.name.contains("with options") })

        #expect(shown[0] == ["frame", "eth", "ipv6", "ipv6.fraghdr", "polycast.payload_bytes"])
        #expect(
            shown[1] == [
                "frame", "eth", "ipv6", "ipv6.fraghdr", "polycast.ipv6.reassembled",
                "ipv6.dstopts", "udp", "rtp",
            ])
    }

    @Test func fragmentsThatOverlapShowNothingMore() {
        let frames = SampleFrames.fragments.filter { $0.name.contains("overlap") }

        #expect(layers(frames).allSatisfy { $0.last == "polycast.payload_bytes" })
    }

    @Test func aRegistersPacketIsShownBehindIt() {
        let frames = SampleFrames.registers

        #expect(layers(frames)[0] == ["frame", "eth", "ip", "pim", "ip", "udp", "rtp"])
        #expect(layers(frames)[1] == ["frame", "eth", "ipv6", "pim", "ipv6", "udp", "rtp"])
        #expect(summaries(frames).map(\.protocolName) == ["PIM", "PIM"])
        #expect(summaries(frames)[0].destination == "192.0.2.9")
    }

    @Test func aRegisterInsideARegisterStaysShut() {
        let start: [UInt8] = [0x21, 0, 0xDE, 0xFF, 0, 0, 0, 0]
        let inner = Packets.ipv4(103, start + Packets.datagram4(rtp))
        let outer = Packets.ipv4(103, start + inner)

        let shown = layers([SampleFrame("twice", Frames.ethernet(0x0800, outer))])

        #expect(shown == [["frame", "eth", "ip", "pim", "ip", "pim"]])
    }

    // MARK: - What is in UDP

    @Test func rtpToAHostNeedsASecondPacket() {
        let frames = Array(SampleFrames.media.prefix(2))

        #expect(layers(frames).map(\.last) == ["polycast.payload_bytes", "rtp"])
    }

    @Test func rtpToAnAnnouncedHostNeedsNone() {
        let text =
            "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=x\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
            + "m=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        let announcement = frame([0x20, 0, 0, 1, 192, 0, 2, 1] + Array(text.utf8), port: 9875)
        let media = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1] as [UInt8]

        let shown = summaries([announcement, frame(media, port: 5004, isToGroup: false)])

        #expect(shown[0].info == "announcement of x")
        #expect(shown[1].protocolName == "RTP")
        #expect(shown[1].info.hasPrefix("payload type 96 (h264)"))
    }

    @Test func anotherSourceOfTheFlowIsNoStream() {
        let first = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 1] as [UInt8]
        var other = first
        other[11] = 8
        var jump = first
        jump[2] = 0x40

        let shown = summaries(
            [first, other, jump].map { frame($0, port: 5004, isToGroup: false) })

        #expect(shown.map(\.protocolName) == ["UDP", "UDP", "UDP"])
    }

    @Test func rtcpAndTransportStreamsAreKnownByTheirLook() {
        let rtcp = ProtocolSamples.named("RTCP sender report")
        let stream = ProtocolSamples.named("Transport stream")

        let shown = summaries([
            frame(rtcp, port: 4000), frame(rtcp, port: 4000, isToGroup: false),
            frame(stream, port: 4000), frame(stream, port: 4000, isToGroup: false),
        ])

        #expect(shown.map(\.protocolName) == ["RTCP", "RTCP", "MP2T", "MP2T"])
        #expect(shown[0].info == "sender report, source description")
        #expect(shown[2].info == "2 packets, PID 8191, 256")
    }

    @Test func servicesWithoutADecoderAreNamed() {
        let shown = summaries([frame([1, 2, 3], port: 319)])

        #expect(shown[0].protocolName == "ptp")
        #expect(shown[0].info == "3 bytes that are not decoded")
    }

    @Test func datagramsOfTheOverlayAreShownWithoutKeys() {
        let media: [UInt8] =
            [0xB1, 1, 0x81, 2, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9]
            + [UInt8](repeating: 0xAA, count: 16) + [0x19, 0x40] + [UInt8](repeating: 1, count: 20)

        let sample = frame(media, port: 7400, isToGroup: false)

        #expect(layers([sample])[0].last == "polycast")
        #expect(values("polycast.source", in: sample) == ["0102030405060708"])
        #expect(values("polycast.token", in: sample) == ["0x00000007"])
        #expect(values("polycast.key_phase", in: sample) == ["1"])
        #expect(values("polycast.control_flow", in: sample) == ["1"])
        #expect(values("polycast.sealed_length", in: sample) == ["3"])
        #expect(layers([frame(media, port: 7400)])[0].last != "polycast")
    }

    // MARK: - What does not decode

    @Test func whatContradictsItselfIsMalformed() {
        let frames = [
            SampleFrame("IP", Frames.ethernet(0x0800, [0x44] + [UInt8](repeating: 0, count: 30))),
            SampleFrame("IGMP", Frames.ethernet(0x0800, Packets.ipv4(2, [0x16, 0, 0]))),
            SampleFrame("link", [1, 2, 3]),
        ]

        let shown = Trees.read(frames).map { $0.last }

        #expect(shown.map { $0?.name } == ["malformed", "malformed", "malformed"])
        #expect(
            shown.map { $0?.value }
                == [.text("invalid_field"), .text("truncated"), .text("truncated")])
        #expect(
            shown.map { $0?.values(named: "malformed.bytes") } == [
                [.number(31)], [.number(3)], [.number(3)],
            ])
        #expect(summaries(frames)[1].info == "malformed: 4 bytes are needed, 3 are there")
    }

    @Test func noSampleIsMalformed() {
        for (sample, names) in zip(SampleFrames.all, layers(SampleFrames.all)) {
            #expect(!names.contains("malformed"), "\(sample)")
        }
    }

    @Test func whatWasCutIsNotMalformed() {
        for sample in SampleFrames.all {
            for count in 0..<sample.bytes.count {
                let cut = SampleFrame(
                    sample.name, sample.linkType, Array(sample.bytes.prefix(count)),
                    wireByteCount: sample.bytes.count)
                let names = layers([cut])[0]
                #expect(!names.contains("malformed"), "\(sample), \(count) bytes")
            }
        }
    }

    @Test func aCutMessageIsNotJudgedByItsChecksum() {
        let whole = SampleFrames.messages[0]
        let cut = SampleFrame(
            "cut", .ethernet, Array(whole.bytes.dropLast(2)), wireByteCount: whole.bytes.count)

        #expect(layers([cut]) == [["frame", "eth", "ip", "polycast.cut"]])
    }

    // MARK: - The line

    @Test func theLineHasWhatPeopleLookFor() {
        let report = SampleFrames.messages.filter { $0.name == "IGMPv2 report" }

        let shown = summaries([SampleFrames.media[4]] + report)

        #expect(
            shown.map(\.description) == [
                "     1    0.000000  192.0.2.1 -> 239.1.2.3  UDP 46  5004 to 9999, 4 bytes",
                "     2    0.001000  192.0.2.1 -> 224.0.0.22  IGMPv2 42  "
                    + "IGMPv2 membership report for 239.1.2.3",
            ])
    }

    @Test func badChecksumsAreInTheLine() {
        let report = SampleFrames.messages.filter { $0.name == "IGMPv2 report, bad checksum" }

        #expect(summaries(report)[0].info.hasSuffix(", bad checksum"))
    }

    @Test func linesAreTheSameWithAndWithoutFields() {
        var tree = PacketTree()
        let withFields = SampleFrames.all.enumerated().map { index, frame in
            tree.read(
                frame.bytes.span.bytes, frame.packet(at: SampleFrame.time(index)),
                linkType: frame.linkType, number: UInt64(index + 1), interfaceName: ""
            ).summary
        }

        #expect(summaries(SampleFrames.all) == withFields)
    }
}
