import Demo
import Foundation
import Management
import Testing

/// The demo itself, with real processes on loopback addresses.
@Suite(.serialized) struct RunDemoTests {
    private let directory = NSTemporaryDirectory() + "polycast-test-\(UUID().uuidString.prefix(8))"

    /// The program that was built with the tests, in the same directory.
    private static let program: String? = {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let path = tests.deletingLastPathComponent().appendingPathComponent("polycast").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    private func configuration(seconds: Int) -> DemoConfiguration {
        var configuration = DemoConfiguration()
        configuration.outputDirectory = directory + "/out"
        configuration.duration = .seconds(seconds)
        configuration.usesPattern = true
        configuration.isJSON = true
        return configuration
    }

    @Test func everyPeerReceivesBothSourcesAndNothingIsLeftBehind() throws {
        let program = try #require(Self.program)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let result = directory + "/result.json"
        let descriptor = open(result, O_WRONLY | O_CREAT, 0o600)

        let code = runDemo(
            configuration(seconds: 5), program: program, temporaryDirectory: directory,
            output: descriptor)
        close(descriptor)

        #expect(code == 0)
        let json = try JSONValue(parsing: String(contentsOfFile: result, encoding: .utf8))
        let peers = try json.list("peers", of: JoinSummary.init(json:))
        #expect(peers.map(\.name) == ["alice", "bob", "carol", "dave", "erin"])
        for peer in peers {
            let sources = Set(["alice", "dave"]).subtracting([peer.name])
            #expect(Set(peer.streams.map(\.member)) == sources)
            // 2 Mbit/s of 1200-byte packets for 5 s are 1041.
            #expect(peer.streams.allSatisfy { $0.received > 900 && $0.corrupted == 0 })
        }
        #expect(try json.list("trees").count == 2)
        for tree in try json.list("trees") { #expect(try tree.list("nodes").count == 5) }
        #expect(try #require(json["files"])["png"] == .null)
        let picture = try String(contentsOfFile: directory + "/out/tree.svg", encoding: .utf8)
        #expect(picture.contains("erin"))
        let left = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(left.sorted() == ["out", "result.json"])
        #expect(try processes() == [])
    }

    @Test func aProgramThatIsNotPolycastIsReportedWithItsLog() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }

        #expect(runDemo(configuration(seconds: 1), program: "/bin/false") == 1)
        #expect(runDemo(configuration(seconds: 1), program: directory + "/missing") == 1)
    }

    @Test func anOutputThatIsNoDirectoryIsRefused() {
        var configuration = configuration(seconds: 1)
        configuration.outputDirectory = "/dev/null/out"

        #expect(runDemo(configuration, program: "/bin/false") == 1)
    }

    /// Command lines of processes that name this test's directory.
    private func processes() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { entry in
            guard Int(entry) != nil,
                let bytes = FileManager.default.contents(atPath: "/proc/\(entry)/cmdline")
            else { return nil }
            let line = String(decoding: bytes, as: UTF8.self)
            return line.contains(directory) ? line : nil
        }
    }
}
