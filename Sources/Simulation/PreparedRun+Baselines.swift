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

    func runPlumtree(_ watch: Watch) throws(Failure) -> Outcome {
        var broadcast = PlumtreeParameters()
        broadcast.bodyBytes = plan.scenario.bodyBytes
        return try simulate(watch: watch) { [broadcast] host, generator in
            PlumtreeMember(host: host, generator: &generator, broadcast: broadcast)
        }
    }

    func runNarada(_ watch: Watch) throws(Failure) -> Outcome {
        var parameters = NaradaParameters()
        parameters.bodyBytes = plan.scenario.bodyBytes
        parameters.degreeLimit = plan.scenario.fanout ?? parameters.degreeLimit
        parameters.degreeMinimum = min(parameters.degreeMinimum, parameters.degreeLimit)
        let hostCount = topology.hosts.count
        return try simulate(watch: watch) { [parameters] host, generator in
            NaradaMember(
                host: host, hostCount: hostCount, generator: &generator, parameters: parameters)
        }
    }
}
