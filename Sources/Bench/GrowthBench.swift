import CLinux
import NetBasics
import Sockets

/// What a delivered packet costs with many children or streams, and with one, turn by turn.
///
/// One thread fills a receive buffer, forwards what lies there and empties the sinks, which takes no
/// part in the figure. So every copy is delivered, and no other processor has its pages.
struct GrowthBench {
    private let configuration: BenchConfiguration
    private let one: Scene
    private let many: Scene

    /// One stream is compared with, if there are many; else one child.
    init(_ configuration: BenchConfiguration) throws {
        cl_pin_thread(0)
        var less = configuration
        if configuration.streams > 1 { less.streams = 1 } else { less.children = 1 }
        self.configuration = configuration
        one = try Scene(less)
        many = try Scene(configuration)
    }

    /// Nanoseconds of processor time per delivered packet.
    func measure() throws(SystemError) -> BenchResult {
        var result = BenchResult(
            name: "growth", unit: "ns of processor time per delivered packet", isMoreBetter: false)
        for round in 0...configuration.rounds {
            let limit = try one.cost(configuration.slice)
            let own = try many.cost(configuration.slice)
            // The first round warms up.
            if round > 0 { result.add(limit: limit, polycast: own) }
        }
        result.lost = one.lost + many.lost
        return result
    }

    /// A forwarder, who feeds it, and its sinks.
    private final class Scene {
        /// Packets in the receive buffer; their copies lie in the sinks' until they are read.
        private static let depth = 64

        private let sinks: SinkSockets
        private var forwarder: MediaForwarder
        private var filler: BufferFiller
        private(set) var lost: UInt = 0

        init(_ configuration: BenchConfiguration) throws {
            let joins = configuration.joinsDatagrams
            sinks = try SinkSockets(
                count: configuration.children, firstPort: 0, joinsDatagrams: joins)
            forwarder = try MediaForwarder.start(
                try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins),
                streams: configuration.streams, to: sinks.endpoints)
            filler = try BufferFiller(
                try UDPSocket(binding: loopback(port: 0), joinsDatagrams: joins),
                depth: Self.depth, configuration)
        }

        /// Forwards for a slice of processor time.
        func cost(_ slice: Duration) throws(SystemError) -> Double {
            var (time, delivered) = (0 as Int64, 0)
            while time < slice.nanoseconds {
                filler.fill(forwarder.endpoint)
                let start = Clocks.threadNanoseconds
                var copies = 0
                while let count = try forwarder.work() { copies += count }
                time += Clocks.threadNanoseconds - start
                let read = sinks.drain()
                lost += UInt(max(0, copies - read))
                delivered += read
            }
            return Double(time) / Double(max(1, delivered))
        }
    }
}
