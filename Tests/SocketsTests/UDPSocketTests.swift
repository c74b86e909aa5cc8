import NetBasics
import Sockets
import Testing

private let loopback = IPAddress.v4(IPv4Address(rawValue: 0x7F00_0001))
private let loopback6 = IPAddress.v6(IPv6Address(high: 0, low: 1))
private let anyIPv6 = IPAddress.v6(IPv6Address(high: 0, low: 0))

/// Waits, through the event loop, until `socket` has something, and returns what it is.
private func receiveOne(
    on socket: borrowing UDPSocket, into batch: inout PacketBatch
) throws -> [UInt8]? {
    var loop = try EventLoop()
    try loop.watch(socket.number, key: 7)
    var ready: [Int] = []
    loop.wait(until: Clocks.now + .seconds(2), ready: &ready)
    guard ready == [7] else { return nil }
    try socket.receive(into: &batch)
    return batch.count > 0 ? Array(batch.datagram(at: 0)) : nil
}

@Suite struct UDPSocketTests {
    @Test(arguments: [loopback, loopback6])
    func aDualSocketHearsBothFamilies(address: IPAddress) throws {
        let server = try UDPSocket(
            binding: Endpoint(address: anyIPv6, port: 0), knowsDestination: true)
        let client = try UDPSocket(binding: Endpoint(address: address, port: 0))
        var batch = PacketBatch()

        let sent = client.send([1, 2, 3], to: Endpoint(address: address, port: server.local.port))
        let received = try receiveOne(on: server, into: &batch)

        let expected = client.local
        #expect(sent)
        #expect(received == [1, 2, 3])
        let sender = batch.sender(at: 0)
        #expect(sender == expected)
        let destination = batch.destination(at: 0)
        #expect(destination == address)
    }

    @Test(arguments: [0x7F00_0001, 0x7F00_0203] as [UInt32])
    func aReplyLeavesFromTheAddressThatWasAsked(raw: UInt32) throws {
        let asked = IPAddress.v4(IPv4Address(rawValue: raw))
        let server = try UDPSocket(
            binding: Endpoint(address: anyIPv6, port: 0), knowsDestination: true)
        let client = try UDPSocket(binding: Endpoint(address: loopback, port: 0))
        var batch = PacketBatch()

        server.send([9], to: client.local, from: asked)
        let received = try receiveOne(on: client, into: &batch)

        let expected = Endpoint(address: asked, port: server.local.port)
        #expect(received == [9])
        let sender = batch.sender(at: 0)
        #expect(sender == expected)
    }

    /// What others still refer to is not overwritten until nobody asks that it be kept.
    @Test func whatCameEarlierStaysWhileMoreIsReceived() throws {
        let server = try UDPSocket(binding: Endpoint(address: loopback, port: 0))
        let client = try UDPSocket(binding: Endpoint(address: loopback, port: 0))
        for number in 0..<80 as Range<UInt8> { client.send([number, 7], to: server.local) }
        var batch = PacketBatch()
        var datagrams: [UnsafeRawBufferPointer] = []
        var keeps = false
        while datagrams.count < PacketBatch.capacity {
            try server.receive(
                into: &batch, upTo: PacketBatch.partCapacity, keepingEarlier: keeps)
            datagrams += (0..<batch.count).map { batch.datagram(at: $0) }
            keeps = true
            let (wasFilled, sender) = (batch.wasFilled, batch.sender(at: 0))
            #expect(wasFilled)
            #expect(sender == client.local)
        }
        #expect(datagrams.map { Array($0) } == (0..<64 as Range<UInt8>).map { [$0, 7] })

        // The next part takes the place of the first.
        try server.receive(into: &batch, upTo: PacketBatch.partCapacity, keepingEarlier: true)
        #expect(datagrams[0].baseAddress == batch.datagram(at: 0).baseAddress)
        #expect(datagrams[..<9].map { $0[0] } == [64, 65, 66, 67, 68, 69, 70, 71, 8])

        try server.receive(into: &batch)
        let (count, wasFilled) = (batch.count, batch.wasFilled)
        #expect(count == 8 && !wasFilled)
        #expect(Array(batch.datagram(at: 7)) == [79, 7])
        #expect(datagrams[0].baseAddress == batch.datagram(at: 0).baseAddress)
    }

    @Test func aBatchSendsOneBodyBehindManyHeaders() throws {
        let receivers = [
            try UDPSocketBox(binding: Endpoint(address: loopback, port: 0)),
            try UDPSocketBox(binding: Endpoint(address: loopback, port: 0)),
        ]
        let sender = try UDPSocket(binding: Endpoint(address: anyIPv6, port: 0))
        var send = SendBatch()
        var batch = PacketBatch()
        let body: [UInt8] = [5, 6]

        let refused = body.withUnsafeBytes { body in
            for (index, receiver) in receivers.enumerated() {
                let address = SocketAddress(receiver.socket.local, family: sender.family)
                send.append(headerBytes: 1, body: body, to: address)
                    .storeBytes(of: UInt8(index), as: UInt8.self)
            }
            return send.flush(on: sender)
        }

        #expect(refused == 0)
        let left = send.count
        let first = try receiveOne(on: receivers[0].socket, into: &batch)
        let second = try receiveOne(on: receivers[1].socket, into: &batch)
        #expect(left == 0)
        #expect(first == [0, 5, 6])
        #expect(second == [1, 5, 6])
    }

    @Test func anUnsendableDatagramDoesNotHoldUpTheRest() throws {
        let receiver = try UDPSocket(binding: Endpoint(address: loopback, port: 0))
        let sender = try UDPSocket(binding: Endpoint(address: loopback, port: 0))
        var send = SendBatch()
        var batch = PacketBatch()
        let tooLong = [UInt8](repeating: 0, count: 65_536)

        let refused = tooLong.withUnsafeBytes { body in
            let address = SocketAddress(receiver.local, family: .v4)
            _ = send.append(headerBytes: 0, body: body, to: address)
            _ = send.append(headerBytes: 0, body: .init(rebasing: body[..<4]), to: address)
            return send.flush(on: sender)
        }

        #expect(refused == 1)
        let received = try receiveOne(on: receiver, into: &batch)
        #expect(received == [0, 0, 0, 0])
    }

    @Test func aBusyPortIsNamed() throws {
        let first = try UDPSocket(binding: Endpoint(address: loopback, port: 0))

        do {
            _ = try UDPSocket(binding: first.local)
            Issue.record("bound twice")
        } catch {
            #expect(error.call == "bind")
            let expected = "\(first.local)"
            #expect("\(error)".contains(expected))
        }
    }

    @Test func silenceEndsAtTheDeadline() throws {
        var loop = try EventLoop()
        var ready = [1]
        let start = Clocks.now

        loop.wait(until: start + .milliseconds(20), ready: &ready)

        #expect(ready.isEmpty)
        #expect(Clocks.now - start >= .milliseconds(20))
    }
}

/// A socket in an array, which cannot hold non-copyable values.
final class UDPSocketBox {
    let socket: UDPSocket
    init(binding endpoint: Endpoint, joinsDatagrams: Bool = false) throws {
        socket = try UDPSocket(binding: endpoint, joinsDatagrams: joinsDatagrams)
    }
}
