import NetBasics
import PacketFormats
import Testing

@Suite struct SessionDescriptionTests {
    @Test(arguments: FFmpegSample.all)
    func whatFFmpegWritesIsPrintedAsItWas(text: String) throws {
        let description = try SessionDescription(parsing: text)

        #expect(description.description == text)
        #expect(try SessionDescription(parsing: description.description) == description)
    }

    @Test func bothStreamsOfAConferenceAreRead() throws {
        let description = try SessionDescription(parsing: FFmpegSample.vp8AndOpus)

        #expect(description.name == "No Name")
        #expect(description.origin.host == "127.0.0.1")
        #expect(description.connection == nil)
        #expect(description.media.map(\.kind) == ["video", "audio"])
        #expect(description.media.map(\.port) == [5004, 5006])
        #expect(description.media.map(\.formats) == [["96"], ["97"]])
        #expect(description.media.map(\.bitsPerSecond) == [500_000, 64_000])
        let address = IPAddress("127.0.0.1")
        #expect(description.media.map(\.connection?.address) == [address, address])
        #expect(description.media[1].attributes == [.init("rtpmap", "97 opus/48000/2")])
    }

    @Test func linesMayEndInLineFeedsAlone() throws {
        let text = FFmpegSample.h264.replacing("\r\n", with: "\n")

        let description = try SessionDescription(parsing: text)

        #expect(try description == SessionDescription(parsing: FFmpegSample.h264))
        #expect(description.connection?.address == IPAddress("::1"))
    }

    /// RFC 8866, section 5, the example.
    @Test func theExampleOfTheStandardIsRead() throws {
        let text = """
            v=0
            o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1
            s=Call to John Smith
            i=SDP Offer #1
            u=http://www.jdoe.example.com/home.html
            e=Jane Doe <jane@jdoe.example.com>
            p=+1 617 555-6011
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 49170 RTP/AVP 0
            m=audio 49180 RTP/AVP 0
            m=video 51372 RTP/AVP 99
            c=IN IP6 2001:db8::2
            a=rtpmap:99 h263-1998/90000
            """

        let description = try SessionDescription(parsing: text)

        #expect(description.origin.user == "jdoe")
        #expect(description.origin.version == "3724394405")
        #expect(description.name == "Call to John Smith")
        #expect(description.media.map(\.port) == [49_170, 49_180, 51_372])
        #expect(description.media[2].connection?.address == IPAddress("2001:db8::2"))
        #expect(description.media[2].attribute("rtpmap") == "99 h263-1998/90000")
    }

    @Test func aHandWrittenFileMayBeShort() throws {
        let description = try SessionDescription(
            parsing: "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtcp-mux\n\n")

        #expect(description.origin == .unknown)
        #expect(description.times == [.permanent])
        #expect(description.media[0].attributes == [.init("rtcp-mux")])
        #expect(try SessionDescription(parsing: description.description) == description)
    }

    @Test func groupsKeepTheirTTLAndCount() throws {
        let text = "v=0\nc=IN IP4 233.252.0.1/127/3\nm=audio 5004/2 RTP/AVP 0\nc=IN IP6 ff15::101/3"

        let description = try SessionDescription(parsing: text)

        #expect(description.connection?.timeToLive == 127)
        #expect(description.connection?.groupCount == 3)
        #expect(description.media[0].portCount == 2)
        #expect(description.media[0].connection?.groupCount == 3)
        #expect(try SessionDescription(parsing: description.description) == description)
    }

    @Test func bandwidthPrefersTheExactModifier() {
        typealias Bandwidth = SessionDescription.Bandwidth
        let both = [Bandwidth(modifier: "AS", value: 2), Bandwidth(modifier: "TIAS", value: 1500)]
        let huge = [Bandwidth(modifier: "AS", value: .max)]

        #expect(both.bitsPerSecond == 1500)
        #expect(huge.bitsPerSecond == .max)
        #expect([Bandwidth(modifier: "CT", value: 1)].bitsPerSecond == nil)
    }

    @Test(arguments: [
        ("", 1), ("hello", 1), ("v=1", 1), ("SDP:\nv=0", 1), ("m=video 1 RTP/AVP 96", 1),
        ("v=0\nv=0", 2), ("v=0\nq=1", 2), ("v=0\nx", 2), ("v=0\ns=a\ns=b", 3),
        ("v=0\no=- 0 0 IN IP4", 2), ("v=0\no=- -1 0 IN IP4 h", 2), ("v=0\no=- 0 0 IN IP5 h", 2),
        ("v=0\nt=0", 2), ("v=0\nt=+1 0", 2), ("v=0\nt=99999999999999999999 0", 2),
        ("v=0\nb=AS", 2), ("v=0\nb=AS:-5", 2), ("v=0\nb=:5", 2), ("v=0\na=", 2), ("v=0\na=:x", 2),
        ("v=0\nc=IN IP4 host.example", 2), ("v=0\nc=IN IP6 127.0.0.1", 2),
        ("v=0\nc=IN IP4 127.0.0.1\nc=IN IP4 127.0.0.2", 3), ("v=0\nc=IN IP4 224.1.1.1/256", 2),
        ("v=0\nc=IN IP4 224.1.1.1/1/2/3", 2), ("v=0\nc=IN IP6 ff15::1/1/2", 2),
        ("v=0\nm=video 65536 RTP/AVP 96", 2), ("v=0\nm=video x RTP/AVP 96", 2),
        ("v=0\nm=video 5004/0 RTP/AVP 96", 2), ("v=0\nm=video 5004 RTP/AVP", 2),
        ("v=0\nm=video 5004 RTP//AVP 96", 2), ("v=0\nm=vi<deo 5004 RTP/AVP 96", 2),
        ("v=0\nm=video 1 RTP/AVP 96\no=- 0 0 IN IP4 h", 3),
    ])
    func aBrokenLineIsNamed(text: String, line: Int) {
        do {
            _ = try SessionDescription(parsing: text)
            Issue.record("accepted")
        } catch {
            #expect(error.line == line)
            #expect(!error.problem.isEmpty)
            #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
    }

    @Test func controlCharactersAreRefusedAndNotRepeated() {
        for character in ["\r", "\u{0}", "\u{1B}", "\u{7F}"] {
            do {
                _ = try SessionDescription(parsing: "v=0\ns=a\(character)b")
                Issue.record("accepted")
            } catch {
                #expect(error.line == 2)
                #expect(error.text == "s=a?b")
            }
        }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(throws: SessionDescriptionError.self) {
            try SessionDescription(parsing: Array("v=0\ns=".utf8) + [0xC3, 0x28])
        }
    }

    @Test func everyLimitHolds() {
        typealias Limit = SessionDescription
        func parses(_ text: String) -> Bool { (try? SessionDescription(parsing: text)) != nil }
        func repeated(_ line: String, _ count: Int) -> String {
            "v=0\n" + String(repeating: line + "\n", count: count)
        }

        #expect(parses(repeated("a=x", Limit.lineLimit - 1)))
        #expect(!parses(repeated("a=x", Limit.lineLimit)))
        #expect(parses(repeated("m=video 1 RTP/AVP 96", Limit.mediaLimit)))
        #expect(!parses(repeated("m=video 1 RTP/AVP 96", Limit.mediaLimit + 1)))
        let formats = String(repeating: " 96", count: Limit.formatLimit)
        #expect(parses("v=0\nm=video 1 RTP/AVP" + formats))
        #expect(!parses("v=0\nm=video 1 RTP/AVP 96" + formats))
        let filler = String(repeating: "x", count: Limit.byteLimit - 6)
        #expect(parses("v=0\ns=" + filler))
        #expect(!parses("v=0\ns=" + filler + "x"))
    }

    @Test func printingCannotAddALine() throws {
        let description = SessionDescription(
            name: "a\r\nm=video 1 RTP/AVP 96",
            media: [
                .init(
                    kind: "audio", port: 2, transport: "RTP/AVP", formats: ["0"],
                    attributes: [.init("fmtp", "0 x\nc=IN IP4 192.0.2.1")])
            ])

        let read = try SessionDescription(parsing: description.description)

        #expect(read.name == "a??m=video 1 RTP/AVP 96")
        #expect(read.media.count == 1)
        #expect(read.connection == nil)
        #expect(read.media[0].connection == nil)
    }
}

@Suite struct SessionDescriptionFuzzTests {
    @Test func everyTruncationIsReadOrRefused() {
        for text in FFmpegSample.all {
            let whole = Array(text.utf8)
            for length in 0...whole.count { expectStable(Array(whole.prefix(length))) }
        }
    }

    @Test func mutatedTextNeverTraps() {
        var generator = SeededGenerator(seed: 3)
        let samples = FFmpegSample.all.map { Array($0.utf8) }
        let structure = Array("\r\n =:/mcabovst09".utf8)
        for round in 0..<25_000 {
            var text = samples[round % samples.count]
            for _ in 0...generator.uniform(below: 6) {
                let place = generator.uniform(below: text.count)
                switch generator.uniform(below: 4) {
                case 0: text[place] = UInt8(generator.uniform(below: 256))
                case 1: text[place] = structure[generator.uniform(below: structure.count)]
                case 2: text.remove(at: place)
                default:
                    let end = min(text.count, place + generator.uniform(below: 40))
                    text.insert(contentsOf: text[place..<end], at: 0)
                }
                if text.isEmpty { break }
            }
            expectStable(text)
        }
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<75_000 {
            let text = (0..<generator.uniform(below: 40)).map { _ in
                UInt8(generator.uniform(below: 256))
            }
            expectStable(Array("v=0\nm=".utf8) + text)
            expectStable(text)
        }
    }

    /// What parses prints to a text that parses to the same.
    private func expectStable(_ text: [UInt8]) {
        guard let description = try? SessionDescription(parsing: text) else { return }
        let again = try? SessionDescription(parsing: description.description)
        if again != description { Issue.record("\(String(decoding: text, as: UTF8.self))") }
    }
}
