import Foundation
import Management
import NetBasics
import Testing

@Suite struct JSONPrinterTests {
    static let samples: [(JSONValue, String)] = [
        (JSONValue.null, "null"), (true, "true"), (-7, "-7"), (.integer(.min), "\(Int64.min)"),
        (.number(12), "12.0"), (.number(12.34567), "12.346"), (.number(-12.34567), "-12.346"),
        (.number(0.00025), "0.00025"), (.number(1.0 / 3), "0.333"), (.number(0), "0.0"),
        (.number(-0.0), "0.0"), (.number(999.9996), "1000.0"), (.number(.infinity), "null"),
        (.number(.nan), "null"), (.number(1e300), "1e+300"), (.number(1.25e-12), "1.25e-12"),
        ("a\"b\\c\n\u{1}/\u{7F}\u{85}é", "\"a\\\"b\\\\c\\n\\u0001/\\u007f\\u0085é\""),
        ([], "[]"), ([1, "x", nil], "[1,\"x\",null]"), ([:], "{}"),
        (["b": 1, "a": [true]], "{\"b\":1,\"a\":[true]}"),
    ]

    @Test(arguments: samples)
    func documentsAreCompactAndKeepTheirOrder(value: JSONValue, text: String) {
        #expect(value.description == text)
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func foundationReadsWhatWePrint(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let value = randomValue(depth: 4, using: &generator)

        let read = try JSONSerialization.jsonObject(
            with: Data(value.description.utf8), options: [.fragmentsAllowed])

        #expect(isEqual(value, read), "\(value)")
        #expect(!value.description.contains("\n"))
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func weReadWhatFoundationPrints(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let value = randomValue(depth: 4, using: &generator)
        let object = foundationObject(value)
        let options: JSONSerialization.WritingOptions =
            seed.isMultiple(of: 2)
            ? [.fragmentsAllowed] : [.fragmentsAllowed, .prettyPrinted, .withoutEscapingSlashes]

        let data = try JSONSerialization.data(withJSONObject: object, options: options)

        #expect(isEqual(try JSONValue(parsing: [UInt8](data)), object))
    }

    @Test(arguments: 1...50 as ClosedRange<UInt64>)
    func weReadWhatWePrint(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let text = randomValue(depth: 5, using: &generator).description

        #expect(try JSONValue(parsing: text).description == text)
    }
}

@Suite struct JSONParserTests {
    @Test func escapesAndSurrogatePairsAreDecoded() throws {
        let value = try JSONValue(parsing: #" "\u00e9\ud83d\ude00\/\b\f\n\r\t\u0000" "#)

        #expect(value == .string("é😀/\u{8}\u{C}\n\r\t\0"))
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1,}", "{a:1}", "01",
        "1.", ".5", "-", "+1", "1e", "1e+", "1e999", "tru", "True", "nul", "'a'", "\"a", "\"\\",
        "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
        "\"\\ud800x\"", "\"\t\"", "\"\n\"", "1 2", "{} {}", "[1}", "{]", "NaN", "Infinity", "// x",
        "\u{FEFF}1", "[1 2]", "{\"a\" 1}", "\u{A0}1", "--1", "0x10",
    ])
    func illFormedTextIsRefused(text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        // Foundation forgives trailing commas and a byte order mark; RFC 8259 does not.
        guard !text.contains(",]"), !text.contains(",}"), text != "\u{FEFF}1" else { return }
        #expect(throws: (any Error).self) {
            try JSONSerialization.jsonObject(
                with: Data(text.utf8), options: [.fragmentsAllowed])
        }
    }

    @Test func illFormedUTF8IsRefused() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0xEF]] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
        }
    }

    @Test func everyTruncationIsRefused() {
        let bytes = Array(#"{"a":[1.5e3,true,null,"\u00e9\ud83d\ude00"],"b":{"c":-1}}"#.utf8)
        for count in 0..<bytes.count {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(bytes[..<count])) }
        }
    }

    @Test func randomBytesAreRefusedOrReadButNeverTrap() {
        var generator = SeededGenerator(seed: 7)
        let alphabet = Array(#"{}[]":,\u0dD8eE+-.1 tfn"#.utf8) + [0, 0x80, 0xFF]
        for _ in 0..<20_000 {
            let count = generator.uniform(below: 24)
            let bytes = (0..<count).map { _ in alphabet[generator.uniform(below: alphabet.count)] }
            if let value = try? JSONValue(parsing: bytes) {
                #expect((try? JSONValue(parsing: value.description)) != nil)
            }
        }
    }

    @Test func depthAndSizeAreBounded() throws {
        let nested = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        _ = try JSONValue(parsing: nested)
        _ = try JSONValue(parsing: "[\(nested.dropFirst().dropLast()),[[]]]")

        #expect(throws: JSONError.tooDeep(limit: 32)) { try JSONValue(parsing: "[\(nested)]") }
        #expect(throws: JSONError.tooDeep(limit: 32)) {
            try JSONValue(parsing: String(repeating: "{\"a\":", count: 100_000))
        }
        #expect(throws: JSONError.oversized(limit: 4, actual: 5)) {
            try JSONValue(parsing: "12345", byteLimit: 4)
        }
    }

    @Test func wholeNumbersBeyond64BitsBecomeDoubles() throws {
        #expect(try JSONValue(parsing: "9223372036854775807") == .integer(.max))
        #expect(try JSONValue(parsing: "9223372036854775808") == .number(0x1p63))
        #expect(try JSONValue(parsing: "1e2") == .number(100))
    }

    @Test func readersNameTheMemberThatIsMissingOrOfAnotherType() throws {
        let value: JSONValue = ["name": "a", "count": -1, "rate": 2, "none": nil]

        #expect(try value.text("name") == "a")
        #expect(try value.number("rate") == 2)
        #expect(try value.optional("none", JSONValue.number) == nil)
        #expect(throws: JSONError.unexpected(member: "count", expected: "a count")) {
            try value.count("count")
        }
        #expect(throws: JSONError.unexpected(member: "name", expected: "a number")) {
            try value.number("name")
        }
        #expect(throws: JSONError.unexpected(member: "gone", expected: "a list")) {
            try value.list("gone")
        }
    }
}

// MARK: - Random documents

private func randomValue(depth: Int, using generator: inout SeededGenerator) -> JSONValue {
    switch generator.uniform(below: depth > 0 ? 8 : 6) {
    case 0: return .null
    case 1: return .bool(generator.uniform(below: 2) == 1)
    case 2: return .integer(Int64(bitPattern: generator.next() >> generator.uniform(below: 64)))
    case 3: return .number(Double(generator.uniform(below: 2_000_000) - 1_000_000) / 1000)
    case 4, 5: return .string(randomText(using: &generator))
    case 6:
        return .array(
            (0..<generator.uniform(below: 5)).map { _ in
                randomValue(depth: depth - 1, using: &generator)
            })
    default:
        return .object(
            (0..<generator.uniform(below: 5)).map { index in
                JSONValue.Member(
                    "\(index)" + randomText(using: &generator),
                    randomValue(depth: depth - 1, using: &generator))
            })
    }
}

private func randomText(using generator: inout SeededGenerator) -> String {
    let ranges: [ClosedRange<UInt32>] = [0...0x9F, 0x20...0x7E, 0xA0...0x2FFF, 0x1F300...0x1F6FF]
    var text = String.UnicodeScalarView()
    for _ in 0..<generator.uniform(below: 12) {
        let range = ranges[generator.uniform(below: ranges.count)]
        let code = range.lowerBound + UInt32(generator.uniform(below: range.count))
        if let scalar = Unicode.Scalar(code) { text.append(scalar) }
    }
    return String(text)
}

private func foundationObject(_ value: JSONValue) -> Any {
    switch value {
    case .null: NSNull()
    case .bool(let value): NSNumber(value: value)
    case .integer(let value): NSNumber(value: value)
    case .number(let value): NSNumber(value: value)
    case .string(let value): value
    case .array(let elements): elements.map(foundationObject)
    case .object(let members):
        Dictionary(uniqueKeysWithValues: members.map { ($0.name, foundationObject($0.value)) })
    }
}

/// Compares without regard to the order of members; strings scalar by scalar.
private func isEqual(_ value: JSONValue, _ object: Any) -> Bool {
    switch value {
    case .null: return object is NSNull
    case .bool(let value): return (object as? NSNumber)?.boolValue == value
    case .integer(let value): return (object as? NSNumber)?.int64Value == value
    case .number(let value):
        return ((object as? NSNumber)?.doubleValue).map { abs($0 - value) < 1e-9 } ?? false
    case .string(let value):
        return (object as? String).map { Array($0.utf8) == Array(value.utf8) } ?? false
    case .array(let elements):
        guard let others = object as? [Any], others.count == elements.count else { return false }
        return zip(elements, others).allSatisfy(isEqual)
    case .object(let members):
        guard let others = object as? [String: Any], others.count == members.count else {
            return false
        }
        return members.allSatisfy { member in
            others[member.name].map { isEqual(member.value, $0) } ?? false
        }
    }
}
