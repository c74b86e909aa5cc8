/// Why a text is not the JSON that was expected.
package enum JSONError: Error, Equatable, Sendable {
    /// The text breaks RFC 8259; `offset` counts bytes from zero.
    case malformed(String, offset: Int)
    /// Nested deeper than the limit.
    case tooDeep(limit: Int)
    /// Longer than the limit, in bytes.
    case oversized(limit: Int, actual: Int)
    /// Well-formed, but a member is missing or of another type.
    case unexpected(member: String, expected: String)
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let what, let offset): "\(what) at byte \(offset)"
        case .tooDeep(let limit): "nested deeper than \(limit)"
        case .oversized(let limit, let actual): "\(actual) bytes, more than \(limit)"
        case .unexpected(let member, let expected): "member \"\(member)\" is not \(expected)"
        }
    }
}

extension JSONValue {
    package static let depthLimit = 32
    /// 4 MiB; the status of a peer with every table full is far smaller.
    package static let byteLimit = 4 << 20

    /// Parses one document with nothing but white space around it.
    package init(
        parsing text: some StringProtocol, depthLimit: Int = depthLimit,
        byteLimit: Int = byteLimit
    ) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), depthLimit: depthLimit, byteLimit: byteLimit)
    }

    package init(
        parsing bytes: [UInt8], depthLimit: Int = depthLimit, byteLimit: Int = byteLimit
    ) throws(JSONError) {
        guard bytes.count <= byteLimit else {
            throw .oversized(limit: byteLimit, actual: bytes.count)
        }
        var parser = JSONParser(bytes: bytes, depthLimit: depthLimit)
        self = try parser.parseDocument()
    }
}

/// Recursive descent over bytes; every nesting counts against the limit before it happens.
private struct JSONParser {
    let bytes: [UInt8]
    let depthLimit: Int
    var offset = 0
    var depth = 0

    init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
    }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        let value = try parseValue()
        skipSpace()
        guard offset == bytes.count else { throw malformed("text behind the document") }
        return value
    }

    private mutating func parseValue() throws(JSONError) -> JSONValue {
        skipSpace()
        guard let first = peek else { throw malformed("unexpected end") }
        switch first {
        case UInt8(ascii: "{"): return try parseObject()
        case UInt8(ascii: "["): return try parseArray()
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try expect("true", as: .bool(true))
        case UInt8(ascii: "f"): return try expect("false", as: .bool(false))
        case UInt8(ascii: "n"): return try expect("null", as: .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw malformed("unexpected character")
        }
    }

    /// Steps over an opening bracket.
    private mutating func descend() throws(JSONError) {
        guard depth < depthLimit else { throw .tooDeep(limit: depthLimit) }
        depth += 1
        offset += 1
    }

    private mutating func parseObject() throws(JSONError) -> JSONValue {
        try descend()
        defer { depth -= 1 }
        var members: [JSONValue.Member] = []
        skipSpace()
        if consume("}") { return .object(members) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw malformed("member name expected") }
            let name = try parseString()
            skipSpace()
            guard consume(":") else { throw malformed("colon expected") }
            members.append(JSONValue.Member(name, try parseValue()))
            skipSpace()
        } while consume(",")
        guard consume("}") else { throw malformed("comma or } expected") }
        return .object(members)
    }

    private mutating func parseArray() throws(JSONError) -> JSONValue {
        try descend()
        defer { depth -= 1 }
        var elements: [JSONValue] = []
        skipSpace()
        if consume("]") { return .array(elements) }
        repeat {
            elements.append(try parseValue())
            skipSpace()
        } while consume(",")
        guard consume("]") else { throw malformed("comma or ] expected") }
        return .array(elements)
    }

    // MARK: Numbers

    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = offset
        var isWhole = true
        _ = consume("-")
        if !consume("0") { try parseDigits() }
        if consume(".") {
            isWhole = false
            try parseDigits()
        }
        if consume("e") || consume("E") {
            isWhole = false
            if !consume("+") { _ = consume("-") }
            try parseDigits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else {
            throw .malformed("number out of range", offset: start)
        }
        return .number(value)
    }

    private mutating func parseDigits() throws(JSONError) {
        let start = offset
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            offset += 1
        }
        guard offset > start else { throw malformed("digit expected") }
    }

    // MARK: Strings

    private mutating func parseString() throws(JSONError) -> String {
        let start = offset
        offset += 1
        var content: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw malformed("control character in a string") }
            offset += 1
            if byte == UInt8(ascii: "\\") {
                content.append(contentsOf: String(try parseEscape()).utf8)
            } else {
                content.append(byte)
            }
        }
        guard consume("\"") else { throw malformed("unterminated string") }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw .malformed("string is not UTF-8", offset: start)
        }
        return text
    }

    /// What follows a backslash.
    private mutating func parseEscape() throws(JSONError) -> Unicode.Scalar {
        guard let byte = peek else { throw malformed("unterminated string") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape()
        default:
            throw .malformed("unknown escape", offset: offset - 1)
        }
    }

    /// Four hexadecimal digits, and the second half of a surrogate pair where one is due.
    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try parseCodeUnit()
        guard (0xD800...0xDBFF).contains(first) else {
            guard let scalar = Unicode.Scalar(first) else { throw malformed("lone surrogate") }
            return scalar
        }
        guard consume("\\"), consume("u") else { throw malformed("lone surrogate") }
        let second = try parseCodeUnit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw malformed("lone surrogate") }
        return scalar
    }

    private mutating func parseCodeUnit() throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = peek.flatMap(hexadecimalDigit) else {
                throw malformed("hexadecimal digit expected")
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }

    // MARK: Bytes

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func consume(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    private mutating func expect(
        _ word: StaticString, as value: JSONValue
    ) throws(JSONError) -> JSONValue {
        let expected = Array(word.description.utf8)
        guard bytes[offset...].starts(with: expected) else { throw malformed("unknown word") }
        offset += expected.count
        return value
    }

    private mutating func skipSpace() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { offset += 1 }
    }

    private func malformed(_ what: String) -> JSONError { .malformed(what, offset: offset) }
}

/// The value of one hexadecimal digit.
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
