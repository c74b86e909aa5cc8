import NetBasics

/// How sending capacity is spread over hosts.
package enum UplinkModel: String, Sendable, CaseIterable {
    /// Nothing limits them.
    case unlimited
    /// Homes: 1, 2, 5, 10 or 20 Mbit/s for 20, 25, 25, 20 and 10 % of them, far less than they
    /// receive.
    case residential
    /// Desks at a university: 100 Mbit/s for 70 %, 1 Gbit/s for 30 %.
    case campus
    /// A few strong relays and many weak hosts: 200 Mbit/s for 5 %, 1 Mbit/s for the others.
    case relay

    /// Mbit/s by share of hosts in percent.
    private var mix: [(percent: Int, mbps: Double)] {
        switch self {
        case .unlimited: []
        case .residential: [(20, 1), (25, 2), (25, 5), (20, 10), (10, 20)]
        case .campus: [(70, 100), (30, 1000)]
        case .relay: [(95, 1), (5, 200)]
        }
    }

    /// Draws the uplink of each host independently.
    package func assign(to topology: inout Topology, generator: inout SeededGenerator) {
        for index in topology.hosts.indices {
            topology.hosts[index].uplinkMbps = draw(&generator)
        }
    }

    private func draw(_ generator: inout SeededGenerator) -> Double? {
        var place = generator.uniform(below: 100)
        for (percent, mbps) in mix {
            if place < percent { return mbps }
            place -= percent
        }
        return nil
    }
}
