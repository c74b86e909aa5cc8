import Testing

/// Each rule, on small samples that keep it and that break it.
@Suite struct RuleTests {
    private let rows = PackageRows(
        manifest: """
            let package = Package(
                targets: [
                    // system
                    .target(name: "CThing"),
                    // basics
                    module("Base"),
                    // formats
                    module("Format", ["Base"]),
                    module("Other", ["Base"]),
                    // cores
                    module("Core", ["Format"]),
                    // input and output
                    module("Edge", ["CThing", "Base"]),
                    // program
                    .executableTarget(
                        name: "tool",
                        dependencies: ["Core", "Edge"]),
                    // tests
                    tests("CoreTests", ["Core"]),
            """)

    private func source(_ text: String, in module: String = "Core") -> SourceText {
        SourceText(path: "Sources/\(module)/File.swift", text: text)
    }

    @Test func rowsAreReadFromTheManifest() {
        #expect(rows.names.count == 6)
        #expect(
            rows.rowOfModule == [
                "CThing": 0, "Base": 1, "Format": 2, "Other": 2, "Core": 3, "Edge": 4, "tool": 5,
            ])
        #expect(rows.dependencies["tool"] == ["Core", "Edge"])
        #expect(rows.dependencies["Base"] == nil)
    }

    @Test(arguments: [
        ("import Format", "Core"), ("import Base", "Format"), ("import Glibc", "Edge"),
        ("import CThing", "Edge"), ("@preconcurrency import Glibc", "tool"),
        ("// import Foundation", "Core"), ("let text = \"import Foundation\"", "Core"),
        ("@testable import Core", "tool"), ("import struct Format.Frame", "Core"),
    ])
    func importsFromDeclaredRowsBelowAreAllowed(text: String, module: String) {
        #expect(Rules.imports(source(text, in: module), rows: rows) == [])
    }

    @Test(arguments: [
        ("import Foundation", "Core", "Core imports Foundation, which is no module of ours"),
        ("import Dispatch", "tool", "tool imports Dispatch, which is no module of ours"),
        (
            "import Synchronization", "Base",
            "Base imports Synchronization, which is no module of ours"
        ),
        ("import Glibc", "Core", "Core makes no system calls, so no import of Glibc"),
        ("import Other", "Format", "Format imports Other, which is not in a row below"),
        ("import Core", "Format", "Format imports Core, which is not in a row below"),
        ("import Base", "Core", "Core imports Base, which Package.swift omits"),
        (
            "@preconcurrency import struct Foundation.Date", "Edge",
            "Edge imports Foundation, which is no module of ours"
        ),
        ("internal import Core", "Core", "Core imports Core, which is not in a row below"),
    ])
    func otherImportsAreFound(text: String, module: String, message: String) {
        let found = Rules.imports(source("\n" + text, in: module), rows: rows)

        #expect(
            found == [
                Violation(path: "Sources/\(module)/File.swift", line: 2, message: message)
            ])
    }

    @Test(arguments: [
        "list.shuffled()", "list.shuffle()", "list.randomElement()", "Bool.random()",
        "Int.random(in: 0..<9)", "Int.random(in: 0..<f(x))", "Int.random(\n    in: 0..<9)",
        "SystemRandomNumberGenerator()", "ContinuousClock.now", "Date()", "print(x)",
        "debugPrint(x)", "fatalError()", "exit(1)", "await x", "Task { }", "Task.detached { }",
        "\"\\(list.shuffled())\"", "Double.random(in: 0...1)",
    ])
    func impureCallsAreFoundInCores(code: String) {
        #expect(!Rules.pureCores(source(code), rows: rows).isEmpty)
        #expect(Rules.pureCores(source(code, in: "Edge"), rows: rows) == [])
        #expect(Rules.pureCores(source("/* \(code) */"), rows: rows) == [])
        #expect(Rules.pureCores(source("let s = #\"\(code)\"#"), rows: rows) == [])
    }

    @Test(arguments: [
        "list.shuffled(using: &generator)", "list.randomElement(using: &generator)",
        "Int.random(in: 0..<9, using: &generator)", "Bool.random(using: &generator)",
        "Int.random(in: 0..<f(x), using: &generator)", "Update(x)", "blueprint(x)",
        "let awaiting = 1", "report.print(x)", "func print() {}", "TaskName.x",
    ])
    func pureCallsAreNotFound(code: String) {
        #expect(Rules.pureCores(source(code), rows: rows) == [])
    }

    @Test(arguments: [
        "try! x()", "try ! x()", "x as! Y", "public struct X {}", "open class X {}",
        "public(set) var x = 1",
        "package public import Base",
    ])
    func forbiddenWordsAreFound(code: String) {
        #expect(Rules.plainSources(source(code)).count == 1)
        #expect(Rules.plainSources(source("/* \(code) */")) == [])
    }

    @Test(arguments: [
        "try x()", "try? x()", "x as Y", "let public_ = 1", "open(path)", "!x",
        "case open\ncase shut", "guard state == .open else { return }",
    ])
    func otherWordsAreNotFound(code: String) {
        #expect(Rules.plainSources(source(code)) == [])
    }

    @Test func longFilesAreFound() {
        #expect(Rules.fileLength(source(String(repeating: "\n", count: 500))) == [])
        #expect(Rules.fileLength(source(String(repeating: "\n", count: 501))).count == 1)
    }

    @Test(arguments: [
        "func f() {", "init(x: Int) {", "var x: Int {", "subscript(i: Int) -> Int {", "deinit {",
        "func < (a: A, b: A) -> Bool {", "init?() {", "func f(g: () -> Void = {}) throws(E) {",
        "static func f<T: A>(\n    x: T\n) -> [T]\nwhere T: B {",
    ])
    func longFunctionsAreFound(head: String) {
        let headLines = head.count { $0 == "\n" }
        func body(_ lines: Int) -> SourceText {
            source("\n\(head)\n" + String(repeating: "x\n", count: lines - 2 - headLines) + "}\n")
        }

        #expect(Rules.functionLength(body(70)) == [])
        #expect(Rules.functionLength(body(71)).map(\.line) == [2])
    }

    @Test(arguments: [
        "let s = \"}\"", "let s = \"\\\"}\"", "// }", "/* } /* } */ } */", "let s = #\"\"}\"#",
        "let s = \"\"\"\n}\"}\n\"\"\"", "let s = \"\\(f(\"}\"))}\"",
    ])
    func bracesInTextDoNotEndAFunction(text: String) {
        let filler = String(repeating: "x\n", count: 70)

        #expect(Rules.functionLength(source("func f() {\n\(text)\n\(filler)}\n")).count == 1)
    }

    @Test(arguments: [
        "let s = \"{\"", "// {", "/* { */", "let s = #\"{\\\"#", "let s = \"\\({ 1 }())\"",
        "let s = \"\"\"\n{\n\"\"\"",
    ])
    func bracesInTextDoNotLengthenAFunction(text: String) {
        let filler = String(repeating: "x\n", count: 70)

        #expect(Rules.functionLength(source("func f() {\n\(text)\n}\n\(filler)}\n")) == [])
    }

    @Test func requirementsAndStoredPropertiesHaveNoBody() {
        let code = """
            protocol P {
                func f(x: Int) -> Int
                init(y: Int)
                var z: Int { get }
            }
            struct S {
                var a: Int
                var b = [1].map { $0 }
                let c = S.init(1)
                func g() {}
            }
            """

        #expect(
            functions(in: code) == [
                FunctionExtent(keyword: "var", line: 4, lineCount: 1),
                FunctionExtent(keyword: "func", line: 10, lineCount: 1),
            ])
    }

    @Test func linksAndPagesAreFound() {
        let text = "[a](b.md#c) [d](https://e/f) [g](#h) ![i](../j.svg), docs/protocol.md."

        #expect(linkedPaths(inMarkdown: text) == ["b.md", "../j.svg"])
        #expect(namedPages(in: text) == ["docs/protocol.md"])
    }
}
