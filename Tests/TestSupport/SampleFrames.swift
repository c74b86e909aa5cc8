import NetBasics
import PacketFormats

/// Frames of every link type and of every combination of layers.
package enum SampleFrames {
    package static let all = messages + links + networks + fragments + registers + media

    private static let rtp = ProtocolSamples.named("RTP, one-byte extensions")

    /// Each sample of a protocol in Ethernet.
    package static let messages = ProtocolSamples.messages.map { sample in
        SampleFrame(sample.name, .ethernet, ProtocolCapture.frame(sample))
    }

    /// RTP on each link.
    package static let links: [SampleFrame] = {
        let v4 = Packets.datagram4(rtp)
        let v6 = Packets.datagram6(rtp)
        return [
            SampleFrame("802.1Q", Frames.ethernet(0x0800, v4, tags: [(0x8100, 0xA064)])),
            SampleFrame(
                "802.1ad", Frames.ethernet(0x0800, v4, tags: [(0x88A8, 0x7FFE), (0x8100, 0x0065)])),
            SampleFrame(
                "QinQ", Frames.ethernet(0x86DD, v6, tags: [(0x9100, 0x0FA1), (0x8100, 0x1FA2)])),
            SampleFrame(
                "two tags", Frames.ethernet(0x86DD, v6, tags: [(0x8100, 1), (0x8100, 2)])),
            SampleFrame("SLL", .linuxSLL, Frames.cooked(0x0800, v4)),
            SampleFrame(
                "SLL without address", .linuxSLL,
                Frames.cooked(0x86DD, v6, kind: 4, addressBytes: 0)),
            SampleFrame("SLL, own type", .linuxSLL, Frames.cooked(0x0003, [1, 2, 3, 4])),
            SampleFrame(
                "SLL with a tag", .linuxSLL, Frames.cooked(0x8100, [0x20, 0x07, 0x08, 0x00] + v4)),
            SampleFrame("SLL2", .linuxSLL2, Frames.cooked2(0x0800, v4)),
            SampleFrame("SLL2, IPv6", .linuxSLL2, Frames.cooked2(0x86DD, v6)),
            SampleFrame(
                "SLL2 with a tag", .linuxSLL2,
                Frames.cooked2(0x8100, [0x20, 0x07, 0x86, 0xDD] + v6)),
            SampleFrame("null", .null, Frames.loopback(2, v4, isBigEndian: false)),
            SampleFrame("null, other order", .null, Frames.loopback(2, v4, isBigEndian: true)),
            SampleFrame("null, IPv6", .null, Frames.loopback(30, v6, isBigEndian: false)),
            SampleFrame("loop", .loop, Frames.loopback(2, v4, isBigEndian: true)),
            SampleFrame("loop, IPv6", .loop, Frames.loopback(24, v6, isBigEndian: true)),
            SampleFrame("raw", .rawIP, v4), SampleFrame("raw, IPv6", .rawIP, v6),
            SampleFrame("raw by libpcap", .rawByLibpcap, v4),
            SampleFrame("ipv4", .ipv4, v4), SampleFrame("ipv6", .ipv6, v6),
            SampleFrame("802.11", .wireless, Frames.wireless(0x0800, v4)),
            SampleFrame(
                "radiotap", .radiotap, Frames.radiotap(rate: 12, Frames.wireless(0x86DD, v6))),
            SampleFrame(
                "radiotap, 5.5 Mbit/s", .radiotap,
                Frames.radiotap(rate: 11, Frames.wireless(0x0800, v4))),
            SampleFrame("802.3", Frames.ethernet(3, [0x42, 0x42, 0x03])),
            SampleFrame(
                "ARP", Frames.ethernet(0x0806, [0, 1, 8, 0, 6, 4, 0, 1] + [UInt8](0..<20))),
        ]
    }()

    /// Options of IPv4, extension headers of IPv6, and checksums.
    package static let networks: [SampleFrame] = {
        let alert: [UInt8] = [0x94, 4, 0, 0]
        let igmp = ProtocolSamples.named("IGMPv3 report, all record types")
        let mld = ProtocolSamples.named("MLDv2 report, all record types")
        let mldAlert: (UInt8, [UInt8]) = (0, [0, 5, 2, 0, 0, 1, 0])
        let wrong = Packets.udp(
            rtp, from: .v4(Packets.source4), to: .v4(Packets.group4), error: 0x0101)
        return [
            SampleFrame(
                "IGMP with router alert",
                Frames.ethernet(0x0800, Packets.ipv4(2, igmp, options: alert))
            ),
            SampleFrame(
                "IPv4 options",
                Frames.ethernet(
                    0x0800,
                    Packets.datagram4(
                        rtp, options: [1, 7, 7, 4, 192, 0, 2, 3, 0x5E, 4, 1, 2, 1, 0, 0, 0]))),
            SampleFrame(
                "MLD with router alert",
                Frames.ethernet(
                    0x86DD,
                    Packets.ipv6(
                        58, mld, from: ProtocolSample.sender, to: ProtocolSample.routersOfMLD,
                        extensions: [mldAlert]))),
            SampleFrame("every extension header", Frames.ethernet(0x86DD, extended)),
            SampleFrame("bad UDP checksum", Frames.ethernet(0x0800, Packets.ipv4(17, wrong))),
            SampleFrame(
                "no UDP checksum",
                Frames.ethernet(0x0800, Packets.ipv4(17, Packets.uncheckedUDP(rtp, port: 5004)))),
            SampleFrame(
                "no UDP checksum on IPv6",
                Frames.ethernet(0x86DD, Packets.ipv6(17, Packets.uncheckedUDP(rtp, port: 5004)))),
            SampleFrame(
                "bad IPv4 checksum",
                Frames.ethernet(0x0800, changed(Packets.datagram4(rtp), at: 10))),
            SampleFrame(
                "padded", Frames.ethernet(0x0800, Packets.datagram4([1, 2, 3])) + [0, 0, 0, 0, 0]),
            SampleFrame(
                "cut", .ethernet, Array(Frames.ethernet(0x0800, Packets.datagram4(rtp)).prefix(50)),
                wireByteCount: 14 + Packets.datagram4(rtp).count),
            SampleFrame(
                "TCP", Frames.ethernet(0x0800, Packets.ipv4(6, [UInt8](repeating: 1, count: 20)))),
            SampleFrame(
                "echo", Frames.ethernet(0x86DD, Packets.ipv6(58, [128, 0, 0, 0, 0, 1, 0, 1]))),
        ]
    }()

    /// RTP behind each extension header but that of fragments.
    private static let extended = Packets.datagram6(
        rtp,
        extensions: [
            // Router alert, a jumbo option's type unknown to be, padding of one byte and of more.
            (0, [1, 5, 2, 0, 0, 1, 0, 0x1E, 2, 0xAB, 0xCD, 1, 2, 0, 0]),
            (60, [0, 4, 1, 7, 1, 1, 0]),
            (43, [0, 253, 1, 1, 2, 3, 4]),
            (51, [4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3] + [UInt8](repeating: 0xA5, count: 12)),
            (44, [0, 0, 0, 0, 0, 0, 5]),
            (60, [0, 1, 4, 0, 0, 0, 0]),
        ])

    /// Packets in parts: in order, in reverse, and such as overlap.
    package static let fragments: [SampleFrame] = {
        let whole = Packets.udp(
            rtp + [UInt8](repeating: 7, count: 40), from: .v4(Packets.source4),
            to: .v4(Packets.group4))
        let whole6 = Packets.udp(
            rtp + [UInt8](repeating: 7, count: 40), from: .v6(Packets.source6),
            to: .v6(Packets.group6))
        let parts = [(0, 24), (24, 48), (48, whole.count)]
        let inOrder = parts.map { fragment4(whole, $0, $1, id: 100) }
        let reversed = parts.reversed().map { fragment4(whole, $0, $1, id: 101) }
        let overlapping = [(0, 24), (16, 48), (48, whole.count)].map {
            fragment4(whole, $0, $1, id: 102)
        }
        let v6 = [(0, 24), (24, 48), (48, whole6.count)].map { fragment6(whole6, $0, $1) }
        let optioned = [17, 0, 1, 4, 0, 0, 0, 0] + whole6
        let optionedParts = [(0, 24), (24, optioned.count)].map {
            fragment6(optioned, $0, $1, number: 60, id: 0x35)
        }
        return inOrder.enumerated().map { SampleFrame("part \($0) of IPv4", $1) }
            + reversed.enumerated().map { SampleFrame("part \($0) of IPv4, reversed", $1) }
            + overlapping.enumerated().map { SampleFrame("part \($0) of IPv4, overlap", $1) }
            + v6.enumerated().map { SampleFrame("part \($0) of IPv6", $1) }
            + optionedParts.enumerated().map {
                SampleFrame("part \($0) of IPv6 with options", $1)
            }
    }()

    private static func fragment4(
        _ whole: [UInt8], _ start: Int, _ end: Int, id: UInt16
    ) -> [UInt8] {
        let flag: UInt16 = end < whole.count ? 0x2000 : 0
        return Frames.ethernet(
            0x0800,
            Packets.ipv4(17, Array(whole[start..<end]), fragment: flag | UInt16(start / 8), id: id))
    }

    private static func fragment6(
        _ whole: [UInt8], _ start: Int, _ end: Int, number: UInt8 = 17, id: UInt8 = 0x34
    ) -> [UInt8] {
        let word = UInt16(start) | (end < whole.count ? 1 : 0)
        return Frames.ethernet(
            0x86DD,
            Packets.ipv6(
                number, Array(whole[start..<end]),
                extensions: [(44, [0, UInt8(word >> 8), UInt8(word & 0xFF), 0, 0, 0x12, id])]))
    }

    /// A PIM register on each version of IP, with RTP inside.
    package static let registers: [SampleFrame] = {
        func register(_ inner: [UInt8], from source: IPAddress, to router: IPAddress) -> [UInt8] {
            var sum = InternetChecksum()
            let start: [UInt8] = [0x21, 0, 0, 0, 0, 0, 0, 0]
            if case .v6 = source {
                sum.add(from: source, to: router, nextHeader: 103, byteCount: 8)
            }
            sum.add(start.span.bytes)
            let checksum = sum.complement
            return [0x21, 0, UInt8(checksum >> 8), UInt8(checksum & 0xFF), 0, 0, 0, 0] + inner
        }
        let router6 = IPv6Address(high: 0x2001_0DB8_0000_0000, low: 9)
        let v4 = register(
            Packets.datagram4(rtp), from: .v4(Packets.source4), to: .v4(Packets.host4))
        let v6 = register(Packets.datagram6(rtp), from: .v6(Packets.source6), to: .v6(router6))
        return [
            SampleFrame(
                "register", Frames.ethernet(0x0800, Packets.ipv4(103, v4, to: Packets.host4))),
            SampleFrame(
                "register on IPv6", Frames.ethernet(0x86DD, Packets.ipv6(103, v6, to: router6))),
        ]
    }()

    /// From host to host, and a transport stream in RTP.
    package static let media: [SampleFrame] = {
        func unicast(_ payload: [UInt8], port: UInt16) -> [UInt8] {
            Frames.ethernet(
                0x0800,
                Packets.ipv4(
                    17,
                    Packets.udp(
                        payload, from: .v4(Packets.source4), to: .v4(Packets.host4), port: port),
                    to: Packets.host4))
        }
        func numbered(_ number: UInt8) -> [UInt8] {
            [0x80, 96, 0, number, 0, 0, 0, 1, 0, 0, 0x12, 0x34, 1, 2, 3, 4]
        }
        let stream = ProtocolSamples.named("Transport stream")
        return [
            SampleFrame("RTP to a host", unicast(numbered(1), port: 5004)),
            SampleFrame("second RTP to a host", unicast(numbered(2), port: 5004)),
            SampleFrame(
                "RTCP to a host",
                unicast(ProtocolSamples.named("RTCP sender report"), port: 5005)),
            SampleFrame(
                "transport stream in RTP",
                Frames.ethernet(
                    0x0800,
                    Packets.datagram4([0x80, 33, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9] + stream))),
            SampleFrame(
                "unknown UDP", Frames.ethernet(0x0800, Packets.datagram4([1, 2, 3, 4], port: 9999))
            ),
            SampleFrame("empty UDP", Frames.ethernet(0x0800, Packets.datagram4([], port: 9999))),
        ]
    }()

    private static func changed(_ bytes: [UInt8], at place: Int) -> [UInt8] {
        var bytes = bytes
        bytes[place] ^= 1
        return bytes
    }
}
