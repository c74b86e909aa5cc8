import NetBasics

/// A message as it stands behind its IP or UDP header.
///
/// Made with a program of other origin, so that checksums are not ours; tshark agrees with them.
package struct ProtocolSample: Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        case igmp, mld, pim, pimOnIPv6, rtp, rtcp, sap, transportStream, multicastDNS, ssdp
    }

    /// Who sends what is sent on IPv6; its group is the protocol's.
    package static let sender = IPv6Address(high: 0xFE80 << 48, low: 0x1_0002)
    package static let routersOfMLD = IPv6Address(high: 0xFF02 << 48, low: 0x16)
    package static let routersOfPIM = IPv6Address(high: 0xFF02 << 48, low: 0xD)

    package var kind: Kind
    package var name: String
    package var bytes: [UInt8]

    package var description: String { name }

    package init(_ kind: Kind, _ name: String, _ bytes: [UInt8]) {
        self.kind = kind
        self.name = name
        self.bytes = bytes
    }

    init(_ kind: Kind, _ name: String, _ hex: String) {
        self.init(kind, name, hexBytes(hex))
    }
}

/// Messages of every kind that is decoded, and of every record in them.
package enum ProtocolSamples {
    package static var all: [(name: String, bytes: [UInt8])] {
        messages.map { ($0.name, $0.bytes) }
    }

    package static let messages =
        igmp + mld + pim + rtp + rtcp + sap + transportStreams + multicastDNS + ssdp

    package static func named(_ name: String) -> [UInt8] {
        messages.first { $0.name == name }?.bytes ?? []
    }

    /// Every message of the three versions.
    package static let igmp = [
        ProtocolSample(.igmp, "IGMPv1 query", "1100eeff 00000000"),
        ProtocolSample(.igmp, "IGMPv1 report", "1200fcfa ef010203"),
        ProtocolSample(.igmp, "IGMPv2 general query", "1164ee9b 00000000"),
        ProtocolSample(.igmp, "IGMPv2 group query", "11c8fd32 ef010203"),
        ProtocolSample(.igmp, "IGMPv2 report", "1600f8fa ef010203"),
        ProtocolSample(.igmp, "IGMPv2 leave", "1700f7fa ef010203"),
        ProtocolSample(.igmp, "IGMPv2 report, bad checksum", "1600e9e8 ef010204"),
        ProtocolSample(.igmp, "IGMPv3 general query", "1164ec1e 00000000 027d0000"),
        ProtocolSample(
            .igmp, "IGMPv3 source query",
            "119a0897 e8010203 0f8b0002 c0000201 c6336407"),
        ProtocolSample(
            .igmp, "IGMPv3 query, additional data",
            "110a3ee8 e8010203 00000001 c0000201 01020304"),
        ProtocolSample(
            .igmp, "IGMPv3 report, all record types",
            """
            2200d451 00000006 01000002 e8010203 c0000201 c0000202 02000000 ef010101
            03000000 ef010102 04000001 ef010103 c0000209 05020001 e8010204 c0000201
            61757864 61746121 06000001 e8010205 c0000203
            """),
        ProtocolSample(
            .igmp, "IGMPv3 report, unknown record type",
            "2200e3f9 00000001 09000000 ef010203"),
    ]

    /// Every message of the two versions, from ``ProtocolSample/sender``.
    package static let mld = [
        ProtocolSample(
            .mld, "MLDv1 general query",
            "82005900 27100000 00000000 00000000 00000000 00000000"),
        ProtocolSample(
            .mld, "MLDv1 report",
            "83007ffe 00000000 ff0e0000 00000000 00000000 00010002"),
        ProtocolSample(
            .mld, "MLDv1 done",
            "84007efe 00000000 ff0e0000 00000000 00000000 00010002"),
        ProtocolSample(
            .mld, "MLDv1 report, bad checksum",
            "83006eec 00000000 ff0e0000 00000000 00000000 00010003"),
        ProtocolSample(
            .mld, "MLDv2 general query",
            "8200567f 27100000 00000000 00000000 00000000 00000000 027d0000"),
        ProtocolSample(
            .mld, "MLDv2 source query",
            """
            82007eeb 9abc0000 ff3e0000 00000000 00000000 00010002 0b8b0002 20010db8
            00000000 00000000 00000001 20010db8 00000000 00000000 00000002
            """),
        ProtocolSample(
            .mld, "MLDv2 report, all record types",
            """
            8f00e12b 00000006 01000002 ff3e0000 00000000 00000000 00000001 20010db8
            00000000 00000000 00000001 20010db8 00000000 00000000 00000002 02000000
            ff0e0000 00000000 00000000 00000001 03000000 ff0e0000 00000000 00000000
            00000002 04000001 ff0e0000 00000000 00000000 00000003 20010db8 00000000
            00000000 00000009 05020001 ff3e0000 00000000 00000000 00000004 20010db8
            00000000 00000000 00000001 61757864 61746121 06000001 ff3e0000 00000000
            00000000 00000005 20010db8 00000000 00000000 00000003
            """),
    ]

    /// Every message, on IPv4 and on IPv6.
    package static let pim = [
        ProtocolSample(
            .pim, "PIM hello",
            """
            20006bc9 00010002 00690002 000481f4 09c40013 00040000 00070014 0004dead
            beef0015 0004013c 00000018 000c0100 c0000205 0100c000 0206fe4c 00036162
            63
            """),
        ProtocolSample(
            .pimOnIPv6, "PIM hello on IPv6",
            """
            2000b14f 00010002 ffff0018 00240200 fe800000 00000000 00000000 00000005
            02002001 0db80000 00000000 00000000 0005
            """),
        ProtocolSample(
            .pim, "PIM join/prune",
            """
            2300333d 0100c000 02fe0002 00d20100 0020e801 02030002 00010100 0420c000
            02010100 0420c000 02020100 0520c000 02030100 8108ef00 00000001 00000100
            0720c633 6401
            """),
        ProtocolSample(
            .pimOnIPv6, "PIM join/prune on IPv6",
            """
            23006dc9 0200fe80 00000000 00000000 00000000 02540001 00d20200 0080ff3e
            00000000 00000000 00000001 00020001 00010200 04802001 0db80000 00000000
            00000000 00010200 07802001 0db80000 00000000 00000000 0002
            """),
        ProtocolSample(
            .pim, "PIM assert",
            "2500a0a1 01000020 ef010203 0100c000 02018000 00650000 04d2"),
        ProtocolSample(
            .pimOnIPv6, "PIM assert on IPv6",
            """
            2500a64f 02000080 ff0e0000 00000000 00000000 00000003 02002001 0db80000
            00000000 00000000 00010000 00650000 04d2
            """),
        ProtocolSample(
            .pim, "PIM register",
            """
            2100deff 00000000 4500001c 00010000 3f11c8ca c0000201 ef010203 13881388
            00080000
            """),
        ProtocolSample(
            .pim, "PIM register, whole checksum",
            """
            210037e7 80000000 4500001c 00010000 3f11c8ca c0000201 ef010203 13881388
            00080000
            """),
        ProtocolSample(
            .pim, "PIM null-register",
            "21009eff 40000000 45000014 00010000 3f67c87c c0000201 ef010203"),
        ProtocolSample(
            .pimOnIPv6, "PIM register on IPv6",
            """
            2100e0fc 00000000 60000000 00083b40 20010db8 00000000 00000000 00000001
            ff0e0000 00000000 00000000 00000003 00000000 00000000
            """),
        ProtocolSample(.pim, "PIM register-stop", "220028d9 01000020 ef010203 0100c000 0201"),
        ProtocolSample(
            .pim, "PIM bootstrap",
            """
            2400a352 12341ec0 0100c000 02090100 0008ef00 00000202 00000100 c000020a
            00960a00 0100c000 020b0096 14000100 0008e800 00000101 00000100 c000020c
            004b0000
            """),
        ProtocolSample(
            .pimOnIPv6, "PIM bootstrap on IPv6",
            """
            2400e161 12347e01 02002001 0db80000 00000000 00000000 00090200 0008ff00
            00000000 00000000 00000000 00000101 00000200 20010db8 00000000 00000000
            0000000a 00960a00
            """),
        ProtocolSample(
            .pim, "PIM candidate-RP advertisement",
            "28003943 020a0096 0100c000 020a0100 0008ef00 00000100 0008e800 0000"),
        ProtocolSample(
            .pim, "PIM graft",
            "26005fe6 0100c000 02fe0001 00d20100 0020ef01 02030001 00000100 0020c000 0201"),
        ProtocolSample(
            .pim, "PIM state refresh",
            """
            2900be1a 01000020 ef010203 0100c000 02010100 c0000202 00000065 0000000a
            2010803c
            """),
        ProtocolSample(.pim, "PIM hello, bad checksum", "2000ce82 00010002 0069"),
    ]

    /// Packets with every part that a header may have.
    package static let rtp = [
        ProtocolSample(
            .rtp, "RTP",
            "80e00657 32eab76a 739e56e4 90808008 f1020000 10100018 0025c02f"),
        ProtocolSample(
            .rtp, "RTP, sources, extension, padding",
            """
            b26ffffe 00000007 deadbeef 00000001 00000002 bede0001 10aa0000 01020304
            00000004
            """),
        ProtocolSample(
            .rtp, "RTP, one-byte extensions",
            "90e00001 00000064 00001234 bede0003 22abcdef 10ff0000 51cafe00 01020304"),
        ProtocolSample(
            .rtp, "RTP, two-byte extensions",
            "90600002 00000064 00001234 10030003 0102abcd 02000703 01020300 01020304"),
        ProtocolSample(
            .rtp, "RTP, extension of a profile",
            "90600003 00000064 00001234 12340001 cafebabe 01020304"),
    ]

    /// Compounds with every type and item.
    package static let rtcp = [
        ProtocolSample(
            .rtcp, "RTCP sender report",
            """
            81c8000c 739e56e4 eeabbe47 3851eb85 32e8859e 000003e8 00124f80 11223344
            19fffffd 00020100 0000004d be473851 00010000 81ca0004 739e56e4 01076140
            686f7374 31000000
            """),
        ProtocolSample(
            .rtcp, "RTCP receiver report, all description items",
            """
            82c9000d 11223344 739e56e4 00000000 00010005 00000000 00000000 00000000
            99887766 ff7fffff ffffffff 00000001 00000002 00000003 82ca0016 11223344
            01076140 686f7374 3102035a 6f65030d 7a406578 616d706c 652e6f72 6704062b
            31203535 35050448 65726506 08706f6c 79636173 74070462 75737908 08036661
            76626c75 65000000 55667788 01036240 63000000
            """),
        ProtocolSample(
            .rtcp, "RTCP description beyond ASCII",
            "80c90001 11223344 81ca0003 11223344 01045a6f c3ab0000"),
        ProtocolSample(
            .rtcp, "RTCP goodbye",
            """
            80c90001 11223344 81ca0004 739e56e4 01076140 686f7374 31000000 82cb0004
            11223344 55667788 07746f6f 20686f74
            """),
        ProtocolSample(
            .rtcp, "RTCP goodbye without reason",
            """
            80c90001 11223344 81ca0004 739e56e4 01076140 686f7374 31000000 81cb0001
            11223344
            """),
        ProtocolSample(
            .rtcp, "RTCP application",
            """
            80c90001 11223344 81ca0004 739e56e4 01076140 686f7374 31000000 85cc0004
            11223344 504f4c59 01020304 05060708
            """),
        ProtocolSample(
            .rtcp, "RTCP feedback",
            """
            80c90001 11223344 81ca0004 739e56e4 01076140 686f7374 31000000 81cd0004
            11223344 739e56e4 00648001 012c0000 81ce0002 11223344 739e56e4 84ce0004
            11223344 00000000 739e56e4 09000000 8fce0006 11223344 00000000 52454d42
            0216abcd 739e56e4 55667788
            """),
        ProtocolSample(
            .rtcp, "RTCP TMMBR",
            """
            80c90001 11223344 81ca0004 739e56e4 01076140 686f7374 31000000 83cd0004
            11223344 00000000 739e56e4 0c357828
            """),
        ProtocolSample(.rtcp, "RTCP padding", "80c90001 11223344 a1cb0002 11223344 00000004"),
        ProtocolSample(
            .rtcp, "RTCP report with an extension",
            "80c90003 11223344 01020004 61626364"),
        ProtocolSample(
            .rtcp, "RTCP unknown type",
            "80c90001 11223344 80cf0004 11223344 04000002 eeabbe47 3851eb85"),
    ]

    /// Announcements and a deletion.
    package static let sap = [
        ProtocolSample(
            .sap, "SAP announcement",
            hexBytes("2000beef c0000201")
                + text("application/sdp\u{0}")
                + text(lecture)),
        ProtocolSample(
            .sap, "SAP announcement without a payload type",
            hexBytes("2000beef c0000201")
                + text(lecture)),
        ProtocolSample(
            .sap, "SAP deletion on IPv6",
            hexBytes("3400beef 20010db8 00000000 00000000 00000001")
                + text(
                    "application/sdp\u{0}v=0\r\n",
                    "o=alice 3900000000 1 IN IP4 192.0.2.1\r\n")),
        ProtocolSample(
            .sap, "SAP with authentication",
            hexBytes("2002beef c0000201 20616263 64656667")
                + text("application/sdp\u{0}")
                + text(lecture)),
        ProtocolSample(.sap, "SAP, encrypted", "2200beef c0000201 00000000 99887766"),
        ProtocolSample(.sap, "SAP, compressed", "2100beef c0000201 789c0300 00000001"),
    ]

    /// Datagrams of one packet and of two.
    package static let transportStreams = [
        ProtocolSample(
            .transportStream, "Transport stream",
            transportStream("471fff10")
                + transportStream("47010035 07d091a2 b3c4ff2b")),
        ProtocolSample(
            .transportStream, "Transport stream, adaptation only",
            transportStream("47210027 b75effff fffffe00 00000026 fe05fd03 616263")),
        ProtocolSample(
            .transportStream, "Transport stream, errors and scrambling",
            transportStream("479ffedf")
                + transportStream("471abcb9 00")),
    ]

    /// Queries and a response.
    package static let multicastDNS = [
        ProtocolSample(
            .multicastDNS, "mDNS query",
            """
            00000000 00020000 00000000 055f7274 7370045f 74637005 6c6f6361 6c00000c
            80010361 6461c017 001c0001
            """),
        ProtocolSample(
            .multicastDNS, "mDNS response",
            """
            00008400 00000003 00000003 055f7274 7370045f 74637005 6c6f6361 6c00000c
            00010000 11940009 0643616d 657261c0 0cc02800 21800100 00007800 0d000000
            05022a04 63616d31 c017c028 00108001 00001194 000c0770 6174683d 2f610374
            3d31c043 00018001 00000078 0004c000 0207c043 001c8001 00000078 00102001
            0db80000 00000000 00000000 0007c043 002f8001 00000078 0008c043 00044000
            0008
            """),
        ProtocolSample(
            .multicastDNS, "mDNS root and bytes",
            """
            00000000 00020000 00000000 0000ff00 ff035ac3 ab03612e 62056c6f 63616c00
            00210001
            """),
    ]

    /// The three kinds of messages.
    package static let ssdp = [
        ProtocolSample(
            .ssdp, "SSDP search",
            text(
                "M-SEARCH * HTTP/1.1\r\n",
                "HOST: 239.255.255.250:1900\r\n",
                "MAN: \"ssdp:discover\"\r\n",
                "MX: 2\r\n",
                "ST: ssdp:all\r\n",
                "\r\n")),
        ProtocolSample(
            .ssdp, "SSDP notify",
            text(
                "NOTIFY * HTTP/1.1\r\n",
                "HOST: 239.255.255.250:1900\r\n",
                "CACHE-CONTROL: max-age=1800\r\n",
                "LOCATION: http://192.0.2.1/d.xml\r\n",
                "NT: upnp:rootdevice\r\n",
                "NTS: ssdp:alive\r\n",
                "SERVER: Linux UPnP/1.1 x/1\r\n",
                "USN: uuid:1::upnp:rootdevice\r\n",
                "\r\n")),
        ProtocolSample(
            .ssdp, "SSDP response",
            text(
                "HTTP/1.1 200 OK\r\n",
                "CACHE-CONTROL: max-age=1800\r\n",
                "EXT:\r\n",
                "LOCATION: http://192.0.2.1/d.xml\r\n",
                "ST: upnp:rootdevice\r\n",
                "USN: uuid:1\r\n",
                "\r\n")),
    ]
}

// MARK: - Bytes

private func hexBytes(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
}

private func text(_ lines: String...) -> [UInt8] { lines.flatMap { Array($0.utf8) } }

/// A packet of 188 bytes, filled up.
private func transportStream(_ hex: String) -> [UInt8] {
    let start = hexBytes(hex)
    return start + [UInt8](repeating: 0xFF, count: 188 - start.count)
}

/// A session description with every line that one may have.
private let lecture = [
    "v=0\r\n",
    "o=alice 3900000000 1 IN IP4 192.0.2.1\r\n",
    "s=Lecture\r\n",
    "i=About trees\r\n",
    "u=http://example.org/\r\n",
    "e=a@example.org\r\n",
    "p=+1 555\r\n",
    "c=IN IP4 239.1.2.3/16\r\n",
    "b=AS:500\r\n",
    "t=3900000000 3900003600\r\n",
    "r=7d 1h 0 25h\r\n",
    "a=recvonly\r\n",
    "m=audio 5004 RTP/AVP 0\r\n",
    "i=Sound\r\n",
    "a=ptime:20\r\n",
    "m=video 5006/2 RTP/AVP 96 97\r\n",
    "c=IN IP4 239.1.2.4/16/2\r\n",
    "b=TIAS:256000\r\n",
    "a=rtpmap:96 H264/90000\r\n",
].joined()
