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
        Flip(sample: "refusal groupLimit", offset: 12, value: 7, error: .invalidField("reason")),
        Flip(sample: "rendezvous challenge", offset: 28, value: 5, error: .invalidField("family")),
        Flip(sample: "reply", offset: 28, value: 5, error: .invalidField("family")),
        Flip(sample: "reply", offset: 35, value: 17, error: .invalidField("contact count")),
        // A multicast address, then a port of zero, is nobody to send to.
        Flip(sample: "reply", offset: 45, value: 0xE0, error: .invalidField("contact")),
        // Links
        Flip(sample: "link request", offset: 48, value: 0, error: .invalidField("name")),
        Flip(sample: "link request", offset: 48, value: 33, error: .invalidField("name")),
        Flip(
            sample: "link request", offset: 48, value: 7,
            error: .truncated(needed: 56, available: 55)),
        Flip(sample: "link request", offset: 48, value: 5, error: .trailingBytes(1)),
        Flip(
            sample: "link request", offset: 49, value: UInt8(ascii: "."),
            error: .invalidField("name")),
        Flip(
            sample: "link request", offset: 51, value: UInt8(ascii: "/"),
            error: .invalidField("name")),
        Flip(sample: "link request", offset: 51, value: 0xFF, error: .invalidField("name")),
        Flip(sample: "link refusal", offset: 8, value: 0, error: .invalidField("reason")),
        Flip(sample: "link refusal", offset: 8, value: 5, error: .invalidField("reason")),
        Flip(sample: "link refusal", offset: 9, value: 5, error: .invalidField("contact count")),
        Flip(sample: "link refusal", offset: 19, value: 0xFF, error: .invalidField("contact")),
        // Control
        Flip(sample: "close", offset: 8, value: 0, error: .unknownType(0)),
        Flip(sample: "close", offset: 8, value: 30, error: .unknownType(30)),
        Flip(sample: "probe", offset: 17, value: 1, error: .truncated(needed: 278, available: 22)),
        Flip(sample: "probe", offset: 20, value: 1, error: .invalidField("padding")),
        Flip(sample: "attach", offset: 21, value: 2, error: .invalidField("inner")),
        Flip(sample: "attach", offset: 22, value: 3, error: .invalidField("standing")),
        Flip(sample: "attach refused", offset: 17, value: 0, error: .invalidField("reason")),
        Flip(sample: "attach refused", offset: 17, value: 3, error: .invalidField("reason")),
        Flip(
            sample: "attach refused", offset: 18, value: 5, error: .invalidField("contact count")),
        Flip(sample: "move", offset: 17, value: 0, error: .invalidField("target")),
        Flip(sample: "move", offset: 17, value: 2, error: .invalidField("contact count")),
        Flip(sample: "peers", offset: 17, value: 9, error: .invalidField("peer count")),
        Flip(
            sample: "description", offset: 20, value: 1, error: .invalidField("stream index")),
        Flip(
            sample: "description", offset: 20, value: 17, error: .invalidField("stream index")),
        Flip(sample: "description", offset: 17, value: 2, error: .invalidField("stream index")),
        Flip(sample: "description", offset: 21, value: 0, error: .invalidField("kind")),
        Flip(sample: "description", offset: 21, value: 5, error: .invalidField("kind")),
        Flip(sample: "description", offset: 23, value: 0, error: .invalidField("format")),
        Flip(sample: "description", offset: 23, value: 4, error: .invalidField("format")),
        Flip(sample: "description", offset: 33, value: 0x04, error: .invalidField("media text")),
        Flip(sample: "description", offset: 40, value: 0xFF, error: .invalidField("media text")),
        Flip(
            sample: "repair request", offset: 17, value: 16, error: .invalidField("stream index")),
        Flip(sample: "heard up to", offset: 17, value: 16, error: .invalidField("stream index")),
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
        bytes.replaceSubrange(22..<30, with: [UInt8](repeating: 0, count: 8))

        #expect(throws: DecodeError.invalidField("bitmap")) { try decode(bytes) }
    }

    @Test func aContactNeedsAPort() throws {
        let sample = try #require(Samples.all.first { $0.name == "peers" })
        var bytes = sample.bytes
        bytes[31...32] = [0, 0]

        #expect(throws: DecodeError.invalidField("contact")) { try decode(bytes) }
    }

    @Test func anIPv4AddressHasOneForm() throws {
        let sample = try #require(Samples.all.first { $0.name == "reply without peers" })
        var bytes = sample.bytes
        bytes.replaceSubrange(29..<45, with: parseHex("00000000000000000000ffffc0000201"))

        #expect(throws: DecodeError.invalidField("address")) { try decode(bytes) }
    }

    @Test func mediaIsNotForThisDecoder() {
        let bytes = parseHex("b1010000 41424344 5152535455565758 0000000a")

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
