import Foundation
import Testing

extension LabTests {
    /// Files, pipes and what is neither, as the input of `polycast inspect` and `capture --read`.
    @Suite(.enabled(if: CaptureFile.isPossible, CaptureFile.comment))
    struct CaptureInputTests {
        /// A capture of 200 packets, about 100 kB.
        private func sample(_ lab: NetworkLab) async throws -> URL {
            let file = lab.directory.appending(path: "sample.pcapng")
            let capture = try await lab.startCapture(
                "capture", "-i", "a2", "-f", "udp dst port 5004", "-w", file.path, "-c", "200")
            try await lab.sendGroup(.a1, "group=239.1.2.3", "count=200", "interval=1")
            #expect(try await capture.ends(within: .seconds(5)))
            return file
        }

        /// The report on standard output, also where the exit status is 1.
        private func inspect(
            _ lab: NetworkLab, _ path: String, name: String = UUID().uuidString
        ) async throws -> (report: Inspection, status: Program.Termination?, errors: String) {
            let program = try lab.start([Files.polycast, "inspect", path, "--json"], name: name)
            #expect(try await program.ends(within: .seconds(10)))
            return (
                try Inspection(parsing: program.output), program.termination, program.errors
            )
        }

        @Test(.timeLimit(.minutes(1)))
        func whatIsNoCaptureIsNamed() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let whole = try await sample(lab)
            let (empty, garbage) = (lab.directory.path + "/empty", lab.directory.path + "/garbage")
            try Data().write(to: URL(filePath: empty))
            try Data((0..<5000).map { UInt8($0 * 37 & 0xFF) }).write(to: URL(filePath: garbage))
            _ = try Program.run("gzip", "-k", whole.path)
            let cases = [
                (lab.directory.path, "Is a directory"), (empty, "it is empty"),
                (garbage, "it is no capture"), (whole.path + ".gz", "uncompress it first"),
            ]
            for (path, text) in cases {
                let (report, status, errors) = try await inspect(lab, path)
                #expect(status == .exit(1), "\(path)")
                #expect(errors.contains(path) && errors.contains(text), "\(errors)")
                #expect(report.capture.truncated)
                #expect(report.capture.packets == 0)
                let copy = lab.directory.path + "/copy.pcapng"
                let (code, output) = try Program.outcome([
                    Files.polycast, "capture", "-r", path, "-w", copy,
                ])
                #expect(code == 1)
                #expect(output.contains(text), "\(output)")
                #expect(!FileManager.default.fileExists(atPath: copy), "nothing to write")
            }
            let (code, output) = try Program.outcome([
                Files.polycast, "inspect", "/nonexistent/it.pcapng",
            ])
            #expect(code == 1)
            #expect(output.contains("No such file or directory"))
        }

        @Test(.timeLimit(.minutes(1)))
        func ofAFileThatWasCutTheRestCounts() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let bytes = try Data(contentsOf: try await sample(lab))
            let part = lab.directory.appending(path: "part.pcapng")
            for length in [bytes.count / 2, bytes.count / 3, bytes.count - 30, 60] {
                try bytes.prefix(length).write(to: part)
                let (report, status, errors) = try await inspect(lab, part.path)
                // tshark counts whole packets, too, and complains.
                let seen = try Program.outcome([
                    "sh", "-c", "tshark -n -r '\(part.path)' 2>/dev/null | wc -l",
                ]).output.trimmingCharacters(in: .whitespacesAndNewlines)
                #expect(status == .exit(1), "\(length)")
                #expect(report.capture.packets == Int(seen), "\(length)")
                #expect(errors.contains("the \(seen) packets before it count"), "\(errors)")
                #expect(report.streams.map(\.packets).reduce(0, +) == Int(seen))
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func pipesAndStandardInputAreRead() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = try await sample(lab)
            let pipe = lab.directory.path + "/pipe"
            _ = try Program.run("mkfifo", pipe)
            // In pieces that fit no record.
            let script = "dd if='\(file.path)' of='\(pipe)' bs=777 status=none"
            let writer = try lab.start(["sh", "-c", script], name: "writer")
            let (report, status, errors) = try await inspect(lab, pipe)
            #expect(status == .exit(0), "\(errors)")
            #expect(report.capture.packets == 200)
            #expect(try await writer.ends(within: .seconds(2)))

            let text = try Program.run(
                "sh", "-c", "cat '\(file.path)' | '\(Files.polycast)' inspect - --json")
            #expect(try Inspection(parsing: text).streams.map(\.packets) == [200])
            let legacy = file.path + ".pcap"
            _ = try Program.run("tshark", "-F", "pcap", "-r", file.path, "-w", legacy)
            #expect(try Inspection(of: URL(filePath: legacy)).streams.map(\.lost) == [0])
        }

        @Test(.timeLimit(.minutes(1)))
        func aFileMayGrowWhileItIsRead() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = lab.directory.appending(path: "grows.pcapng")
            let capture = try await lab.startCapture(
                "capture", "-i", "a2", "-f", "udp dst port 5004", "-w", file.path)
            let sender = try lab.startSending(.a1, "group=239.1.2.3", "count=1500", "interval=1")
            var counts: [Int] = []
            while sender.isRunning {
                let (report, status, errors) = try await inspect(lab, file.path)
                // Whole blocks are written, but a reader may be faster than a write.
                #expect(status == .exit(0) || errors.contains("ends within a record"))
                #expect(report.streams.allSatisfy { $0.lost == 0 })
                counts.append(report.capture.packets)
                try await Task.sleep(for: .milliseconds(100))
            }
            try await Task.sleep(for: .milliseconds(200))
            try await capture.interrupt()

            #expect(counts == counts.sorted())
            #expect(Set(counts).count > 2, "\(counts)")
            #expect(try Inspection(of: file).capture.packets == 1500)
        }

        @Test(.timeLimit(.minutes(1)))
        func aFileIsNotWrittenOverItself() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = try await sample(lab)
            let (status, output) = try Program.outcome([
                Files.polycast, "capture", "-r", file.path, "-w",
                lab.directory.path + "/./sample.pcapng",
            ])

            #expect(status == 2)
            #expect(output.contains("would be read and overwritten"), "\(output)")
            #expect(try CaptureFile(url: file).packetCount() == 200)
        }
    }
}
