import NetBasics

/// What the network does to datagrams besides carrying them; all of it decided by one seed.
package struct Faults: Equatable, Sendable {
    /// Hosts on one side of a cut that nothing crosses for a while.
    package struct Partition: Equatable, Sendable {
        /// The hosts whose index is below this are on the near side.
        package var boundary: Int
        package var from: Instant
        package var until: Instant
        /// Only what goes from the near side to the far one is lost.
        package var isOneWay: Bool

        package init(boundary: Int, from: Instant, until: Instant, isOneWay: Bool) {
            self.boundary = boundary
            self.from = from
            self.until = until
            self.isOneWay = isOneWay
        }

        func cuts(_ sender: Int, _ receiver: Int, at now: Instant) -> Bool {
            guard from <= now, now < until else { return false }
            let crosses = (sender < boundary) != (receiver < boundary)
            return crosses && (!isOneWay || sender < boundary)
        }
    }

    /// Share of datagrams lost from host to host, besides the links' own loss; 0 to 1.
    package var loss = 0.0
    /// Share of time that a receiver's access is in a bad spell, in which half of all is lost.
    package var burstLoss = 0.0
    /// Mean length of a bad spell.
    package var burstLength: Duration = .milliseconds(100)
    /// Extra delay, uniform up to this share of the path's delay.
    package var jitter = 0.0
    /// Share of datagrams that arrive twice.
    package var duplication = 0.0
    /// Share of datagrams that are held up by up to 50 ms, and so overtaken.
    package var reordering = 0.0
    /// Clocks run wrong by up to this share, each host's by its own.
    package var clockDrift = 0.0
    package var partitions: [Partition] = []
    /// When all of this ends, but for the clocks.
    package var until: Instant = .distantFuture

    package init() {}

    var isHarmless: Bool {
        loss == 0 && burstLoss == 0 && duplication == 0 && reordering == 0 && partitions.isEmpty
    }
}
