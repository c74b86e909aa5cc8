import NetBasics

/// What one simulation showed.
package struct Outcome: Sendable {
    package var seed: UInt64
    package var peers: Int
    package var deliveries: Int
    package var missed: Int
    package var late: Int
    package var duplicates: Int
    package var payloadsSent: Int
    package var lastHop: Int
    package var quality: TreeQuality
    /// Microseconds.
    package var latency: Histogram
    /// bit/s, headers of IP and UDP included, of what each member sent.
    package var control: Histogram
    /// Milliseconds.
    package var joins: Histogram
    package var outages: Histogram
    package var violations: [String]
    package var events: Int

    /// Redundancy: payload messages per delivery, less one (Plumtree's RMR).
    package var rmr: Double {
        deliveries == 0 ? 0 : Double(payloadsSent) / Double(deliveries) - 1
    }
}

extension Simulator {
    /// What was measured until now.
    package mutating func outcome(_ scenario: Scenario, server: Int? = nil) -> Outcome {
        var quality = TreeQuality()
        for (packet, sample) in measurements.paths.samples {
            quality.add(sample, of: Int(packet.source), over: &network)
        }
        var control = Histogram()
        if let server { measurements.hosts[server].startedAt = nil }
        for rate in measurements.controlRates(until: now) { control.add(rate) }
        return Outcome(
            seed: scenario.seed, peers: scenario.peers, deliveries: measurements.deliveries,
            missed: measurements.missed(until: .zero + scenario.duration),
            late: measurements.late, duplicates: measurements.duplicates,
            payloadsSent: measurements.payloadsSent, lastHop: measurements.lastHop,
            quality: quality, latency: measurements.latency, control: control,
            joins: measurements.joins, outages: measurements.outages, violations: violations,
            events: eventCount)
    }
}
