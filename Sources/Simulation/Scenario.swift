import NetBasics

/// What one simulation is to show: everything but the network under it.
package struct Scenario: Sendable {
    /// Hosts that die at the same moment, without a word.
    package struct Failure: Sendable {
        package var count: Int
        package var at: Duration

        package init(count: Int, at: Duration) {
            self.count = count
            self.at = at
        }
    }

    package var seed: UInt64 = 1
    /// Members at the start.
    package var peers = 32
    /// Of those, the first are sources.
    package var sources = 1
    /// Children per source at most; `nil`: the uplink alone decides.
    package var fanout: Int?
    /// Packets a second and source.
    package var rate = 10.0
    /// Bytes of media per packet.
    package var bodyBytes = 1000
    package var duration: Duration = .seconds(120)
    /// Nothing that is sent before is measured.
    package var warmUp: Duration = .seconds(40)
    /// The members of the start join in random order over this time.
    package var joinSpread: Duration = .seconds(10)
    /// When sources begin; joins after it are timed.
    package var publishAt: Duration = .seconds(1)
    package var faults = Faults()
    /// Joins and departures together, a second, as a Poisson process, while it is measured.
    package var churn = 0.0
    /// Share of departures that are announced.
    package var gracefulShare = 0.5
    package var failures: [Failure] = []
    /// Deliveries after it are late.
    package var deadline: Duration = .seconds(1)
    /// Contacts that a joining member is given where the protocol has no directory of its own.
    package var contactCount = 20
    package var checksInvariants = false
    /// Every how many packets of a source one is followed over the links; 0: none.
    package var followedStride: Int32 = 10

    package init() {}

    /// Time for the last packets to arrive in.
    static let drain: Duration = .seconds(3)

    /// Hosts that the scenario needs, those that join later included.
    package var hostCount: Int {
        let arrivals = churn * (duration - warmUp).seconds / 2
        return peers + (churn > 0 ? Int(arrivals * 1.3) + 20 : 0)
    }
}
