import Foundation
import NetBasics
import Testing

@testable import Sockets

/// Batches are sent once and in order, whoever is faster.
@Suite(.serialized) struct SendDesksTests {
    private static let anyPort = Endpoint(
        address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: 0)

    private func fill(_ desks: SendDesks, _ number: UInt32, to target: SocketAddress) {
        let place = desks.batch.pointee.append(
            headerBytes: 4, body: UnsafeRawBufferPointer(start: nil, count: 0), to: target)
        place.storeBytes(of: number, as: UInt32.self)
    }

    private func received(on socket: borrowing UDPSocket) throws -> [UInt32] {
        var batch = PacketBatch()
        try socket.receive(into: &batch)
        return (0..<batch.count).map { batch.datagram(at: $0).loadUnaligned(as: UInt32.self) }
    }

    private func end(_ desks: SendDesks, _ thread: Thread) {
        desks.finish()
        desks.close()
        while !thread.isFinished { usleep(1000) }
    }

    /// Numbers of batches begin again within the first rounds of the second case.
    @Test(arguments: [0, SendDesks.lastNumber - 3])
    func twoAtATimeKeepTheirOrder(first: UInt32) throws {
        let sender = try UDPSocket(binding: Self.anyPort)
        let receiver = try UDPSocket(binding: Self.anyPort)
        let target = SocketAddress(receiver.local, family: .v4)
        let desks = SendDesks(joinsDatagrams: false, first: first)
        let worker = Thread { desks.work() }
        worker.start()
        for round in 0..<5000 as Range<UInt32> {
            // Sometimes the worker has time to begin, and sometimes not.
            for step in 0..<2 as Range<UInt32> {
                fill(desks, 2 * round + step, to: target)
                desks.handOver(for: sender.number)
                if round % 7 == 2 * step { usleep(20) }
            }
            desks.finish()
            try #require(try received(on: receiver) == [2 * round, 2 * round + 1])
            try #require(desks.isIdle)
        }
        end(desks, worker)
    }

    /// The owner need not wait for a worker that never comes.
    @Test func whatTheWorkerHasNotBegunTheOwnerSends() throws {
        let sender = try UDPSocket(binding: Self.anyPort)
        let receiver = try UDPSocket(binding: Self.anyPort)
        let target = SocketAddress(receiver.local, family: .v4)
        let desks = SendDesks(joinsDatagrams: false)
        for number in 0..<2 as Range<UInt32> {
            fill(desks, number, to: target)
            desks.handOver(for: sender.number)
        }
        desks.finish()
        #expect(try received(on: receiver) == [0, 1])

        // It comes late, finds nothing to do, and does what comes then.
        let worker = Thread { desks.work() }
        worker.start()
        usleep(10_000)
        fill(desks, 2, to: target)
        desks.handOver(for: sender.number)
        for _ in 0..<1000 where !desks.isIdle { usleep(1000) }
        #expect(try received(on: receiver) == [2])
        end(desks, worker)
    }
}
