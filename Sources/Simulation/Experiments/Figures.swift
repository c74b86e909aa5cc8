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
    case delayRatioMean, delayRatioWorst

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
        case .delayRatioMean: "mean delay / centralised"
        case .delayRatioWorst: "worst delay / centralised"
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
}

/// The numbers of one simulation, and a few distributions to draw.
package struct Figures: Sendable {
    private var values: [Metric: Double] = [:]
    var latency = Histogram()
    var stretch = Histogram()
    var outages = Histogram()
    var joins = Histogram()

    package init() {}

    package subscript(metric: Metric) -> Double? {
        get { values[metric] }
        set { values[metric] = newValue }
    }

    init(_ outcome: Outcome, of run: PreparedRun) {
        latency = outcome.latency
        stretch = outcome.quality.stretch
        outages = outcome.outages
        joins = outcome.joins
        addDelivery(outcome)
        addQuality(outcome.quality)
        addTraffic(outcome, of: run)
        self[.joinMedian] = outcome.joins.quantile(0.5)
        self[.join99] = outcome.joins.quantile(0.99)
        self[.joinWorst] = outcome.joins.maximum
        self[.outages] = Double(outcome.outages.count)
        self[.outageMedian] = outcome.outages.quantile(0.5)
        self[.outage99] = outcome.outages.quantile(0.99)
        self[.outageWorst] = outcome.outages.maximum
        if [.gossipSub10, .gossipSub11].contains(run.plan.system) {
            self[.announcements] = Double(
                outcome.controlByKind[Int(GossipSubControl.ihave.rawValue)])
        }
        self[.violations] = Double(outcome.violations.count)
        self[.events] = Double(outcome.events)
    }

    private mutating func addDelivery(_ outcome: Outcome) {
        self[.delivered] = 100 * outcome.deliveredShare
        self[.timely] = 100 * outcome.timelyShare
        self[.missed] = Double(outcome.missed)
        self[.unreached] = Double(outcome.unreached)
        self[.redundancy] = outcome.rmr
        self[.lastHop] = Double(outcome.lastHop)
        self[.payloads] = Double(outcome.payloadsSent)
        for (bound, metric) in [
            (100.0, Metric.within100), (200, .within200), (300, .within300), (400, .within400),
        ] where outcome.latency.count > 0 {
            let count = outcome.latency.count(upTo: bound * 1000)
            self[metric] = 100 * Double(count) / Double(outcome.latency.count)
        }
        self[.latencyMedian] = outcome.latency.quantile(0.5) / 1000
        self[.latency90] = outcome.latency.quantile(0.9) / 1000
        self[.latency99] = outcome.latency.quantile(0.99) / 1000
        self[.latencyWorst] = outcome.latency.maximum / 1000
        self[.latencyMean] = outcome.latency.mean / 1000
    }

    private mutating func addQuality(_ quality: TreeQuality) {
        guard quality.stressLinks > 0 else { return }
        let scale = TreeQuality.stretchScale
        self[.stretchMean] = quality.stretch.mean / scale
        self[.stretchMedian] = quality.stretch.quantile(0.5) / scale
        self[.stretch90] = quality.stretch.quantile(0.9) / scale
        self[.stretchWorst] = quality.stretch.maximum / scale
        self[.stressMean] = quality.stressMean
        self[.stressWorst] = Double(quality.stressMaximum)
        self[.usage] = quality.nru
    }

    /// Overhead counts control traffic, and payloads beyond the one per delivery that loss makes
    /// necessary, as a share of media delivered.
    private mutating func addTraffic(_ outcome: Outcome, of run: PreparedRun) {
        self[.control] = outcome.control.mean / 1000
        self[.controlWorst] = outcome.control.maximum / 1000
        self[.uplinkUse] = outcome.uplinkUse.map { 100 * $0 }
        let media = outcome.media.mean
        guard media > 0, outcome.deliveries > 0 else { return }
        let share = outcome.control.mean / media
        self[.controlShare] = 100 * share
        let needed = Double(outcome.deliveries) / (1 - run.plan.scenario.faults.loss)
        let sent = Double(outcome.payloadsSent)
        self[.overhead] = 100 * (max(0, sent / needed - 1) + share)
    }
}

/// The same figure of several seeds.
package struct Spread: Equatable, Sendable {
    package var median: Double
    package var low: Double
    package var high: Double

    /// `nil` without values.
    package init?(_ values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median =
            sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        low = first
        high = last
    }
}
