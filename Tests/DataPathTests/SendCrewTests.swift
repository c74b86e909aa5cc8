import Forwarding
import Foundation
import NetBasics
import Sealing
import Sockets
import Testing
import Wire

@testable import DataPath

/// Several threads send the copies of shared runs, and nobody who receives can tell.
@Suite(.serialized) struct SendCrewTests {
    /// A socket of a lane, which an array can hold.
    private final class Receiver {
        let socket: UDPSocket

        init() throws { socket = try bind() }
    }

    /// Where the copies on each lane go, and by what key; sends from one socket.
    private final class Lanes {
        static let bodyBytes = 100

        let sender: UDPSocket
        let receivers: [Receiver]
        let targets: [SharedRuns.Target]
        let body = UnsafeMutableRawPointer.allocate(byteCount: bodyBytes, alignment: 16)

        init(_ count: Int, joins: Bool = true) throws {
            sender = try UDPSocket(binding: anyPort, joinsDatagrams: joins)
            receivers = try (0..<count).map { _ in try Receiver() }
            let key = try MediaTagKey(SecretBytes([UInt8](repeating: 5, count: 16)))
            targets = receivers.enumerated().map { lane, receiver in
                SharedRuns.Target(
                    address: SocketAddress(receiver.socket.local, family: .v4),
                    link: MediaHeader.Words.link(LinkToken(rawValue: UInt32(lane)), keyPhase: 0),
                    key: key)
            }
            body.initializeMemory(as: UInt8.self, repeating: 9, count: Self.bodyBytes)
        }

        deinit { body.deallocate() }

        /// Makes a run of packets with those numbers.
        func fill(_ run: UnsafeMutablePointer<FanOutRun>, _ numbers: Range<Int>) {
            run.pointee.removeAll()
            run.pointee.begin(
                with: Passage(children: 0..<targets.count, lacks: 0, slot: 0),
                bodyBytes: Self.bodyBytes, most: 64)
            for number in numbers {
                let header = MediaHeader(
                    token: LinkToken(rawValue: 0), stream: Node.stream, isControlFlow: false,
                    sequence: UInt32(number))
                run.pointee.append(header.words, UnsafeRawPointer(body))
            }
            for lane in targets.indices { run.pointee.addTarget(lane) }
            run.pointee.descriptor = sender.number
        }

        /// Link token and number of each datagram that came on a lane.
        func received(_ lane: Int) throws -> [[UInt32]] {
            var batch = PacketBatch()
            var received: [[UInt32]] = []
            repeat {
                try receivers[lane].socket.receive(into: &batch)
                for index in 0..<batch.count {
                    let bytes = batch.datagram(at: index)
                    let words = [4, 16].map {
                        UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
                    }
                    try #require(bytes.count == MediaHeader.bodyOffset + Self.bodyBytes)
                    received.append(words)
                }
            } while batch.count > 0
            return received
        }

        func expectAll(_ numbers: Range<Int>) throws {
            for lane in targets.indices {
                let expected = numbers.map { [UInt32(lane), UInt32($0)] }
                try #require(try received(lane) == expected, "lane \(lane)")
            }
        }
    }

    // MARK: - Runs

    /// Numbers of runs begin again within the second case.
    @Test(arguments: [0, SharedRuns.lastNumber - 3], [1, 3, 24])
    func everyLaneKeepsItsOrderWhoeverIsFaster(first: UInt32, lanes count: Int) throws {
        let lanes = try Lanes(count)
        let runs = SharedRuns(threads: 3, first: first)
        runs.setTargets(lanes.targets)
        let owner = RunSender(number: 0, joinsDatagrams: true)
        let others = [1, 2].map { RunSender(number: $0, joinsDatagrams: true) }
        let threads = others.map { sender in Thread { runs.work(by: sender) } }
        for thread in threads { thread.start() }
        var next = 0
        for round in 0..<300 {
            let start = next
            for run in 0..<1 + round % 9 {
                lanes.fill(runs.current, next..<next + 1 + (round + run) % 5)
                next += 1 + (round + run) % 5
                runs.handOver()
                // Sometimes others have time to begin, and sometimes not.
                if run == round % 7 { usleep(20) }
                runs.finish(allBut: SharedRuns.count - 1, by: owner)
            }
            runs.finish(allBut: 0, by: owner)
            #expect(runs.left == 0)
            try lanes.expectAll(start..<next)
        }
        runs.close()
        while !threads.allSatisfy(\.isFinished) { usleep(1000) }
        let sent = ([owner] + others).reduce(0) { sum, sender in
            sum + sender.read { $0.sentCount }
        }
        #expect(sent == UInt64(next * count))
    }

    /// The owner need not wait for threads that never come.
    @Test func whatNobodyHasBegunTheOwnerSends() throws {
        let lanes = try Lanes(5)
        let runs = SharedRuns(threads: 4)
        runs.setTargets(lanes.targets)
        let owner = RunSender(number: 0, joinsDatagrams: true)
        for run in 0..<SharedRuns.count - 1 {
            lanes.fill(runs.current, run * 10..<(run + 1) * 10)
            runs.handOver()
        }
        runs.finish(allBut: 0, by: owner)
        try lanes.expectAll(0..<70)

        // One comes late, finds nothing to do, and does what comes then.
        let late = RunSender(number: 1, joinsDatagrams: true)
        let thread = Thread { runs.work(by: late) }
        thread.start()
        usleep(10_000)
        lanes.fill(runs.current, 70..<80)
        runs.handOver()
        for _ in 0..<1000 where runs.left > 0 { usleep(1000) }
        try lanes.expectAll(70..<80)
        runs.close()
        while !thread.isFinished { usleep(1000) }
    }

    /// What lies in a batch's places has left before they are used again.
    @Test func aPartHasLeftWhenAsManyFollowedAsABatchHolds() throws {
        let lanes = try Lanes(5)
        let runs = SharedRuns(threads: 1, first: SharedRuns.lastNumber)
        runs.setTargets(lanes.targets)
        let owner = RunSender(number: 0, joinsDatagrams: true)
        var left: [Int] = []
        for part in 0..<2 * PacketBatch.parts {
            // The second part has two runs, the others one each up to the fourth.
            for run in [0..<1, 1..<3, 3..<4, 4..<5].dropFirst(part).first ?? 0..<0 {
                lanes.fill(runs.current, run * 10..<(run + 1) * 10)
                runs.handOver()
            }
            runs.endPart(by: owner)
            left.append(runs.left)
        }

        #expect(left == [1, 3, 4, 5, 5, 5, 5, 4, 2, 1, 0, 0, 0, 0, 0, 0])
        try lanes.expectAll(0..<50)
    }

    // MARK: - Crews

    @Test(arguments: [1, 2, 5, 16], [true, false])
    func runsAndCopiesOfTheOwnersAreCounted(workers: Int, joins: Bool) throws {
        let lanes = try Lanes(12, joins: joins)
        var crew = try SendCrew(workers: workers, joinsDatagrams: lanes.sender.canSegment)
        crew.install(lanes.targets)
        for round in 0..<40 {
            lanes.fill(crew.run, 50 * round..<50 * (round + 1))
            guard crew.shares(copies: 50 * 12) else { continue }
            crew.share(on: lanes.sender)
            crew.flush(on: lanes.sender)
            try lanes.expectAll(50 * round..<50 * (round + 1))
        }
        let place = crew.append(
            headerBytes: 4, body: UnsafeRawBufferPointer(start: nil, count: 0),
            to: lanes.targets[3].address, lane: 3)
        place.storeBytes(of: 0, as: UInt32.self)
        crew.flush(on: lanes.sender)

        let counts = (0..<12).map { crew.count(ofLane: $0) }
        let shared = counts[0].datagrams
        #expect(workers == 1 ? shared == 0 : shared >= 50)
        for (lane, count) in counts.enumerated() {
            #expect(count.datagrams == shared + (lane == 3 ? 1 : 0))
            #expect(count.bytes == 136 * shared + (lane == 3 ? 4 : 0))
        }
        let (sent, refused) = (crew.sentCount, crew.refusals.total)
        #expect(sent == 12 * shared + 1)
        #expect(refused == 0)
    }

    @Test func whatNobodyTakesIsCountedWhoeverSendsIt() throws {
        let lanes = try Lanes(10)
        let nobody = Endpoint(address: .v4(IPv4Address(rawValue: 0xF000_0001)), port: 9)
        var crew = try SendCrew(workers: 3, joinsDatagrams: true)
        crew.install(
            lanes.targets.map { target in
                var target = target
                target.address = SocketAddress(nobody, family: .v4)
                return target
            })
        lanes.fill(crew.run, 0..<50)
        let isShared = crew.shares(copies: 500)
        try #require(isShared)
        crew.share(on: lanes.sender)
        crew.flush(on: lanes.sender)

        let (sent, refused) = (crew.sentCount, crew.refusals.total)
        #expect(sent == 0)
        #expect(refused == 500)
        for lane in 0..<10 {
            let count = crew.count(ofLane: lane)
            #expect(count.refused == 50 && count.datagrams == 50)
        }
    }

    @Test func littleIsNotShared() throws {
        let lanes = try Lanes(4)
        var crew = try SendCrew(workers: 2, joinsDatagrams: true)
        crew.install(lanes.targets)

        let few = crew.shares(copies: SendCrew.leastShare - 1)
        let many = crew.shares(copies: SendCrew.leastShare)

        #expect(!few && many)
    }

    // MARK: - Threads

    @Test func threadsEndWithTheirCrew() throws {
        let lanes = try Lanes(12)
        for round in 0..<100 {
            var crew = try SendCrew(workers: 12, joinsDatagrams: true)
            crew.install(lanes.targets)
            guard round % 2 == 0 else { continue }
            lanes.fill(crew.run, 0..<20)
            if crew.shares(copies: 240) { crew.share(on: lanes.sender) }
        }

        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        #expect(threads.count < 550, "\(threads.count) threads")
    }

    /// They sleep where nothing is to be sent.
    @Test func threadsTakeNoProcessorWhileTheyWait() throws {
        let lanes = try Lanes(12)
        var crew = try SendCrew(workers: 4, joinsDatagrams: true)
        crew.install(lanes.targets)
        lanes.fill(crew.run, 0..<50)
        if crew.shares(copies: 600) { crew.share(on: lanes.sender) }
        crew.flush(on: lanes.sender)
        usleep(50_000)
        let before = crew.othersProcessorTime
        usleep(300_000)

        #expect(crew.othersProcessorTime - before < .milliseconds(3))
    }
}
