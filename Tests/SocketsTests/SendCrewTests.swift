import Foundation
import NetBasics
import Sockets
import Testing

/// Several threads send what one hands to them, and nobody who receives can tell.
@Suite(.serialized) struct SendCrewTests {
    private static let loopback = IPAddress.v4(IPv4Address(rawValue: 0x7F00_0001))
    private static let headerBytes = 4

    private static func bind(joins: Bool = true) throws -> UDPSocketBox {
        try UDPSocketBox(binding: Endpoint(address: loopback, port: 0), joinsDatagrams: joins)
    }

    /// One datagram for each lane, turn by turn, that says which it is; their bodies differ in length.
    ///
    /// With `interval`, others may begin after so many datagrams of each lane.
    private static func send(
        _ counts: Range<Int>, by crew: inout SendCrew, on socket: borrowing UDPSocket,
        to targets: [SocketAddress], body: UnsafeRawBufferPointer, interval: Int = .max
    ) {
        for number in counts {
            for (lane, target) in targets.enumerated() {
                if crew.isFull { crew.makeRoom(on: socket) }
                let place = crew.append(
                    headerBytes: headerBytes,
                    body: UnsafeRawBufferPointer(rebasing: body[..<length(number)]),
                    to: target, lane: lane)
                place.storeBytes(of: UInt32(number), as: UInt32.self)
            }
            if number % interval == interval - 1 { crew.begin(on: socket) }
        }
        crew.flush(on: socket)
    }

    private static func length(_ number: Int) -> Int { 100 + number / 50 % 3 }

    private static func received(on socket: borrowing UDPSocket) throws -> [[Int]] {
        var batch = PacketBatch()
        var received: [[Int]] = []
        repeat {
            try socket.receive(into: &batch)
            for index in 0..<batch.count {
                let datagram = batch.datagram(at: index)
                received.append([Int(datagram.loadUnaligned(as: UInt32.self)), datagram.count])
            }
        } while batch.count > 0
        return received
    }

    struct Case: CustomTestStringConvertible {
        var workers: Int
        var joins: Bool
        var interval: Int
        var testDescription: String { "\(workers) workers, joined: \(joins), \(interval)" }
    }

    private static let cases = [1, 2, 3, 7, 16].flatMap { workers in
        [true, false].flatMap { joins in
            [1, 40, .max].map { Case(workers: workers, joins: joins, interval: $0) }
        }
    }

    /// More than batches hold, and more than once.
    @Test(arguments: cases)
    func everyLaneKeepsItsOrderAndIsCounted(of test: Case) throws {
        let sender = try Self.bind(joins: test.joins)
        let receivers = try (0..<24).map { _ in try Self.bind() }
        let targets = receivers.map { SocketAddress($0.socket.local, family: .v4) }
        let body = [UInt8](repeating: 7, count: 200)
        var crew = try SendCrew(workers: test.workers, joinsDatagrams: sender.socket.canSegment)

        body.withUnsafeBytes { body in
            for counts in [0..<300, 300..<301, 301..<400] {
                Self.send(
                    counts, by: &crew, on: sender.socket, to: targets, body: body,
                    interval: test.interval)
            }
        }

        let expected = (0..<400).map { [$0, Self.headerBytes + Self.length($0)] }
        for (lane, receiver) in receivers.enumerated() {
            #expect(try Self.received(on: receiver.socket) == expected)
            let count = crew.count(ofLane: lane)
            #expect(count.datagrams == 400 && count.refused == 0)
            #expect(count.bytes == UInt64(expected.reduce(0) { $0 + $1[1] }))
        }
        let (sent, refused) = (crew.sentCount, crew.refusals.total)
        #expect(sent == 24 * 400 && refused == 0)
    }

    @Test(arguments: [1, 2, 5])
    func whatNobodyTakesIsCountedWhereverItIsSent(workers: Int) throws {
        let sender = try Self.bind()
        let unreachable = Endpoint(address: .v4(IPv4Address(rawValue: 0xF000_0001)), port: 9)
        let target = SocketAddress(unreachable, family: .v4)
        let body = [UInt8](repeating: 7, count: 200)
        var crew = try SendCrew(workers: workers, joinsDatagrams: true)

        body.withUnsafeBytes {
            Self.send(
                0..<100, by: &crew, on: sender.socket,
                to: [SocketAddress](repeating: target, count: 10), body: $0)
        }

        let (sent, refused) = (crew.sentCount, crew.refusals)
        #expect(sent == 0)
        #expect(refused.total == 1000)
        for lane in 0..<10 {
            let count = crew.count(ofLane: lane)
            #expect(count.refused == 100 && count.datagrams == 100)
        }
    }

    @Test func whatHasNoLaneIsSentToo() throws {
        let (sender, receiver) = (try Self.bind(), try Self.bind())
        let target = SocketAddress(receiver.socket.local, family: .v4)
        var crew = try SendCrew(workers: 4, joinsDatagrams: true)
        let body: [UInt8] = [1, 2, 3, 4]

        body.withUnsafeBytes { body in
            for lane in [-1, SendBatch.laneLimit, .max] {
                _ = crew.append(headerBytes: 0, body: body, to: target, lane: lane)
            }
            crew.flush(on: sender.socket)
        }

        #expect(try Self.received(on: receiver.socket).count == 3)
        let sent = crew.sentCount
        #expect(sent == 3)
    }

    // MARK: - Threads

    /// Names of this process's threads, and how often each went to sleep.
    private static func sleeps() -> [String: Int] {
        let folder = "/proc/self/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var sleeps: [String: Int] = [:]
        for thread in threads {
            let status =
                (try? String(contentsOfFile: "\(folder)/\(thread)/status", encoding: .utf8)) ?? ""
            let fields = status.split(separator: "\n").map { $0.split(separator: "\t") }
            let name = fields.first { $0.first == "Name:" }?.last
            let count = fields.first { $0.first == "voluntary_ctxt_switches:" }?.last
            if let name, let count { sleeps[String(name), default: 0] += Int(count) ?? 0 }
        }
        return sleeps
    }

    /// No other test that may run at the same time has a crew of so many.
    private static let lastWorker = "polycast-send12"

    /// The last worker's, once it has begun and sleeps; to begin it may have to wait for something.
    private static func sleepsAtRest() -> Int {
        var count = 0
        for _ in 0..<100 {
            usleep(20_000)
            let now = sleeps()[lastWorker] ?? 0
            if now > 0, now == count { break }
            count = now
        }
        return count
    }

    @Test func othersAreWokenForMuchAndNotForLittle() throws {
        let (sender, receiver) = (try Self.bind(), try Self.bind())
        let target = SocketAddress(receiver.socket.local, family: .v4)
        let targets = [SocketAddress](repeating: target, count: 48)
        let body = [UInt8](repeating: 7, count: 200)
        var crew = try SendCrew(workers: 14, joinsDatagrams: true)
        let before = Self.sleepsAtRest()
        #expect(before > 0, "it waits for work")

        body.withUnsafeBytes { body in
            for _ in 0..<50 {
                Self.send(0..<1, by: &crew, on: sender.socket, to: targets, body: body)
            }
        }
        #expect(Self.sleeps()[Self.lastWorker] == before)
        body.withUnsafeBytes {
            Self.send(0..<50, by: &crew, on: sender.socket, to: targets, body: $0)
        }
        usleep(100_000)

        #expect(try #require(Self.sleeps()[Self.lastWorker]) > before)
        let sent = crew.sentCount
        #expect(sent == 48 * 100)
    }

    @Test func threadsEndWithTheirCrew() throws {
        let sender = try Self.bind()
        let target = SocketAddress(sender.socket.local, family: .v4)
        let body = [UInt8](repeating: 7, count: 200)
        for round in 0..<100 {
            var crew = try SendCrew(workers: 12, joinsDatagrams: true)
            guard round % 2 == 0 else { continue }
            let targets = [SocketAddress](repeating: target, count: 12)
            body.withUnsafeBytes {
                Self.send(0..<20, by: &crew, on: sender.socket, to: targets, body: $0)
            }
        }

        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        #expect(threads.count < 550, "\(threads.count) threads")
    }
}
