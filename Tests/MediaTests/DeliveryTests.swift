import Foundation
import Media
import NetBasics
import PacketFormats
import Testing
import Wire

private func stream(_ source: UInt64, _ index: UInt8) -> StreamID {
    StreamID(source: PeerID(rawValue: source), index: index)
}

@Suite struct DeliveryPortsTests {
    @Test func pairsAreHandedOutUpwardAndRemembered() {
        var ports = DeliveryPorts(base: 6000)

        #expect(ports.allocate(for: stream(1, 0)) == 6000)
        #expect(ports.allocate(for: stream(1, 1)) == 6002)
        #expect(ports.allocate(for: stream(2, 0)) == 6004)
        #expect(ports.allocate(for: stream(1, 1)) == 6002)
        #expect(ports.port(of: stream(2, 0)) == 6004)
        #expect(ports.port(of: stream(2, 1)) == nil)
    }

    @Test func theLowestFreePairIsUsedAgain() {
        var ports = DeliveryPorts(base: 6000)
        for source in 1...3 as ClosedRange<UInt64> {
            _ = ports.allocate(for: stream(source, 0))
            _ = ports.allocate(for: stream(source, 1))
        }

        for index in [0, 1, 1] as [UInt8] { ports.release(stream(2, index)) }

        #expect(ports.allocate(for: stream(4, 0)) == 6004)
        #expect(ports.allocate(for: stream(4, 1)) == 6006)
        #expect(ports.allocate(for: stream(4, 2)) == 6012)
    }

    @Test func portsEndAt65534() {
        var ports = DeliveryPorts(base: 65_532)

        #expect(ports.allocate(for: stream(1, 0)) == 65_532)
        #expect(ports.allocate(for: stream(1, 1)) == 65_534)
        #expect(ports.allocate(for: stream(1, 2)) == nil)
        ports.release(stream(1, 0))
        #expect(ports.allocate(for: stream(1, 2)) == 65_532)
        #expect(DeliveryPorts(base: 65_535).pairCount == 0)
        #expect(DeliveryPorts(base: 65_533).pairCount == 1)
    }

    @Test func reservedPortsAreSkippedAndNeverFreed() {
        var ports = DeliveryPorts(base: 6000, last: 6006, reserved: [5999, 6001, 6004, 9000])

        #expect(ports.allocate(for: stream(1, 0)) == 6002)
        #expect(ports.allocate(for: stream(1, 1)) == 6006)
        #expect(ports.allocate(for: stream(1, 2)) == nil)
        for index in 0...2 as ClosedRange<UInt8> { ports.release(stream(1, index)) }
        #expect(ports.allocate(for: stream(2, 0)) == 6002)
    }
}

@Suite struct MemberSessionTests {
    @Test func aMemberIsDescribedWithItsDeliveryPorts() throws {
        var session = try conference()

        #expect(
            session.sessionDescription?.description == """
                v=0\r
                o=- 4096 3 IN IP4 127.0.0.1\r
                s=alice\r
                c=IN IP4 127.0.0.1\r
                t=0 0\r
                m=video 6000 RTP/AVP 96\r
                b=AS:500\r
                a=rtpmap:96 VP8/90000\r
                m=audio 6002 RTP/AVP 97\r
                a=rtpmap:97 opus/48000/2\r

                """)
        try session.update(
            description(0, "m=video 0 RTP/AVP 98", rate: 0, version: 4), port: 6010)
        #expect(session.streams.map(\.media.port) == [6010, 6002])
        #expect(session.version == 4)
    }

    @Test func aRefusedTextTakesTheStreamOut() throws {
        var session = try conference()

        #expect(throws: SessionDescriptionError.self) {
            try session.update(description(0, "m=video 5 RTP/AVP 98"), port: 6000)
        }

        #expect(session.streams.map(\.index) == [1])
    }

    @Test func streamsThatAreNotRTPAreLeftOut() throws {
        var session = try emptySession()

        try session.update(description(0, "", format: .testPattern), port: 6000)

        #expect(session.sessionDescription == nil)
    }
}

@Suite struct SessionDirectoryTests {
    private let temporary = TemporaryDirectory()

    @Test func aFileAppearsChangesAndGoes() throws {
        var directory = try SessionDirectory(path: temporary.path + "/new")
        var session = try conference()
        let path = temporary.path + "/new/alice.sdp"

        try directory.update(session)
        let first = try String(contentsOfFile: path, encoding: .utf8)
        try session.update(description(1, "m=audio 0 RTP/AVP 0"), port: 6004)
        try directory.update(session)
        let second = try String(contentsOfFile: path, encoding: .utf8)
        let names = try FileManager.default.contentsOfDirectory(atPath: temporary.path + "/new")
        directory.remove(session.source)

        #expect(first.contains("m=audio 6002"))
        #expect(second.contains("m=audio 6004"))
        #expect(names == ["alice.sdp"])
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func membersOfOneNameGetFilesOfTheirOwn() throws {
        var directory = try SessionDirectory(path: temporary.path)
        let first = try conference(source: 1 << 32)
        let second = try conference(source: 2 << 32)
        let third = try conference(source: 2 << 32 | 5)

        for session in [first, second, third] { try directory.update(session) }

        #expect(
            temporary.names == [
                "alice-00000002.sdp", "alice-0000000200000005.sdp", "alice.sdp",
            ])
        directory.remove(first.source)
        try directory.update(try conference(source: 3 << 32))
        #expect(temporary.names.contains("alice.sdp"))
        directory.removeAll()
        #expect(temporary.names.isEmpty)
    }

    @Test func aLinkAtTheTemporaryNameIsNotFollowed() throws {
        var directory = try SessionDirectory(path: temporary.path)
        let victim = try temporary.write("victim", "untouched")
        try FileManager.default.createSymbolicLink(
            atPath: temporary.path + "/.alice.sdp.\(getpid())", withDestinationPath: victim)

        try directory.update(try conference())

        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "untouched")
        #expect(temporary.names == ["alice.sdp", "victim"])
    }

    @Test func aPathThatIsNoDirectoryIsRefused() throws {
        let file = try temporary.write("file", "")

        for path in [file, temporary.path + "/missing/deeper"] {
            #expect { try SessionDirectory(path: path) } throws: { error in
                "\(error)".contains("--sdp-dir") && (error as? MediaError)?.kind == .system
            }
        }
    }
}

private func emptySession(source: UInt64 = 4096) throws -> MemberSession {
    MemberSession(
        source: PeerID(rawValue: source), member: try #require(MemberName("alice")),
        address: try endpoint("127.0.0.1:1").address)
}

/// Alice's camera and microphone, the second described first.
private func conference(source: UInt64 = 4096) throws -> MemberSession {
    var session = try emptySession(source: source)
    try session.update(
        description(1, "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2", rate: 0), port: 6002)
    try session.update(
        description(0, "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000"), port: 6000)
    return session
}

private func description(
    _ index: UInt8, _ text: String, rate: UInt32 = 500, version: UInt16 = 3,
    format: StreamFormat = .rtp
) throws -> StreamDescription {
    StreamDescription(
        stream: StreamID(source: PeerID(rawValue: 4096), index: index), version: version,
        streamCount: 2, kind: .video, priority: 2, format: format, rate: rate,
        member: try #require(MemberName("alice")), mediaText: text)
}
