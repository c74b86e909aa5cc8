import Glibc
import NetBasics
import Testing

@testable import Sockets

private let anyPort = Endpoint(
    address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: 0)

@Suite struct EventLoopTests {
    private func waited(
        _ loop: inout EventLoop, until deadline: Instant?
    ) -> (keys: [Int], time: Duration) {
        var ready: [Int] = []
        let start = Clocks.now
        loop.wait(until: deadline, ready: &ready)
        return (ready, Clocks.now - start)
    }

    @Test func itReturnsAtTheDeadlineAndNotBefore() throws {
        var loop = try EventLoop()
        for milliseconds in [20, 5, 1] {
            let outcome = waited(&loop, until: Clocks.now + .milliseconds(milliseconds))
            #expect(outcome.keys == [])
            #expect(outcome.time >= .milliseconds(milliseconds) - .microseconds(100))
        }
    }

    @Test func aDeadlineThatMovesOnWakesItOnceTooEarly() throws {
        var loop = try EventLoop()
        let socket = try UDPSocket(binding: anyPort)
        try loop.watch(socket.number, key: 7)
        socket.send([1], to: socket.local)
        #expect(waited(&loop, until: Clocks.now + .milliseconds(20)).keys == [7])
        var batch = PacketBatch()
        try socket.receive(into: &batch)

        // The alarm of before still goes off; then it is set for what is asked now.
        let deadline = Clocks.now + .milliseconds(60)
        let first = waited(&loop, until: deadline)
        #expect(first.keys == [])
        #expect(first.time < .milliseconds(60))
        #expect(waited(&loop, until: deadline).keys == [])
        #expect(Clocks.now >= deadline)
    }

    @Test func anEarlierDeadlineIsNotMissed() throws {
        var loop = try EventLoop()
        let socket = try UDPSocket(binding: anyPort)
        try loop.watch(socket.number, key: 7)
        socket.send([1], to: socket.local)
        #expect(waited(&loop, until: Clocks.now + .seconds(60)).keys == [7])
        var batch = PacketBatch()
        try socket.receive(into: &batch)

        #expect(waited(&loop, until: Clocks.now + .milliseconds(5)).time < .seconds(30))
    }

    @Test func whatIsReadyIsReportedAtOnceWhateverTheDeadline() throws {
        var loop = try EventLoop()
        let socket = try UDPSocket(binding: anyPort)
        try loop.watch(socket.number, key: -3)
        #expect(waited(&loop, until: Clocks.now).keys == [])
        socket.send([1], to: socket.local)

        #expect(waited(&loop, until: Clocks.now).keys == [-3])
        #expect(waited(&loop, until: nil).keys == [-3])
        #expect(waited(&loop, until: .distantFuture).keys == [-3])
    }

    @Test func aSenderIsReportedBesideWhatIsInTheQueue() throws {
        var loop = try EventLoop()
        let sender = try UDPSocket(binding: anyPort)
        let other = try UDPSocket(binding: anyPort)
        loop.watchSender(sender.number, key: 1)
        try loop.watch(other.number, key: 2)
        #expect(waited(&loop, until: Clocks.now).keys == [])
        #expect(waited(&loop, until: Clocks.now + .milliseconds(5)).keys == [])

        sender.send([1], to: other.local)
        #expect(waited(&loop, until: nil).keys == [2])
        other.send([1], to: sender.local)
        #expect(waited(&loop, until: nil).keys == [1, 2])

        var batch = PacketBatch()
        try other.receive(into: &batch)
        #expect(waited(&loop, until: .distantFuture).keys == [1])
        try sender.receive(into: &batch)
        let outcome = waited(&loop, until: Clocks.now + .milliseconds(20))
        #expect(outcome.keys == [])
        #expect(outcome.time >= .milliseconds(5))
    }
}
