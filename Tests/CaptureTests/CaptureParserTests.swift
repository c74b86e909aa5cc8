import NetBasics
import PacketFormats
import Testing

/// Capture files byte by byte: what is right, what is cut, and what lies.
@Suite struct CaptureParserTests {
    /// All packets of a file in memory, and why it ended early.
    private func parsed(
        _ file: [UInt8]
    ) -> (packets: [CapturedPacket], parser: CaptureParser, error: DecodeError?, isCut: Bool) {
        var parser = CaptureParser()
        var packets: [CapturedPacket] = []
        var offset = 0
        while true {
            do throws(DecodeError) {
                switch try parser.step(file.span.bytes, from: offset) {
                case .packet(let packet, let next):
                    packets.append(packet)
                    offset = next
                case .skip(let next):
                    guard next <= file.count else { return (packets, parser, nil, true) }
                    offset = next
                case .needsBytes: return (packets, parser, nil, offset < file.count)
                }
            } catch {
                return (packets, parser, error, false)
            }
        }
    }

    @Test(arguments: [false, true], [false, true])
    func pcapIsReadInBothOrders(isSwapped: Bool, isPrecise: Bool) throws {
        let file = CaptureFiles.pcap(isSwapped: isSwapped, isPrecise: isPrecise)

        let result = parsed(file)

        #expect(result.error == nil && !result.isCut)
        #expect(result.parser.interfaces.map(\.linkType) == [1])
        #expect(result.packets.map(\.wireByteCount) == [60, 1500])
        #expect(result.packets.map(\.range.count) == [60, 64])
        #expect(result.packets.map(\.isCut) == [false, true])
        let fraction: Int64 = isPrecise ? 123_456 : 123_456_000
        #expect(result.packets[0].time.nanoseconds == 1_700_000_000_000_000_000 + fraction)
    }

    @Test(arguments: [false, true])
    func pcapngIsReadInBothOrders(isSwapped: Bool) throws {
        let file = CaptureFiles.pcapng(isSwapped: isSwapped)

        let result = parsed(file)

        #expect(result.error == nil && !result.isCut)
        #expect(result.parser.interfaces.map(\.name) == ["eth0", "sl0", ""])
        #expect(result.parser.interfaces.map(\.linkType) == [1, 113, 101])
        #expect(result.packets.map(\.interface) == [0, 1, 0, 0, 2])
        #expect(
            result.packets.map(\.time.nanoseconds) == [
                1_700_000_000_000_001_000, 1_500_000_000, 0, 42_000, 250_000_000_000,
            ])
        #expect(result.packets.map(\.comment) == [nil, "look here", nil, nil, nil])
        #expect(result.parser.interfaces[0].counts.kernelDropped == 7)
        #expect(result.parser.interfaces[0].counts.received == 1000)
        #expect(result.parser.strayCount == 1)
    }

    @Test func everyTruncationKeepsWhatIsBeforeIt() {
        for file in CaptureFiles.all {
            let whole = parsed(file).packets
            for count in 0..<file.count {
                let result = parsed(Array(file[..<count]))

                #expect(result.error == nil)
                #expect(whole.starts(with: result.packets))
            }
        }
    }

    @Test func noChangedByteTraps() {
        for file in CaptureFiles.all {
            for index in file.indices {
                for mask in [0x01, 0x80, 0xFF] as [UInt8] {
                    var changed = file
                    changed[index] ^= mask
                    let result = parsed(changed)
                    #expect(result.packets.count <= 8)
                }
            }
        }
    }

    @Test func lengthsThatLieAreRefused() {
        let pcap = CaptureFiles.pcap(isSwapped: false, isPrecise: false)
        let long = Array(pcap[..<32]) + CaptureFiles.word(0x7FFF_FFFF) + Array(pcap[36...])
        let pcapng = CaptureFiles.pcapng(isSwapped: false)
        let short = Array(pcapng[..<32]) + CaptureFiles.word(8) + Array(pcapng[36...])
        let odd = Array(pcapng[..<32]) + CaptureFiles.word(33) + Array(pcapng[36...])

        #expect(
            parsed(long).error
                == .oversized(limit: CaptureParser.recordByteLimit, actual: 0x7FFF_FFFF))
        #expect(parsed(short).error == .invalidField("block length"))
        #expect(parsed(odd).error == .invalidField("block length"))
    }

    @Test func aBillionInterfacesAreRefusedAfterFourThousand() {
        var writer = PcapngWriter()
        writer.beginSection(application: "test")
        for _ in 0...CaptureParser.interfaceLimit { writer.add(CaptureInterface(linkType: 1)) }

        let result = parsed(writer.bytes)

        #expect(result.parser.interfaces.count == CaptureParser.interfaceLimit)
        #expect(
            result.error
                == .oversized(
                    limit: CaptureParser.interfaceLimit,
                    actual: CaptureParser.interfaceLimit + 1))
    }

    @Test func optionsWithoutEndAreRead() {
        var options: [UInt8] = []
        for _ in 0..<200_000 { options += [2, 0, 0, 0] }
        let file =
            CaptureFiles.section(false)
            + CaptureFiles.block(1, CaptureFiles.word(1) + CaptureFiles.word(0) + options)

        let result = parsed(file)

        #expect(result.error == nil)
        #expect(result.parser.interfaces.count == 1)
    }

    @Test(arguments: [
        "", "x", "\u{1F}\u{8B}\u{8}gzip bytes that go on and on", "GET / HTTP/1.1\r\n\r\n",
    ])
    func otherFilesAreToldApart(text: String) {
        let result = parsed(Array(text.utf8))

        #expect(result.packets.isEmpty)
        #expect(result.error == (text.utf8.count >= 24 ? .unknownMagic : nil))
    }

    @Test func whatIsWrittenIsReadAgain() {
        var writer = PcapngWriter()
        writer.beginSection(application: "test", comment: "a section")
        writer.add(CaptureInterface(linkType: 1, name: "eth0", snapByteCount: 96), filter: "udp")
        let data = [UInt8](0..<61)
        let time = Instant(nanoseconds: 1_700_000_000_123_456_789)
        data.withUnsafeBytes {
            writer.add($0, interface: 0, at: time, wireByteCount: 1500, comment: "why")
        }
        writer.add(
            CaptureCounts(received: 5, kernelDropped: 2, interfaceDropped: 1), interface: 0,
            at: time)

        let result = parsed(writer.bytes)

        #expect(result.error == nil)
        #expect(result.packets.map(\.time) == [time])
        #expect(result.packets.map(\.wireByteCount) == [1500])
        #expect(result.packets.map(\.comment) == ["why"])
        #expect(result.packets.first.map { Array(writer.bytes[$0.range]) } == data)
        #expect(
            result.parser.interfaces.map(\.counts) == [
                CaptureCounts(received: 5, kernelDropped: 2, interfaceDropped: 1)
            ])
    }
}
