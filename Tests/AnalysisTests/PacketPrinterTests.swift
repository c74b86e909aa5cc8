import Analysis
import Inspection
import Management
import NetBasics
import PacketFormats
import TestSupport
import Testing

/// Each form in which packets are printed.
@Suite struct PacketPrinterTests {
    private static let forms: [PacketOutput] = [
        .text, .tree, .json, .ndjson, .csv, .fields(["frame.number", "ip.src", "igmp.maddr"]),
    ]

    /// All that is printed of frames, or of the first of them.
    private func printed(_ frames: [SampleFrame], _ output: PacketOutput) -> String {
        var printer = PacketPrinter(output)
        var text = printer.begin()
        for (index, frame) in frames.enumerated() {
            text += printer.line(
                frame.bytes.span.bytes, frame.packet(at: SampleFrame.time(index)),
                linkType: frame.linkType, number: UInt64(index + 1), interfaceName: "eth0")
        }
        return text + printer.end()
    }

    private func samples(_ names: String...) -> [SampleFrame] {
        names.compactMap { name in SampleFrames.all.first { $0.name == name } }
    }

    private var report: [SampleFrame] { samples("IGMPv2 report") }

    @Test func textIsALineForEachPacket() {
        let text = printed(samples("IGMPv2 report", "unknown UDP"), .text)

        #expect(
            text == """
                     1    0.000000  192.0.2.1 -> 224.0.0.22  IGMPv2 42  IGMPv2 membership report for \
                239.1.2.3
                     2    0.001000  192.0.2.1 -> 239.1.2.3  UDP 46  5004 to 9999, 4 bytes

                """)
    }

    @Test func theTreeHasEveryFieldBelowTheLine() {
        let lines = printed(samples("IGMPv2 report", "unknown UDP"), .tree)
            .split(separator: "\n", omittingEmptySubsequences: false)

        let line = "     1    0.000000  192.0.2.1 -> 224.0.0.22  IGMPv2 42  "
        #expect(lines.first == "\(line)IGMPv2 membership report for 239.1.2.3")
        #expect(lines.contains("  Internet Protocol version 4, 192.0.2.1 to 224.0.0.22"))
        #expect(lines.contains("    Time to live: 1"))
        #expect(lines.contains("    Multicast address: 239.1.2.3"))
        #expect(lines.filter(\.isEmpty).count == 2)
    }

    @Test func jsonNestsAsTheFieldsDo() throws {
        let document = try JSONValue(parsing: printed(report + report, .json))

        guard case .array(let packets) = document else {
            Issue.record("no array")
            return
        }
        #expect(packets.count == 2)
        let layers = try packets[1].list("layers")
        #expect(try packets[1].integer("number") == 2)
        #expect(try layers.map { try $0.text("name") } == ["frame", "eth", "ip", "igmp"])
        let type = try layers[3].list("fields")[1]
        #expect(try type.text("name") == "igmp.type")
        #expect(try type.text("value") == "0x16")
        #expect(try type.text("meaning") == "membership report")
    }

    @Test func jsonOfNoPacketsIsAnEmptyArray() throws {
        #expect(try JSONValue(parsing: printed([], .json)) == [])
    }

    @Test func ndjsonIsAnObjectOnEachLine() throws {
        let query = samples("IGMPv3 source query")
        let lines = printed(query, .ndjson).split(separator: "\n").map(String.init)

        #expect(try JSONValue(parsing: lines[0]) == ["schema": "polycast.packets/1"])
        let packet = try JSONValue(parsing: lines[1])
        #expect(try packet.integer("frame.number") == 1)
        #expect(try packet.text("ip.dst") == "224.0.0.22")
        #expect(packet["igmp.saddr"] == ["192.0.2.1", "198.51.100.7"])
        #expect(packet["igmp.s"] == true)
        #expect(packet["igmp"] == nil)
        #expect(lines.count == 2)
    }

    @Test func csvHasSevenColumns() {
        let text = printed(samples("RTCP sender report", "ARP"), .csv)

        #expect(
            text == """
                number,time,source,destination,protocol,length,info\r
                1,0.000000,192.0.2.1,239.255.255.250,RTCP,114,"sender report, source description"\r
                2,0.001000,02:00:00:00:00:01,01:00:5e:01:02:03,ARP,42,28 bytes that are not decoded\r

                """)
    }

    @Test func fieldsAreInTheOrderOfTheirNames() {
        let output = PacketOutput.fields(["igmp.saddr", "ip.ttl", "igmp", "no.such", "ip.ttl"])

        let text = printed(samples("IGMPv3 source query", "unknown UDP"), output)

        #expect(
            text == """
                192.0.2.1,198.51.100.7\t1\tInternet Group Management Protocol\t\t1
                \t16\t\t\t16

                """)
    }

    @Test func interfacesTellLinkTypeAndName() {
        var printer = PacketPrinter(
            .fields(["frame.interface_name", "udp.dstport"]),
            interfaces: [
                CaptureInterface(linkType: 1, name: "eth0"),
                CaptureInterface(linkType: LinkType.rawIP.rawValue, name: "tun0"),
            ])
        let bytes = Packets.datagram4([1, 2, 3, 4], port: 9999)
        func packet(_ interface: Int) -> CapturedPacket {
            CapturedPacket(
                interface: interface, time: .zero, wireByteCount: bytes.count,
                range: 0..<bytes.count)
        }

        #expect(printer.line(bytes.span.bytes, packet(1), number: 1) == "tun0\t9999\n")
        #expect(printer.line(bytes.span.bytes, packet(7), number: 2) == "\t\n")
    }

    /// A signal ends the capture behind any packet.
    @Test func everyBeginningIsWellFormed() throws {
        for count in 0...5 {
            let frames = Array(SampleFrames.messages.prefix(count))
            guard case .array(let packets) = try JSONValue(parsing: printed(frames, .json)) else {
                Issue.record("no array")
                continue
            }
            #expect(packets.count == count)
        }
    }

    @Test func everySampleIsPrintedInEveryForm() throws {
        for form in Self.forms {
            let text = printed(SampleFrames.all, form)
            #expect(text.utf8.count > 1000)
            let hasControl = text.unicodeScalars.contains {
                $0.value < 0x20 && !["\n", "\r", "\t"].contains($0)
            }
            #expect(!hasControl)
        }
        let lines = printed(SampleFrames.all, .ndjson).split(separator: "\n")
        for line in lines { _ = try JSONValue(parsing: String(line)) }
        #expect(lines.count == SampleFrames.all.count + 1)
    }

    @Test(arguments: forms)
    func truncatedAndChangedFramesArePrinted(form: PacketOutput) {
        var printer = PacketPrinter(form)
        func show(_ bytes: [UInt8], _ sample: SampleFrame) {
            let packet = CapturedPacket(
                time: .zero, wireByteCount: bytes.count, range: 0..<bytes.count)
            _ = printer.line(
                bytes.span.bytes, packet, linkType: sample.linkType, number: 1, interfaceName: "")
        }
        for sample in SampleFrames.all {
            for count in stride(from: 0, to: min(sample.bytes.count, 160), by: 3) {
                show(Array(sample.bytes.prefix(count)), sample)
            }
            for index in stride(from: 0, to: min(sample.bytes.count, 160), by: 5) {
                var bytes = sample.bytes
                bytes[index] ^= 0xFF
                show(bytes, sample)
            }
        }
    }
}
