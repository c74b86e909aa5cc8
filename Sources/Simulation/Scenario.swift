import NetBasics

/// What one simulation is to show: everything but the network under it and the system on it.
package struct Scenario: Equatable, Sendable {
    /// Hosts that die at the same moment, without a word.
    package struct Failure: Equatable, Sendable {
        package var count: Int
        package var at: Duration

        package init(count: Int, at: Duration) {
            self.count = count
            self.at = at
        }
    }

    /// Hosts that join besides those of the start, uniformly over a time.
    package struct Crowd: Equatable, Sendable {
        package var count: Int
        package var at: Duration
        package var over: Duration

        package init(count: Int, at: Duration, over: Duration) {
            self.count = count
            self.at = at
            self.over = over
        }
    }

    /// What sources send.
    package enum Workload: Equatable, Sendable {
        /// Each sends `rate` packets a second from `publishAt` on.
        case steady
        /// One round after the other from the end of the warm-up on, `interval` apart.
        case rounds(count: Int, interval: Duration, Senders)
    }

    /// Who sends in a round: a random source, one after the other, or all in the same instant.
    package enum Senders: Equatable, Sendable {
        case random
        case inTurn
        case all
    }

    package var seed: UInt64 = 1
    /// Members at the start.
    package var peers = 32
    /// Of those, the first are sources.
    package var sources = 1
    /// Children per source at most; `nil`: the uplink alone decides.
    package var fanout: Int?
    /// What a parent's own distance weighs against the link to it; see ``OverlayConfiguration``.
    package var distanceWeight: Double?
    package var workload = Workload.steady
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
    package var crowds: [Crowd] = []
    /// Deliveries after it are late.
    package var deadline: Duration = .seconds(1)
    /// Contacts that a joining member is given where the protocol has no directory of its own.
    package var contactCount = 20
    /// Contacts are drawn from all members of the start, and not only from those that are there.
    package var contactsAreAll = false
    package var checksInvariants = false
    /// Every how many packets of a source one is followed over the links; 0: none.
    package var followedStride: Int32 = 10
    /// Who fed whom at the end is part of the outcome.
    package var keepsTrees = false

    package init() {}

    /// Time for the last packets to arrive in.
    static let drain: Duration = .seconds(3)

    /// Hosts that the scenario needs, those that join later included.
    package var hostCount: Int {
        let arrivals = churn * max(0, (duration - warmUp).seconds) / 2
        let crowd = crowds.reduce(0) { $0 + $1.count }
        return peers + crowd + (churn > 0 ? Int(arrivals * 1.3) + 20 : 0)
    }
}
