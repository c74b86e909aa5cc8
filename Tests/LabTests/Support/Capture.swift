import Foundation
import Testing

/// What a host's network card sees, shown by the Wireshark script of `tools/wireshark`.
final class Capture {
    private let program: Program
    private let file: URL
    private let directory: URL

    static let isPossible = Files.has("tshark") && Files.has("dumpcap")
    static let comment: Comment = "tshark is installed (tools/setup installs it)"

    /// Starts to capture UDP at `host`; returns when nothing more is missed.
    init(at host: NetworkLab.Host, in lab: NetworkLab) async throws {
        directory = lab.directory
        file = lab.directory.appending(path: "\(host.rawValue).pcapng")
        program = try lab.start(
            ["dumpcap", "-q", "-i", "eth0", "-f", "udp", "-B", "16", "-w", file.path], in: host,
            name: "capture-\(host.rawValue)")
        let path = file.path
        // The file's header is written when the card is open.
        let isOpen = try await eventually(within: .seconds(10)) {
            let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            return (size ?? 0) > 0
        }
        guard isOpen else { throw LabError("dumpcap: \(program.errors)") }
    }

    /// Ends the capture; all that came before is in it.
    func end() async throws {
        try await Task.sleep(for: .milliseconds(500))
        try await program.interrupt()
        let errors = program.errors
        #expect(errors.contains("/0 (pcap:0/dumpcap:0/"), "packets were missed: \(errors)")
    }

    /// Of each packet that `filter` chooses, the values of `fields`; the first if there are several.
    func show(_ fields: [String], where filter: String) throws -> [[String]] {
        let script = Files.package.appending(path: "tools/wireshark/polycast.lua").path
        // No settings of whoever runs the tests.
        let environment = ["env", "HOME=\(directory.path)", "XDG_CONFIG_HOME=\(directory.path)"]
        let output = try Program.run(
            list: environment + ["tshark", "-n", "-X", "lua_script:\(script)", "-r", file.path]
                + ["-Y", filter, "-T", "fields", "-E", "separator=;", "-E", "occurrence=f"]
                + fields.flatMap { ["-e", $0] })
        return output.split(separator: "\n").map { line in
            line.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// How many packets `filter` chooses.
    func count(where filter: String) throws -> Int {
        try show(["frame.number"], where: filter).count
    }
}
