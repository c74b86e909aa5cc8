import NetBasics
import Testing
import Wire

/// One broken field per rule: the byte that is changed and what the decoder says.
@Suite struct FieldRuleTests {
    struct Flip: Sendable, CustomStringConvertible {
        var sample: String
        var offset: Int
        var value: UInt8
        var error: DecodeError

        var description: String { "\(sample), byte \(offset) is \(value)" }
    }

    static let flips: [Flip] = [
        // Rendezvous
        Flip(sample: "request register", offset: 12, value: 0, error: .invalidField("operation")),
        Flip(sample: "request register", offset: 12, value: 5, error: .invalidField("operation")),
        Flip(sample: "refusal groupLimit", offset: 12, value: 0, error: .invalidField("reason")),
        Flip(sample: "refusal groupLimit", offset: 12, value: 6, error: .invalidField("reason")),
        Flip(sample: "reply", offset: 24, value: 5, error: .invalidField("family")),
        Flip(sample: "reply", offset: 31, value: 17, error: .invalidField("contact count")),
        // A multicast address, then a port of zero, is nobody to send to.
        Flip(sample: "reply", offset: 41, value: 0xE0, error: .invalidField("contact")),
        // Links
        Flip(sample: "link request", offset: 52, value: 0, error: .invalidField("name")),
        Flip(sample: "link request", offset: 52, value: 33, error: .invalidField("name")),
        Flip(
            sample: "link request", offset: 52, value: 7,
            error: .truncated(needed: 60, available: 59)),
        Flip(sample: "link request", offset: 52, value: 5, error: .trailingBytes(1)),
        Flip(
            sample: "link request", offset: 53, value: UInt8(ascii: "."),
            error: .invalidField("name")),
        Flip(
            sample: "link request", offset: 55, value: UInt8(ascii: "/"),
            error: .invalidField("name")),
        Flip(sample: "link request", offset: 55, value: 0xFF, error: .invalidField("name")),
        Flip(sample: "link refusal", offset: 12, value: 0, error: .invalidField("reason")),
        Flip(sample: "link refusal", offset: 12, value: 5, error: .invalidField("reason")),
        Flip(sample: "link refusal", offset: 13, value: 5, error: .invalidField("contact count")),
        Flip(sample: "link refusal", offset: 23, value: 0xFF, error: .invalidField("contact")),
        // Control
        Flip(sample: "close", offset: 12, value: 0, error: .unknownType(0)),
        Flip(sample: "close", offset: 12, value: 22, error: .unknownType(22)),
        Flip(
            sample: "ping", offset: 14, value: 9, error: .truncated(needed: 24, available: 23)),
        Flip(
            sample: "ping", offset: 14, value: 7, error: .truncated(needed: 23, available: 22)),
        Flip(
            sample: "several records", offset: 14, value: 9, error: .trailingBytes(1)),
        Flip(sample: "route", offset: 32, value: 2, error: .invalidField("gone")),
        Flip(sample: "attach", offset: 27, value: 2, error: .invalidField("inner")),
        Flip(sample: "attach", offset: 28, value: 3, error: .invalidField("standing")),
        Flip(sample: "attach refused", offset: 23, value: 0, error: .invalidField("reason")),
        Flip(sample: "attach refused", offset: 23, value: 3, error: .invalidField("reason")),
        Flip(
            sample: "attach refused", offset: 24, value: 5, error: .invalidField("contact count")),
        Flip(sample: "move", offset: 23, value: 0, error: .invalidField("target")),
        Flip(sample: "move", offset: 23, value: 2, error: .invalidField("contact count")),
        Flip(sample: "peers", offset: 23, value: 9, error: .invalidField("peer count")),
        Flip(
            sample: "description", offset: 26, value: 1, error: .invalidField("stream index")),
        Flip(
            sample: "description", offset: 26, value: 17, error: .invalidField("stream index")),
        Flip(sample: "description", offset: 23, value: 2, error: .invalidField("stream index")),
        Flip(sample: "description", offset: 27, value: 0, error: .invalidField("kind")),
        Flip(sample: "description", offset: 27, value: 5, error: .invalidField("kind")),
        Flip(sample: "description", offset: 29, value: 0, error: .invalidField("format")),
        Flip(sample: "description", offset: 29, value: 4, error: .invalidField("format")),
        Flip(sample: "description", offset: 39, value: 0x04, error: .invalidField("media text")),
        Flip(sample: "description", offset: 46, value: 0xFF, error: .invalidField("media text")),
        Flip(
            sample: "repair request", offset: 23, value: 16, error: .invalidField("stream index")),
        Flip(
            sample: "repair request", offset: 14, value: 20,
            error: .truncated(needed: 36, available: 35)),
        Flip(sample: "heard up to", offset: 23, value: 16, error: .invalidField("stream index")),
    ]

    @Test(arguments: flips)
    func aBrokenFieldIsRefused(flip: Flip) throws {
        let sample = try #require(Samples.all.first { $0.name == flip.sample })
        var bytes = sample.bytes
        bytes[flip.offset] = flip.value

        #expect(throws: flip.error) { try decode(bytes) }
    }

    @Test func aRequestForNothingIsRefused() throws {
        let sample = try #require(Samples.all.first { $0.name == "repair request" })
        var bytes = sample.bytes
        bytes.replaceSubrange(28..<36, with: [UInt8](repeating: 0, count: 8))

        #expect(throws: DecodeError.invalidField("bitmap")) { try decode(bytes) }
    }

    @Test func aContactNeedsAPort() throws {
        let sample = try #require(Samples.all.first { $0.name == "peers" })
        var bytes = sample.bytes
        bytes[37...38] = [0, 0]

        #expect(throws: DecodeError.invalidField("contact")) { try decode(bytes) }
    }

    @Test func anIPv4AddressHasOneForm() throws {
        let sample = try #require(Samples.all.first { $0.name == "reply without peers" })
        var bytes = sample.bytes
        bytes.replaceSubrange(25..<41, with: parseHex("00000000000000000000ffffc0000201"))

        #expect(throws: DecodeError.invalidField("address")) { try decode(bytes) }
    }

    @Test func mediaIsNotForThisDecoder() {
        let bytes = parseHex("b1010000 4142434445464748 5152535455565758 0000000a")

        #expect(throws: DecodeError.unknownType(1)) { try decode(bytes) }
    }

    @Test func reasonsForCountersAreDistinct() {
        let errors: [DecodeError] = [
            .truncated(needed: 1, available: 0), .oversized(limit: 1, actual: 2), .unknownMagic,
            .unsupportedVersion(2), .unknownType(0), .invalidField("x"), .trailingBytes(1),
        ]

        #expect(Set(errors.map(\.reason)).count == errors.count)
    }
}

@Suite struct MemberNameTests {
    @Test(arguments: ["a", "anna", "A.b_c-9", "-", "a..", String(repeating: "x", count: 32)])
    func plainNamesAreAccepted(text: String) {
        #expect(MemberName(text)?.description == text)
    }

    @Test(arguments: [
        "", ".", "..", ".a", "a/b", "a b", "a\n", "a\0", "é", "a\u{301}", "a:b",
        String(repeating: "x", count: 33),
    ])
    func otherNamesAreRefused(text: String) {
        #expect(MemberName(text) == nil)
    }

    @Test func identifiersArePrintedInHexadecimal() {
        #expect(PeerID(rawValue: 0xABC).description == "0000000000000abc")
        #expect(PeerID(rawValue: 0x0123_4567_89AB_CDEF).short == "01234567")
        #expect(
            GroupID(high: 1, low: .max).description == "0000000000000001ffffffffffffffff")
    }
}
