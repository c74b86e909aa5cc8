import Foundation
import Testing

/// The Wireshark script, docs/protocol.md and docs/wireshark.md name the same fields.
@Suite struct DissectorPageTests {
    /// Fields that the script calls by a longer or another name, or shows as part of others.
    private static let otherNames: [String: [String]] = [
        "stream": ["stream_index"],
        "receiver's link token": ["token"],
        "hello's token": ["token"],
        "request's token": ["token"],
        "token that the responder shall write": ["token"],
        "source peer id": ["source"],
        "the link's tag": ["tag", "control.tag"],
        "group's public key": ["public_key"],
        "then its BLAKE2b-128": ["parity.digest"],
        "initiator's name": ["name.length", "name", "noise.payload"],
        "responder's peer id": ["peer", "noise.payload"],
        "Noise message 1": ["noise.ephemeral", "noise.static", "noise.payload"],
        "Noise message 2": ["noise.ephemeral", "noise.payload"],
        "endpoint": ["endpoint.family", "endpoint.ipv4", "endpoint.ipv6", "endpoint.port"],
        "observed endpoint": ["endpoint.family"],
        "contact": ["peer", "endpoint.family"],
        "contacts": ["count", "peer"],
        "origin": ["coordinate.x", "coordinate.y", "coordinate.z", "coordinate.height"],
        "coordinate": ["coordinate.error"],
    ]

    /// Words of drawings that are no fields: codes, constants, and what is said of fields.
    private static let otherWords: Set<String> = [
        "header", "sealed", "as of media", "128 bits", "over all the rest", "lowest 15 bits",
        "which the tag covers", "one packet as the source's edge received it", "ms",
        "ns of the sender's clock", "at most 4", "at most 8", "exactly 1", "then each",
        "0 to 4",
    ]

    private func isCode(_ text: String) -> Bool {
        Int(text) != nil && text != "1011" || text.hasPrefix("0x")
    }

    @Test func everyFieldOfTheProtocolIsInTheScript() throws {
        let rows = try DissectorFields().rows
        let names = Set(rows.map(\.name))
        let keys = Set(rows.map(\.key))
        let page = try ProtocolPage()

        #expect(page.names.count > 150)
        for name in Set(page.names) where !isCode(name.text) {
            if Self.otherWords.contains(name.text) || names.contains(name.text) { continue }
            let others = Self.otherNames[name.text] ?? []
            #expect(!others.isEmpty, "\(name.text) is no field of the script: \(name.line)")
            #expect(keys.isSuperset(of: others), "\(name.text)")
        }
    }

    @Test func namesThatTheProtocolNoLongerHasAreGone() throws {
        let named = Set(try ProtocolPage().names.map(\.text))

        #expect(Set(Self.otherNames.keys).subtracting(named) == [])
        #expect(Self.otherWords.subtracting(named) == [])
    }

    /// What samples do not show is compared with nothing.
    @Test func everyFieldIsInASample() throws {
        let shown =
            Samples.all.flatMap { ExpectedFields($0.datagram).shown.keys }
            + WireSample.all.flatMap(\.shown.keys) + [Tshark.reason]

        #expect(try Set(DissectorFields().rows.map(\.abbreviation)) == Set(shown))
    }

    @Test func codesAreTheSame() throws {
        let page = try ProtocolPage()
        let script = try String(contentsOf: Tshark.script, encoding: .utf8)
        let list = try #require(script.firstMatch(of: #/local record_kinds = \{([^}]*)\}/#)).1
        let records = list.matches(of: #/"([^"]+)"/#).map { String($0.1) }

        #expect(page.types.count == 13)
        for (code, name) in page.types {
            let entry = "[0x\(code < 16 ? "0" : "")\(String(code, radix: 16))] = \"\(name)\""
            #expect(script.contains(entry), "\(entry)")
        }
        #expect(page.records.keys.sorted() == Array(1...records.count))
        for (kind, record) in page.records { #expect(records[kind - 1] == record.name) }
    }

    /// The script is compared with samples elsewhere; here the page is.
    @Test func recordsAreAsLongAsTheProtocolSays() throws {
        let page = try ProtocolPage()
        var comparedCount = 0
        for sample in Samples.records + Samples.rates {
            guard let count = page.byteCount(ofRecord: Int(sample.bytes[8])) else { continue }
            #expect(sample.bytes.count == 9 + count, "\(sample.name)")
            comparedCount += 1
        }
        #expect(comparedCount == 24)
    }

    @Test func thePageOfTheScriptListsItsFields() throws {
        let page = try String(
            contentsOf: Tshark.package.appending(path: "docs/wireshark.md"), encoding: .utf8)
        let listed = page.matches(
            of: #/^\| `(polycast\.[a-z0-9_.]+)` \|/#.anchorsMatchLineEndings()
        )
        .map { String($0.1) }
        let fields = try DissectorFields().rows.map(\.abbreviation)

        #expect(fields.count > 100)
        #expect(Set(fields).count == fields.count)
        #expect(listed.sorted() == (fields + ["polycast.cut", "polycast.malformed"]).sorted())
    }
}
