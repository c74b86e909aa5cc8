import Management

// Baselines that are driven as Polycast is: by the same scenario, over the same network.

extension PreparedRun {
    func runGossipSub(
        _ version: GossipSubConfiguration.Version, _ watch: Watch
    ) throws(Failure) -> Outcome {
        var configuration = GossipSubConfiguration(version)
        configuration.bodyBytes = plan.scenario.bodyBytes
        return try simulate(watch: watch) { [configuration] host, generator in
            GossipSubMember(host: host, configuration: configuration, generator: &generator)
        }
    }

    func runFlooding(_ watch: Watch) throws(Failure) -> Outcome {
        let bytes = plan.scenario.bodyBytes
        return try simulate(watch: watch) { host, generator in
            FloodingMember(host: host, rule: .naive, bodyBytes: bytes, generator: &generator)
        }
    }
}
