/// The numbers of one simulation, and a few distributions to draw.
package struct Figures: Sendable {
    private var values: [Metric: Double] = [:]
    var latency = Histogram()
    var stretch = Histogram()
    var outages = Histogram()
    var joins = Histogram()
    /// What the simulation took of a processor.
    var processorSeconds = 0.0

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
