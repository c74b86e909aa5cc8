import DataPath
import Forwarding
import Foundation
import NetBasics
import Overlay
import Sealing
import Sockets
import Testing
import Wire

/// A network of one thread, in which one way is slow; only root may make it.
private enum SlowNetwork {
    static let isAllowed = geteuid() == 0

    /// Where the slow way leads; nobody is there.
    static let far = Endpoint(address: .v4(IPv4Address(rawValue: 0x0A09_0002)), port: 7000)

    /// Gives the calling thread loopback, and a device that sends 256 kbit/s behind a queue.
    static func enter(queueBytes: Int) -> Bool {
        // Glibc's module leaves it out, and CLONE_NEWNET.
        guard let symbol = dlsym(nil, "unshare") else { return false }
        typealias Unshare = @convention(c) (Int32) -> Int32
        guard unsafeBitCast(symbol, to: Unshare.self)(0x4000_0000) == 0 else { return false }
        let commands = [
            "ip link set lo up",
            "ip link add slow type veth peer name end",
            "ip link set slow up", "ip link set end up",
            "ip addr add 10.9.0.1/24 dev slow",
            "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev slow",
            "tc qdisc add dev slow root tbf rate 256kbit burst 4000 limit \(queueBytes)",
        ]
        return commands.allSatisfy { system($0) == 0 }
    }

    /// Datagrams that have left by the slow way.
    static var passedCount: Int {
        let text = (try? String(contentsOfFile: "/proc/thread-self/net/dev", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.contains("slow:") }
        let numbers = line?.split(separator: " ").dropFirst().compactMap { Int($0) } ?? []
        return numbers.count > 9 ? numbers[9] : 0
    }
}

/// What the kernel does not take is a sign that a child's link is too slow.
@Suite struct RefusalTests {
    /// What became of two children, one of them behind the slow way.
    private struct Outcome {
        /// Packets published, and those that came to the near child.
        var published = 0
        var played = 0
        /// When the kernel first refused, and when the far child was first watched.
        var firstRefused: Int?
        var firstWatched: Int?
        var far: MediaPlane.ChildCount?
        var near: MediaPlane.ChildCount?

        mutating func look(at alice: Node, step: Int) {
            for count in alice.media.childCounts {
                if count.flow.endpoint == SlowNetwork.far { far = count } else { near = count }
            }
            if far?.sent.refused ?? 0 > 0, firstRefused == nil { firstRefused = step }
            if far?.flow.phase != .calm, firstWatched == nil { firstWatched = step }
        }
    }

    /// Publishes 4 Mbit/s, in 200 steps of 5 ms, to a child behind the slow way and one on loopback.
    private static func run(queueBytes: Int, sendBuffer: Int32) throws -> Outcome {
        try #require(SlowNetwork.enter(queueBytes: queueBytes))
        let key = SecretBytes([UInt8](repeating: 7, count: 32))
        let anywhere = Endpoint(address: .v4(IPv4Address(rawValue: 0)), port: 0)
        let alice = try Node(1, mediaKey: key, peer: Node.source, at: anywhere)
        let carol = try Node(3, mediaKey: key, peer: PeerID(rawValue: 3))
        try alice.route(
            from: nil, toLanes: [(LinkToken(rawValue: 2), SlowNetwork.far), carol.lane])
        try carol.route(from: alice, to: [])
        var size = sendBuffer
        let bytes = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(alice.socket.number, SOL_SOCKET, SO_SNDBUF, &size, bytes)

        var outcome = Outcome()
        for step in 0..<200 {
            alice.publish([1, 2].map { [UInt8](repeating: $0, count: 1200) })
            outcome.published += 2
            try carol.work()
            outcome.played += try carol.played().count
            var events: [OverlayPeer.Event] = []
            alice.media.serveFlows(at: alice.now, on: alice.socket, into: &events)
            outcome.look(at: alice, step: step)
            usleep(5000)
        }
        return outcome
    }

    @Test(.enabled(if: SlowNetwork.isAllowed, "only root may make networks"))
    func aChildWhosePacketsAreRefusedIsWatchedAtOnce() async {
        await #expect(processExitsWith: .success) {
            let outcome = try RefusalTests.run(queueBytes: 10_000_000, sendBuffer: 64 << 10)

            #expect(outcome.firstRefused ?? 0 > 5, "it fits in the buffer at first")
            #expect(outcome.firstWatched == outcome.firstRefused)
        }
    }

    /// What the device drops is no refusal.
    @Test(.enabled(if: SlowNetwork.isAllowed, "only root may make networks"))
    func aFullDeviceHarmsNoSibling() async {
        await #expect(processExitsWith: .success) {
            let outcome = try RefusalTests.run(queueBytes: 20_000, sendBuffer: 4 << 20)

            #expect(SlowNetwork.passedCount < 100, "the device drops most of 400")
            #expect(outcome.played == outcome.published)
            #expect(outcome.near?.flow.phase == .calm)
            #expect(outcome.near?.sent.refused == 0)
        }
    }
}
