import DataPath
import Forwarding
import NetBasics
import Overlay
import Sealing
import Sockets
import Testing
import Wire

/// A limited child's packets wait, are tagged when they leave, and nobody else waits for them.
@Suite struct LimitedChildTests {
    private let key = SecretBytes([UInt8](repeating: 7, count: 32))
    private let alice: Node
    private let bob: Node
    private let carol: Node
    /// Before all that is published.
    private let start = Clocks.now + .seconds(-4)

    init() throws {
        alice = try Node(1, mediaKey: key, peer: Node.source)
        bob = try Node(2, mediaKey: key, peer: PeerID(rawValue: 2))
        carol = try Node(3, mediaKey: key, peer: PeerID(rawValue: 3))
        try alice.route(from: nil, to: [bob, carol])
        try bob.route(from: alice, to: [])
        try carol.route(from: alice, to: [])
    }

    private var bobAsNeighbor: RateNeighbor {
        RateNeighbor(
            endpoint: bob.socket.local, localToken: bob.token, leastRoundTrip: .milliseconds(1))
    }

    /// What alice has to say at some time.
    private func served(at now: Instant) -> [RateMessage] {
        var events: [OverlayPeer.Event] = []
        alice.media.serveFlows(at: now, on: alice.socket, into: &events)
        return events.compactMap { event in
            guard case .rateTold(let message, let endpoint) = event else { return nil }
            #expect(endpoint == bob.socket.local)
            return message
        }
    }

    private var bobsFlow: ChildFlow? {
        alice.media.childCounts.first { $0.flow.endpoint == bob.socket.local }?.flow
    }

    /// Tells alice again and again that a quarter of what she sent to bob has arrived.
    private func limitBob() throws {
        alice.media.noteDelay(of: bob.socket.local, at: start)
        for step in 0..<10 {
            let now = start + .milliseconds(step * 100)
            let questions = served(at: now)
            guard case .measure(let time)? = questions.first else {
                Issue.record("no question at \(step)")
                return
            }
            let report = ReceivedReport(
                time: time, arrivedAt: time &+ 1_000_000, packets: UInt64(10 * step),
                bytes: UInt64(2000 * step))
            var events: [OverlayPeer.Event] = []
            alice.media.hearRate(
                .received(report), from: bobAsNeighbor, at: now + .milliseconds(2),
                on: alice.socket, into: &events)
            guard bobsFlow?.isLimited == false else { break }
            alice.publish((0..<40).map { [UInt8](repeating: UInt8($0), count: 150) })
        }
        try bob.work()
        try carol.work()
        _ = try bob.played()
        _ = try carol.played()
    }

    @Test func aCalmChildIsAskedNothing() {
        #expect(alice.media.nextRateWakeup == nil)
        #expect(served(at: start).isEmpty)
        #expect(alice.media.childCounts.map(\.flow.phase) == [.calm, .calm])
    }

    @Test func itsPacketsLeaveAtItsRateAndItsSiblingGetsAllAtOnce() throws {
        try limitBob()
        let flow = try #require(bobsFlow)
        #expect(flow.isLimited)
        // 0.85 of ten packets of 200 and 28 bytes in 100 ms.
        #expect(flow.rate == 155_040)

        let bodies = (0..<100).map { [UInt8](repeating: UInt8($0), count: 150) }
        let now = Clocks.now
        alice.publish(bodies)
        try carol.work()
        #expect(try carol.played() == bodies)

        var played: [[UInt8]] = []
        for step in 0..<10 {
            _ = served(at: now + .milliseconds(step * 20))
            try bob.work()
            played += try bob.played()
        }
        #expect(played.count > 5)
        #expect(played.count < 30)
        #expect(played == Array(bodies.prefix(played.count)))
        #expect(bob.dropCount("not_from_neighbor") == 0)
    }

    @Test func whatWaitsTooLongIsShedAndSaid() throws {
        try limitBob()
        alice.publish((0..<50).map { [UInt8](repeating: UInt8($0), count: 150) })

        let said = served(at: Clocks.now + .milliseconds(400))

        let runs = said.compactMap { message -> ShedRun? in
            if case .shed(let run) = message { run } else { nil }
        }
        let shed = runs.reduce(0) { $0 + Int($1.count) }
        #expect(shed > 40)
        #expect(runs.allSatisfy { $0.stream == Node.stream })
        #expect(bobsFlow?.shedCounts.late == UInt64(shed))
        #expect(bobsFlow?.queuedPackets == 0)
        #expect(alice.media.shedCounts.late == UInt64(shed))
    }

    @Test func aParentIsToldWhatArrivesOnItsLink() throws {
        let neighbor = RateNeighbor(
            endpoint: alice.socket.local, localToken: bob.token, leastRoundTrip: nil)
        func report() throws -> ReceivedReport {
            var events: [OverlayPeer.Event] = []
            bob.media.hearRate(
                .measure(time: 77), from: neighbor, at: Clocks.now, on: bob.socket, into: &events)
            guard case .rateTold(.received(let report), to: alice.socket.local)? = events.first
            else { throw Silent() }
            return report
        }
        #expect(try report().packets == 0)

        alice.publish([[1, 2, 3], [4, 5]])
        let datagrams = try bob.work()

        let second = try report()
        #expect(second.time == 77)
        #expect(second.packets == 2)
        #expect(second.bytes == UInt64(datagrams.reduce(0) { $0 + $1.count }))
    }

    private struct Silent: Error {}
}
