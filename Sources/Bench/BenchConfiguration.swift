/// What `polycast bench` was asked to measure.
package struct BenchConfiguration: Equatable, Sendable {
    package enum Measure: String, Sendable, CaseIterable {
        /// Copies per second of processor time.
        case forward
        /// What one hop adds to a packet's way, at half of the load that the bare loop bears.
        case latency
        /// Packets sealed end to end per second of processor time.
        case seal
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
    package var rounds = 10
    package var slice: Duration = .milliseconds(500)
    package var isJSON = false

    package init() {}
}
