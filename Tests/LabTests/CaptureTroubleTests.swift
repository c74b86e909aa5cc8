import Foundation
import Testing

extension LabTests {
    /// What `polycast capture` and `inspect` do where something is missing, broken or full.
    @Suite(.enabled(if: CaptureFile.isPossible, CaptureFile.comment))
    struct CaptureTroubleTests {
        private static let filter = "udp dst port 5004"

        /// Exit status and everything that was printed.
        private func outcome(
            _ lab: NetworkLab, on host: NetworkLab.Host? = nil, _ words: String...
        ) throws -> (status: Int32, output: String) {
            try Program.outcome((host.map { lab.runner($0) } ?? lab.routerRunner) + words)
        }

        @Test(.timeLimit(.minutes(1)))
        func whoMayNotCaptureIsToldWhatIsMissing() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            for verb in ["capture", "inspect"] {
                let (status, output) = try outcome(
                    lab, "setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw",
                    Files.polycast, verb, "-i", "lana")
                #expect(status == 5, "\(output)")
                #expect(output.contains("CAP_NET_RAW is missing"))
                #expect(output.contains("sudo setcap cap_net_raw=ep"))
                #expect(output.split(separator: "\n").count == 1)
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func capabilitiesAreGivenUpOnceAllIsOpen() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            for verb in [["capture", "-w", "/dev/null"], ["inspect", "--json"]] {
                let program = try lab.start(
                    lab.routerRunner + [Files.polycast] + verb + ["-i", "a1", "-i", "a2"],
                    name: "drops-\(verb[0])")
                #expect(try await eventually(within: .seconds(5)) { program.isWithoutRawSockets })
                #expect(program.runningPacketSockets == 2)
                #expect(program.isRunning)
                try await program.interrupt()
                #expect(program.termination == .exit(130), "\(program.errors)")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func interfacesAndFiltersThatAreWrongAreNamed() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            try lab.onRouter("ip", "link", "set", "a4", "down")
            let cases: [(words: [String], status: Int32, text: String)] = [
                (["-i", "eth9"], 1, "there is no interface \"eth9\""),
                (["-i", "a1", "-i", "eth9"], 1, "there is no interface \"eth9\""),
                (["-i", "a4"], 1, "interface \"a4\" is down"),
                (["-i", "a1", "-f", "udp prot 1"], 2, "filter \"udp prot 1\" is not understood"),
            ]
            for (words, status, text) in cases {
                for verb in ["capture", "inspect"] {
                    let result = try Program.outcome(
                        lab.routerRunner + [Files.polycast, verb] + words)
                    #expect(result.status == status, "\(result)")
                    #expect(result.output.contains(text), "\(result)")
                }
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func whatCameBeforeAnInterfaceVanishedIsKept() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = CaptureFile(url: lab.directory.appending(path: "gone.pcapng"))
            let capture = try await lab.startCapture(
                "capture", "-i", "a2", "-f", Self.filter, "-w", file.url.path)
            let both = try await lab.startCapture(
                "inspect", "-i", "a2", "-i", "a3", "-f", Self.filter, "--json", interfaces: 2)
            try await lab.sendGroup(.a1, "group=239.1.2.3", "count=100")
            try await Task.sleep(for: .milliseconds(200))
            try lab.onRouter("ip", "link", "delete", "a2")
            #expect(try await capture.ends(within: .seconds(5)))
            try await lab.sendGroup(.a1, "group=239.1.2.3", "count=50")
            try await Task.sleep(for: .milliseconds(200))
            #expect(both.isRunning, "the other interface is still there: \(both.errors)")
            try await both.interrupt()

            #expect(capture.termination == .exit(1))
            #expect(capture.errors.contains("the capture ended early: a2: "), "\(capture.errors)")
            #expect(capture.errors.contains("100 packets were taken"), "\(capture.errors)")
            #expect(try file.packetCount() == 100)
            let report = try Inspection(parsing: both.output)
            let counts = report.streams.map { "\($0.interface) \($0.packets)" }
            #expect(counts.sorted() == ["a2 100", "a3 100", "a3 50"])
            #expect(report.capture.trouble?.hasPrefix("a2: ") == true)
        }

        @Test(.timeLimit(.minutes(1)))
        func aCaptureOutlivesThatItsInterfaceWasDown() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = CaptureFile(url: lab.directory.appending(path: "down.pcapng"))
            let capture = try await lab.startCapture(
                "capture", "-i", "a2", "-f", Self.filter, "-w", file.url.path)
            try await lab.sendGroup(.a1, "group=239.1.2.3", "count=50")
            try await Task.sleep(for: .milliseconds(200))
            try lab.onRouter("ip", "link", "set", "a2", "down")
            let before = capture.processorSeconds
            try await Task.sleep(for: .seconds(1))
            #expect(capture.processorSeconds - before < 0.2, "it waits without work")
            try lab.onRouter("ip", "link", "set", "a2", "up")
            try await Task.sleep(for: .milliseconds(300))
            try await lab.sendGroup(.a1, "group=239.1.2.3", "count=60")
            try await Task.sleep(for: .milliseconds(200))
            try await capture.interrupt()

            #expect(capture.termination == .exit(130), "\(capture.errors)")
            #expect(try file.packetCount() == 110)
        }

        @Test(.timeLimit(.minutes(1)))
        func aFullDiskLeavesAValidFile() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let sender = try lab.startSending(
                .a1, "group=239.1.2.3", "count=4000", "size=1400", "interval=1")
            let (disk, kept) = (lab.directory.path + "/disk", lab.directory.path + "/kept.pcapng")
            let script = """
                mkdir -p '\(disk)' && mount -t tmpfs -o size=1m none '\(disk)' &&
                '\(Files.polycast)' capture -i a2 -f '\(Self.filter)' -w '\(disk)/it.pcapng'
                status=$?; cp '\(disk)/it.pcapng' '\(kept)'; exit $status
                """
            let (status, output) = try outcome(lab, "unshare", "--mount", "sh", "-c", script)
            sender.kill()

            #expect(status == 1)
            let file = CaptureFile(url: URL(filePath: kept))
            let size = try Data(contentsOf: file.url).count
            #expect(size > 500_000)
            #expect(output.contains("No space left on device"), "\(output)")
            #expect(output.contains("\(size) bytes written before are a valid capture"))
            #expect(try file.packetCount() > 300)
        }

        /// A capture that stands still for a while, with room for less than comes meanwhile.
        @Test(.timeLimit(.minutes(1)))
        func whatTheKernelDroppedIsToldToThePacket() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = CaptureFile(url: lab.directory.appending(path: "full.pcapng"))
            let capture = try await lab.startCapture(
                "capture", "-i", "a2", "-f", Self.filter, "-w", file.url.path, "-B", "1M")
            let inspection = try await lab.startCapture(
                "inspect", "-i", "a2", "-f", Self.filter, "--json")
            try await lab.sendGroup(.a1, "group=239.1.2.3", "count=100")
            capture.signal(SIGSTOP)
            try await lab.sendGroup(
                .a1, "group=239.1.2.3", "count=3000", "size=1400", "interval=0.5")
            capture.signal(SIGCONT)
            try await Task.sleep(for: .milliseconds(300))
            try await capture.interrupt()
            try await inspection.interrupt()

            let whole = try Inspection(parsing: inspection.output)
            #expect(whole.capture.packets == 3100)
            #expect(whole.capture.dropped.kernel == 0)
            let taken = try file.packetCount()
            #expect((200..<3000).contains(taken))
            let dropped = 3100 - taken
            #expect(
                capture.errors.contains("\(taken) packets; dropped: \(dropped) by the kernel"),
                "\(capture.errors)")
            #expect(try file.statistics().map { $0[7] } == [dropped])
            let read = try Inspection(of: file.url)
            #expect(read.capture.dropped.kernel == dropped)
        }

        @Test(.timeLimit(.minutes(1)))
        func aReaderThatGoesAwayEndsTheCapture() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let sender = try lab.startSending(.a1, "group=239.1.2.3", "count=8000", "interval=1")
            let script = """
                { '\(Files.polycast)' capture -i a2 -f '\(Self.filter)' -w -; echo "ended $?" >&2; } \
                | head -c 20000 >/dev/null
                """
            let program = try lab.start(lab.routerRunner + ["bash", "-c", script], name: "pipe")
            #expect(try await program.ends(within: .seconds(8)))
            sender.kill()

            #expect(program.errors.contains("whoever read standard output is gone"))
            #expect(program.errors.contains("ended 1"), "\(program.errors)")
        }
    }
}

extension Program {
    /// Whether CAP_NET_RAW and CAP_NET_ADMIN are in none of its sets but the bounding one.
    fileprivate var isWithoutRawSockets: Bool {
        let status =
            (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let sets = status.matches(of: #/Cap(?:Eff|Prm|Inh):\s*([0-9a-f]+)/#).compactMap {
            UInt64($0.1, radix: 16)
        }
        // Numbers 12 and 13 of capability.h.
        return sets.count == 3 && sets.allSatisfy { $0 & 0x3000 == 0 }
    }
}
