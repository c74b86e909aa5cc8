import Foundation
import Testing

extension LabTests {
    /// The live view of `polycast inspect` on a pseudo terminal.
    @Suite(.enabled(if: Traffic.isPossible, "python3 is installed (tools/setup installs it)"))
    struct LiveViewTests {
        /// One number in a hundred.
        private static let skipped = stride(from: 50, to: 4000, by: 100).map(String.init)
            .joined(separator: ",")
        private static let command = [Files.polycast, "inspect", "-i", "eth0"]

        /// Two streams at `a2`, of which it wants one, and a stream without reason to be there.
        private func lab() async throws -> NetworkLab {
            let lab = try NetworkLab()
            _ = try lab.startSending(.a1, "group=239.1.2.3", "count=4000", "interval=3")
            _ = try lab.startSending(
                .a1, "group=239.1.2.4", "count=4000", "interval=1", "skip=\(Self.skipped)")
            return lab
        }

        @Test(.timeLimit(.minutes(1)))
        func keysChooseOrderHoldAndEnd() async throws {
            let lab = try await lab()
            defer { lab.down() }
            let view = try await TerminalView.run(
                Self.command, on: .a2, in: lab,
                [
                    (.wait, 1.8), (.type("s"), 0.2), (.type("ss"), 0.2), (.type("3"), 0.2),
                    (.type("j"), 0.2), (.type("jjjjjjjjjjjjjjjjjj"), 0.2), (.type("k"), 0.2),
                    (.type("2"), 0.2), (.type("1"), 0.2), (.type(" "), 0.1), (.wait, 1.0),
                    (.type("2"), 0.2), (.type(" "), 0.7), (.resize(120, 40), 0.8),
                    (.type("\t\t"), 0.2), (.type("q"), 0.3),
                ])
            let steps = view.steps

            for step in steps.prefix(13) {
                #expect(step.lines.count == 24, "\(step)")
                #expect(step.lines.allSatisfy { $0.count <= 80 }, "\(step)")
            }
            let first = steps[0].lines
            #expect(first[0].hasPrefix("polycast eth0  [1 streams]  2 groups   3 findings"))
            #expect(first[1].contains("SOURCE") && first[1].contains("LOST"), "\(first)")
            #expect(first[1].contains("JITTER"), "\(first)")
            #expect(first[2].contains("239.1.2.3:5004"), "\(first)")
            #expect(first[3].contains("239.1.2.4:5004"), "\(first)")
            #expect(first[23].hasPrefix("q quit"))
            // By rate the second comes first.
            #expect(steps[1].lines[2].contains("239.1.2.4"), "\(steps[1].lines)")
            #expect(steps[1].lines[23].contains("order (rate)"))
            #expect(steps[2].lines[23].contains("order (jitter)"))
            expectPages(steps)
            let held = [steps[9].lines, steps[10].lines]
            #expect(held[0] == held[1], "the screen is held")
            #expect(held[0][0].hasSuffix("  paused"))
            #expect(steps[11].lines[0].contains("[2 groups]"), "another page of the same")
            #expect(steps[11].lines[22] == held[0][22])
            #expect(!steps[12].lines[0].contains("paused"))
            #expect(steps[12].lines[22] != held[0][22], "it goes on")
            let large = steps[13].lines
            #expect(large.count == 40)
            #expect(steps[14].lines[0].contains("[1 streams]"))
            #expect(steps[14].lines[1].contains("DSCP") || steps[14].lines[1].count > 80)
            try expectEnd(view, status: 0)
        }

        private func expectPages(_ steps: [TerminalView.Step]) {
            let findings = steps[3].lines
            #expect(findings[0].contains("[3 findings]"))
            #expect(findings[1].hasPrefix("problem: 192.0.2.11 to 239.1.2.4:5004 lacks "))
            // Whole sentences, and in color.
            let text = findings.dropFirst().prefix(6).joined(separator: " ")
            #expect(text.contains("netstat -su") && text.contains("on the way"), "\(findings)")
            #expect(steps[3].raw.contains("\u{1B}[31mproblem"))
            // All is on the screen: there is nothing to scroll.
            #expect(steps[4].lines[1].hasPrefix("problem: 192.0.2.11"))
            #expect(steps[6].lines[1].hasPrefix("problem: 192.0.2.11"))
            #expect(steps[7].lines[0].contains("[2 groups]"))
            #expect(steps[7].lines[1].hasSuffix("FORGOTTEN IN"), "\(steps[7].lines)")
            #expect(steps[7].lines[2].hasPrefix("239.1.2.3"), "\(steps[7].lines)")
            #expect(steps[8].lines[0].contains("[1 streams]"))
        }

        /// The screen and the settings are back, and the report is below.
        private func expectEnd(_ view: TerminalView, status: Int) throws {
            #expect(view.status == status)
            #expect(view.wasRaw)
            #expect(view.isRestored)
            let parts = view.output.components(separatedBy: "\u{1B}[?25h\u{1B}[?1049l")
            #expect(parts.count == 2)
            #expect(parts[0].contains("\u{1B}[?1049h\u{1B}[?25l"))
            let report = try #require(parts.last)
            #expect(report.contains("239.1.2.4:5004"))
            #expect(report.contains("dropped: 0 by the kernel"), "\(report)")
            #expect(!report.contains("\u{1B}"))
        }

        @Test(.timeLimit(.minutes(1)))
        func smallScreensScroll() async throws {
            let lab = try await lab()
            defer { lab.down() }
            let view = try await TerminalView.run(
                Self.command, on: .a2, in: lab,
                [
                    (.wait, 1.5), (.resize(40, 6), 0.7), (.type("3 "), 0.2), (.type("j"), 0.2),
                    (.type("\u{1B}[B"), 0.2), (.type(String(repeating: "j", count: 60)), 0.2),
                    (.type("kk"), 0.2), (.type("\u{1B}[A"), 0.2), (.type("q"), 0.2),
                ])
            let steps = view.steps
            for step in steps[1...7] {
                #expect(step.lines.count == 6)
                #expect(step.lines.allSatisfy { $0.count <= 40 }, "\(step.lines)")
            }
            let top = steps[2].lines
            #expect(steps[3].lines[1] == top[2])
            #expect(steps[4].lines[1] == top[3])
            let bottom = steps[5].lines
            // Back from the end by as many lines as keys were pressed.
            #expect(steps[6].lines[3] == bottom[1])
            #expect(steps[7].lines[3] == steps[6].lines[2])
            #expect(view.isRestored)
        }

        @Test(.timeLimit(.minutes(1)))
        func aSignalRestoresTheTerminalToo() async throws {
            let lab = try await lab()
            defer { lab.down() }
            let view = try await TerminalView.run(
                Self.command, on: .a2, in: lab, environment: ["NO_COLOR": "1"],
                [(.wait, 1.5), (.type("3"), 0.3), (.signal(SIGINT), 0.3)])

            try expectEnd(view, status: 130)
            #expect(view.steps[1].lines[1].hasPrefix("problem"))
            let colors = view.output.matches(of: /\u{1B}\[[0-9;]*m/)
            #expect(colors.isEmpty, "NO_COLOR")
        }

        @Test(.timeLimit(.minutes(1)))
        func aDumbTerminalAndQuietShowNone() async throws {
            let lab = try await lab()
            defer { lab.down() }
            for (option, terminal) in [("--filter=udp", "dumb"), ("-q", "xterm"), ("-J", "xterm")] {
                let view = try await TerminalView.run(
                    Self.command + ["--duration", "500ms", option], on: .a2, in: lab,
                    environment: ["TERM": terminal], [(.wait, 0.7)])
                #expect(view.status == 0)
                #expect(!view.output.contains("\u{1B}"), "\(terminal)")
                #expect(view.output.contains("239.1.2.3"))
                #expect(view.isRestored)
            }
        }
    }
}
