import Foundation
import NetBasics
import PacketFormats
import Testing

/// Every field that has a name of Wireshark's has the value that Wireshark's tshark reads.
///
/// Differences that are explained are in docs/capture-fields.md; they have no such name, or are
/// among ``explained``.
@Suite(.enabled(if: Tshark.isInstalled, "tshark is not installed"))
struct TsharkAgreementTests {
    @Test func everyFieldHasTheValueThatTsharkReads() throws {
        let samples = ProtocolSamples.messages
        let trees = try samples.map { try $0.fields }
        let names = Set(trees.flatMap { $0 }.flatMap(\.names)).filter { !$0.isOwn }.sorted()

        let rows = try Tshark.values(of: names, in: ProtocolCapture.file(samples))

        try #require(rows.count == samples.count)
        var comparedCount = 0
        for (index, sample) in samples.enumerated() {
            for name in Set(trees[index].flatMap(\.names)).filter({ !$0.isOwn }).sorted() {
                let ours = trees[index].flatMap { $0.values(named: name) }
                let theirs = rows[index][name] ?? []
                comparedCount += ours.count
                let isEqual =
                    ours.allSatisfy { $0 == .heading }
                    ? ours.count == theirs.count : ours.map(normalized) == theirs.map(normalized)
                let difference = Difference(sample: sample.name, field: name)
                #expect(
                    isEqual != explained.contains(difference),
                    "\(sample), \(name): \(ours.map(\.description)), tshark: \(theirs)")
            }
        }
        #expect(comparedCount > 1000)
    }

    /// So that the test above compares all there is, not what decodes by luck.
    @Test func everyProtocolIsCompared() {
        let kinds = Set(ProtocolSamples.messages.map(\.kind))

        #expect(kinds.count == 10)
    }
}

private struct Difference: Hashable {
    var sample: String
    var field: String
}

/// What Wireshark 4.0 reads differently, and why it may.
private let explained: Set<Difference> = [
    // It sums all of a register on IPv4; RFC 7761, section 4.9, sums eight bytes and allows this.
    Difference(sample: "PIM register, whole checksum", field: "pim.cksum.status"),
    // It reads descriptions as ASCII; RFC 3550, section 6.5, says UTF-8.
    Difference(sample: "RTCP description beyond ASCII", field: "rtcp.sdes.text"),
    // It knows extended reports (RFC 3611); here they are a type unknown, all bytes.
    Difference(sample: "RTCP unknown type", field: "rtcp.senderssrc"),
    // It cuts the name of a service (SRV) into parts, and names none of them so.
    Difference(sample: "mDNS response", field: "dns.resp.name"),
    // It gives the types that an NSEC record lists the same name; here they stay bytes.
    Difference(sample: "mDNS response", field: "dns.resp.type"),
]

/// The one place where two spellings of a value are made one: numbers become decimal.
private func normalized(_ value: PacketField.Value) -> String { normalized(value.description) }

private func normalized(_ text: String) -> String {
    guard text.hasPrefix("0x"), let number = UInt64(text.dropFirst(2), radix: 16) else {
        return text
    }
    return String(number)
}

extension String {
    fileprivate var isOwn: Bool { hasPrefix("polycast.") }
}

extension PacketField {
    fileprivate var names: [String] { [name] + children.flatMap(\.names) }
}

/// The program, which reads a capture and prints fields.
private enum Tshark {
    static let path = "/usr/bin/tshark"
    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// For each packet, the values of each name, in the order of the packet.
    static func values(of names: [String], in capture: [UInt8]) throws -> [[String: [String]]] {
        let separator: Character = "\u{1E}"
        let aggregator: Character = "\u{1F}"
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("polycast-\(UUID().uuidString).pcap")
        try Data(capture).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let ports = ["5004,rtp", "5005,rtcp", "1234,mp2t"].flatMap { ["-d", "udp.port==\($0)"] }
        let format = [
            "-T", "fields", "-E", "occurrence=a", "-E", "separator=\(separator)", "-E",
            "aggregator=\(aggregator)",
        ]
        let output = try run(
            ["-n", "-r", file.path] + ports + format + names.flatMap { ["-e", $0] })
        return output.split(separator: "\n").map { line in
            let columns = line.split(separator: separator, omittingEmptySubsequences: false)
            let values = columns.map { column in
                column.isEmpty
                    ? []
                    : column.split(separator: aggregator, omittingEmptySubsequences: false)
                        .map(String.init)
            }
            return Dictionary(zip(names, values)) { first, _ in first }
        }
    }

    private static func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }
}
