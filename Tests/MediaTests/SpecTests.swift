import Foundation
import Media
import NetBasics
import Testing
import Wire

@Suite struct BitrateTests {
    @Test(arguments: [
        ("4M", 4_000_000), ("800k", 800_000), ("2.5M", 2_500_000), ("1500000", 1_500_000),
        ("1G", 1_000_000_000), ("0.064M", 64_000), ("1K", 1000), ("1.2345k", 1234), ("1", 1),
        ("1000G", 1_000_000_000_000),
    ])
    func ratesAreReadInBase1000(text: String, bits: Int64) throws {
        #expect(try BitRate(parsing: text).bitsPerSecond == bits)
    }

    @Test(arguments: [
        "", "0", "0.0M", "-1", "+1", "M", ".5M", "5.", "1.2.3", "4MM", "4 M", "1e6", "4Mbit",
        "1001G", "99999999999999999999", "0.0001k", "٤M", "nan",
    ])
    func otherTextIsRefusedWithExamples(text: String) {
        do {
            _ = try BitRate(parsing: text)
            Issue.record("accepted")
        } catch {
            #expect(error.kind == .usage)
            #expect(error.message.contains("'\(text)'"))
            #expect(error.advice.contains("2.5M"))
        }
    }

    @Test(arguments: ["4M", "800k", "2500k", "1234", "1G", "999999999"])
    func aRatePrintsToWhatReadsTheSame(text: String) throws {
        let rate = try BitRate(parsing: text)

        #expect(try BitRate(parsing: rate.description) == rate)
    }

    @Test func kilobitsAreRoundedUp() throws {
        #expect(try BitRate(parsing: "1").kilobitsPerSecond == 1)
        #expect(try BitRate(parsing: "2000").kilobitsPerSecond == 2)
        #expect(try BitRate(parsing: "2001").kilobitsPerSecond == 3)
    }
}

@Suite struct PublishSpecTests {
    @Test func aTextWithoutSchemeIsAPath() throws {
        #expect(try PublishSpec(parsing: "cam.sdp") == .sessionDescription(path: "cam.sdp"))
        #expect(try PublishSpec(parsing: "./a b:c") == .sessionDescription(path: "./a b:c"))
    }

    @Test func rtpHasDefaults() throws {
        guard case .rtp(let input) = try PublishSpec(parsing: "rtp://localhost:5004") else {
            Issue.record("no RTP")
            return
        }
        #expect(input.endpoint == Endpoint("127.0.0.1:5004"))
        #expect(input.kind == .video)
        #expect(input.priority == MediaKind.video.defaultPriority)
        #expect(input.payloadType == 96)
        #expect(input.rate == nil)
        #expect(input.codec == nil)
    }

    @Test func rtpTakesAllOptions() throws {
        let text =
            "rtp://[::1]:5004?kind=audio&priority=7&rate=64k&pt=111&codec=opus/48000/2"
            + "&fmtp=minptime=10;%20useinbandfec=1"
        guard case .rtp(let input) = try PublishSpec(parsing: text) else {
            Issue.record("no RTP")
            return
        }
        #expect(input.endpoint == Endpoint("[::1]:5004"))
        #expect(input.kind == .audio)
        #expect(input.priority == 7)
        #expect(input.rate?.bitsPerSecond == 64_000)
        #expect(input.payloadType == 111)
        #expect(input.codec == "opus/48000/2")
        #expect(input.formatParameters == "minptime=10; useinbandfec=1")
    }

    @Test func udpIsDataUnlessSaid() throws {
        guard case .udp(let plain) = try PublishSpec(parsing: "udp://0.0.0.0:1234/"),
            case .udp(let video) = try PublishSpec(parsing: "UDP://[::]:1234?kind=video&rate=2M")
        else {
            Issue.record("no UDP")
            return
        }
        #expect(plain.kind == .data)
        #expect(plain.priority == 3)
        #expect(video.kind == .video)
        #expect(video.rate?.bitsPerSecond == 2_000_000)
    }

    @Test func theTestPatternHasDefaultsAndOptions() throws {
        let plain = try TestPattern(parsing: "test:")
        let full = try TestPattern(parsing: "test:rate=2M,size=1400,kind=video,priority=9")

        #expect(plain.rate.bitsPerSecond == 1_000_000)
        #expect(plain.payloadByteCount == 1200)
        #expect(plain.kind == .data)
        #expect(full.rate.bitsPerSecond == 2_000_000)
        #expect(full.payloadByteCount == 1400)
        #expect(full.kind == .video)
        #expect(full.priority == 9)
        #expect(try PublishSpec(parsing: "test:") == .test(plain))
    }

    @Test(arguments: [
        "", "http://127.0.0.1:1", "://127.0.0.1:1", "rtp://", "rtp://127.0.0.1", "rtp://:5004",
        "rtp://example.org:5004", "rtp://127.0.0.1:0", "rtp://127.0.0.1:65535",
        "rtp://127.0.0.1:99999", "rtp://127.0.0.1:5004/path", "rtp://u@127.0.0.1:5004",
        "rtp://[::1:5004", "rtp://233.252.0.1:5004", "udp://[ff15::1]:5004",
        "rtp://127.0.0.1:5004?kind=smell", "rtp://127.0.0.1:5004?priority=256",
        "rtp://127.0.0.1:5004?priority=-1", "rtp://127.0.0.1:5004?rate=0",
        "rtp://127.0.0.1:5004?pt=128", "rtp://127.0.0.1:5004?codec=VP8",
        "rtp://127.0.0.1:5004?codec=VP8/x", "rtp://127.0.0.1:5004?codec=V%0AP8/90000",
        "rtp://127.0.0.1:5004?fmtp=a%0D%0Am=audio", "rtp://127.0.0.1:5004?fmtp=",
        "rtp://127.0.0.1:5004?kind=audio&kind=audio", "rtp://127.0.0.1:5004?size=5",
        "rtp://127.0.0.1:5004?kind", "rtp://127.0.0.1:5004?=audio",
        "rtp://127.0.0.1:5004?codec=%zz", "rtp://127.0.0.1:5004?codec=%+1",
        "rtp://127.0.0.1:5004?codec=%C3%28", "rtp://127.0.0.1:5004?codec=%4",
        "udp://127.0.0.1:5004?pt=96", "test:size=31", "test:size=1401", "test:rate=999",
        "test:rate=1001M", "test:rate", "test:colour=red", "test:rate=1M&size=100",
    ])
    func otherTextIsRefusedWithAdvice(text: String) {
        do {
            _ = try PublishSpec(parsing: text)
            Issue.record("accepted")
        } catch {
            #expect(error.kind == .usage)
            #expect(!error.message.isEmpty && !error.advice.isEmpty)
            #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        }
    }

    @Test func aGroupIsRefusedAsSuch() {
        #expect {
            try PublishSpec(parsing: "rtp://233.252.0.1:5004")
        } throws: { error in
            "\(error)".contains("multicast") && "\(error)".contains("233.252.0.1")
        }
    }
}

@Suite struct DeliverSpecTests {
    @Test func bothTransportsAreRead() throws {
        let rtp = try DeliverSpec(parsing: "rtp://127.0.0.1:6000")
        let udp = try DeliverSpec(parsing: "udp://[2001:db8::5]:6001")

        #expect(rtp.description == "rtp://127.0.0.1:6000")
        #expect(udp.endpoint == Endpoint("[2001:db8::5]:6001"))
        #expect(StreamFormat.allCases.map(rtp.accepts) == [true, false, false])
        #expect(StreamFormat.allCases.map(udp.accepts) == [true, true, true])
    }

    @Test(arguments: [
        "", "6000", "127.0.0.1:6000", "rtp://127.0.0.1:6001", "rtp://0.0.0.0:6000",
        "rtp://233.252.0.1:6000", "udp://[ff15::1]:6000", "udp://255.255.255.255:6000",
        "rtp://127.0.0.1:6000?kind=audio", "tcp://127.0.0.1:6000", "rtp://127.0.0.1:65535",
    ])
    func otherTextIsRefusedWithAdvice(text: String) {
        #expect { try DeliverSpec(parsing: text) } throws: { error in
            (error as? MediaError)?.kind == .usage
        }
    }
}
