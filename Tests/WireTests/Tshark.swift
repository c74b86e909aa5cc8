import Foundation
import Testing

/// Wireshark's command line with the script that knows Polycast's datagrams.
enum Tshark {
    static let script = package.appending(path: "tools/wireshark/polycast.lua")
    static let package = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let isInstalled: Bool = {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/tshark")
        }
    }()
    static let comment: Comment = "tshark is installed (tools/setup installs it)"

    /// One datagram as it lies in a capture.
    struct Captured {
        var bytes: [UInt8]
        var sourcePort: UInt16 = 40_000
        /// That of the rendezvous, where the script looks at everything.
        var port: UInt16 = 7400
        /// Bytes of it that were captured; all if `nil`.
        var snapped: Int?
    }

    /// What was shown of one datagram: values by field, in the order of the datagram.
    typealias Shown = [String: [String]]

    /// Fields that say that reading went wrong.
    static let errors = [
        "_ws.lua.error", "_ws.lua.proto.error", "_ws.malformed.expert",
        "_ws.malformed.dissector_bug",
    ]
    static let reason = "polycast.malformed.reason"

    /// Shows each datagram's values of `fields` and of what went wrong.
    static func show(
        _ datagrams: [Captured], _ fields: [String], isClear: Bool = false,
        options: [String] = []
    ) throws -> [Shown] {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "polycast-tshark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let capture = folder.appending(path: "samples.pcap")
        try Data(pcap(datagrams)).write(to: capture)
        let wanted = errors + [reason] + fields
        let arguments =
            options + [
                "-n", "-r", capture.path, "-o", "polycast.clear:\(isClear ? "TRUE" : "FALSE")",
            ]
            + ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=;"]
            + wanted.flatMap { ["-e", $0] }
        let lines = try run(arguments, in: folder).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == datagrams.count + 1, "one line for each, and the end")
        return lines.prefix(datagrams.count).map { line in
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            var shown: Shown = [:]
            for (field, column) in zip(wanted, columns) where !column.isEmpty {
                shown[field] = column.split(separator: ";").map(String.init)
            }
            return shown
        }
    }

    /// Standard output of tshark with the script; two minutes are enough for all it is asked.
    private static func run(_ arguments: [String], in folder: URL) throws -> String {
        let (output, errors) = (folder.appending(path: "out"), folder.appending(path: "errors"))
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // No settings of whoever runs the tests.
        process.arguments =
            ["HOME=\(folder.path)", "XDG_CONFIG_HOME=\(folder.path)", "LC_ALL=C.UTF-8", "tshark"]
            + ["-X", "lua_script:\(script.path)"] + arguments
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        let end = Date().addingTimeInterval(120)
        while process.isRunning, Date() < end { usleep(10_000) }
        if process.isRunning {
            process.terminate()
            Issue.record("tshark hangs")
        }
        process.waitUntilExit()
        let complaints = try String(contentsOf: errors, encoding: .utf8)
        #expect(process.terminationStatus == 0, "\(complaints)")
        #expect(!complaints.localizedCaseInsensitiveContains("lua"), "\(complaints)")
        return try String(contentsOf: output, encoding: .utf8)
    }

    /// A classic capture file of UDP over IPv4, without a link layer.
    private static func pcap(_ datagrams: [Captured]) -> [UInt8] {
        var file: [UInt8] = []
        func write(_ words: [UInt32]) {
            for word in words { file += withUnsafeBytes(of: word.littleEndian, Array.init) }
        }
        // Magic, version 2.4, zone, accuracy, longest packet, raw IPv4.
        write([0xA1B2_C3D4, 0x0004_0002, 0, 0, 262_144, 228])
        for (index, datagram) in datagrams.enumerated() {
            let length = 28 + datagram.bytes.count
            let packet = headers(of: datagram, length: length) + datagram.bytes
            let captured = min(length, 28 + (datagram.snapped ?? datagram.bytes.count))
            write([UInt32(index / 1000), UInt32(index % 1000), UInt32(captured), UInt32(length)])
            file += packet.prefix(captured)
        }
        return file
    }

    private static func headers(of datagram: Captured, length: Int) -> [UInt8] {
        func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }
        return [0x45, 0] + word(length) + [0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
            + word(Int(datagram.sourcePort)) + word(Int(datagram.port)) + word(length - 20) + [
                0, 0,
            ]
    }
}
