import NetBasics
import Testing

@testable import Diagnosis

private let remote = Endpoint(address: address("203.0.113.5"), port: 7401)

/// Messages of every type.
let pairSamples: [PairMessage] = [
    .hello(group: address("239.1.2.3"), port: 7402, isSourceSpecific: true),
    .hello(group: address("ff15::1"), port: 1, isSourceSpecific: false),
    .challenge, .ready(observed: remote, failed: CheckNames(bits: 0x8000_0001)),
    .ready(observed: Endpoint(address: address("2001:db8::1"), port: 9), failed: .init(bits: 0)),
    .refusal(.busy), .probe(sequence: 7, replyBytes: 1472, sentAt: .max),
    .echo(sequence: 7, sentAt: 1, hops: 63, probes: 3, wall: 5), .sendGroup(count: 5, ttl: 16),
    .groupPacket(sequence: PairMessage.answerBit | 2, ttl: 1), .askGroup,
    .groupReport(received: 5, hops: 15), .tooLong(sequence: 9),
].map { PairMessage(token: 0x0102_0304_0506_0708, cookie: PairCookie(high: 1, low: 2), $0) }

@Suite struct PairMessageTests {
    @Test(arguments: pairSamples)
    func messagesComeBackAsTheyWere(message: PairMessage) throws {
        for size in [0, PairMessage.leastBytes, 1472, 100_000] {
            let bytes = message.encoded(size: size)
            #expect(bytes.count == min(max(size, PairMessage.leastBytes), PairMessage.byteLimit))
            #expect(try PairMessage(decoding: bytes.span.bytes) == message)
        }
    }

    @Test(arguments: pairSamples)
    func whatIsCutShortIsRefused(message: PairMessage) {
        let bytes = message.encoded()
        for count in 0..<bytes.count {
            let part = Array(bytes[..<count])
            #expect(throws: DecodeError.self) { try PairMessage(decoding: part.span.bytes) }
        }
    }

    @Test func theBytesAreThoseOfThePage() {
        let bytes = pairSamples[8].encoded()

        #expect(bytes.prefix(6) == [0x50, 0x43, 0x44, 0x52, 1, 7])
        #expect(bytes[6..<14] == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(bytes[14..<32] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 5, 16][...])
        #expect(bytes[32...].allSatisfy { $0 == 0 } && bytes.count == 72)
    }

    @Test(arguments: [
        (0, 0, "not_polycast"), (4, 2, "unsupported_version"), (5, 99, "unknown_type"),
        (30, 5, "invalid_field"), (31, 1, "invalid_field"),
    ])
    func aWrongFieldIsRefusedByReason(offset: Int, value: UInt8, reason: String) {
        var bytes = pairSamples[0].encoded()
        bytes[offset] = value

        let error = #expect(throws: DecodeError.self) {
            try PairMessage(decoding: bytes.span.bytes)
        }
        #expect(error?.reason == reason)
    }

    @Test func aGroupMustBeMulticastAndMessagesNotTooLong() {
        var bytes = pairSamples[0].encoded()
        bytes[43] = 10
        #expect(throws: DecodeError.invalidField("group")) {
            try PairMessage(decoding: bytes.span.bytes)
        }
        let long = [UInt8](repeating: 0, count: PairMessage.byteLimit + 1)
        #expect(throws: DecodeError.self) { try PairMessage(decoding: long.span.bytes) }
    }

    @Test func failingChecksTravelAsBits() {
        let checks = [
            Check.fail(.firewall, "", "", cause: "", fix: ""),
            Check.warn(.bridge, "", "", cause: "", fix: ""), Check.pass(.ttl, "", ""),
        ]
        #expect(CheckNames(failedIn: checks).names == [.firewall])
        #expect(CheckNames(bits: .max).names.count == CheckName.allCases.count)
        #expect(CheckName.allCases.count <= 32)
    }
}

@Suite struct PairVerdictTests {
    private func checks(
        ttl: Int = 1, here: [Check] = [], _ change: (inout PairFindings) -> Void = { _ in }
    ) -> [CheckName: Check] {
        var findings = PairFindings(remote: remote)
        findings.contact = .ready
        (findings.probesSent, findings.probesArrived, findings.echoesArrived) = (10, 10, 10)
        findings.roundTrips = [.milliseconds(1)]
        (findings.routersOut, findings.routersBack) = (0, 0)
        findings.multicastOut = .init(sent: 5, received: 5, hopsLeft: 1)
        findings.multicastIn = .init(sent: 5, received: 5, hopsLeft: 1)
        findings.sizesOut = .init(tried: 1500, passed: 1500)
        findings.sizesIn = .init(tried: 1500, passed: 1500)
        findings.clockOffset = .milliseconds(1)
        change(&findings)
        var asked = question()
        asked.ttl = ttl
        let all = PairChecks.judge(findings, asked, here: here)
        return Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    }

    @Test func aGoodPathPasses() {
        let all = checks()
        #expect(all.count == 6 && all.values.allSatisfy { $0.status == .pass })
    }

    @Test func withoutContactNothingElseIsJudged() {
        let contacts: [PairFindings.Contact] = [
            .silent, .refused(.otherGroup), .failed("Connection refused"),
        ]
        for contact in contacts {
            let all = checks { $0.contact = contact }
            #expect(all.count == 1 && all[.pairUnicast]?.status == .fail)
        }
    }

    @Test(arguments: [
        (10, 10, Check.Status.pass, ""), (9, 9, .warn, "on the way there"),
        (10, 9, .warn, "on the way back"), (8, 7, .fail, "both ways"),
    ])
    func lossesHaveADirection(there: Int, back: Int, status: Check.Status, words: String) {
        let check = checks {
            $0.probesArrived = there
            $0.echoesArrived = back
        }[.pairUnicast]
        #expect(check?.status == status && (words.isEmpty || check?.text.contains(words) == true))
    }

    @Test func sizesThatWereNotTriedAreNotJudged() {
        let all = checks {
            $0.sizesOut = .init()
            $0.sizesIn = .init(tried: 1500, passed: 100)
        }
        #expect(all[.pairMTUOut]?.status == .cannotSee)
        #expect(all[.pairMTUOut]?.text.contains("carries too little") == true)
        #expect(all[.pairMTUIn]?.status == .fail)
    }

    @Test func theLikeliestCauseIsNamed() {
        func cause(
            ttl: Int, routers: Int, there: UInt32 = 0, here: [Check] = []
        ) -> String? {
            let check = checks(ttl: ttl, here: here) {
                $0.multicastOut.received = 0
                $0.routersOut = routers
                $0.failedThere = CheckNames(bits: there)
            }[.pairMulticastOut]
            #expect(check?.text == "multicast from here does not arrive there")
            return check?.status == .fail ? check?.cause : nil
        }
        let firewall = Check.fail(.firewall, "", "", cause: "", fix: "")
        #expect(cause(ttl: 1, routers: 2)?.contains("TTL 1, and 2 routers") == true)
        #expect(cause(ttl: 3, routers: 2)?.contains("no multicast routing") == true)
        #expect(cause(ttl: 1, routers: 0)?.contains("something between them") == true)
        #expect(cause(ttl: 1, routers: 0, here: [firewall])?.contains("sender (here)") == true)
        let bits = CheckNames(failedIn: [firewall]).bits
        #expect(cause(ttl: 3, routers: 2, there: bits)?.contains("receiver (there)") == true)
    }

    @Test func partOfTheGroupWarnsAndNothingSentCannotBeSeen() {
        #expect(checks { $0.multicastIn.received = 3 }[.pairMulticastIn]?.status == .warn)
        #expect(checks { $0.multicastIn = .init() }[.pairMulticastIn]?.status == .cannotSee)
        let refused = checks {
            $0.multicastIn = .init()
            $0.groupFailure = "No such device"
        }
        #expect(refused[.pairMulticastIn]?.status == .fail)
    }

    @Test func aBlackHoleFailsAndANarrowLinkWarns() {
        let silent = checks { $0.sizesOut.passed = 1400 }[.pairMTUOut]
        let told = checks { $0.sizesIn = .init(tried: 1500, passed: 1400, wasTold: true) }
        #expect(silent?.status == .fail && silent?.cause?.contains("black hole") == true)
        #expect(told[.pairMTUIn]?.status == .warn)
        #expect(checks { $0.sizesOut = .init() }[.pairMTUOut]?.status == .cannotSee)
    }

    @Test func clocksApartWarn() {
        #expect(checks { $0.clockOffset = .milliseconds(-101) }[.pairClock]?.status == .warn)
        #expect(checks { $0.clockOffset = nil }[.pairClock] == nil)
    }
}
