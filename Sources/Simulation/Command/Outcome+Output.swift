import Management
import NetBasics

// How an outcome reads: JSON for programs, a table for people, trees line by line.

extension PreparedRun {
    /// `polycast.simulate/1`; docs/simulation.md explains every name.
    package func json(of outcome: Outcome) -> JSONValue {
        let quality = outcome.quality
        return [
            "schema": "polycast.simulate/1",
            "algorithm": .string(plan.system.rawValue),
            "seed": .integer(Int64(clamping: outcome.seed)),
            "peers": JSONValue(outcome.peers),
            "deliveries": JSONValue(outcome.deliveries),
            "missed": JSONValue(outcome.missed),
            "duplicates": JSONValue(outcome.duplicates),
            "rmr": .number(outcome.rmr),
            "last_hop": JSONValue(outcome.lastHop),
            "stretch": summary(
                quality.stretch, scale: 1 / TreeQuality.stretchScale, hasMean: true),
            "stress": [
                "mean": .number(quality.stressMean), "max": JSONValue(quality.stressMaximum),
            ],
            "nru": .number(quality.nru),
            "latency_ms": summary(outcome.latency, scale: 1e-3),
            "control_bps": [
                "mean": .number(outcome.control.mean), "max": .number(outcome.control.maximum),
            ],
            "join_ms": [
                "p50": quantile(outcome.joins, 0.5), "p99": quantile(outcome.joins, 0.99),
            ],
            "outage_ms": [
                "p50": .number(outcome.outages.quantile(0.5)),
                "p99": .number(outcome.outages.quantile(0.99)),
                "max": .number(outcome.outages.maximum),
            ],
            "violations": .array(outcome.violations.map(JSONValue.string)),
            "late": JSONValue(outcome.late),
            "unreached": JSONValue(outcome.unreached),
            "payloads_sent": JSONValue(outcome.payloadsSent),
            "uplink_use": JSONValue(outcome.uplinkUse),
            "simulated_s": .number((outcome.endedAt - .zero).seconds),
        ]
    }

    /// Quantiles and the maximum; `null` where nothing was measured.
    private func summary(
        _ values: Histogram, scale: Double, hasMean: Bool = false
    ) -> JSONValue {
        var members: [JSONValue.Member] = []
        func add(_ name: String, _ value: Double) {
            members.append(.init(name, values.count == 0 ? .null : .number(value * scale)))
        }
        if hasMean { add("mean", values.mean) }
        add("p50", values.quantile(0.5))
        add("p90", values.quantile(0.9))
        add("p99", values.quantile(0.99))
        add("max", values.maximum)
        return .object(members)
    }

    private func quantile(_ values: Histogram, _ fraction: Double) -> JSONValue {
        values.count == 0 ? .null : .number(values.quantile(fraction))
    }

    /// A line of JSON per source.
    package func treeLines(of outcome: Outcome) -> String {
        let at = min((outcome.endedAt - .zero).seconds, plan.scenario.duration.seconds)
        return outcome.trees.map { tree in
            let receivers = tree.receivers.map { receiver -> JSONValue in
                [
                    "host": .string(name(receiver.host)), "parent": .string(name(receiver.parent)),
                    "delay_ms": .number(receiver.delay.milliseconds),
                ]
            }
            let line: JSONValue = [
                "source": .string(name(tree.source)), "at_s": .number(at),
                "receivers": .array(receivers),
            ]
            return "\(line)\n"
        }.joined()
    }

    private func name(_ host: Int) -> String {
        topology.hosts.indices.contains(host) ? topology.hosts[host].name : "?"
    }

    // MARK: - For people

    package func text(of outcome: Outcome) -> String {
        var table = TextTable([("", .left), ("", .right), ("", .left)])
        for row in rows(of: outcome) { table.append(row) }
        // The first line of a table is its titles, of which this one has none.
        var text = String(table.text.drop { $0 == "\n" })
        for violation in outcome.violations { text += "violation: \(violation)\n" }
        return text
    }

    private func rows(of outcome: Outcome) -> [[String]] {
        let quality = outcome.quality
        func ratio(_ value: Double) -> String { Readable.decimals(value, 2) }
        func scaled(_ values: Histogram, _ fraction: Double, _ scale: Double, _ places: Int)
            -> String
        {
            values.count == 0 ? "-" : Readable.decimals(values.quantile(fraction) * scale, places)
        }
        func three(_ values: Histogram, _ scale: Double, _ places: Int) -> String {
            [0.5, 0.9, 0.99].map { scaled(values, $0, scale, places) }.joined(separator: " / ")
        }
        let expected = outcome.deliveries + outcome.missed
        let stretch = three(quality.stretch, 1 / TreeQuality.stretchScale, 2)
        return [
            ["system", plan.system.rawValue, plan.system.title],
            ["members", Readable.count(outcome.peers), "at the start; seed \(outcome.seed)"],
            [
                "delivered", Readable.count(outcome.deliveries),
                Readable.share(outcome.deliveries, of: expected),
            ],
            ["missed", Readable.count(outcome.missed), "packets due to members that were there"],
            [
                "late", Readable.count(outcome.late),
                "after \(Readable.duration(seconds: plan.scenario.deadline.seconds))",
            ],
            ["duplicates", Readable.count(outcome.duplicates), "handed to a member twice"],
            ["redundancy", Readable.decimals(outcome.rmr, 4), "copies per delivery, less one"],
            ["last hop", Readable.count(outcome.lastHop), "links of the overlay"],
            ["latency", three(outcome.latency, 1e-3, 1), "ms; half / 90 % / 99 % are below"],
            ["stretch", stretch, "times the direct path's delay; half / 90 % / 99 %"],
            [
                "stress", ratio(quality.stressMean),
                "copies per link, mean; most \(quality.stressMaximum)",
            ],
            ["usage", ratio(quality.nru), "times that of the shortest-path tree"],
            [
                "control", Readable.rate(Int64(outcome.control.mean)),
                "per member; most \(Readable.rate(Int64(outcome.control.maximum)))",
            ],
            [
                "join", scaled(outcome.joins, 0.99, 1, 0),
                "ms to the first packet, 99 % of \(Readable.count(outcome.joins.count))",
            ],
            [
                "outage", scaled(outcome.outages, 0.99, 1, 0),
                "ms, 99 % of \(Readable.count(outcome.outages.count))",
            ],
            ["unreached", Readable.count(outcome.unreached), "member and source, at the end"],
            [
                "violations", Readable.count(outcome.violations.count),
                "of the protocol's invariants",
            ],
        ]
    }
}
