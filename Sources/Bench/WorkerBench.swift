import CLinux
import Glibc
import NetBasics
import Sealing
import Sockets
import Wire

/// Polycast's data path with one worker and with several, turn by turn.
///
/// What is forwarded lies in the socket's receive buffer already, and nobody reads the sinks, whose
/// buffers are full from the first round on: so no processor has anything to do but to forward.
struct WorkerBench: ~Copyable {
    private let configuration: BenchConfiguration
    private let sinks: SinkSockets
    private var filler: BufferFiller
    private var one: MediaForwarder
    private var several: MediaForwarder
    /// As many, on the processor of the first alone.
    private var confined: MediaForwarder

    static func start(_ configuration: BenchConfiguration) throws -> WorkerBench {
        let joins = configuration.joinsDatagrams
        let source = try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins)
        let sinks = try SinkSockets(
            count: configuration.children, firstPort: configuration.firstSinkPort,
            joinsDatagrams: joins)
        let one = try forwarder(configuration, to: sinks, workers: 1)
        // Its own thread keeps to one processor, where there are several, and the others off it.
        cl_keep_thread_off(1)
        let several = try forwarder(configuration, to: sinks, workers: configuration.workers)
        cl_pin_thread(1)
        let confined = try forwarder(configuration, to: sinks, workers: configuration.workers)
        let depth = BufferFiller.depth(of: one.number, packetBytes: configuration.packetBytes)
        let filler = try BufferFiller(source, depth: depth, configuration)
        return WorkerBench(configuration, sinks, filler, one, several, confined)
    }

    private static func forwarder(
        _ configuration: BenchConfiguration, to sinks: SinkSockets, workers: Int
    ) throws -> MediaForwarder {
        let socket = try UDPSocket(
            binding: loopback(port: 0), joinsDatagrams: configuration.joinsDatagrams)
        BufferFiller.enlarge(socket.number)
        return try MediaForwarder.start(
            socket, streams: configuration.streams, to: sinks.endpoints, workers: workers)
    }

    private init(
        _ configuration: BenchConfiguration, _ sinks: SinkSockets,
        _ filler: consuming BufferFiller, _ one: consuming MediaForwarder,
        _ several: consuming MediaForwarder, _ confined: consuming MediaForwarder
    ) {
        self.configuration = configuration
        self.sinks = sinks
        self.filler = filler
        self.one = one
        self.several = several
        self.confined = confined
    }

    /// Copies per second of processor time, that of all threads; and per second.
    mutating func measure() throws -> [BenchResult] {
        var results = [
            BenchResult(
                name: "workers cost", unit: "packets per second of processor time",
                isMoreBetter: true),
            BenchResult(name: "workers speed", unit: "packets per second", isMoreBetter: true),
            BenchResult(
                name: "workers on one processor", unit: "packets per second of processor time",
                isMoreBetter: true),
        ]
        for round in 0...configuration.rounds {
            let limit = try Self.rates(of: &one, &filler, configuration.slice)
            let own = try Self.rates(of: &several, &filler, configuration.slice)
            let shared = try Self.rates(of: &confined, &filler, configuration.slice)
            // The first round warms up.
            guard round > 0 else { continue }
            results[0].add(limit: limit.perProcessorSecond, polycast: own.perProcessorSecond)
            results[1].add(limit: limit.perSecond, polycast: own.perSecond)
            results[2].add(limit: limit.perProcessorSecond, polycast: shared.perProcessorSecond)
        }
        return results + [try measureBesideSinks()]
    }

    /// The same while a feeder and sinks, which read, keep another processor busy.
    private mutating func measureBesideSinks() throws -> BenchResult {
        sinks.drain()
        let source = try UDPSocket(
            binding: loopback(port: 0), joinsDatagrams: configuration.joinsDatagrams)
        let feeder = try Feeder(
            FeederPlan(
                source: source, targets: [one.endpoint, several.endpoint],
                streams: filler.headers, key: try MediaForwarder.key(1),
                packetBytes: configuration.packetBytes, sinks: sinks, burst: 32, processor: 0))
        defer { feeder.stop() }
        var result = BenchResult(
            name: "workers beside busy sinks", unit: "packets per second of processor time",
            isMoreBetter: true)
        for round in 0...configuration.rounds {
            feeder.feed(0)
            let limit = try Self.rates(of: &one, feeder, configuration.slice)
            feeder.feed(1)
            let own = try Self.rates(of: &several, feeder, configuration.slice)
            guard round > 0 else { continue }
            result.add(limit: limit.perProcessorSecond, polycast: own.perProcessorSecond)
        }
        result.lost = feeder.lost
        return result
    }

    /// Forwards what is fed for a slice of time.
    private static func rates(
        of forwarder: inout MediaForwarder, _ feeder: Feeder, _ slice: Duration
    ) throws(SystemError) -> Rates {
        let (start, processorStart) = (Clocks.now, forwarder.processorNanoseconds)
        var rates = Rates()
        while Clocks.now - start < slice {
            if let count = try forwarder.work() { rates.copies += count } else { forwarder.wait() }
        }
        rates.time = (Clocks.now - start).nanoseconds
        rates.processorTime = forwarder.processorNanoseconds - processorStart
        return rates
    }

    private struct Rates {
        var copies = 0
        var time: Int64 = 0
        var processorTime: Int64 = 0

        var perSecond: Double { Double(copies) * 1e9 / Double(max(1, time)) }
        var perProcessorSecond: Double { Double(copies) * 1e9 / Double(max(1, processorTime)) }
    }

    /// Fills and drains a receive buffer again and again, for a slice of time spent draining.
    private static func rates(
        of forwarder: inout MediaForwarder, _ filler: inout BufferFiller, _ slice: Duration
    ) throws(SystemError) -> Rates {
        var rates = Rates()
        while rates.time < slice.nanoseconds {
            filler.fill(forwarder.endpoint)
            let (start, processorStart) = (Clocks.now, forwarder.processorNanoseconds)
            var copies = 0
            while let count = try forwarder.work() { copies += count }
            rates.time += (Clocks.now - start).nanoseconds
            rates.processorTime += forwarder.processorNanoseconds - processorStart
            rates.copies += copies
        }
        return rates
    }
}

/// Fills a receive buffer with packets to be forwarded.
struct BufferFiller: ~Copyable {
    private static let burst = 32
    /// Packets that lie in a buffer at most: so many that it hardly counts how long threads take to wake
    /// up, which they do once each time that it is filled.
    private static let most = 8192
    /// What the kernel counts for a packet of `bytes`, at most.
    private static func spaceBytes(_ bytes: Int) -> Int { 2 * (bytes + 1024) }

    private let source: UDPSocket
    private var packets: PacketSource
    private var out: SendBatch
    private let depth: Int

    /// `depth`: packets that it fills in.
    init(
        _ source: consuming UDPSocket, depth: Int, _ configuration: BenchConfiguration
    ) throws(SealingError) {
        self.depth = depth
        packets = PacketSource(
            MediaForwarder.headers(streams: configuration.streams), try MediaForwarder.key(1),
            packetBytes: configuration.packetBytes)
        out = SendBatch(joinsDatagrams: source.canSegment)
        self.source = source
    }

    /// Makes room for as many packets as are wanted, if this process may.
    static func enlarge(_ socket: Int32) {
        var bytes = Int32(most * spaceBytes(1500))
        setsockopt(
            socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// As many packets as the buffer of `socket` holds, and are wanted.
    static func depth(of socket: Int32, packetBytes: Int) -> Int {
        var bytes: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, &length)
        return max(burst, min(most, Int(bytes) / spaceBytes(packetBytes)))
    }

    /// What comes next.
    var headers: [MediaHeader] { packets.headers }

    mutating func fill(_ endpoint: Endpoint) {
        let address = SocketAddress(endpoint, family: .v4)
        var left = depth
        while left > 0 {
            packets.send(min(left, Self.burst), to: address, by: &out, on: source)
            left -= Self.burst
        }
    }
}
