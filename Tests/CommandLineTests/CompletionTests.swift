import Foundation
import Testing

@testable import polycast

@Suite struct CompletionTests {
    @Test(
        .enabled(if: Shell.bash.exists, "bash is not installed"),
        arguments: [
            (["polycast", "jo"], 1, ["join"]), (["polycast", "--v"], 1, ["--version"]),
            (["polycast", "join", "--rend"], 2, ["--rendezvous-timeout"]),
            (["polycast", "help", "dem"], 2, ["demo"]),
            (["polycast", "completion", ""], 2, ["bash", "zsh", "fish", "--help"]),
            (["polycast", "join", "--name", ""], 3, []),
            (["polycast", "demo", "--out", "/et"], 3, ["/etc"]),
        ])
    func bashOffersWhatFits(words: [String], position: Int, offers: [String]) throws {
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let script =
            CommandTable.polycast.bashCompletion + """
                COMP_WORDS=(\(list)); COMP_CWORD=\(position); _polycast
                printf '%s\\n' "${COMPREPLY[@]}"
                """

        #expect(try Shell.bash.run(script).lines == offers)
    }

    @Test(.enabled(if: Shell.bash.exists, "bash is not installed"))
    func bashFindsNoMistake() throws {
        #expect(try Shell.bash.check(CommandTable.polycast.bashCompletion) == "")
        #expect(try Shell.bash.check("case x in") != "")
    }

    @Test(.enabled(if: Shell.zsh.exists, "zsh is not installed"))
    func zshFindsNoMistake() throws {
        let script = CommandTable.polycast.zshCompletion

        #expect(try Shell.zsh.check(script) == "")
        #expect(try Shell.zsh.check("case x in") != "")
        let load = "autoload -Uz compinit; compinit -D -u\n\(script)\nprint ${_comps[polycast]}"
        #expect(try Shell.zsh.run(load).lines == ["_polycast"])
    }

    @Test(.enabled(if: Shell.fish.exists, "fish is not installed"))
    func fishFindsNoMistake() throws {
        #expect(try Shell.fish.check(CommandTable.polycast.fishCompletion) == "")
        #expect(try Shell.fish.check("if true") != "")
    }

    @Test(
        .enabled(if: Shell.fish.exists, "fish is not installed"),
        arguments: [
            ("polycast jo", "join\tjoin a group: publish, forward and deliver its media"),
            (
                "polycast join --fan",
                "--fanout\tchildren per source at most (default: by the uplink)"
            ),
            ("polycast completion z", "zsh"),
        ])
    func fishOffersWhatFits(line: String, offer: String) throws {
        let script = CommandTable.polycast.fishCompletion + "complete -C '\(line)'\n"

        #expect(try Shell.fish.run(script).lines == [offer])
    }

    @Test func everyVerbAndOptionIsInEveryScript() {
        let table = CommandTable.polycast
        for verb in table.verbs {
            for option in verb.allOptions {
                #expect(table.bashCompletion.contains("--\(option.name)"))
                #expect(table.zshCompletion.contains("--\(option.name)["))
                #expect(table.fishCompletion.contains("-l \(option.name)"))
            }
            #expect(table.zshCompletion.contains("        \(verb.name))"))
        }
    }
}

/// A shell of this host, run on scripts in temporary files.
private struct Shell {
    var path: String
    var plainFlags: [String]

    static let bash = Shell(path: "/bin/bash", plainFlags: ["--norc"])
    static let zsh = Shell(path: "/usr/bin/zsh", plainFlags: ["-f"])
    static let fish = Shell(path: "/usr/bin/fish", plainFlags: ["--no-config"])

    struct Outcome {
        var output: String
        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    var exists: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// What the shell's syntax check complains of.
    func check(_ script: String) throws -> String { try launch(script, ["-n"]).errors }

    func run(_ script: String) throws -> Outcome {
        let result = try launch(script, plainFlags)
        #expect(result.errors == "")
        return Outcome(output: result.output)
    }

    private func launch(
        _ script: String, _ flags: [String]
    ) throws -> (output: String, errors: String) {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("polycast-completion-\(UUID().uuidString)")
        try script.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = flags + [file.path]
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: text, as: UTF8.self), String(decoding: complaint, as: UTF8.self))
    }
}
