import Foundation
import Testing

extension LabTests {
    /// Streams of ffmpeg as `polycast inspect` and Wireshark's RTP analysis measure them.
    @Suite(
        .enabled(if: MediaTools.isInstalled, MediaTools.comment),
        .enabled(if: CaptureFile.isPossible, CaptureFile.comment))
    struct StreamQualityTests {
        /// A line of `tshark -q -z rtp,streams`.
        private struct Analysis {
            var port: Int
            var ssrc: UInt32
            var payload: String
            var packets: Int
            var lost: Int
            var meanJitter: Double
            var maxJitter: Double
        }

        private func analyse(_ file: URL, _ options: [String] = []) throws -> [Analysis] {
            let text = try Program.run(
                list: ["tshark", "-n", "-q", "-r", file.path, "-z", "rtp,streams"] + options)
            return text.split(separator: "\n").compactMap { line in
                // Times, source, port, destination, port, SSRC, payload, packets, lost, percent,
                // deltas (3), jitters (3), problems.
                let words = line.split(separator: " ").map(String.init)
                guard words.count >= 16, words[6].hasPrefix("0x"),
                    let ssrc = UInt32(words[6].dropFirst(2), radix: 16), let port = Int(words[5])
                else { return nil }
                // A payload's name may have spaces.
                let share = words.firstIndex { $0.hasSuffix("%)") } ?? 10
                return Analysis(
                    port: port, ssrc: ssrc, payload: words[7], packets: Int(words[share - 2]) ?? -1,
                    lost: Int(words[share - 1]) ?? -1, meanJitter: Double(words[share + 5]) ?? -1,
                    maxJitter: Double(words[share + 6]) ?? -1)
            }
        }

        private func expect(
            _ stream: Inspection.Stream, hasJitter mean: Double, _ most: Double
        ) throws {
            let (ourMean, ourMost) = (
                try #require(stream.jitterMeanMs), try #require(stream.jitterMaxMs)
            )
            // tshark prints three decimals.
            #expect(abs(ourMean - mean) <= 0.01 * mean + 0.002, "mean of \(stream.kind)")
            #expect(abs(ourMost - most) <= 0.01 * most + 0.002, "greatest of \(stream.kind)")
        }

        /// RFC 3550's formula on stamps that tshark read: mean and greatest, in milliseconds.
        private func jitter(_ file: URL, port: Int, clock: Double) throws -> (Double, Double) {
            let lines = try CaptureFile(url: file).show(
                ["frame.time_relative", "rtp.timestamp"], where: "rtp && udp.dstport == \(port)")
            let stamps = lines.compactMap { line -> (Double, UInt32)? in
                guard let time = Double(line[0]), let stamp = UInt32(line[1]) else { return nil }
                return (1000 * time, stamp)
            }
            var (running, most, sum) = (0.0, 0.0, 0.0)
            for (last, next) in zip(stamps, stamps.dropFirst()) {
                // Time stamps wrap.
                let step = 1000 * Double(Int32(bitPattern: next.1 &- last.1)) / clock
                running += (abs(next.0 - last.0 - step) - running) / 16
                most = max(most, running)
                sum += running
            }
            return (sum / Double(stamps.count - 1), most)
        }

        private func capture(
            _ senders: [String]..., lab: NetworkLab, seconds: Int
        ) async throws -> URL {
            let file = lab.directory.appending(path: "media.pcapng")
            let capture = try await lab.startCapture(
                "capture", "-i", "a2", "-f", "udp", "-w", file.path)
            let programs = try senders.enumerated().map { number, words in
                try lab.start(
                    ["ffmpeg", "-nostdin", "-v", "error"] + words, in: .a1, name: "ffmpeg\(number)")
            }
            for program in programs {
                #expect(try await program.ends(within: .seconds(seconds + 10)))
                #expect(program.termination == .exit(0), "\(program.errors)")
            }
            try await capture.interrupt()
            return file
        }

        private static func picture(_ seconds: Int) -> [String] {
            ["-re", "-t", "\(seconds)", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30"]
        }
        private static func sound(_ seconds: Int) -> [String] {
            ["-re", "-t", "\(seconds)", "-f", "lavfi", "-i", "sine=frequency=440"]
        }
        private static let h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "30"]

        @Test(.timeLimit(.minutes(1)))
        func announcedStreamsAgreeWithTsharkUnderLoss() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            // One packet in fifty of what is no announcement.
            for rule in [
                "add table netdev few",
                "add chain netdev few in { type filter hook ingress device \"a1\" priority 5; }",
                "add rule netdev few in udp dport != 9875 numgen inc mod 50 7 drop",
            ] {
                _ = try Program.run(list: lab.routerRunner + ["nft", rule])
            }
            let file = try await capture(
                Self.picture(4) + Self.sound(4)
                    + ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]
                    + ["-f", "sap", "sap://239.20.20.20:5030?ttl=4"],
                Self.picture(4) + Self.h264 + ["-f", "sap", "sap://239.20.20.21:5040?ttl=4"],
                lab: lab, seconds: 4)
            let report = try Inspection(of: file)
            let streams = report.streams.filter { $0.ssrc != nil }
            let others = try analyse(file)

            let kinds = streams.map { "\($0.destinationPort) \($0.kind) \($0.clockHz ?? 0)" }
            #expect(kinds == ["5030 vp8 90000.0", "5032 opus 48000.0", "5040 h264 90000.0"])
            #expect(others.count == 3)
            for stream in streams {
                let other = try #require(others.first { $0.ssrc == stream.ssrc })
                #expect(stream.packets == other.packets)
                #expect(stream.lost == other.lost)
                #expect(stream.lost ?? 0 > 0, "nothing was dropped")
                // tshark tells other figures of video than the formula does, and none of Opus, whose
                // clock it does not know.
                let (mean, most) = try jitter(
                    file, port: stream.destinationPort, clock: try #require(stream.clockHz))
                try expect(stream, hasJitter: mean, most)
            }
            #expect(report.kinds.contains("loss"))
        }

        @Test(.timeLimit(.minutes(1)))
        func transportStreamsAgreeWithTshark() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let file = try await capture(
                Self.picture(4) + Self.h264
                    + ["-f", "rtp_mpegts", "rtp://239.20.20.22:5050?ttl=4"],
                Self.picture(4) + Self.h264
                    + ["-f", "mpegts", "udp://239.20.20.23:5060?ttl=4&pkt_size=1316"],
                lab: lab, seconds: 4)
            let report = try Inspection(of: file)

            let numbered = try #require(report.streams.first { $0.destinationPort == 5050 })
            #expect(numbered.kind == "mp2t")
            #expect(numbered.payloadType == 33)
            let other = try #require(
                try analyse(file, ["-d", "udp.port==5050,rtp"]).first { $0.port == 5050 })
            #expect(numbered.packets == other.packets)
            #expect(numbered.lost == 0 && other.lost == 0)
            try expect(numbered, hasJitter: other.meanJitter, other.maxJitter)

            let plain = try #require(report.streams.first { $0.destinationPort == 5060 })
            #expect(plain.kind == "mp2t")
            #expect(plain.ssrc == nil)
            #expect(plain.tsContinuityErrors == 0)
            let packets = try CaptureFile(url: file).show(
                ["mp2t.pid"], where: "udp.dstport == 5060", ["-d", "udp.port==5060,mp2t"])
            #expect(plain.packets == packets.count)
            let pids = packets.map { $0[0].split(separator: ",").count }.reduce(0, +)
            #expect(plain.tsPackets == pids)
        }
    }
}
