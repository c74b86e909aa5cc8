import Foundation
import Testing

extension LabTests {
    /// What `polycast capture` writes, as Wireshark's tools read it.
    @Suite(.enabled(if: CaptureFile.isPossible, CaptureFile.comment))
    struct CaptureFileTests {
        private static let filter = "udp dst port 5004"
        /// The script's first sequence number.
        private static let first = 65_500

        private func path(_ lab: NetworkLab, _ name: String = "it.pcapng") -> URL {
            lab.directory.appending(path: name)
        }

        @Test(.timeLimit(.minutes(1)))
        func twoEndsAtOnceAreWholeStampedAndDescribed() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = CaptureFile(url: path(lab))
            let capture = try await lab.startCapture(
                "capture", "-i", "a1", "-i", "a2", "-f", Self.filter, "-w", file.url.path,
                interfaces: 2)
            try await lab.sendGroup(.a1, "group=239.1.2.3", "count=400")
            try await Task.sleep(for: .milliseconds(200))
            capture.signal(SIGINT)
            #expect(try await capture.ends(within: .seconds(5)))

            #expect(capture.termination == .exit(130), "\(capture.errors)")
            #expect(capture.errors.contains("a1, a2: 800 packets; dropped: 0 by the kernel"))
            #expect(capture.output.isEmpty)
            let expected = (0..<400).map { (Self.first + $0) & 0xFFFF }
            #expect(try file.sequences() == ["a1": expected, "a2": expected])
            #expect(try file.packetCount() == 800)
            let description = try file.description()
            #expect(description.matches(of: #/Number of packets = 400/#).count == 2)
            #expect(description.matches(of: #/Filter string = udp dst port 5004/#).count == 2)
            #expect(description.matches(of: #/Number of stat entries = 1/#).count == 2)
            #expect(description.matches(of: #/Time precision = nanoseconds \(9\)/#).count == 2)
            for name in ["a1", "a2"] { #expect(description.contains("Name = \(name)\n")) }
            // Received, dropped by the interface, dropped by the kernel.
            #expect(try file.statistics() == [[4: 400, 5: 0, 7: 0], [4: 400, 5: 0, 7: 0]])
            let stamps = try file.show(["frame.time_epoch"]).map { $0[0] }
            let digits = stamps.map { $0.split(separator: ".").last ?? "" }
            #expect(digits.allSatisfy { $0.count == 9 })
            #expect(digits.count { $0.hasSuffix("000") } < 20, "\(digits.prefix(5))")
        }

        @Test(.timeLimit(.minutes(1)))
        func aPipeIsReadByTshark() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            // The shell waits for both; the sender outlasts the count.
            let script =
                "'\(Files.polycast)' capture -i a2 -f '\(Self.filter)' -w - -c 50 "
                + "| tshark -n -r - -T fields -e ip.dst -e udp.dstport"
            let pipe = try lab.start(lab.routerRunner + ["sh", "-c", script], name: "pipe")
            let sender = try lab.startSending(.a1, "group=239.1.2.3", "count=2000", "interval=5")
            #expect(try await pipe.ends(within: .seconds(15)))
            sender.kill()

            #expect(pipe.termination == .exit(0), "\(pipe.errors)")
            let lines = pipe.output.split(separator: "\n")
            #expect(lines.count == 50, "\(pipe.errors)")
            #expect(Set(lines) == ["239.1.2.3\t5004"])
        }

        @Test(.timeLimit(.minutes(1)))
        func ofARingTheNewestFilesRemain() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let capture = try await lab.startCapture(
                "capture", "-i", "a2", "-f", Self.filter, "-w", path(lab, "ring.pcapng").path,
                "-b", "files:3,filesize:50k")
            try await lab.sendGroup(
                .a1, "group=239.1.2.3", "count=500", "size=1000", "interval=1")
            try await Task.sleep(for: .milliseconds(200))
            try await capture.interrupt()

            #expect(capture.termination == .exit(130))
            let names = try FileManager.default.contentsOfDirectory(atPath: lab.directory.path)
                .filter { $0.hasSuffix(".pcapng") }.sorted()
            #expect(names.count == 3, "\(names)")
            var numbers: [Int] = []
            for name in names {
                let file = CaptureFile(url: path(lab, name))
                let part = try #require(try file.sequences()["a2"])
                #expect(try file.packetCount() == part.count)
                // Each ends with what was counted until then.
                #expect(try file.statistics().count == 1, "\(name)")
                numbers += part
                let size = try Data(contentsOf: file.url).count
                #expect(size < 53_000, "\(name): \(size)")
            }
            let newest = (0..<500).suffix(numbers.count).map { (Self.first + $0) & 0xFFFF }
            #expect(numbers == newest)
            #expect(numbers.count > 90)
        }

        @Test(.timeLimit(.minutes(1)))
        func limitsEndACaptureExactly() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let sender = try lab.startSending(.a1, "group=239.1.2.3", "count=4000", "interval=2")
            for (index, limit) in [["-a", "packets:7"], ["-c", "5"]].enumerated() {
                let file = CaptureFile(url: path(lab, "\(index).pcapng"))
                let output = try Program.outcome(
                    lab.routerRunner + [Files.polycast, "capture", "-i", "a2", "-i", "a3"]
                        + ["-f", Self.filter, "-w", file.url.path] + limit)
                #expect(output.status == 0, "\(output)")
                #expect(try file.packetCount() == [7, 5][index])
            }
            let file = CaptureFile(url: path(lab, "size.pcapng"))
            _ = try lab.onRouter(
                Files.polycast, "capture", "-i", "a2", "-f", Self.filter, "-w", file.url.path,
                "-a", "filesize:20k")
            #expect(abs(try Data(contentsOf: file.url).count - 20_000) < 1200)
            let start = ContinuousClock.now
            _ = try lab.onRouter(
                Files.polycast, "capture", "-i", "a2", "-f", Self.filter, "-w", file.url.path,
                "-a", "duration:1")
            let duration = ContinuousClock.now - start
            #expect((.seconds(1)...(.seconds(3))).contains(duration), "\(duration)")
            // 500 packets a second.
            #expect((350...550).contains(try file.packetCount()))
            sender.kill()
        }

        /// Files of several sections describe interfaces between packets.
        @Test(.timeLimit(.minutes(1)))
        func aCopyOfFilesBehindEachOtherIsWhole() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let sender = try lab.startSending(.a1, "group=239.1.2.3", "count=4000", "interval=2")
            var whole = Data()
            for port in ["a2", "a3"] {
                let part = path(lab, "\(port).pcapng")
                _ = try lab.onRouter(
                    Files.polycast, "capture", "-i", port, "-f", Self.filter, "-w", part.path,
                    "-c", "20")
                whole += try Data(contentsOf: part)
            }
            sender.kill()
            try whole.write(to: path(lab, "both.pcapng"))
            let copy = CaptureFile(url: path(lab, "copy.pcapng"))
            let output = try Program.outcome([
                Files.polycast, "capture", "-r", path(lab, "both.pcapng").path, "-w",
                copy.url.path,
            ])

            #expect(output.status == 0, "\(output)")
            #expect(try copy.packetCount() == 40)
            #expect(try copy.sequences().mapValues(\.count) == ["a2": 20, "a3": 20])
        }
    }
}
