/// One broken rule, at `path:line`.
struct Violation: Equatable, CustomStringConvertible {
    var path: String
    var line: Int
    var message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// A rule reads one file and says where it is broken.
enum Rules {
    static let functionLineLimit = 70
    static let fileLineLimit = 500

    /// Modules import only from rows below their own, and only what the manifest declares.
    static func imports(_ source: SourceText, rows: PackageRows) -> [Violation] {
        guard let module = source.module else { return [] }
        let pattern =
            #"^[ \t]*(?:@\w+(?:\([^)]*\))?[ \t]+)*(?:\w+[ \t]+)?import[ \t]+"#
            + #"(?:(?:struct|class|enum|protocol|typealias|func|let|var)[ \t]+)?(\w+)"#
        return source.matches(pattern).compactMap { imported, line in
            func violation(_ message: String) -> Violation {
                Violation(path: source.path, line: line, message: message)
            }
            if imported == "Glibc" {
                return rows.makesSystemCalls(module)
                    ? nil : violation("\(module) makes no system calls, so no import of Glibc")
            }
            guard rows.rowOfModule[imported] != nil else {
                return violation("\(module) imports \(imported), which is no module of ours")
            }
            guard rows.isBelow(imported, module) else {
                return violation("\(module) imports \(imported), which is not in a row below")
            }
            guard rows.dependencies[module]?.contains(imported) == true else {
                return violation("\(module) imports \(imported), which Package.swift omits")
            }
            return nil
        }
    }

    private static let forbiddenInCores: [(pattern: String, why: String)] = [
        (#"\.(?:shuffled?|randomElement)\s*\(\s*\)"#, "draws from the system generator"),
        (#"\.random\s*\(\s*\)"#, "draws from the system generator"),
        (#"\.random\s*\(\s*in\s*:(?:(?!using)[^()]|\([^()]*\))*\)"#, "needs using:"),
        (#"\bSystemRandomNumberGenerator\b"#, "draws from the system generator"),
        (#"\b(?:ContinuousClock|SuspendingClock)\b"#, "reads a clock"),
        (#"\bDate\s*\("#, "reads a clock"),
        (#"(?<!func )(?<!\.)\b(?:debugPrint|print|dump)\s*\("#, "writes output"),
        (#"\breadLine\s*\("#, "reads input"),
        (#"\b(?:fatalError|exit|abort)\s*\("#, "ends the process"),
        (#"\b(?:await|async)\b"#, "waits"),
        (#"\bTask\s*[.({]"#, "starts a task"),
    ]

    /// Basics, formats and cores neither wait, draw, read a clock, print nor end the process.
    static func pureCores(_ source: SourceText, rows: PackageRows) -> [Violation] {
        guard let module = source.module, !rows.makesSystemCalls(module) else { return [] }
        return forbiddenInCores.flatMap { pattern, why in
            source.matches(pattern).map { found, line in
                Violation(path: source.path, line: line, message: "\(found) \(why)")
            }
        }
    }

    /// No crash by exclamation mark, and nothing public: there is no library product.
    static func plainSources(_ source: SourceText) -> [Violation] {
        guard source.module != nil else { return [] }
        let declarations =
            "(?:actor|class|enum|extension|final|func|import|init|let|protocol|static|struct"
            + "|subscript|typealias|var)\\b"
        let patterns = [
            #"\btry\s*!"#, #"\bas\s*!"#, #"(?<!\.)\b(?:public|open)[ \t]+"# + declarations,
            #"\bpublic[(]set[)]"#,
        ]
        return patterns.flatMap { pattern in
            source.matches(pattern).map { found, line in
                Violation(path: source.path, line: line, message: "\(found) is not used here")
            }
        }
    }

    static func fileLength(_ source: SourceText) -> [Violation] {
        guard source.lineCount > fileLineLimit else { return [] }
        let message = "\(source.lineCount) lines, more than \(fileLineLimit)"
        return [Violation(path: source.path, line: 1, message: message)]
    }

    static func functionLength(_ source: SourceText) -> [Violation] {
        functions(in: source.code).filter { $0.lineCount > functionLineLimit }.map { function in
            Violation(
                path: source.path, line: function.line,
                message: "\(function.keyword) of \(function.lineCount) lines, more than "
                    + "\(functionLineLimit)")
        }
    }
}

// MARK: - Functions

/// A declaration with a body.
struct FunctionExtent: Equatable {
    var keyword: String
    var line: Int
    /// From the keyword's line to that of the closing brace.
    var lineCount: Int
}

/// Functions, initializers, subscripts and computed properties of blanked code.
func functions(in code: String) -> [FunctionExtent] {
    let bytes = Array(code.utf8)
    var extents: [FunctionExtent] = []
    var line = 1
    var offset = 0
    while offset < bytes.count {
        if bytes[offset] == 0x0A { line += 1 }
        let previous = offset > 0 ? bytes[offset - 1] : 0x20
        guard isWordByte(bytes[offset]), !isWordByte(previous) else {
            offset += 1
            continue
        }
        let end = bytes[offset...].firstIndex { !isWordByte($0) } ?? bytes.count
        let word = String(decoding: bytes[offset..<end], as: UTF8.self)
        if previous != UInt8(ascii: "."), declarators.contains(word),
            let body = bodyStart(after: end, of: word, in: bytes)
        {
            let close = closingBrace(from: body, in: bytes)
            let lineFeeds = bytes[offset..<close].count { $0 == 0x0A }
            extents.append(FunctionExtent(keyword: word, line: line, lineCount: lineFeeds + 1))
        }
        offset = end
    }
    return extents
}

private let declarators: Set<String> = ["func", "init", "deinit", "subscript", "var"]

private func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
        true
    default: false
    }
}

/// Where the body opens; `nil` for a requirement of a protocol and a stored property.
private func bodyStart(after start: Int, of keyword: String, in bytes: [UInt8]) -> Int? {
    var depth = 0
    var offset = start
    while offset < bytes.count {
        switch bytes[offset] {
        case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
        case UInt8(ascii: "{") where depth == 0: return offset
        case UInt8(ascii: "}") where depth == 0: return nil
        // Nothing but an accessor block follows a property's type on its line.
        case 0x0A where depth == 0 && keyword == "var": return nil
        case UInt8(ascii: "=") where depth == 0 && keyword == "var": return nil
        default: break
        }
        if depth < 0 { return nil }
        if depth == 0, offset > start, !isWordByte(bytes[offset - 1]), isWordByte(bytes[offset]) {
            let end = bytes[offset...].firstIndex { !isWordByte($0) } ?? bytes.count
            let word = String(decoding: bytes[offset..<end], as: UTF8.self)
            if declarators.contains(word) || ["let", "case", "static"].contains(word) {
                return nil
            }
        }
        offset += 1
    }
    return nil
}

private func closingBrace(from open: Int, in bytes: [UInt8]) -> Int {
    var depth = 0
    for offset in open..<bytes.count {
        if bytes[offset] == UInt8(ascii: "{") { depth += 1 }
        if bytes[offset] == UInt8(ascii: "}") {
            depth -= 1
            if depth == 0 { return offset }
        }
    }
    return bytes.count
}
