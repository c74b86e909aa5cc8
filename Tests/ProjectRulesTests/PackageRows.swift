import Foundation

/// The rows of modules in `Package.swift`, bottom up, and what each module depends on.
struct PackageRows {
    /// The comments that head the rows, in order.
    private(set) var names: [String] = []
    /// Row by module; tests are no modules.
    private(set) var rowOfModule: [String: Int] = [:]
    private(set) var dependencies: [String: Set<String>] = [:]

    static let expected = [
        "system", "basics", "formats", "forwarding", "cores", "input and output", "edges",
        "data path", "shells", "program",
    ]

    /// Reads the manifest: `// ROW` lines, and below them targets with their dependencies.
    init(manifest: String) {
        let start = manifest.range(of: "targets: [")?.upperBound ?? manifest.endIndex
        let end = manifest.range(of: "// tests\n")?.lowerBound ?? manifest.endIndex
        guard start <= end else { return }
        var module: String?
        for line in manifest[start..<end].split(separator: "\n") {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed.hasPrefix("// ") {
                names.append(String(trimmed.dropFirst(3)))
                module = nil
                continue
            }
            if trimmed.contains("module(") || trimmed.contains("arget(")
                || trimmed.contains("systemLibrary(")
            {
                module = nil
            }
            for word in quotedWords(trimmed) {
                if let module {
                    dependencies[module, default: []].insert(word)
                } else {
                    module = word
                    rowOfModule[word] = names.count - 1
                }
            }
        }
    }

    /// Whether `module` may name `other` in an import or as a dependency.
    func isBelow(_ other: String, _ module: String) -> Bool {
        guard let upper = rowOfModule[module], let lower = rowOfModule[other] else { return false }
        return lower < upper
    }

    /// Whether `module` may do input and output, and so see the C library.
    func makesSystemCalls(_ module: String) -> Bool {
        guard let row = rowOfModule[module],
            let first = names.firstIndex(of: "input and output")
        else { return false }
        return row >= first
    }
}

private func quotedWords(_ line: String) -> [String] {
    line.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset % 2 == 1 }.map { String($0.element) }
}
