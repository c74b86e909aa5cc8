/// What `polycast bench` was asked to measure.
package struct BenchConfiguration: Equatable, Sendable {
    package enum Measure: String, Sendable, CaseIterable {
        /// Copies per second of processor time.
        case forward
        /// What one hop adds to a packet's way, at half of the load that the bare loop bears.
        case latency
        /// What copies cost at 2000 packets a second, which come one by one.
        case paced
        /// What a copy costs with many streams and with one, or with many children and with one.
        case growth
        /// Packets sealed end to end per second of processor time.
        case seal
        /// Control datagrams, and handshakes, of a link per second of processor time.
        case link
        /// Packets of a capture file inspected per second.
        case inspect
    }

    package var measure = Measure.forward
    /// Who gets a copy of each packet.
    package var children = 16
    /// Streams that the packets belong to, turn by turn.
    package var streams = 1
    /// Bytes of UDP payload of each packet.
    package var packetBytes = 1200
    /// Whether datagrams may cross the system's border together.
    package var joinsDatagrams = true
    /// Pairs of measurements, after one that warms up, and how long each half takes.
    package var rounds = 40
    package var slice: Duration = .milliseconds(100)
    /// Threads that send; with more than one, forwarding is compared with that by one.
    package var workers = 1
    /// Another program that forwards to the same sinks, to be compared with instead of the bare loop.
    package var rival: Rival?
    /// Port of the first sink, the others' follow; zero lets the kernel choose.
    package var firstSinkPort: UInt16 = 0
    /// Where the file that is inspected is kept; `nil`: it is removed.
    package var keptFile: String?
    package var isJSON = false

    package struct Rival: Equatable, Sendable {
        package var process: Int32
        /// Of 127.0.0.1, where it receives.
        package var port: UInt16

        package init(process: Int32, port: UInt16) {
            self.process = process
            self.port = port
        }
    }

    package init() {}

    /// Whether several workers are measured, and one instead of the bare loop.
    var comparesWorkers: Bool { measure == .forward && workers > 1 }

    /// What Polycast is compared with.
    var limitName: String {
        if measure == .growth { return streams > 1 ? "one stream" : "one child" }
        return comparesWorkers ? "one worker" : "bare loop"
    }
}
