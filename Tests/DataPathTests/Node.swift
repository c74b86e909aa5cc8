import DataPath
import Forwarding
import Media
import NetBasics
import Sealing
import Sockets
import Testing
import Wire

let anyPort = Endpoint(address: .v4(IPv4Address(rawValue: 0x7F00_0001)), port: 0)

func bind(_ endpoint: Endpoint = anyPort) throws -> UDPSocket {
    try UDPSocket(binding: endpoint, joinsDatagrams: true)
}

/// A data path with its socket, one stream of `source`, and where it delivers to.
///
/// Its token names it on all its links, and both directions of a link have one key.
final class Node {
    static let source = PeerID(rawValue: 0xA11CE)
    static let stream = StreamID(source: source, index: 3)

    let socket: UDPSocket
    let player: UDPSocket
    let token: LinkToken
    var media: MediaPlane
    private var batch = PacketBatch()

    /// `mediaKey`: `nil` for a relay.
    init(
        _ token: UInt32, mediaKey: SecretBytes?, peer: PeerID, parityRows: Int = 0,
        workers: Int = 1, at endpoint: Endpoint = anyPort
    ) throws {
        self.token = LinkToken(rawValue: token)
        socket = try bind(endpoint)
        player = try bind()
        let spec = try DeliverSpec(parsing: "udp://127.0.0.1:\(player.local.port)")
        var repair = RepairConfiguration()
        repair.parityRows = parityRows
        media = MediaPlane(
            delivery: try DeliveryEdge([spec]),
            outgoing: try SendCrew(workers: workers, joinsDatagrams: socket.canSegment),
            mediaKey: mediaKey, peer: peer, repair: repair)
        let name = try #require(MemberName("alice"))
        let isOpen = media.open(
            StreamDescription(
                stream: Self.stream, version: 1, streamCount: 4, kind: .data, priority: 1,
                format: .opaque, rate: 1000, member: name, mediaText: ""))
        #expect(isOpen)
    }

    /// Tags a datagram as its link's neighbor does, by libsodium.
    static func tag(_ datagram: inout [UInt8], key: MediaTagKey) {
        datagram.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count >= 52 else { return }
            key.tag(
                header: UnsafeRawBufferPointer(rebasing: bytes[..<20]),
                seal: UnsafeRawPointer(start + (bytes.count - 16))
            ).write(to: start + 20)
        }
    }

    static func key(_ number: UInt8) throws -> MediaTagKey {
        try MediaTagKey(SecretBytes([UInt8](repeating: number, count: MediaTagKey.byteCount)))
    }

    /// Forwards to `children`, each over a link that has that child's token on both ends.
    func route(
        from parent: Node?, to children: [Node], datagramLimit: Int = .max
    ) throws {
        try route(from: parent, toLanes: children.map(\.lane), datagramLimit: datagramLimit)
    }

    /// Its token, and where it receives.
    var lane: (LinkToken, Endpoint) { (token, socket.local) }

    func route(
        from parent: Node?, toLanes children: [(token: LinkToken, endpoint: Endpoint)],
        datagramLimit: Int = .max
    ) throws {
        let route = ForwardingTable.Route(
            source: Self.source, upstreams: parent == nil ? [] : [token],
            children: children.map {
                .init(token: $0.token, endpoint: $0.endpoint, localToken: $0.token)
            })
        let links = [token] + children.map(\.token)
        let keys = LinkTagKeys(
            receive: (try Self.key(1), nil), send: try Self.key(1), sendPhase: 0,
            datagramLimit: datagramLimit)
        media.install(ForwardingTable(routes: [route], links: links), on: socket)
        media.install(Dictionary(uniqueKeysWithValues: links.map { ($0, keys) }))
    }

    func publish(_ bodies: [[UInt8]], of stream: StreamID = Node.stream) {
        for body in bodies {
            body.withUnsafeBytes {
                media.publish($0, of: stream, isControlFlow: false, at: now, on: socket)
            }
        }
        media.flush(on: socket)
    }

    /// Works on one datagram; bodies stay in place no longer than the call.
    ///
    /// Returns what the data path did: the link of what was new.
    @discardableResult
    func work(on datagram: [UInt8]) -> LinkToken? {
        datagram.withUnsafeBytes {
            defer { media.flush(on: socket) }
            if (try? DatagramHeader.kind(of: $0.bytes)) == .mediaPiece {
                return try? media.receivePiece($0, at: now, wallNanoseconds: 0, on: socket)
            }
            return media.receive($0, at: now, wallNanoseconds: 0, on: socket)
        }
    }

    /// Works on all that has come, which `change` may alter; returns it.
    @discardableResult
    func work(_ change: (inout [UInt8]) -> Void = { _ in }) throws -> [[UInt8]] {
        var seen = try arrived()
        for index in seen.indices {
            change(&seen[index])
            work(on: seen[index])
        }
        return seen
    }

    /// Works on all that has come as a busy loop does, which receives while others send; returns how
    /// many parts it received behind another.
    func forwardInParts() throws -> Int {
        var (keeps, parts) = (false, 0)
        repeat {
            try socket.receive(
                into: &batch, upTo: media.messageLimit(after: batch), keepingEarlier: keeps)
            _ = receiveBatch()
            keeps = media.goesOn(after: batch)
            parts += keeps ? 1 : 0
            if keeps { media.sendOn(on: socket) } else { media.flush(on: socket) }
        } while batch.wasFilled
        return parts
    }

    /// Works on all of a batch as a busy loop does; returns the packets of the longest train.
    private func receiveBatch() -> Int {
        var (index, longest) = (0, 0)
        while index < batch.count {
            let count = media.receive(
                batch, from: index, at: now, wallNanoseconds: 0, on: socket
            ).count
            longest = max(longest, count)
            index += count
        }
        return longest
    }

    /// Works on what has come, at most a batch; returns the packets of the longest train.
    ///
    /// One by one: each as if there were no others. 0: nothing has come.
    func forward(oneByOne: Bool) throws -> Int {
        try socket.receive(into: &batch)
        defer { media.flush(on: socket) }
        guard oneByOne else { return receiveBatch() }
        for index in 0..<batch.count {
            media.receive(batch.datagram(at: index), at: now, wallNanoseconds: 0, on: socket)
        }
        return min(1, batch.count)
    }

    /// What has come and was not worked on.
    func arrived() throws -> [[UInt8]] { try datagrams(on: socket) }

    /// What the player got.
    func played() throws -> [[UInt8]] { try datagrams(on: player) }

    private func datagrams(on socket: borrowing UDPSocket) throws -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        repeat {
            try socket.receive(into: &batch)
            for index in 0..<batch.count { datagrams.append(Array(batch.datagram(at: index))) }
        } while batch.count > 0
        return datagrams
    }

    func dropCount(_ reason: String) -> UInt64 { media.decodeDrops[reason] ?? 0 }

    func dropCount(_ reason: Forwarder.Drop) -> UInt64 { media.forwarder.dropCount(reason) }

    /// Packets of the stream that were new here.
    var passedCount: UInt64 { media.forwarder.count(of: Self.stream).packets }

    var now: Instant { Clocks.now }
}
