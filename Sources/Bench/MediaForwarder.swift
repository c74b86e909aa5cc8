import DataPath
import Forwarding
import Media
import NetBasics
import Sockets
import Wire

/// Polycast's own data path, driven as the daemon's loop drives it.
struct MediaForwarder: ~Copyable {
    private static let token = LinkToken(rawValue: 0x1122_3344_5566_7788)

    private let socket: UDPSocket
    private let streams: [StreamID]
    private var media: MediaPlane
    private var batch = PacketBatch()
    private var counted: UInt64 = 0

    /// Headers as the parent writes them, one per stream.
    static func headers(streams count: Int) -> [MediaHeader] {
        (0..<count).map { index in
            let source = PeerID(rawValue: UInt64(1000 + index))
            return MediaHeader(
                token: token, stream: StreamID(source: source, index: 0), isControlFlow: false,
                sequence: 0)
        }
    }

    init(_ socket: consuming UDPSocket, streams: Int, to sinks: [Endpoint]) throws(MediaError) {
        self.streams = Self.headers(streams: streams).map(\.stream)
        media = MediaPlane(
            delivery: try DeliveryEdge([]), joinsDatagrams: socket.canSegment, mediaKey: nil,
            peer: PeerID(rawValue: 1))
        let children = sinks.enumerated().map { number, sink in
            ForwardingTable.Child(token: LinkToken(rawValue: UInt64(number)), endpoint: sink)
        }
        let routes = self.streams.map {
            ForwardingTable.Route(source: $0.source, upstreams: [Self.token], children: children)
        }
        media.install(ForwardingTable(routes: routes, links: [Self.token]), family: socket.family)
        self.socket = socket
    }

    var number: Int32 { socket.number }
    var endpoint: Endpoint { socket.local }

    /// Forwards what has arrived; returns the copies, `nil` if nothing had.
    mutating func work() throws(SystemError) -> Int? {
        try socket.receive(into: &batch)
        guard batch.count > 0 else { return nil }
        let now = Clocks.now
        let wall = Clocks.wallNanoseconds
        for index in 0..<batch.count {
            let datagram = batch.datagram(at: index)
            guard Datagram.isMedia(datagram.bytes) else { continue }
            media.receive(datagram, at: now, wallNanoseconds: wall, on: socket)
        }
        media.flush(on: socket)
        // The driver hands these to the control plane.
        _ = media.takeMediaSigns()
        defer { counted = media.sentCount }
        return Int(media.sentCount &- counted)
    }
}
