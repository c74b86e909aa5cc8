/// One number that a simulation yields.
package enum Metric: String, Sendable, CaseIterable {
    case delivered, timely, missed, unreached, redundancy, lastHop
    case latencyMedian, latency90, latency99, latencyWorst, latencyMean
    case stretchMean, stretchMedian, stretch90, stretchWorst
    case stressMean, stressWorst, usage
    case control, controlWorst, controlShare, overhead
    case joinMedian, join99, joinWorst
    case outages, outageMedian, outage99, outageWorst
    case uplinkUse, violations, events
    case payloads, announcements, within100, within200, within300, within400
    case seconds, megabytes
    /// Delays as a multiple of those of the centralised tree.
    case delayRatioMean, delayRatioWorst, packetDelayRatioWorst
    /// The same against the best of all trees, which is known for few members.
    case exactRatioMean, exactRatioWorst

    /// Heads a column.
    var title: String {
        switch self {
        case .delivered: "delivered %"
        case .timely: "in time %"
        case .missed: "missed"
        case .unreached: "unreached"
        case .redundancy: "RMR"
        case .lastHop: "last hop"
        case .latencyMedian: "delay p50 ms"
        case .latency90: "delay p90 ms"
        case .latency99: "delay p99 ms"
        case .latencyWorst: "delay max ms"
        case .latencyMean: "delay mean ms"
        case .stretchMean: "stretch mean"
        case .stretchMedian: "stretch p50"
        case .stretch90: "stretch p90"
        case .stretchWorst: "stretch max"
        case .stressMean: "stress mean"
        case .stressWorst: "stress max"
        case .usage: "NRU"
        case .control: "control kbit/s"
        case .controlWorst: "control max kbit/s"
        case .controlShare: "control % of media"
        case .overhead: "overhead %"
        case .joinMedian: "join p50 ms"
        case .join99: "join p99 ms"
        case .joinWorst: "join max ms"
        case .outages: "outages"
        case .outageMedian: "outage p50 ms"
        case .outage99: "outage p99 ms"
        case .outageWorst: "outage max ms"
        case .uplinkUse: "uplink use %"
        case .violations: "violations"
        case .events: "events"
        case .payloads: "payloads"
        case .announcements: "IHAVE"
        case .within100: "% in 100 ms"
        case .within200: "% in 200 ms"
        case .within300: "% in 300 ms"
        case .within400: "% in 400 ms"
        case .seconds: "wall-clock s"
        case .megabytes: "memory MB"
        case .delayRatioMean: "tree mean / centralised"
        case .delayRatioWorst: "tree worst / centralised"
        case .packetDelayRatioWorst: "slowest packet / centralised"
        case .exactRatioMean: "tree mean / optimum"
        case .exactRatioWorst: "tree worst / optimum"
        }
    }

    var decimals: Int {
        switch self {
        case .missed, .unreached, .lastHop, .stressWorst, .outages, .violations, .events,
            .payloads, .announcements, .joinMedian, .join99, .joinWorst, .outageMedian, .outage99,
            .outageWorst, .megabytes:
            0
        case .latencyMedian, .latency90, .latency99, .latencyWorst, .latencyMean, .uplinkUse,
            .seconds, .within100, .within200, .within300, .within400:
            1
        case .delivered, .timely: 3
        case .redundancy: 4
        default: 2
        }
    }

    /// One sentence or two for readers of a page.
    package var explanation: String {
        switch self {
        case .delivered: "share of packets due that arrived, however late."
        case .timely: "share of packets due that arrived within the deadline."
        case .missed: "packets that a member should have had and never got."
        case .unreached:
            "pairs of a member and a source of which it had nothing in the last two seconds."
        case .redundancy: "payload messages sent, by whomever, per delivery, less one."
        case .lastHop: "most hops from member to member that any packet took."
        case .latencyMedian, .latency90, .latency99, .latencyWorst, .latencyMean:
            "time from the source to a member, over all packets and members, repaired ones too."
        case .stretchMean, .stretchMedian, .stretch90, .stretchWorst:
            "delay of a delivery over the delay of the direct path from its source."
        case .stressMean: "copies of one packet per directed link, over links that carry any."
        case .stressWorst: "most copies of one packet on one directed link."
        case .usage:
            "delay times copies, summed over links, over the same sum of the network's own "
                + "shortest-path tree."
        case .control:
            "bit rate of all but media that a member sends, headers of IP and UDP included; "
                + "mean over members."
        case .controlWorst: "the same of the member that sends most."
        case .controlShare: "control traffic as a share of media sent."
        case .overhead:
            "control traffic, and payloads beyond those that loss makes necessary, as a share of "
                + "media."
        case .joinMedian, .join99, .joinWorst:
            "time from a member's start to its first packet, of those that join while media flows."
        case .outages: "how often a member was without media for more than 2.5 packet intervals."
        case .outageMedian, .outage99, .outageWorst:
            "length of a silence of more than 2.5 packet intervals, less one; only of members that "
                + "had one."
        case .uplinkUse: "largest share of its uplink that any member's media took."
        case .violations: "broken invariants, looked for after every event."
        case .events: "events that were simulated."
        case .payloads: "payload messages sent in all."
        case .announcements: "IHAVE messages sent in all."
        case .within100, .within200, .within300, .within400: "share of deliveries so early."
        case .seconds: "time of the simulation on a wall clock, for the whole run."
        case .megabytes: "most memory that the process took."
        case .delayRatioMean, .delayRatioWorst:
            "delay along the tree as it is in the end, mean or worst of all members, over that of "
                + "the centralised tree."
        case .packetDelayRatioWorst:
            "delay of the slowest of all packets, those included that came while a place changed "
                + "or that had to be asked for again, over the worst of the centralised tree."
        case .exactRatioMean, .exactRatioWorst:
            "delay along the tree in the end over the least that any tree has, by search over all."
        }
    }
}
