import Foundation
import PacketFormats
import TestSupport
import Testing

/// docs/capture-fields.md names every field.
@Suite struct PacketTreePageTests {
    @Test func thePageNamesEveryFieldThatIsShown() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/capture-fields.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let named = Set(text.matches(of: #/`([a-z0-9_.]+)`/#).map { String($0.1) })

        let shown = Set(Trees.read(SampleFrames.all).flatMap { $0 }.flatMap(\.everyName))

        #expect(shown.subtracting(named).sorted() == [])
    }
}

extension PacketField {
    /// Here and below.
    fileprivate var everyName: [String] { [name] + children.flatMap(\.everyName) }
}
