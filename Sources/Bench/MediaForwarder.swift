import DataPath
import Forwarding
import Media
import NetBasics
import Sealing
import Sockets
import Wire

/// Polycast's own data path, driven as the daemon's loop drives it.
struct MediaForwarder: ~Copyable {
    private static let token = LinkToken(rawValue: 0x1122_3344)

    private let socket: UDPSocket
    private let streams: [StreamID]
    private var media: MediaPlane
    private var batch = PacketBatch()
    private var wanted: [WantedRepair] = []
    private var counted: UInt64 = 0
    private var loop: EventLoop
    private var ready: [Int] = []
    /// When the control plane asks what media passed: whenever it has something to do.
    private var signsDue = Instant.zero

    /// Headers as the parent writes them, one per stream.
    static func headers(streams count: Int) -> [MediaHeader] {
        (0..<count).map { index in
            let source = PeerID(rawValue: UInt64(1000 + index))
            return MediaHeader(
                token: token, stream: StreamID(source: source, index: 0), isControlFlow: false,
                sequence: 0)
        }
    }

    /// The key of one direction of a link.
    static func key(_ number: UInt8) throws(SealingError) -> MediaTagKey {
        try MediaTagKey(SecretBytes([UInt8](repeating: number, count: MediaTagKey.byteCount)))
    }

    static func start(
        _ socket: consuming UDPSocket, streams: Int, to sinks: [Endpoint], workers: Int = 1
    ) throws -> MediaForwarder {
        let keys = LinkTagKeys(receive: (try key(1), nil), send: try key(2), sendPhase: 0)
        let delivery = try DeliveryEdge([])
        var loop = try EventLoop()
        loop.watchSender(socket.number, key: 0)
        let outgoing = try SendCrew(workers: workers, joinsDatagrams: socket.canSegment)
        return MediaForwarder(socket, streams, sinks, keys, delivery, loop, outgoing)
    }

    private init(
        _ socket: consuming UDPSocket, _ streams: Int, _ sinks: [Endpoint], _ keys: LinkTagKeys,
        _ delivery: consuming DeliveryEdge, _ loop: consuming EventLoop,
        _ outgoing: consuming SendCrew
    ) {
        self.loop = loop
        self.streams = Self.headers(streams: streams).map(\.stream)
        media = MediaPlane(
            delivery: delivery, outgoing: outgoing, mediaKey: nil,
            peer: PeerID(rawValue: 1))
        let children = sinks.enumerated().map { number, sink in
            ForwardingTable.Child(
                token: LinkToken(rawValue: UInt32(number)), endpoint: sink,
                localToken: LinkToken(rawValue: UInt32(number)))
        }
        let links = [Self.token] + children.map(\.localToken)
        media.install(Dictionary(uniqueKeysWithValues: links.map { ($0, keys) }))
        let routes = self.streams.map {
            ForwardingTable.Route(source: $0.source, upstreams: [Self.token], children: children)
        }
        media.install(ForwardingTable(routes: routes, links: [Self.token]), on: socket)
        self.socket = socket
    }

    var number: Int32 { socket.number }
    /// Of this thread and of those that help it; nanoseconds.
    var processorNanoseconds: Int64 {
        Clocks.threadNanoseconds + media.othersProcessorTime.nanoseconds
    }
    var endpoint: Endpoint { socket.local }

    /// Waits as the daemon does.
    mutating func wait() {
        loop.wait(until: signsDue, ready: &ready)
        takeSigns(at: Clocks.now)
    }

    private mutating func takeSigns(at now: Instant) {
        guard signsDue <= now else { return }
        signsDue = now + .milliseconds(10)
        _ = media.takeMediaSigns()
    }

    /// Forwards what has arrived; returns the copies, `nil` if nothing had.
    mutating func work() throws(SystemError) -> Int? {
        let start = Clocks.now
        var now = start
        var keeps = false
        repeat {
            try socket.receive(
                into: &batch, upTo: media.messageLimit(after: batch), keepingEarlier: keeps)
            guard batch.count > 0 || keeps else { return nil }
            now = Clocks.now
            receiveBatch(at: now)
            keeps = now - start < MediaPlane.receiveLimit && media.goesOn(after: batch)
            if keeps { media.sendOn(on: socket) } else { media.flush(on: socket) }
        } while keeps
        takeSigns(at: now)
        if let due = media.forwarder.nextWakeup, due <= now {
            wanted.removeAll(keepingCapacity: true)
            media.forwarder.takeRepairRequests(at: now, into: &wanted)
        }
        defer { counted = media.sentCount }
        return Int(media.sentCount &- counted)
    }

    private mutating func receiveBatch(at now: Instant) {
        let wall = Clocks.wallNanoseconds
        var index = 0
        while index < batch.count {
            guard Datagram.isMedia(batch.datagram(at: index).bytes) else {
                index += 1
                continue
            }
            index +=
                media.receive(
                    batch, from: index, at: now, wallNanoseconds: wall, on: socket
                ).count
        }
    }
}
