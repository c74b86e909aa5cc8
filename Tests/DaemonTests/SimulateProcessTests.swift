import Foundation
import Management
import Testing

/// `polycast simulate` as a process: signals, exit codes and files.
@Suite struct SimulateProcessTests {
    @Test func anInterruptPrintsWhatWasMeasuredSoFar() throws {
        let process = try PolycastProcess(
            "simulate", "--topology", "pairwise:5-50", "--peers", "12", "--duration", "24h",
            "--warmup", "1s", "--json")
        usleep(3_000_000)
        #expect(process.isRunning)

        process.send(SIGINT)

        #expect(process.exitCode(within: 20) == 130)
        let outcome = try JSONValue(parsing: Array(process.outputText.utf8))
        guard case .object(let members) = outcome else {
            Issue.record("no object: \(process.outputText)")
            return
        }
        #expect(members.contains { $0.name == "deliveries" && $0.value != .integer(0) })
        #expect(process.errorText.hasPrefix("polycast: interrupted after "))
    }

    @Test func anInterruptedSwarmSaysHowFarItGot() throws {
        let process = try PolycastProcess("simulate", "--swarm", "100000")
        usleep(500_000)

        process.send(SIGTERM)

        #expect(process.exitCode(within: 30) == 143)
        #expect(process.outputText.contains("scenario"))
    }

    @Test(arguments: [
        (#"{"routers": 2, "links": [], "hosts": []}"#, "connected"),
        (#"{"routers": 1, "links": [{"a": 0, "b": 7, "delay_ms": 1}], "hosts": []}"#, "7"),
        (#"{"routers": 1, "links": [{"a": 0, "b": 0, "delay_ms": -1}], "hosts": []}"#, "delay"),
        ("{", "bad.json"),
    ])
    func aBadTopologyIsOneLineBeforeTheRun(text: String, word: String) throws {
        let directory = try ScratchDirectory()
        let path = directory.file("bad.json")
        try text.write(toFile: path, atomically: true, encoding: .utf8)

        let process = try PolycastProcess("simulate", "--topology", path, "--peers", "2")

        #expect(process.exitCode(within: 20) == 8)
        #expect(process.outputText.isEmpty)
        let lines = process.errorText.split(separator: "\n")
        #expect(lines.count == 1 && process.errorText.contains(word), "\(process.errorText)")
    }

    @Test func treesAndTopologyAreWrittenAndTheRunCanBeRepeatedFromThem() throws {
        let directory = try ScratchDirectory()
        let common = ["--peers", "10", "--duration", "20s", "--json"]
        let first = try PolycastProcess(
            list: ["simulate", "--topology", "waxman:30"] + common + [
                "--trees", directory.file("t.jsonl"), "--topology-out", directory.file("n.json"),
                "--plot", directory.file("plots"),
            ])
        #expect(first.exitCode(within: 60) == 0)

        let again = try PolycastProcess(
            list: ["simulate", "--topology", directory.file("n.json")] + common)
        #expect(again.exitCode(within: 60) == 0)

        #expect(again.outputText == first.outputText)
        let tree = try String(contentsOfFile: directory.file("t.jsonl"), encoding: .utf8)
        #expect(tree.hasPrefix(#"{"source":"h0","at_s":20.0,"receivers":[{"host":"h1","parent":"#))
        #expect(FileManager.default.fileExists(atPath: directory.file("plots/latency.svg")))
    }

    @Test func anUnwritablePlaceIsNamedBeforeTheRun() throws {
        let process = try PolycastProcess(
            "simulate", "--peers", "4", "--trees", "/proc/nothing/t.json", "--topology",
            "pairwise:1-2")

        #expect(process.exitCode(within: 20) == 1)
        #expect(process.errorText.contains("--trees"))
        #expect(process.outputText.isEmpty)
    }
}
