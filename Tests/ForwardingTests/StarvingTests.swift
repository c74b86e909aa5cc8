import Forwarding
import NetBasics
import Testing
import Wire

private let source = PeerID(rawValue: 100)
private let parent = LinkToken(rawValue: 1)
private let neighbor = LinkToken(rawValue: 3)
private let stream = StreamID(source: source, index: 0)

private func milliseconds(_ count: Int64) -> Instant { .zero + .milliseconds(count) }

/// What is asked for of whom when the parent is far, or silent.
@Suite final class StarvingTests {
    private var forwarder = Forwarder()
    private var plan = FanOutPlan()

    init() { install() }

    private func install(first: Duration? = nil, isStarving: Bool = false) {
        let route = ForwardingTable.Route(
            source: source, upstreams: [parent], children: [], repairRetry: .milliseconds(50),
            repairFirst: first, isStarving: isStarving)
        forwarder.install(ForwardingTable(routes: [route], links: [parent, neighbor]))
    }

    /// A packet of the parent, or a repair by a neighbor; whether it passed.
    private func receive(_ sequence: UInt32, isRepair: Bool = false, at time: Int64)
        -> Bool
    {
        let header = MediaHeader(
            token: isRepair ? neighbor : parent, stream: stream, isControlFlow: false,
            isRepair: isRepair, sequence: sequence)
        return forwarder.receive(
            header, bodyBytes: 1000, packet: 0, at: milliseconds(time), into: &plan)
    }

    private func wanted(at time: Int64) -> [WantedRepair] {
        var wanted: [WantedRepair] = []
        forwarder.takeRepairRequests(at: milliseconds(time), into: &wanted)
        return wanted
    }

    private func pull(after sequence: UInt32, attempt: Int) -> WantedRepair {
        let request = RepairRequest(stream: stream, base: sequence &+ 1, bitmap: .max)
        return WantedRepair(request: request, attempt: attempt, isAwaited: true)
    }

    @Test func theSecondNeighborIsAskedAfterTheFirstOnesTime() {
        install(first: .milliseconds(20))
        #expect(receive(5, at: 0))
        #expect(receive(7, at: 0))

        var times: [Int64] = []
        for time in 0..<2000 as Range<Int64> where !wanted(at: time).isEmpty { times.append(time) }

        // 20 ms, then 50 for the second, then twice as long each time.
        #expect(times == [10, 30, 80, 180, 280])
    }

    @Test(arguments: [5, .max, .max - 3, 0x7FFF_FFFE] as [UInt32])
    func whoStarvesAsksForWhateverComesNext(last: UInt32) {
        #expect(receive(last, at: 0))
        #expect(!receive(last &+ 1, isRepair: true, at: 1), "nobody was asked yet")
        install(isStarving: true)

        #expect(forwarder.nextWakeup.map { $0 <= milliseconds(300) } ?? false)
        #expect(wanted(at: 300) == [pull(after: last, attempt: 1)])
        #expect(receive(last &+ 1, isRepair: true, at: 330))
        #expect(receive(last &+ 2, isRepair: true, at: 330))
        #expect(!receive(last &+ 2, isRepair: true, at: 331), "it has come")
        #expect(!receive(last &+ 2 &+ 65, isRepair: true, at: 332), "it was not asked for")
        #expect(wanted(at: 399).isEmpty)
        #expect(wanted(at: 400) == [pull(after: last &+ 2, attempt: 2)])
    }

    @Test func whoIsFedAgainAsksForNothing() {
        #expect(receive(5, at: 0))
        install(isStarving: true)
        #expect(wanted(at: 300).count == 1)
        install()

        #expect(!receive(6, isRepair: true, at: 330))
        #expect(receive(6, at: 340))
        #expect(wanted(at: 2000).isEmpty)
        #expect(forwarder.nextWakeup == nil)
    }

    @Test func nearNeighborsAreNotAskedMoreOftenThanEvery50Milliseconds() {
        #expect(receive(5, at: 0))
        install(first: .milliseconds(15), isStarving: true)

        var times: [Int64] = []
        for time in 300..<500 as Range<Int64> where !wanted(at: time).isEmpty { times.append(time) }

        #expect(times == [300, 350, 400, 450])
    }

    @Test func whoNeverReceivedAnythingDoesNotStarve() {
        install(isStarving: true)
        #expect(wanted(at: 300).isEmpty)
        #expect(forwarder.nextWakeup == nil)
    }
}
