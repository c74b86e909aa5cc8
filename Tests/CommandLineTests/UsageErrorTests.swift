import Management
import Testing

@testable import polycast

private let invite = "polycast://h/g"

@Suite struct UsageErrorTests {
    static let lines: [(arguments: [String], line: String)] = [
        ([], "no verb given; run 'polycast help' for the verbs"),
        (
            ["--json"],
            "the verb is missing in front of \"--json\"; run 'polycast help' for the verbs"
        ),
        (["jion"], "unknown verb \"jion\"; did you mean 'join'?"),
        (["rendez"], "unknown verb \"rendez\"; did you mean 'rendezvous'?"),
        (["stats"], "unknown verb \"stats\"; did you mean 'status'?"),
        (["frobnicate"], "unknown verb \"frobnicate\"; run 'polycast help' for the verbs"),
        (
            ["a\nb\u{1B}[31m"],
            "unknown verb \"a\\nb\\u{1B}[31m\"; run 'polycast help' for the verbs"
        ),
        ([""], "unknown verb \"\"; run 'polycast help' for the verbs"),
        (["help", "jion"], "unknown verb \"jion\"; did you mean 'join'?"),
        (["join"], "join: INVITE is missing; run 'polycast help join'"),
        (["join", invite, "x"], "join: unexpected operand \"x\"; run 'polycast help join'"),
        (["status", "x"], "status: unexpected operand \"x\"; run 'polycast help status'"),
        (
            ["join", invite, "--uplnk", "4M"],
            "join: unknown option --uplnk; did you mean --uplink?"
        ),
        (["join", invite, "--zzzzz"], "join: unknown option --zzzzz; run 'polycast help join'"),
        (["join", invite, "-z"], "join: unknown option -z; run 'polycast help join'"),
        (["join", invite, "-Jz"], "join: unknown option -z; run 'polycast help join'"),
        (["join", invite, "--name"], "join: --name needs a value; write --name NAME"),
        (
            ["join", invite, "--publish", "--json"],
            "join: --publish needs a value; write --publish SPEC, or --publish=SPEC if it "
                + "begins with a dash"
        ),
        (
            ["join", invite, "--json=yes"],
            "join: --json takes no value; run 'polycast help join'"
        ),
        (
            ["join", invite, "--name", "a", "--name=b"],
            "join: --name is given twice; keep one of them"
        ),
        (
            ["join", "h/g"],
            "invite \"h/g\" does not begin with polycast://; write "
                + "polycast://HOST:PORT/GROUP, as in polycast://192.0.2.1:7400/standup"
        ),
        (
            ["join", invite, "--uplink", "0"],
            "--uplink 0 leaves nothing to send with; give what this host may send, such as 4M; "
                + "even joining needs some"
        ),
        (
            ["join", invite, "--uplink", "0.0M"],
            "--uplink 0.0M leaves nothing to send with; give what this host may send, such as 4M; "
                + "even joining needs some"
        ),
        (
            ["join", invite, "--uplink", "fast"],
            "--uplink cannot be \"fast\"; write bits per second, such as 800k, 4M or 2.5M "
                + "(up to 1000G)"
        ),
        (
            ["join", invite, "--uplink="],
            "--uplink cannot be \"\"; write bits per second, such as 800k, 4M or 2.5M "
                + "(up to 1000G)"
        ),
        (
            ["join", invite, "--uplink", "."],
            "--uplink cannot be \".\"; write bits per second, such as 800k, 4M or 2.5M "
                + "(up to 1000G)"
        ),
        (
            ["join", invite, "--name", "../x"],
            "--name cannot be \"../x\"; write 1 to 32 of A-Z a-z 0-9 . _ -, no dot first"
        ),
        (
            ["join", invite, "--bind", "localhost:1"],
            "--bind cannot be \"localhost:1\"; write ADDRESS:PORT, as in 192.0.2.1:7400 or "
                + "[::]:7400"
        ),
        (
            ["rendezvous", "--listen", "239.1.2.3:7400"],
            "--listen cannot be \"239.1.2.3:7400\"; write ADDRESS:PORT, as in 192.0.2.1:7400 or "
                + "[::]:7400"
        ),
        (
            ["join", invite, "--workers", "17"],
            "--workers cannot be \"17\"; write a number from 1 to 16"
        ),
        (
            ["bench", "latency", "--workers", "2"],
            "bench latency: --workers is for forward; leave it out, or run polycast bench forward"
        ),
        (
            ["bench", "forward", "--rival", "1:2"],
            "bench forward: --rival is for paced; leave it out, or run polycast bench paced"
        ),
        (
            ["relay", invite, "--workers", "0"],
            "--workers cannot be \"0\"; write a number from 1 to 16"
        ),
        (
            ["join", invite, "--fanout", "0"],
            "--fanout cannot be \"0\"; write a number from 1 to 256"
        ),
        (
            ["join", invite, "--algorithm", "bfs"],
            "--algorithm cannot be \"bfs\"; write spt, flood or auto"
        ),
        (
            ["join", invite, "--seed", "18446744073709551616"],
            "--seed cannot be \"18446744073709551616\"; write a number from 0 to "
                + "18446744073709551615"
        ),
        (
            ["join", invite, "--duration", "0s"],
            "--duration cannot be \"0s\"; write a time from 1ms to 8760h, such as 500ms, 30s, "
                + "5m or 1h"
        ),
        (
            ["rendezvous", "--lease", "2h"],
            "--lease cannot be \"2h\"; write a time from 1s to 1h, such as 500ms, 30s, 5m or 1h"
        ),
        (["join", invite, "--sdp-dir="], "--sdp-dir cannot be \"\"; give a directory"),
        (
            ["join", invite, "--publish="],
            "an empty text can be neither published nor delivered to; give a file or an "
                + "address, such as rtp://127.0.0.1:6000"
        ),
        (
            ["join", invite, "--socket", String(repeating: "a", count: 108)],
            "--socket is 108 bytes long, more than the 107 of a socket; choose a shorter path"
        ),
        (
            ["join", invite, "-qv"],
            "--quiet and --verbose contradict each other; keep one of them"
        ),
        (
            ["rendezvous", "--group-limit", "1000001"],
            "--group-limit cannot be \"1000001\"; write a number from 1 to 1000000"
        ),
        (
            ["status", "--socket", "a", "--name", "b"],
            "status: more than one is named to be asked; keep one of --socket, --name"
        ),
        (
            ["members", "--socket", "a", invite],
            "members: more than one is named to be asked; keep one of --socket, --name and the "
                + "invite"
        ),
        (["completion"], "completion: SHELL is missing; run 'polycast help completion'"),
        (
            ["completion", "tcsh"],
            "no completion for the shell \"tcsh\"; choose bash, zsh or fish"
        ),
    ]

    @Test(arguments: lines)
    func everyMistakeHasOneLineAndOneExitCode(arguments: [String], line: String) throws {
        let failure = try #require(throws: Failure.self) { try parse(arguments) }

        #expect(failure.line == "polycast: " + line)
        #expect(failure.code == .usage)
        #expect(!failure.line.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test func randomArgumentsNeverTrap() {
        var generator = Draws(state: 1)
        let words =
            CommandTable.polycast.verbs.flatMap { verb in
                [verb.name] + verb.allOptions.map { "--\($0.name)" }
            } + [
                "", "-", "--", "-v", "-Jq", "=", "--=", "--name=", invite, "0", "\u{0}", "é", "---",
            ]
        for _ in 0..<5000 {
            let count = Int(generator.next() % 7)
            let arguments = (0..<count).map { _ in
                words[Int(generator.next() % UInt64(words.count))]
            }
            if case .failure(let failure) = Result(catching: { try parse(arguments) }) {
                #expect((failure as? Failure)?.line.contains("\n") == false)
            }
        }
    }

    private struct Draws {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }
}
