import Foundation

/// One Swift file as the rules see it.
struct SourceText {
    /// The path from the root of the package.
    var path: String
    /// As it is in the file.
    var text: String
    /// The same lines with the insides of comments and string literals blanked.
    var code: String

    init(path: String, text: String) {
        self.path = path
        self.text = text
        var scanner = CodeScanner(text)
        code = scanner.blanked()
    }

    /// The target, for `Sources/TARGET/...`.
    var module: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    var lineCount: Int { text.utf8.count { $0 == 0x0A } }

    /// What the pattern finds in the code; the result of a group if there is one.
    func matches(_ pattern: String) -> [(text: String, line: Int)] {
        guard
            let expression = try? NSRegularExpression(
                pattern: pattern, options: [.anchorsMatchLines])
        else { preconditionFailure("\(pattern) is no regular expression") }
        let whole = code as NSString
        return expression.matches(in: code, range: NSRange(location: 0, length: whole.length))
            .map { match in
                let range = match.range(at: match.numberOfRanges > 1 ? 1 : 0)
                let before = whole.substring(to: range.location)
                return (whole.substring(with: range), 1 + before.utf8.count { $0 == 0x0A })
            }
    }
}

/// Blanks comments and string literals, but not the code in interpolations.
private struct CodeScanner {
    private let input: [UInt8]
    private var output: [UInt8] = []
    private var offset = 0

    init(_ text: String) { input = Array(text.utf8) }

    mutating func blanked() -> String {
        scanCode(isInterpolation: false)
        return String(decoding: output, as: UTF8.self)
    }

    private func starts(with text: String) -> Bool { input[offset...].starts(with: text.utf8) }

    private mutating func copy(_ count: Int = 1) {
        output += input[offset..<offset + count]
        offset += count
    }

    private mutating func blank(_ count: Int = 1) {
        for byte in input[offset..<min(offset + count, input.count)] {
            output.append(byte == 0x0A ? byte : 0x20)
        }
        offset += count
    }

    private mutating func scanCode(isInterpolation: Bool) {
        var depth = 0
        while offset < input.count {
            if starts(with: "//") {
                while offset < input.count, input[offset] != 0x0A { blank() }
            } else if starts(with: "/*") {
                scanComment()
            } else if let hashes = hashesBeforeQuote {
                scanString(hashes: hashes)
            } else {
                if input[offset] == UInt8(ascii: "(") { depth += 1 }
                if input[offset] == UInt8(ascii: ")") { depth -= 1 }
                copy()
                if isInterpolation, depth == 0 { return }
            }
        }
    }

    private mutating func scanComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && offset < input.count
    }

    /// How many `#` stand between here and a quotation mark; `nil` if no literal starts here.
    private var hashesBeforeQuote: Int? {
        let rest = input[offset...]
        let hashes = rest.prefix { $0 == UInt8(ascii: "#") }.count
        return rest.dropFirst(hashes).first == UInt8(ascii: "\"") ? hashes : nil
    }

    private mutating func scanString(hashes: Int) {
        let marks = String(repeating: "#", count: hashes)
        blank(hashes)
        let quote = starts(with: "\"\"\"") ? "\"\"\"" : "\""
        copy(quote.utf8.count)
        while offset < input.count, !starts(with: quote + marks) {
            if starts(with: "\\" + marks + "(") {
                blank(1 + hashes)
                scanCode(isInterpolation: true)
            } else if starts(with: "\\" + marks) {
                blank(2 + hashes)
            } else {
                blank()
            }
        }
        guard offset < input.count else { return }
        copy(quote.utf8.count)
        blank(hashes)
    }
}
