import Foundation
import Media
import NetBasics
import PacketFormats
import Testing
import Wire

private func streams(_ text: String) throws -> [PublishedStream] {
    try PublishedStream.streams(in: SessionDescription(parsing: text), path: "cam.sdp")
}

@Suite struct PublishedStreamTests {
    @Test func aConferenceOfFFmpegIsTwoStreams() throws {
        let streams = try streams(FFmpegSample.vp8AndOpus)

        #expect(
            streams == [
                PublishedStream(
                    kind: .video, priority: 2, rate: try BitRate(parsing: "500k"),
                    mediaText: "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000",
                    input: .rtp(
                        data: try endpoint("127.0.0.1:5004"),
                        control: try endpoint("127.0.0.1:5005"))),
                PublishedStream(
                    kind: .audio, priority: 0, rate: try BitRate(parsing: "64k"),
                    mediaText: "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2",
                    input: .rtp(
                        data: try endpoint("127.0.0.1:5006"),
                        control: try endpoint("127.0.0.1:5007"))),
            ])
    }

    @Test func theSessionAddressIsForAllSections() throws {
        let stream = try #require(try streams(FFmpegSample.h264).first)

        #expect(stream.endpoints == [try endpoint("[::1]:5004"), try endpoint("[::1]:5005")])
        #expect(
            stream.mediaText.contains("sprop-parameter-sets=Z/QADJGbKCgz8bgIgAAAAwCAAAAPB4oUyw=="))
    }

    @Test func aTransportStreamIsVideo() throws {
        let stream = try #require(try streams(FFmpegSample.transportStream).first)

        #expect(stream.kind == .video)
        #expect(stream.format == .rtp)
        #expect(stream.mediaText == "m=application 0 RTP/AVP 33")
    }

    @Test func rtcpMayShareThePortOrLiveElsewhere() throws {
        let base = "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"

        let muxed = try streams(base + "a=rtcp-mux")[0]
        let moved = try streams(base + "a=rtcp:6000")[0]
        let away = try streams(base + "a=rtcp:6000 IN IP6 ::1")[0]
        let same = try streams(base + "a=rtcp:5004")[0]

        #expect(muxed.isMuxed && same.isMuxed && !moved.isMuxed)
        #expect(muxed.endpoints == [try endpoint("127.0.0.1:5004")])
        #expect(moved.endpoints.last == Endpoint("127.0.0.1:6000"))
        #expect(away.endpoints.last == Endpoint("[::1]:6000"))
    }

    @Test func transportStaysBehindAndPayloadIsKept() throws {
        let text = """
            v=0
            c=IN IP4 127.0.0.1
            m=video 5004 RTP/AVPF 96 97
            c=IN IP4 127.0.0.2
            b=AS:300
            a=sendonly
            a=control:trackID=1
            a=rtcp:5010
            a=candidate:1 1 UDP 1 192.0.2.1 5 typ host
            a=ssrc:1 cname:secret
            a=rtpmap:96 H264/90000
            a=fmtp:96 packetization-mode=1
            a=rtpmap:97 rtx/90000
            a=framerate:29.97
            a=content:slides
            """

        let stream = try streams(text)[0]

        #expect(
            stream.mediaText.split(separator: "\r\n") == [
                "m=video 0 RTP/AVPF 96 97", "a=rtpmap:96 H264/90000",
                "a=fmtp:96 packetization-mode=1", "a=rtpmap:97 rtx/90000", "a=framerate:29.97",
                "a=content:slides",
            ])
        #expect(stream.kind == .screen)
        #expect(stream.endpoints.first == Endpoint("127.0.0.2:5004"))
    }

    @Test func plainUDPIsOpaque() throws {
        let stream = try streams("v=0\nc=IN IP4 127.0.0.1\nm=video 1234 udp mpegts")[0]

        #expect(stream.format == .opaque)
        #expect(stream.mediaText.isEmpty)
        #expect(stream.input == .udp(try endpoint("127.0.0.1:1234")))
    }

    @Test func anRTPLocatorIsDescribedAsItsOptionsSay() throws {
        let spec = try PublishSpec(
            parsing: "rtp://127.0.0.1:5004?kind=screen&pt=98&codec=H264/90000&fmtp=a=1")

        let stream = try #require(try PublishedStream.streams(of: [spec]).first)

        #expect(
            stream.mediaText == "m=video 0 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\na=fmtp:98 a=1")
        #expect(stream.priority == 1)
        #expect(stream.endpoints.last == Endpoint("127.0.0.1:5005"))
    }

    @Test(arguments: [
        "v=0", "v=0\nm=video 5004 RTP/AVP 96", "v=0\nc=IN IP4 127.0.0.1\nm=video 0 RTP/AVP 96",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 65535 RTP/AVP 96",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004/2 RTP/AVP 96",
        "v=0\nc=IN IP4 233.252.0.1/4\nm=video 5004 RTP/AVP 96",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/SAVP 96",
        "v=0\nc=IN IP4 127.0.0.1\nm=smell 5004 RTP/AVP 96",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 128",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=fmtp:96 caf\u{E9}",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:97 VP8/90000",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtcp:x",
        "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtcp:5 IN IP4 233.252.0.1",
    ])
    func whatCannotBePublishedIsRefusedByPlace(text: String) {
        #expect { try streams(text) } throws: { error in
            let message = (error as? MediaError)?.message ?? ""
            return message.contains("cam.sdp") && !message.contains("\n")
        }
    }

    @Test func aDescriptionBeyond900BytesIsRefused() {
        let parameters = String(repeating: "x", count: 900)
        let text =
            "v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 96\na=fmtp:96 config=\(parameters)"

        #expect { try streams(text) } throws: { error in "\(error)".contains("900 bytes") }
    }

    @Test func twoStreamsCannotShareAPort() throws {
        let specs = [
            try PublishSpec(parsing: "rtp://127.0.0.1:5004"),
            try PublishSpec(parsing: "udp://127.0.0.1:5005"),
        ]

        #expect { try PublishedStream.streams(of: specs) } throws: { error in
            "\(error)".contains("127.0.0.1:5005")
        }
    }

    @Test func aSourceHasAtMostSixteenStreams() throws {
        let pattern = try PublishSpec(parsing: "test:")

        #expect(try PublishedStream.streams(of: Array(repeating: pattern, count: 16)).count == 16)
        #expect(throws: MediaError.self) {
            try PublishedStream.streams(of: Array(repeating: pattern, count: 17))
        }
    }
}

@Suite struct SessionDescriptionFileTests {
    private let directory = TemporaryDirectory()

    @Test func aFileIsReadAndPublished() throws {
        let path = try directory.write("cam.sdp", FFmpegSample.vp8AndOpus)

        let streams = try PublishedStream.streams(of: [try PublishSpec(parsing: path)])

        #expect(streams.map(\.kind) == [.video, .audio])
    }

    @Test func aMissingFileIsNamed() {
        #expect {
            try SessionDescriptionFile.read(path: directory.path + "/none.sdp")
        } throws: { error in
            "\(error)".contains("none.sdp") && "\(error)".contains("No such file")
        }
    }

    @Test func aDirectoryAndADeviceAreNoFiles() {
        for path in [directory.path, "/dev/zero"] {
            #expect {
                try SessionDescriptionFile.read(path: path)
            } throws: { error in "\(error)".contains("not a regular file") }
        }
    }

    @Test func aMalformedFileIsNamedWithItsLine() throws {
        let path = try directory.write("bad.sdp", "v=0\r\no=nonsense\r\n")

        #expect { try SessionDescriptionFile.read(path: path) } throws: { error in
            "\(error)".contains("bad.sdp") && "\(error)".contains("line 2")
                && "\(error)".contains("o=nonsense")
        }
    }

    @Test func aHugeFileIsRefused() throws {
        let path = try directory.write("huge.sdp", String(repeating: "a=x\n", count: 1_000_000))

        #expect { try SessionDescriptionFile.read(path: path) } throws: { error in
            "\(error)".contains("longer than 65536 bytes")
        }
    }
}

@Suite struct MediaTextTests {
    private let honest = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000"

    @Test func honestTextIsReadAndPrintedAsItWas() throws {
        let media = try MediaText.parse(honest)

        #expect(media.formats == ["96"])
        #expect(media.lines.joined(separator: "\r\n") == honest)
    }

    @Test func unknownAttributesAreLeftOut() throws {
        let media = try MediaText.parse(
            honest + "\r\na=rtcp:1 IN IP4 192.0.2.1\r\na=candidate:x\r\na=control:rtsp://h/")

        #expect(media.attributes.map(\.name) == ["rtpmap"])
    }

    @Test(arguments: [
        "", "\r\n", "a=rtpmap:96 VP8/90000", "v=0\r\nm=video 0 RTP/AVP 96",
        "m=video 0 RTP/AVP 96\r\nc=IN IP4 192.0.2.1", "m=video 0 RTP/AVP 96\r\no=- 0 0 IN IP4 h",
        "m=video 0 RTP/AVP 96\r\nm=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 96\r\nb=AS:1",
        "m=video 0 RTP/AVP 96\r\ni=x", "m=video 0 RTP/AVP 96\r\nk=clear:x",
        "m=video 0 RTP/AVP 96\nc=IN IP4 192.0.2.1", "m=video 0 RTP/AVP 96\na=ptime:20",
        "m=video 0 RTP/AVP 96\r\n\r\na=ptime:20", "m=video 0 RTP/AVP 96\r\n",
        "m=video 9 RTP/AVP 96", "m=video 0/2 RTP/AVP 96", "m=video 0 udp 96",
        "m=video 0 RTP/SAVP 96", "m=image 0 RTP/AVP 96", "m=video 0 RTP/AVP x",
        "m=video 0 RTP/AVP 200", "m=video 0 RTP/AVP 96\r\na=rtpmap:97 VP8/90000",
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8", "m=video 0 RTP/AVP 96\r\na=fmtp:96",
        "m=video 0 RTP/AVP 96\r\na=fmtp", "m=video 0 RTP/AVP 96\r\nA=ptime:20",
    ])
    func smugglersAreRefused(text: String) {
        #expect(throws: SessionDescriptionError.self) { try MediaText.parse(text) }
    }

    @Test func onlyPrintableASCIIPasses() {
        let others =
            (0...0x1F).map { $0 } + [0x7F, 0x85, 0x9B, 0xE9, 0x200B, 0x2028, 0x202E, 0x1F600]
        for character in others.compactMap(Unicode.Scalar.init) {
            let text = "m=video 0 RTP/AVP 96\r\na=fmtp:96 x\(character)c=IN IP4 192.0.2.1"
            #expect(throws: SessionDescriptionError.self, "U+\(character.value)") {
                try MediaText.parse(text)
            }
        }
    }

    @Test func textBeyondTheLimitIsRefused() {
        let text = "m=video 0 RTP/AVP 96\r\na=lang:" + String(repeating: "x", count: 900)

        #expect(throws: SessionDescriptionError.self) { try MediaText.parse(text) }
    }

    /// Whatever a stranger writes, the member's file holds our address, our ports and nothing else.
    @Test func mutatedTextNeverReachesTheTransportLines() throws {
        var generator = SeededGenerator(seed: 5)
        let spice = Array("\r\n =:/mcao09;".utf8)
        let source = PeerID(rawValue: 1)
        let name = try #require(MemberName("mallory"))
        let address = try endpoint("127.0.0.1:1").address
        for _ in 0..<20_000 {
            var text = Array(honest.utf8)
            for _ in 0...generator.uniform(below: 4) {
                let place = generator.uniform(below: text.count)
                if generator.uniform(below: 2) == 0 {
                    text[place] = UInt8(generator.uniform(below: 128))
                } else {
                    text.insert(spice[generator.uniform(below: spice.count)], at: place)
                }
            }
            var session = MemberSession(source: source, member: name, address: address)
            let description = StreamDescription(
                stream: StreamID(source: source, index: 0), version: 1, streamCount: 1,
                kind: .video, priority: 0, format: .rtp, rate: 0, member: name,
                mediaText: String(decoding: text, as: UTF8.self))
            guard (try? session.update(description, port: 6000)) != nil,
                let printed = session.sessionDescription?.description
            else { continue }
            let read = try SessionDescription(parsing: printed)
            #expect(read.media.map(\.port) == [6000])
            #expect(read.media[0].connection == nil)
            #expect(read.connection?.address == address)
            #expect(printed.utf8.allSatisfy { $0 == 13 || $0 == 10 || (0x20...0x7E).contains($0) })
        }
    }
}
