import Forwarding
import NetBasics
import Testing
import Wire

/// What a parent says it left out is not asked for; anything else that is missing is.
@Suite struct ShedTests {
    private static let stream = StreamID(source: PeerID(rawValue: 1), index: 0)
    private static let token = LinkToken(rawValue: 5)

    private func receive(_ sequence: UInt32, at now: Instant, _ forwarder: inout Forwarder) {
        var plan = FanOutPlan()
        let header = MediaHeader(
            token: Self.token, stream: Self.stream, isControlFlow: false, sequence: sequence)
        #expect(
            forwarder.receive(header, bodyBytes: 100, packet: 0, at: now, into: &plan))
    }

    private func asked(_ forwarder: inout Forwarder, at milliseconds: Int64) -> [UInt32] {
        var wanted: [WantedRepair] = []
        forwarder.takeRepairRequests(at: .zero + .milliseconds(milliseconds), into: &wanted)
        return wanted.flatMap { want in
            (0..<UInt32(64)).filter { want.request.bitmap >> UInt64($0) & 1 == 1 }
                .map { want.request.base &+ $0 }
        }
    }

    private func plane() -> Forwarder {
        var forwarder = Forwarder()
        let route = ForwardingTable.Route(
            source: Self.stream.source, upstreams: [Self.token], children: [])
        forwarder.install(ForwardingTable(routes: [route], links: [Self.token]))
        return forwarder
    }

    private func run(_ first: UInt32, _ count: UInt16) -> ShedRun {
        ShedRun(stream: Self.stream, first: first, count: count)
    }

    @Test(arguments: [10, 0x7FFF_FFFE, .max - 3] as [UInt32])
    func whatComesBehindARunIsNoGap(start: UInt32) {
        var forwarder = plane()
        receive(start, at: .zero, &forwarder)

        forwarder.noteShed(run(start &+ 1, 3), at: .zero)
        receive(start &+ 4, at: .zero, &forwarder)

        #expect(asked(&forwarder, at: 50).isEmpty)
        #expect(forwarder.repairCounts.leftOut == 3)
    }

    @Test func aRunThatIsHeardOfLateEndsTheAsking() {
        var forwarder = plane()
        receive(10, at: .zero, &forwarder)
        receive(14, at: .zero, &forwarder)
        #expect(asked(&forwarder, at: 11) == [11, 12, 13])

        forwarder.noteShed(run(12, 2), at: .zero)

        #expect(asked(&forwarder, at: 400) == [11])
        #expect(forwarder.repairCounts.leftOut == 2)
    }

    @Test func whatWasSentBeforeARunIsAskedForIfItIsMissing() {
        var forwarder = plane()
        receive(10, at: .zero, &forwarder)

        forwarder.noteShed(run(13, 4), at: .zero)
        receive(17, at: .zero, &forwarder)

        #expect(asked(&forwarder, at: 11) == [11, 12])
    }

    @Test func aRunFarAheadIsNotBelieved() {
        var forwarder = plane()
        receive(10, at: .zero, &forwarder)

        forwarder.noteShed(run(1_000_000, 65_535), at: .zero)
        forwarder.noteShed(run(11, 65_535), at: .zero)
        receive(12, at: .zero, &forwarder)

        #expect(asked(&forwarder, at: 50) == [11])
    }

    @Test func ofAStreamThatHasNotBegunNothingIsLearned() {
        var forwarder = plane()

        forwarder.noteShed(run(10, 5), at: .zero)

        #expect(forwarder.repairCounts == RepairCounts())
        #expect(forwarder.nextWakeup == nil)
    }
}
