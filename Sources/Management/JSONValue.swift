/// A JSON document (RFC 8259); objects keep the order of their members.
///
/// Whole numbers that fit 64 bits are ``integer(_:)``, all others ``number(_:)``.
package enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// One named value of an object.
    package struct Member: Equatable, Sendable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }
}

// MARK: - Building

extension JSONValue: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral,
    ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByNilLiteral
{
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }

    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(nilLiteral: ()) { self = .null }

    package init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }
    package init(_ value: Double?) { self = value.map(JSONValue.number) ?? .null }

    /// Counts beyond `Int64` are clamped.
    package init(_ count: some BinaryInteger) { self = .integer(Int64(clamping: count)) }
}

// MARK: - Printing

extension JSONValue: CustomStringConvertible {
    /// The document on one line, without spaces and without a line break inside or behind it.
    package var description: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += numberText(value)
        case .string(let value): writeString(value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," }
                element.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                writeString(member.name, to: &text)
                text += ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }
}

/// Three decimals, or three significant digits below one; `null` for what JSON cannot say.
///
/// Measurements carry no more than that, and ratios such as a loss of 0.00025 keep theirs.
private func numberText(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    var scale = 1000.0
    while value != 0, (value * scale).magnitude < 100, scale < 1e12 { scale *= 10 }
    let scaled = value * scale
    // Above 2^53 a double has no decimals to cut off; tiny values are printed as they are.
    guard scaled.magnitude < 0x1p53, value == 0 || scaled.magnitude >= 100 else {
        return "\(value)"
    }
    // Converting truncates; `rounded()` would call libm, which nothing here links.
    let rounded = Int64(scaled < 0 ? scaled - 0.5 : scaled + 0.5)
    return "\(Double(rounded) / scale)"
}

private func writeString(_ value: String, to text: inout String) {
    text += "\""
    // Most texts are names, which stand for themselves.
    if value.utf8.allSatisfy(isPlain) {
        text += value
        text += "\""
        return
    }
    for scalar in value.unicodeScalars {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        case "\u{8}": text += "\\b"
        case "\u{C}": text += "\\f"
        case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
            // Beyond what the standard asks: nothing that moves a cursor or ends a line.
            let digits = String(scalar.value, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        default: text.unicodeScalars.append(scalar)
        }
    }
    text += "\""
}

/// Whether it is a character of its own that a string may hold as it is.
private func isPlain(_ byte: UInt8) -> Bool {
    (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
}
