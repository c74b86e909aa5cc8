import DataPath
import Forwarding
import Media
import NetBasics
import Sealing
import Sockets
import Testing
import Wire

private func bind() throws -> UDPSocket {
    try UDPSocket(
        binding: Endpoint(address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: 0),
        joinsDatagrams: true)
}

/// A data path with its socket, one stream of `source`, and where it delivers to.
private final class Node {
    static let source = PeerID(rawValue: 0xA11CE)
    static let stream = StreamID(source: source, index: 3)

    let socket: UDPSocket
    let player: UDPSocket
    private let token: LinkToken
    private var media: MediaPlane
    private var batch = PacketBatch()

    /// `mediaKey`: `nil` for a relay.
    init(_ token: UInt64, mediaKey: SecretBytes?, peer: PeerID) throws {
        self.token = LinkToken(rawValue: token)
        socket = try bind()
        player = try bind()
        let spec = try DeliverSpec(parsing: "udp://127.0.0.1:\(player.local.port)")
        media = MediaPlane(
            delivery: try DeliveryEdge([spec]), joinsDatagrams: socket.canSegment,
            mediaKey: mediaKey, peer: peer)
        let name = try #require(MemberName("alice"))
        let isOpen = media.open(
            StreamDescription(
                stream: Self.stream, version: 1, streamCount: 4, kind: .data, priority: 1,
                format: .opaque, rate: 1000, member: name, mediaText: ""))
        #expect(isOpen)
    }

    func route(from parent: Node?, to children: [Node]) {
        let route = ForwardingTable.Route(
            source: Self.source, upstreams: parent == nil ? [] : [token],
            children: children.map { .init(token: $0.token, endpoint: $0.socket.local) })
        media.install(
            ForwardingTable(routes: [route], links: [token]), family: socket.family)
    }

    func publish(_ bodies: [[UInt8]]) {
        for body in bodies {
            body.withUnsafeBytes {
                media.publish($0, of: Self.stream, isControlFlow: false, at: now, on: socket)
            }
        }
        media.flush(on: socket)
    }

    /// Works on all that has come, which `change` may alter; returns it.
    @discardableResult
    func work(_ change: (inout [UInt8]) -> Void = { _ in }) throws -> [[UInt8]] {
        var seen: [[UInt8]] = []
        repeat {
            try socket.receive(into: &batch)
            var datagrams = (0..<batch.count).map { Array(batch.datagram(at: $0)) }
            for index in datagrams.indices {
                change(&datagrams[index])
                datagrams[index].withUnsafeBytes {
                    media.receive($0, at: now, wallNanoseconds: 0, on: socket)
                }
                // Bodies stay in place no longer than the arrays.
                media.flush(on: socket)
            }
            seen += datagrams
        } while batch.count > 0
        return seen
    }

    /// What the player got.
    func played() throws -> [[UInt8]] {
        var bodies: [[UInt8]] = []
        repeat {
            try player.receive(into: &batch)
            for index in 0..<batch.count { bodies.append(Array(batch.datagram(at: index))) }
        } while batch.count > 0
        return bodies
    }

    var notAuthentic: UInt64 { media.decodeDrops["not_authentic"] ?? 0 }

    private var now: Instant { Clocks.now }
}

/// Media is sealed where it is published, opened where it is delivered, and untouched between.
@Suite struct SealedMediaTests {
    private let key = SecretBytes([UInt8](repeating: 7, count: 32))
    private let text = Array("a sentence that is long enough to be found again".utf8)

    private func source() throws -> Node { try Node(1, mediaKey: key, peer: Node.source) }
    private func member(_ token: UInt64, _ key: SecretBytes?) throws -> Node {
        try Node(token, mediaKey: key, peer: PeerID(rawValue: token))
    }

    @Test func whoForwardsNeedsNoKeyAndSeesNothing() throws {
        let (alice, relay, bob) = (try source(), try member(2, nil), try member(3, key))
        alice.route(from: nil, to: [relay])
        relay.route(from: alice, to: [bob])
        bob.route(from: relay, to: [])
        let bodies = (0..<5).map { [UInt8($0)] + text }

        alice.publish(bodies)
        let passing = try relay.work()
        try bob.work()

        #expect(passing.count == 5)
        for datagram in passing {
            #expect(!datagram.indices.contains { datagram[$0...].starts(with: text) })
            #expect(datagram.count <= MediaHeader.byteCount + text.count + 1 + 22)
        }
        #expect(try relay.played().isEmpty)
        #expect(try bob.played() == bodies)
    }

    /// Body, stream, flow and number: all that a packet is, and not what is written for a link.
    @Test func whatWasAlteredIsNotDelivered() throws {
        let bits = MediaHeader.byteCount * 8 + (text.count + 22) * 8
        // Sequence number, stream index, control flow; every seventh bit of the body.
        let header = [16, 24, 25, 26, 160, 170, 191]
        let body = stride(from: MediaHeader.byteCount * 8, to: bits - 40, by: 7)
        for bit in header + Array(body) {
            let (alice, bob) = (try source(), try member(3, key))
            alice.route(from: nil, to: [bob])
            bob.route(from: alice, to: [])
            alice.publish([text])

            try bob.work { $0[bit / 8] ^= 0x80 >> UInt8(bit % 8) }

            #expect(try bob.played().isEmpty, "bit \(bit)")
        }
    }

    @Test func whoLacksTheKeyCountsAndDropsWhatItCannotOpen() throws {
        let (alice, eve) = (
            try source(), try member(3, SecretBytes([UInt8](repeating: 8, count: 32)))
        )
        alice.route(from: nil, to: [eve])
        eve.route(from: alice, to: [])

        alice.publish([text, text])
        try eve.work()

        #expect(try eve.played().isEmpty)
        #expect(eve.notAuthentic == 2)
    }

    /// Far more than the ring of bodies holds, before anybody flushes.
    @Test func manyLongPacketsDoNotOverwriteEachOther() throws {
        let (alice, bob) = (try source(), try member(3, key))
        alice.route(from: nil, to: [bob])
        bob.route(from: alice, to: [])
        let bodies = (0..<80).map { [UInt8](repeating: UInt8($0), count: 60_000) }

        alice.publish(bodies)
        try bob.work()

        #expect(try bob.played() == bodies)
    }
}
