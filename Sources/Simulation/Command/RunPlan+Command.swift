import NetBasics

extension RunPlan {
    /// The command that runs this by itself; `nil` where the command line cannot say it.
    package var command: String? {
        guard !usesContacts, neighborTarget == nil, treeRule == .published,
            scenario.workload == .steady, scenario.publishAt == .seconds(1),
            scenario.joinSpread == min(.seconds(10), scenario.warmUp / 2)
        else { return nil }
        var words = ["polycast simulate --topology \(topology.text)"]
        words.append("--peers \(scenario.peers)")
        if scenario.sources != 1 { words.append("--sources \(scenario.sources)") }
        words.append("--algorithm \(system.rawValue)")
        if let fanout = scenario.fanout { words.append("--fanout \(fanout)") }
        if let weight = scenario.distanceWeight { words.append("--distance-weight \(weight)") }
        if let uplinks { words.append("--uplinks \(uplinks.rawValue)") }
        words.append("--rate \(plainNumber(scenario.rate))")
        if scenario.bodyBytes != 1000 { words.append("--packet-size \(scenario.bodyBytes)") }
        words.append("--duration \(text(scenario.duration)) --warmup \(text(scenario.warmUp))")
        if scenario.deadline != .seconds(1) {
            words.append("--deadline \(text(scenario.deadline))")
        }
        if scenario.faults.loss > 0 { words.append("--loss \(scenario.faults.loss)") }
        if scenario.faults.jitter > 0 { words.append("--jitter \(scenario.faults.jitter)") }
        if scenario.churn > 0 { words.append("--churn \(plainNumber(scenario.churn))/s") }
        for failure in scenario.failures {
            words.append("--fail \(failure.count)@\(text(failure.at))")
        }
        for crowd in scenario.crowds { words.append("--crowd \(crowd.count)@\(text(crowd.at))") }
        return words.joined(separator: " ")
    }

    private func text(_ duration: Duration) -> String {
        duration.seconds == duration.seconds.rounded()
            ? "\(Int(duration.seconds))s" : "\(plainNumber(duration.milliseconds))ms"
    }
}
