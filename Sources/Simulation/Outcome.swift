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
    /// The same of media; own packets and forwarded ones.
    package var media: Histogram
    /// Milliseconds.
    package var joins: Histogram
    package var outages: Histogram
    /// Pairs of a member that is up and a source of which nothing arrived in the end.
    package var unreached: Int
    /// Largest share of an uplink that media took; `nil` where nothing is limited.
    package var uplinkUse: Double?
    /// Control datagrams by the kind that members gave them.
    package var controlByKind: ContiguousArray<Int>
    package var violations: [String]
    package var events: Int
    /// How far the simulation got.
    package var endedAt: Instant
    /// Empty unless the scenario asks for them.
    package var trees: [DeliveredTree]

    /// Redundancy: payload messages per delivery, less one (Plumtree's RMR).
    package var rmr: Double {
        deliveries == 0 ? 0 : Double(payloadsSent) / Double(deliveries) - 1
    }

    /// Share of what was to be delivered that arrived, whenever.
    package var deliveredShare: Double {
        let expected = deliveries + missed
        return expected == 0 ? 1 : Double(deliveries) / Double(expected)
    }

    /// Share of what was to be delivered that arrived within the deadline.
    package var timelyShare: Double {
        let expected = deliveries + missed
        return expected == 0 ? 1 : Double(deliveries - late) / Double(expected)
    }
}

extension Simulator {
    /// What was measured until now; `server` is no member.
    package mutating func outcome(
        _ scenario: Scenario, server: Int? = nil, uplinks: ContiguousArray<UInt32?> = []
    ) -> Outcome {
        var quality = TreeQuality()
        for (packet, sample) in measurements.paths.samples {
            quality.add(sample, of: Int(packet.source), over: &network)
        }
        let control = measurements.rates(until: now, without: server) { $0.controlBytes }
        let media = measurements.rates(until: now, without: server) { $0.mediaBytes }
        if let server { measurements.hosts[server].startedAt = nil }
        let end = min(.zero + scenario.duration, now + (.zero - Measurements.grace))
        let recently = end + (.zero - Measurements.grace)
        return Outcome(
            seed: scenario.seed, peers: scenario.peers, deliveries: measurements.deliveries,
            missed: measurements.missed(until: end), late: measurements.late,
            duplicates: measurements.duplicates, payloadsSent: measurements.payloadsSent,
            lastHop: measurements.lastHop, quality: quality, latency: measurements.latency,
            control: control, media: media, joins: measurements.joins,
            outages: measurements.outages, unreached: measurements.unreached(since: recently),
            uplinkUse: measurements.uplinkUse(until: now, uplinks: uplinks),
            controlByKind: measurements.controlByKind, violations: violations, events: eventCount,
            endedAt: now,
            trees: scenario.keepsTrees ? measurements.trees(since: recently) : [])
    }
}
