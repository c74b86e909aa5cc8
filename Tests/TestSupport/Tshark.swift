import Foundation
import NetBasics
import PacketFormats

/// The one place where two spellings of a value are made one: numbers become decimal.
package func normalized(_ text: String) -> String {
    guard text.hasPrefix("0x"), let number = UInt64(text.dropFirst(2), radix: 16) else {
        return text
    }
    return String(number)
}

extension PacketField {
    /// Of Wireshark, here and below.
    package var names: [String] {
        let isOurs = name.hasPrefix("polycast.") || name.hasPrefix("malformed")
        return (isOurs ? [] : [name]) + children.flatMap(\.names)
    }
}

/// The program, which reads a capture and prints fields.
package enum Tshark {
    static let path = "/usr/bin/tshark"
    /// Has a value in a packet that could not be read to the end.
    package static let malformed = "_ws.malformed"
    package static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// Whether it reads the values that we do; of a heading, whether it is there.
    package static func agrees(_ ours: [PacketField.Value], _ theirs: [String]) -> Bool {
        ours.allSatisfy { $0 == .heading }
            ? ours.count == theirs.count
            : ours.map { normalized($0.description) } == theirs.map(normalized)
    }

    /// For each packet, the values of each name, in the order of the packet.
    ///
    /// `options`: more for its command line. Ports of the samples' media are told to it.
    package static func values(
        of names: [String], in capture: [UInt8], options: [String] = []
    ) throws -> [[String: [String]]] {
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
            ["-n", "-r", file.path] + options + ports + format + names.flatMap { ["-e", $0] })
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

    /// What it wrote when it did not like its arguments or the file.
    struct Refusal: Error {
        var text: String
    }

    private static func run(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        let complaints = Pipe()
        process.standardError = complaints
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let text = complaints.fileHandleForReading.readDataToEndOfFile()
            throw Refusal(text: String(decoding: text, as: UTF8.self))
        }
        return String(decoding: data, as: UTF8.self)
    }
}
