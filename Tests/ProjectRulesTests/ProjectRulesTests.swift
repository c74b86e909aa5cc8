import Foundation
import Testing

/// The rules, applied to this package.
@Suite struct ProjectRulesTests {
    @Test func rowsAreThoseOfTheArchitecture() throws {
        let rows = try Project.rows()

        #expect(rows.names == PackageRows.expected)
        for module in try Project.modules() {
            #expect(rows.rowOfModule[module] != nil, "\(module) is in no row of Package.swift")
        }
    }

    @Test func dependenciesPointDownwards() throws {
        let rows = try Project.rows()

        for (module, names) in rows.dependencies.sorted(by: { $0.key < $1.key }) {
            for name in names.sorted() where rows.rowOfModule[name] != nil {
                #expect(rows.isBelow(name, module), "\(module) depends on \(name)")
            }
        }
    }

    @Test func sourcesKeepTheRules() throws {
        let rows = try Project.rows()
        let sources = try Project.swiftFiles(in: "Sources")

        let violations = sources.flatMap { source in
            Rules.imports(source, rows: rows) + Rules.pureCores(source, rows: rows)
                + Rules.plainSources(source)
        }

        #expect(sources.count > 20)
        #expect(violations == [], "\(lines(violations))")
    }

    @Test func functionsAndFilesAreShort() throws {
        let sources = try Project.swiftFiles(in: "Sources") + Project.swiftFiles(in: "Tests")

        let violations = sources.flatMap { Rules.functionLength($0) + Rules.fileLength($0) }

        #expect(violations == [], "\(lines(violations))")
    }

    @Test func linkedPagesExist() throws {
        var missing: [String] = []
        for path in try Project.files(in: "docs") + ["README.md"] where path.hasSuffix(".md") {
            guard let text = try? Project.text(of: path) else {
                missing.append(path)
                continue
            }
            let folder = (path as NSString).deletingLastPathComponent as NSString
            missing += linkedPaths(inMarkdown: text).filter {
                !Project.exists(folder.appendingPathComponent($0))
            }.map { "\($0), linked in \(path)" }
        }
        for source in try Project.swiftFiles(in: "Sources") {
            missing += namedPages(in: source.text).filter { !Project.exists($0) }
                .map { "\($0), named in \(source.path)" }
        }

        #expect(missing == [])
    }

    private func lines(_ violations: [Violation]) -> String {
        violations.map(\.description).joined(separator: "\n")
    }
}

/// The package that these tests are part of.
private enum Project {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func rows() throws -> PackageRows {
        PackageRows(manifest: try text(of: "Package.swift"))
    }

    static func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: root.appendingPathComponent("Sources").path
        ).sorted()
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
    }

    static func text(of path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Paths of the files in a folder and below it, from the root.
    static func files(in folder: String) throws -> [String] {
        let path = root.appendingPathComponent(folder).path
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try FileManager.default.subpathsOfDirectory(atPath: path).sorted()
            .map { "\(folder)/\($0)" }
    }

    static func swiftFiles(in folder: String) throws -> [SourceText] {
        try files(in: folder).filter { $0.hasSuffix(".swift") }
            .map { SourceText(path: $0, text: try text(of: $0)) }
    }
}
