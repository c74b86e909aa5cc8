import CLinux
import DataPath
import Forwarding
import Glibc
import Management
import Media
import NetBasics
import Sockets
import Wire

/// What `polycast bench forward` was asked to do.
package struct ForwardBenchConfiguration: Equatable, Sendable {
    package var children = 16
    /// Bytes of UDP payload of each packet.
    package var packetBytes = 1200
    package var joinsDatagrams = true
    /// Pairs of measurements, and how long each of them takes.
    package var rounds = 10
    package var slice: Duration = .milliseconds(400)

    package init() {}
}

/// Copies per second of processor time.
struct ForwardSample {
    var limit: Double
    var polycast: Double
    var ratio: Double { polycast / limit }
}

/// Measures forwarding to many children, turn by turn with the bare loop, between the same feeder
/// and sinks.
func measureForwarding(
    _ configuration: ForwardBenchConfiguration
) throws(SystemError) -> [ForwardSample] {
    let token = LinkToken(rawValue: 0x1122_3344_5566_7788)
    let stream = StreamID(source: PeerID(rawValue: 7), index: 0)
    let joins = configuration.joinsDatagrams
    let bareSocket = try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins)
    let socket = try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins)
    let feeder = try Feeder(
        FeederPlan(
            source: try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins),
            targets: [bareSocket.local, socket.local],
            header: MediaHeader(
                token: token, stream: stream, isControlFlow: false, sequence: 0),
            packetBytes: configuration.packetBytes, children: configuration.children,
            joinsDatagrams: joins, processor: 0))
    defer { feeder.stop() }
    cl_pin_thread(1)
    let children = feeder.sinks.enumerated().map {
        ForwardingTable.Child(token: LinkToken(rawValue: UInt64(100 + $0)), endpoint: $1)
    }
    let table = ForwardingTable(
        routes: [.init(source: stream.source, upstreams: [token], children: children)],
        links: getenv("NOKEEP") == nil ? [token] : [])
    guard let delivery = try? DeliveryEdge([]) else { return [] }
    var media = MediaPlane(delivery: delivery, joinsDatagrams: socket.canSegment)
    media.install(table, family: socket.family)
    var bare = BareForwarder(
        bareSocket, to: feeder.sinks, headerBytes: MediaHeader.byteCount, joins: joins)
    var batch = PacketBatch()
    var samples: [ForwardSample] = []
    for round in 0...configuration.rounds {
        let limit = measure(0, of: feeder, configuration.slice, on: bareSocket) {
            let before = bare.copies
            return bare.work() ? bare.copies - before : nil
        }
        let polycast = measure(1, of: feeder, configuration.slice, on: socket) {
            forward(by: &media, &batch, socket, stream)
        }
        // The first round warms up.
        if round > 0 { samples.append(.init(limit: limit, polycast: polycast)) }
    }
    print("received", feeder.received, "lost", feeder.lost)
    return samples
}

/// What the daemon's loop does with a batch; `nil` if nothing had come.
private func forward(
    by media: inout MediaPlane, _ batch: inout PacketBatch, _ socket: borrowing UDPSocket,
    _ stream: StreamID
) -> Int? {
    guard (try? socket.receive(into: &batch)) != nil, batch.count > 0 else { return nil }
    let before = media.forwarder.count(of: stream).copies
    let now = Clocks.now
    let wall = Clocks.wallNanoseconds
    for index in 0..<batch.count {
        let datagram = batch.datagram(at: index)
        if Datagram.isMedia(datagram.bytes) {
            media.receive(datagram, at: now, wallNanoseconds: wall, on: socket)
        }
    }
    media.flush(on: socket)
    return Int(media.forwarder.count(of: stream).copies &- before)
}

/// Copies per second of this thread's processor time, in a slice of wall-clock time.
private func measure(
    _ target: Int, of feeder: Feeder, _ slice: Duration, on socket: borrowing UDPSocket,
    _ work: () -> Int?
) -> Double {
    feeder.feed(target)
    let end = Clocks.now + slice
    let start = threadNanoseconds()
    var copies = 0
    while Clocks.now < end {
        if let count = work() {
            copies += count
        } else {
            var watched = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            poll(&watched, 1, 1)
        }
    }
    let spent = threadNanoseconds() - start
    // The rest is nobody's.
    feeder.feed(1 - target)
    while work() != nil {}
    return Double(copies) / (Double(max(1, spent)) / 1e9)
}

private func threadNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Runs and prints.
package func runForwardBench(_ configuration: ForwardBenchConfiguration) throws(Failure) -> Int32 {
    let samples: [ForwardSample]
    do {
        samples = try measureForwarding(configuration)
    } catch {
        throw Failure(.runtimeFailure, "\(error)")
    }
    for sample in samples {
        print("\(Int(sample.limit)) \(Int(sample.polycast)) \(sample.ratio)")
    }
    let ratios = samples.map(\.ratio).sorted()
    print("median", ratios[ratios.count / 2])
    return 0
}
