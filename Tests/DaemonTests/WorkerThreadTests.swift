import Foundation
import Management
import NetBasics
import Sockets
import Testing

/// A peer that sends with two threads.
@Suite struct WorkerThreadTests {
    /// How often the second sending thread of a process went to sleep; `nil`: there is none.
    private func sleeps(of process: PolycastProcess) -> Int? {
        let folder = "/proc/\(process.number)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for thread in threads {
            let status =
                (try? String(contentsOfFile: "\(folder)/\(thread)/status", encoding: .utf8)) ?? ""
            let fields = status.split(separator: "\n").map { $0.split(separator: "\t") }
            guard fields.contains(where: { $0 == ["Name:", "polycast-send1"] }) else { continue }
            return fields.first { $0.first == "voluntary_ctxt_switches:" }?.last.flatMap { Int($0) }
        }
        return nil
    }

    /// What waits while the process is stopped arrives at once, and is worth waking the thread for.
    @Test func bothThreadsSendAndNothingIsLostOrReordered() throws {
        let scratch = try ScratchDirectory()
        let (port, mediaPort, deliverPort) = (try freePort(), try freePort(), try freePort())
        let server = try PolycastProcess("rendezvous", "--listen", "127.0.0.1:\(port)", "-q")
        let invite = "polycast://127.0.0.1:\(port)/g"
        let player = try Probe(loopback(1, port: deliverPort))
        let source = try PolycastProcess(
            "join", invite, "--publish", "udp://127.0.0.1:\(mediaPort)?rate=1M", "--name", "anna",
            "--socket", scratch.file("anna.sock"), "--uplink", "100M", "--workers", "2", "--json",
            "-q")
        let listeners = try (0..<6).map { number in
            try PolycastProcess(
                list: [
                    "join", invite, "--name", "l\(number)", "--uplink", "100k", "--socket",
                    scratch.file("\(number).sock"), "--json", "-q",
                ] + (number == 0 ? ["--deliver", "udp://127.0.0.1:\(deliverPort)"] : []))
        }
        // Those who lend no uplink are all children of the source.
        #expect(
            eventually(within: 10) {
                status(at: scratch.file("anna.sock"))?.uplink.reservedBitsPerSecond ?? 0
                    >= 6_000_000
            })
        let before = try #require(sleeps(of: source))
        let sender = try Probe()
        var sent: [[UInt8]] = []
        var played: [[UInt8]] = []
        for round in 0..<3 {
            let some = (0..<120).map { [UInt8](repeating: UInt8($0), count: 500 + round) }
            source.send(SIGSTOP)
            for datagram in some { sender.send(datagram, to: loopback(1, port: mediaPort)) }
            source.send(SIGCONT)
            played += try player.receiveAll(silence: .milliseconds(300))
            sent += some
        }

        #expect(played == sent)
        #expect(try #require(sleeps(of: source)) > before)
        for (number, listener) in listeners.enumerated() {
            #expect(listener.isRunning)
            let stream = status(at: scratch.file("\(number).sock"))?.streams.first
            #expect(stream?.received == 360 && stream?.lost == 0 && stream?.duplicates == 0)
        }
        source.send(SIGTERM)
        #expect(source.exitCode(within: 5) == 143)
        #expect(source.summary?.sent.first?.copies == 6 * 360)
        _ = server
    }
}
