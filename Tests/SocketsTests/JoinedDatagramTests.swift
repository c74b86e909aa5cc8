import Glibc
import NetBasics
import Sockets
import Testing

/// Datagrams that cross the system's border together (udp(7): UDP_SEGMENT, UDP_GRO).
@Suite struct JoinedDatagramTests {
    private static let loopback = IPAddress.v4(IPv4Address(rawValue: 0x7F00_0001))

    /// Bytes of each datagram, whose first one says which it is.
    private static let sizes = [1200, 1200, 700, 1200, 1200, 1, 1200, 1300, 1300, 60_000, 0, 3]

    private static func bind(joins: Bool) throws -> UDPSocketBox {
        try UDPSocketBox(
            binding: Endpoint(address: loopback, port: 0), joinsDatagrams: joins)
    }

    /// Sends datagrams of `sizes` to each receiver, turn by turn, and returns how many were refused.
    private static func send(
        from sender: UDPSocketBox, to receivers: [UDPSocketBox], _ sizes: [Int]
    ) -> Int {
        var batch = SendBatch(joinsDatagrams: sender.socket.canSegment)
        let body = [UInt8](repeating: 9, count: 65_536)
        return body.withUnsafeBytes { body in
            var refused = 0
            for (number, size) in sizes.enumerated() {
                for (lane, receiver) in receivers.enumerated() {
                    if batch.isFull { refused += batch.flush(on: sender.socket) }
                    let header = min(size, 1)
                    let place = batch.append(
                        headerBytes: header, body: .init(rebasing: body[..<(size - header)]),
                        to: SocketAddress(receiver.socket.local, family: .v4), lane: lane)
                    if header > 0 { place.storeBytes(of: UInt8(number & 0xFF), as: UInt8.self) }
                }
            }
            return refused + batch.flush(on: sender.socket)
        }
    }

    /// Size and first byte of all datagrams that have come.
    private static func receive(on receiver: UDPSocketBox) throws -> [[Int]] {
        var batch = PacketBatch()
        var received: [[Int]] = []
        repeat {
            try receiver.socket.receive(into: &batch)
            for index in 0..<batch.count {
                let datagram = batch.datagram(at: index)
                let sender = batch.sender(at: index)
                #expect(sender != nil)
                received.append([datagram.count, Int(datagram.first ?? 0)])
            }
        } while batch.count > 0
        return received
    }

    private static func expected(_ sizes: [Int]) -> [[Int]] {
        sizes.enumerated().map { [$1, $1 > 0 ? $0 & 0xFF : 0] }
    }

    @Test(arguments: [false, true], [false, true])
    func eachArrivesWholeAndInOrder(sends: Bool, receives: Bool) throws {
        let sender = try Self.bind(joins: sends)
        let receivers = try (0..<3).map { _ in try Self.bind(joins: receives) }

        let refused = Self.send(from: sender, to: receivers, Self.sizes)

        #expect(refused == 0)
        for receiver in receivers {
            #expect(try Self.receive(on: receiver) == Self.expected(Self.sizes))
        }
    }

    /// More than one message holds, and more than one batch.
    @Test func manyArriveInOrder() throws {
        let sender = try Self.bind(joins: true)
        let receiver = try Self.bind(joins: true)
        let sizes = [Int](repeating: 1200, count: 500)

        let refused = Self.send(from: sender, to: [receiver], sizes)

        #expect(refused == 0)
        #expect(try Self.receive(on: receiver) == Self.expected(sizes))
    }

    /// Without checksums the kernel cuts nothing apart (EINVAL).
    @Test func whatTheKernelDoesNotCutApartIsSentOneByOne() throws {
        let sender = try Self.bind(joins: true)
        let receivers = try (0..<2).map { _ in try Self.bind(joins: true) }
        var on: Int32 = 1
        let status = setsockopt(
            sender.socket.number, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(MemoryLayout<Int32>.size))
        try #require(status == 0)

        let refused = Self.send(from: sender, to: receivers, Self.sizes)

        #expect(refused == 0)
        for receiver in receivers {
            #expect(try Self.receive(on: receiver) == Self.expected(Self.sizes))
        }
    }

    @Test func whatNobodyTakesIsCountedForEachDatagram() throws {
        let sender = try Self.bind(joins: true)
        var batch = SendBatch(joinsDatagrams: sender.socket.canSegment)
        let unreachable = Endpoint(address: .v4(IPv4Address(rawValue: 0xF000_0001)), port: 9)
        let body = [UInt8](repeating: 1, count: 100)

        let refused = body.withUnsafeBytes { body in
            for _ in 0..<5 {
                _ = batch.append(
                    headerBytes: 0, body: body, to: SocketAddress(unreachable, family: .v4),
                    lane: 0)
            }
            return batch.flush(on: sender.socket)
        }

        #expect(refused == 5)
        let total = batch.refusals.total
        #expect(total == 5)
    }
}
