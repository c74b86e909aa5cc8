import CLinux
import Glibc
import NetBasics
import Sockets

/// The bare loop and Polycast's data path, between the same feeder and sinks.
struct ForwardBench: ~Copyable {
    private enum Target {
        static let bare = 0
        static let polycast = 1
        static let rival = 2
    }

    private let configuration: BenchConfiguration
    private let feeder: Feeder
    private var bare: BareForwarder
    private var polycast: MediaForwarder

    /// Opens all sockets and starts the feeder; `burst`: packets that it sends together.
    static func start(
        _ configuration: BenchConfiguration, burst: Int
    ) throws -> ForwardBench {
        let joins = configuration.joinsDatagrams
        let bareSocket = try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins)
        let socket = try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins)
        let source = try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins)
        let rival = configuration.rival.map { loopback(port: $0.port) }
        let targets = [bareSocket.local, socket.local] + [rival].compactMap { $0 }
        let sinks = try SinkSockets(
            count: configuration.children, firstPort: configuration.firstSinkPort,
            joinsDatagrams: joins)
        let bare = BareForwarder(bareSocket, to: sinks.endpoints)
        let polycast = try MediaForwarder.start(
            socket, streams: configuration.streams, to: sinks.endpoints)
        // Each keeps to a processor of its own where there are two.
        if sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 { cl_pin_thread(1) }
        let feeder = try Feeder(
            FeederPlan(
                source: source, targets: targets,
                streams: MediaForwarder.headers(streams: configuration.streams),
                key: try MediaForwarder.key(1),
                packetBytes: configuration.packetBytes, sinks: sinks, burst: burst, processor: 0))
        return ForwardBench(configuration, feeder, bare, polycast)
    }

    private init(
        _ configuration: BenchConfiguration, _ feeder: Feeder, _ bare: consuming BareForwarder,
        _ polycast: consuming MediaForwarder
    ) {
        self.configuration = configuration
        self.feeder = feeder
        self.bare = bare
        self.polycast = polycast
    }

    deinit { feeder.stop() }

    /// Copies per second of processor time.
    mutating func measureThroughput() throws(SystemError) -> BenchResult {
        var result = BenchResult(
            name: "forward", unit: "packets per second of processor time", isMoreBetter: true)
        for round in 0...configuration.rounds {
            let limit = try work(Target.bare)
            let own = try work(Target.polycast)
            // The first round warms up.
            if round > 0 { result.add(limit: limit.rate, polycast: own.rate) }
        }
        result.lost = feeder.lost
        return result
    }

    /// Delays at half of the load that the bare loop bears: the median, and the 99th percentile.
    mutating func measureLatency() throws(SystemError) -> [BenchResult] {
        var results = [50, 99].map {
            BenchResult(name: "latency p\($0)", unit: "µs from feeder to sink", isMoreBetter: false)
        }
        let most = try work(Target.bare)
        let perSecond = most.rate / Double(configuration.children) / 2
        let interval = Duration.nanoseconds(Int64(1e9 / max(1, perSecond)))
        for round in 0...configuration.rounds {
            let limit = try delays(Target.bare, interval)
            let own = try delays(Target.polycast, interval)
            guard round > 0, !limit.isEmpty, !own.isEmpty else { continue }
            for (index, share) in [0.5, 0.99].enumerated() {
                results[index].add(
                    limit: Self.quantile(share, of: limit), polycast: Self.quantile(share, of: own))
            }
        }
        for index in results.indices { results[index].lost = feeder.lost }
        return results
    }

    /// Nanoseconds of processor time per delivered packet, at a pace that leaves much of it idle.
    mutating func measurePaced() throws(SystemError) -> BenchResult {
        let name = configuration.rival == nil ? "paced" : "paced, rival"
        var result = BenchResult(
            name: name, unit: "ns of processor time per delivered packet", isMoreBetter: false)
        for round in 0...configuration.rounds {
            let limit: Double
            if let rival = configuration.rival {
                limit = try rivalCost(rival)
            } else {
                limit = try cost(Target.bare)
            }
            let own = try cost(Target.polycast)
            // The first round warms up.
            if round > 0 { result.add(limit: limit, polycast: own) }
        }
        result.lost = feeder.lost
        return result
    }

    private static let pace: Duration = .microseconds(500)

    private mutating func cost(_ target: Int) throws(SystemError) -> Double {
        feeder.feed(target, every: Self.pace)
        let end = Clocks.now + configuration.slice
        let start = Clocks.threadNanoseconds
        var copies = 0
        while Clocks.now < end {
            wait(target)
            copies += try step(target) ?? 0
        }
        return Double(Clocks.threadNanoseconds - start) / Double(max(1, copies))
    }

    /// The same of another process, by its own clock.
    private func rivalCost(_ rival: BenchConfiguration.Rival) throws(SystemError) -> Double {
        var clock = clockid_t()
        guard clock_getcpuclockid(rival.process, &clock) == 0 else {
            throw SystemError(call: "clock_getcpuclockid", subject: "process \(rival.process)")
        }
        feeder.feed(Target.rival, every: Self.pace)
        let (start, sent) = (Clocks.nanoseconds(of: clock), feeder.sent)
        var pause = timespec(
            tv_sec: 0, tv_nsec: Int(min(configuration.slice.nanoseconds, 999_999_999)))
        nanosleep(&pause, nil)
        let copies = Int(feeder.sent &- sent) * configuration.children
        return Double(Clocks.nanoseconds(of: clock) - start) / Double(max(1, copies))
    }

    private static func quantile(_ share: Double, of sorted: [UInt32]) -> Double {
        Double(sorted[Int(share * Double(sorted.count - 1))]) / 1000
    }

    private mutating func delays(
        _ target: Int, _ interval: Duration
    ) throws(SystemError) -> [UInt32] {
        let first = feeder.delayCount
        _ = try work(target, every: interval)
        return feeder.delays(from: first).sorted()
    }

    /// Forwards for a slice of wall-clock time.
    private mutating func work(
        _ target: Int, every interval: Duration = .zero
    ) throws(SystemError) -> (copies: Int, rate: Double) {
        feeder.feed(target, every: interval)
        let end = Clocks.now + configuration.slice
        let start = Clocks.threadNanoseconds
        var copies = 0
        while Clocks.now < end {
            if let count = try step(target) { copies += count } else { wait(target) }
        }
        let spent = Double(max(1, Clocks.threadNanoseconds - start))
        // What is on the way belongs to nobody's slice.
        feeder.feed(1 - target, every: interval)
        while try step(target) != nil {}
        return (copies, Double(copies) / spent * 1e9)
    }

    private mutating func step(_ target: Int) throws(SystemError) -> Int? {
        target == Target.bare ? bare.work() : try polycast.work()
    }

    /// Until something comes: the feeder never stops.
    private mutating func wait(_ target: Int) {
        guard target == Target.bare else { return polycast.wait() }
        var watched = pollfd(fd: bare.number, events: Int16(POLLIN), revents: 0)
        poll(&watched, 1, -1)
    }
}
