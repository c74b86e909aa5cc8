import Media
import NetBasics
import Sockets
import Testing
import Wire

private let rtp: [UInt8] = [0x80, 0xE0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xFF, 0x00, 0x0A]
private let rtcp: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 3]

private func loopback(_ port: UInt16 = 0, isIPv6: Bool = false) throws -> Endpoint {
    try endpoint(isIPv6 ? "[::1]:\(port)" : "127.0.0.1:\(port)")
}

private func client(isIPv6: Bool = false) throws -> UDPSocket {
    try UDPSocket(binding: loopback(isIPv6: isIPv6))
}

private func rtpStream(data: Endpoint, control: Endpoint?) -> PublishedStream {
    PublishedStream(
        kind: .video, priority: 2, rate: nil, mediaText: "",
        input: .rtp(data: data, control: control))
}

private struct Packet: Equatable {
    var bytes: [UInt8]
    var isControlFlow: Bool
}

/// What the edge hands over once `port` is readable.
private func packets(
    _ edge: PublishEdge, on port: PublishEdge.Port = .data, into batch: inout PacketBatch
) throws -> [Packet] {
    let number = try #require(edge.descriptors.first { $0.port == port }).number
    guard try isReadable(number) else { return [] }
    var list: [Packet] = []
    try edge.receive(on: port, into: &batch) { body, isControlFlow in
        list.append(Packet(bytes: Array(body), isControlFlow: isControlFlow))
    }
    return list
}

@Suite struct PublishEdgeTests {
    @Test(arguments: [false, true])
    func bothFlowsArriveBitForBit(isIPv6: Bool) throws {
        let local = try loopback(isIPv6: isIPv6)
        let edge = try PublishEdge(rtpStream(data: local, control: local))
        let sender = try client(isIPv6: isIPv6)
        var batch = PacketBatch()

        sender.send(rtp, to: try #require(edge.local(.data)))
        sender.send(rtcp, to: try #require(edge.local(.control)))

        #expect(try packets(edge, into: &batch) == [Packet(bytes: rtp, isControlFlow: false)])
        #expect(
            try packets(edge, on: .control, into: &batch)
                == [Packet(bytes: rtcp, isControlFlow: true)])
        #expect(edge.drops.isEmpty)
    }

    @Test func onASharedPortRTCPGoesToTheControlFlow() throws {
        let edge = try PublishEdge(rtpStream(data: loopback(), control: nil))
        let sender = try client()
        var batch = PacketBatch()

        for packet in [rtp, rtcp, rtp] { sender.send(packet, to: try #require(edge.local(.data))) }
        let received = try packets(edge, into: &batch)

        #expect(received.map(\.isControlFlow) == [false, true, false])
        #expect(received.map(\.bytes) == [rtp, rtcp, rtp])
        #expect(edge.descriptors.count == 1)
        #expect(edge.local(.control) == nil)
    }

    @Test func whatIsNotRTPIsDroppedAndCounted() throws {
        let edge = try PublishEdge(rtpStream(data: loopback(), control: loopback()))
        let sender = try client()
        var batch = PacketBatch()
        let data = try #require(edge.local(.data))

        sender.send([], to: data)
        sender.send([0x80, 0x60], to: data)
        sender.send([0x16, 0xFE] + rtp, to: data)
        sender.send(Array(repeating: 0x80, count: PublishEdge.bodyLimit + 1), to: data)
        sender.send(rtp, to: data)
        sender.send(rtp, to: try #require(edge.local(.control)))

        #expect(try packets(edge, into: &batch).map(\.bytes) == [rtp])
        #expect(try packets(edge, on: .control, into: &batch).isEmpty)
        #expect(
            edge.drops == [
                "truncated": 2, "unsupported_version": 1, "oversized": 1, "unknown_type": 1,
            ])
    }

    @Test func opaqueDatagramsAreNotLookedAt() throws {
        let edge = try PublishEdge(
            PublishedStream(
                kind: .data, priority: 3, rate: nil, mediaText: "", input: .udp(loopback())))
        let sender = try client()
        var batch = PacketBatch()
        let large = [UInt8](repeating: 7, count: PublishEdge.bodyLimit)

        sender.send([0x47], to: try #require(edge.local(.data)))
        sender.send(large, to: try #require(edge.local(.data)))

        let received = try packets(edge, into: &batch)
        #expect(received == [[0x47], large].map { Packet(bytes: $0, isControlFlow: false) })
    }

    @Test func aBusyPortIsNamedWithAdvice() throws {
        let first = try PublishEdge(rtpStream(data: loopback(), control: nil))
        let busy = try #require(first.local(.data))

        do {
            _ = try PublishEdge(rtpStream(data: busy, control: nil))
            Issue.record("bound twice")
        } catch {
            #expect(error.kind == .system)
            #expect(error.message.contains("\(busy)"))
            #expect(error.message.contains("in use"))
            #expect(error.advice.contains("choose another"))
        }
    }

    @Test func aStrangersAddressIsNamedWithAdvice() throws {
        let stranger = try endpoint("192.0.2.1:5004")

        #expect {
            try PublishEdge(rtpStream(data: stranger, control: nil))
        } throws: { error in
            "\(error)".contains("192.0.2.1:5004") && "\(error)".contains("address of this host")
        }
    }
}

@Suite struct DeliveryEdgeTests {
    private let source = PeerID(rawValue: 1)

    /// Two neighboring free ports with sockets on them.
    private func pair() throws -> (even: UDPSocketBox, odd: UDPSocketBox) {
        for _ in 0..<100 {
            let even = try UDPSocketBox(loopback())
            guard even.socket.local.port % 2 == 0,
                let odd = try? UDPSocketBox(loopback(even.socket.local.port + 1))
            else { continue }
            return (even, odd)
        }
        throw MediaError(.system, "no free pair of ports", advice: "try again")
    }

    private func received(_ box: UDPSocketBox) throws -> [[UInt8]] {
        guard try isReadable(box.socket.number) else { return [] }
        var batch = PacketBatch()
        try box.socket.receive(into: &batch)
        let count = batch.count
        return (0..<count).map { Array(batch.datagram(at: $0)) }
    }

    @Test func eachFlowGoesToItsPort() throws {
        let ports = try pair()
        let spec = try DeliverSpec(parsing: "rtp://\(ports.even.socket.local)")
        var edge = try DeliveryEdge([spec])
        let stream = StreamID(source: source, index: 0)

        let isAdded = edge.add(stream, format: .rtp)
        deliver(rtp, isControlFlow: false, of: stream, through: &edge)
        deliver(rtcp, isControlFlow: true, of: stream, through: &edge)

        #expect(isAdded)
        #expect(try received(ports.even) == [rtp])
        #expect(try received(ports.odd) == [rtcp])
        let sent = edge.sentCount
        #expect(sent == 2)
    }

    @Test func onlyRTPGoesToRTPAndEverythingToUDP() throws {
        var edge = try DeliveryEdge([
            try DeliverSpec(parsing: "rtp://127.0.0.1:6000"),
            try DeliverSpec(parsing: "udp://[::1]:7000"),
        ])
        let media = StreamID(source: source, index: 0)
        let pattern = StreamID(source: source, index: 1)

        let areAdded = [edge.add(pattern, format: .testPattern), edge.add(media, format: .rtp)]

        #expect(areAdded == [true, true])
        let ofMedia = edge.endpoints(of: media)
        let ofPattern = edge.endpoints(of: pattern)
        #expect(ofMedia == [try endpoint("127.0.0.1:6000"), try endpoint("[::1]:7002")])
        #expect(ofPattern == [try endpoint("[::1]:7000")])
        edge.removeAll(of: source)
        let afterwards = edge.endpoints(of: media)
        #expect(afterwards.isEmpty)
    }

    @Test func aPacketOfAnUnknownStreamGoesNowhere() throws {
        var edge = try DeliveryEdge([try DeliverSpec(parsing: "udp://127.0.0.1:7000")])

        deliver(rtp, isControlFlow: false, of: StreamID(source: source, index: 0), through: &edge)

        let sent = edge.sentCount
        #expect(sent == 0)
    }

    @Test func refusedPacketsAreCountedByReason() throws {
        var edge = try DeliveryEdge([try DeliverSpec(parsing: "udp://127.0.0.1:7000")])
        let stream = StreamID(source: source, index: 0)
        _ = edge.add(stream, format: .opaque)

        deliver(
            [UInt8](repeating: 0, count: 65_536), isControlFlow: false, of: stream, through: &edge)

        let refusals = edge.refusals.map { "\($0.name) \($0.count)" }
        #expect(refusals == ["send_too_long 1"])
    }

    @Test func portsRunOut() throws {
        var edge = try DeliveryEdge([try DeliverSpec(parsing: "rtp://127.0.0.1:65534")])

        let areAdded = (0..<2).map { edge.add(StreamID(source: source, index: $0), format: .rtp) }

        #expect(areAdded == [true, false])
    }

    @Test func publishedPortsAreNotDeliveredInto() throws {
        var edge = try DeliveryEdge(
            [try DeliverSpec(parsing: "rtp://127.0.0.1:6000")],
            reserved: [
                try endpoint("127.0.0.1:6001"), try endpoint("0.0.0.0:6002"),
                try endpoint("127.0.0.2:6004"),
            ])
        let stream = StreamID(source: source, index: 0)

        _ = edge.add(stream, format: .rtp)

        let endpoints = edge.endpoints(of: stream)
        #expect(endpoints == [try endpoint("127.0.0.1:6004")])
    }

    @Test(arguments: [
        ["rtp://127.0.0.1:6000", "rtp://127.0.0.1:6000"],
        ["rtp://127.0.0.1:6000", "udp://127.0.0.1:6001"],
    ])
    func deliveriesThatShareAPortAreRefused(texts: [String]) throws {
        let specs = try texts.map { try DeliverSpec(parsing: $0) }

        #expect(throws: MediaError.self) { _ = try DeliveryEdge(specs) }
    }

    @Test func aLowerDeliveryStopsBelowTheNext() throws {
        var edge = try DeliveryEdge([
            try DeliverSpec(parsing: "udp://127.0.0.1:6002"),
            try DeliverSpec(parsing: "udp://127.0.0.1:6000"),
        ])

        let areAdded = (0..<2).map { edge.add(StreamID(source: source, index: $0), format: .rtp) }

        #expect(areAdded == [true, false])
        let second = edge.endpoints(of: StreamID(source: source, index: 1))
        #expect(second == [try endpoint("127.0.0.1:6004")])
    }

    /// More packets than one batch of the kernel's calls holds.
    @Test func aBurstBeyondABatchLosesNothing() throws {
        let receiver = try UDPSocketBox(loopback())
        var edge = try DeliveryEdge([
            try DeliverSpec(parsing: "udp://\(receiver.socket.local)")
        ])
        let stream = StreamID(source: source, index: 0)
        _ = edge.add(stream, format: .opaque)

        let bodies = (0..<300).map { [UInt8($0 / 256), UInt8($0 % 256)] }
        let flat = bodies.flatMap { $0 }
        flat.withUnsafeBytes { bytes in
            for index in bodies.indices {
                edge.deliver(
                    .init(rebasing: bytes[2 * index..<2 * index + 2]), of: stream,
                    isControlFlow: false)
            }
            edge.flush()
        }

        var all: [[UInt8]] = []
        while all.count < 300 {
            let more = try received(receiver)
            if more.isEmpty { break }
            all += more
        }
        #expect(all == bodies)
    }

    private func deliver(
        _ bytes: [UInt8], isControlFlow: Bool, of stream: StreamID,
        through edge: inout DeliveryEdge
    ) {
        bytes.withUnsafeBytes { body in
            edge.deliver(body, of: stream, isControlFlow: isControlFlow)
            edge.flush()
        }
    }
}

/// A socket that tuples and closures can hold.
private final class UDPSocketBox {
    let socket: UDPSocket
    init(_ endpoint: Endpoint) throws { socket = try UDPSocket(binding: endpoint) }
}
