import NetBasics
import PacketFormats
import TestSupport
import Testing

@Suite struct SAPPacketTests {
    private func packet(_ name: String) throws -> SAPPacket {
        try SAPPacket(decoding: ProtocolSamples.named(name).span.bytes)
    }

    @Test(arguments: [
        "SAP announcement", "SAP announcement without a payload type", "SAP with authentication",
    ])
    func theDescriptionIsFoundAndParses(name: String) throws {
        let packet = try packet(name)
        let offset = try #require(packet.sessionDescriptionOffset)

        let session = try SessionDescription(parsing: ProtocolSamples.named(name)[offset...])

        #expect(session.name == "Lecture")
        #expect(session.media.map(\.port) == [5004, 5006])
    }

    @Test func aDeletionIsTold() throws {
        let packet = try packet("SAP deletion on IPv6")

        #expect(packet.isDeletion)
        #expect(packet.source == IPAddress("2001:db8::1"))
        #expect(packet.messageHash == 0xBEEF)
        #expect(packet.payloadType == "application/sdp")
    }

    @Test(arguments: ["SAP, encrypted", "SAP, compressed"])
    func whatCannotBeReadHasNoDescription(name: String) throws {
        let packet = try packet(name)

        #expect(packet.sessionDescriptionOffset == nil)
        #expect(packet.payloadOffset == 8)
        #expect(packet.payloadByteCount == 8)
    }

    @Test func otherVersionsAndEndlessTypesAreRefused() {
        let header: [UInt8] = [0x20, 0, 0, 1, 192, 0, 2, 1]
        let other = [0x40] + header.dropFirst()
        let endless = header + [UInt8](repeating: 0x61, count: 300)

        #expect(throws: DecodeError.unsupportedVersion(2)) {
            try SAPPacket(decoding: other.span.bytes)
        }
        #expect(throws: DecodeError.invalidField("payload type")) {
            try SAPPacket(decoding: endless.span.bytes)
        }
    }

    @Test func linesOfADescriptionAreShownAsTheyStand() {
        let text =
            "v=0\r\no=- 1 1 IN IP4 h\r\nq=?\r\nnot a line\r\na=x\r\nm=audio\r\na=\u{1B}[2J\r\n"

        let field = SessionDescription.field(showing: text.utf8)

        #expect(
            field.children.map(\.name) == [
                "sdp.version", "sdp.owner", "polycast.sdp.line", "polycast.sdp.line",
                "sdp.session_attr", "sdp.media", "sdp.media_attr",
            ])
        #expect(field.children.last?.value == .text("?[2J"))
    }
}

@Suite struct MulticastDNSTests {
    private func message(_ name: String) throws -> MulticastDNSMessage {
        try MulticastDNSMessage(decoding: ProtocolSamples.named(name).span.bytes)
    }

    /// A query for one name, which starts at 12.
    private func decode(name: [UInt8], behind: [UInt8] = [0, 1, 0, 1]) throws -> DNSName? {
        let bytes = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + behind
        return try MulticastDNSMessage(decoding: bytes.span.bytes).questions.first?.name
    }

    @Test func aQuestionMayPointToNamesBeforeIt() throws {
        let message = try message("mDNS query")

        #expect(!message.isResponse)
        #expect(
            message.questions.map(\.name.description) == ["_rtsp._tcp.local", "ada.local"])
        #expect(message.questions.map(\.type) == [12, 28])
        #expect(message.questions.map(\.wantsUnicast) == [true, false])
    }

    @Test func aResponseHasItsRecords() throws {
        let message = try message("mDNS response")
        let names = (message.answers + message.additionals).map(\.name.description)

        #expect(message.isResponse)
        #expect(names.prefix(2) == ["_rtsp._tcp.local", "Camera._rtsp._tcp.local"])
        #expect(message.answers[1].flushesCache)
        guard case .service(_, let weight, let port, let target) = message.answers[1].data,
            case .text(let strings) = message.answers[2].data
        else {
            Issue.record("\(message.answers)")
            return
        }
        #expect(weight == 5)
        #expect(port == 554)
        #expect(target.description == "cam1.local")
        #expect(strings == [Array("path=/a".utf8), Array("t=1".utf8)])
        let camera = try #require(IPAddress("192.0.2.7"))
        #expect(message.additionals[0].data == .address(camera))
        #expect(Set(message.additionals.map(\.name.description)) == ["cam1.local"])
    }

    @Test func aPointerMayNotLeadForwardOrToItself() {
        #expect(throws: DecodeError.invalidField("pointer")) { try decode(name: [0xC0, 12]) }
        #expect(throws: DecodeError.invalidField("pointer")) { try decode(name: [0xC0, 14]) }
        #expect(throws: DecodeError.invalidField("pointer")) {
            try decode(name: [1, 0x61, 0xC0, 12])
        }
        #expect(throws: DecodeError.invalidField("pointer")) { try decode(name: [0xFF, 0xFF]) }
    }

    @Test func reservedLabelTypesAreRefused() {
        #expect(throws: DecodeError.invalidField("label")) { try decode(name: [0x40]) }
        #expect(throws: DecodeError.invalidField("label")) { try decode(name: [0x80]) }
    }

    @Test func aNameHas255BytesAtMost() throws {
        let label: [UInt8] = [63] + [UInt8](repeating: 0x61, count: 63)
        let longest = label + label + label + [61] + label.dropFirst(3) + [0]
        let single: [UInt8] = (0..<254).map { $0 % 2 == 0 ? 1 : 0x61 } + [0]

        #expect(try decode(name: longest)?.bytes.count == 255)
        #expect(try decode(name: single)?.labels.count == 127)
        #expect(throws: DecodeError.oversized(limit: 255, actual: 257)) {
            try decode(name: label + label + label + label + [0])
        }
        #expect(throws: DecodeError.self) { try decode(name: [1, 0x61] + single) }
    }

    @Test func aMessageBeyondTheLimitIsRefused() {
        let bytes = [UInt8](repeating: 0, count: 9001)

        #expect(throws: DecodeError.oversized(limit: 9000, actual: 9001)) {
            try MulticastDNSMessage(decoding: bytes.span.bytes)
        }
    }
}

@Suite struct SSDPMessageTests {
    private func decode(_ text: String) throws -> SSDPMessage {
        try SSDPMessage(decoding: Array(text.utf8).span.bytes)
    }

    @Test func startLinesAreToldApart() throws {
        func start(_ name: String) throws -> SSDPMessage.Start {
            try SSDPMessage(decoding: ProtocolSamples.named(name).span.bytes).start
        }

        #expect(try start("SSDP search") == .request(method: "M-SEARCH", target: "*"))
        #expect(try start("SSDP notify") == .request(method: "NOTIFY", target: "*"))
        #expect(try start("SSDP response") == .response(code: 200, phrase: "OK"))
    }

    @Test func headersAreFoundWhateverTheirCase() throws {
        let message = try decode("NOTIFY * HTTP/1.1\r\nnts:\t ssdp:alive \r\nEXT:\r\n\r\nbody: x")

        #expect(message.header("NTS") == "ssdp:alive")
        #expect(message.header("EXT") == "")
        #expect(message.headers.count == 2)
    }

    @Test(arguments: [
        "", "GET / HTTP/1.1\r\n", "NOTIFY *\r\n", "HTTP/1.1 x OK\r\n", "HTTP/1.1 99 OK\r\n",
        "NOTIFY * HTTP/1.1\r\nno colon\r\n", "NOTIFY * HTTP/1.1\r\n: no name\r\n",
    ])
    func otherTextIsRefused(text: String) {
        #expect(throws: DecodeError.self) { try decode(text) }
    }

    @Test func headersAreLimited() {
        let lines = String(repeating: "A: 1\r\n", count: 65)

        #expect(throws: DecodeError.oversized(limit: 64, actual: 65)) {
            try decode("NOTIFY * HTTP/1.1\r\n" + lines)
        }
        #expect(throws: DecodeError.oversized(limit: 8192, actual: 8193)) {
            try decode(String(repeating: "A", count: 8193))
        }
    }

    @Test func thePortTellsTheProtocol() throws {
        let bytes = ProtocolSamples.named("SSDP search")

        guard case .ssdp? = try ServiceDiscovery(decoding: bytes.span.bytes, port: 1900) else {
            Issue.record("no SSDP")
            return
        }
        #expect(try ServiceDiscovery(decoding: bytes.span.bytes, port: 80) == nil)
        #expect(throws: DecodeError.self) {
            try ServiceDiscovery(decoding: bytes.span.bytes, port: 5353)
        }
    }
}
