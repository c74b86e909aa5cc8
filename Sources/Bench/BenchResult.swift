import Management

/// One figure, measured turn by turn of the bare limit and of Polycast.
struct BenchResult {
    let name: String
    let unit: String
    let isMoreBetter: Bool
    private var limits: [Double] = []
    private var own: [Double] = []
    /// Packets that some sink never got; more than a few spoil the figure.
    var lost: UInt = 0

    init(name: String, unit: String, isMoreBetter: Bool) {
        self.name = name
        self.unit = unit
        self.isMoreBetter = isMoreBetter
    }

    mutating func add(limit: Double, polycast: Double) {
        limits.append(limit)
        own.append(polycast)
    }

    var limit: Summary { Summary(limits) }
    var polycast: Summary { Summary(own) }
    /// Polycast as a share of the limit, pair by pair.
    var ratio: Summary { Summary(zip(own, limits).map { $0 / $1 }) }

    /// Median and range.
    struct Summary {
        let median: Double
        let least: Double
        let most: Double

        /// Zero where nothing was measured.
        init(_ values: [Double]) {
            let sorted = values.sorted()
            guard let first = sorted.first, let last = sorted.last else {
                (median, least, most) = (0, 0, 0)
                return
            }
            median = (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            (least, most) = (first, last)
        }

        var json: JSONValue {
            ["median": .number(median), "min": .number(least), "max": .number(most)]
        }

        func text(_ decimals: Int) -> String {
            "\(Readable.decimals(median, decimals)) (\(Readable.decimals(least, decimals))–\(Readable.decimals(most, decimals)))"
        }
    }

    /// `polycast.bench/1`.
    func json(_ configuration: BenchConfiguration) -> JSONValue {
        [
            "schema": "polycast.bench/1", "bench": .string(name), "unit": .string(unit),
            "children": JSONValue(configuration.children),
            "streams": JSONValue(configuration.streams),
            "size": JSONValue(configuration.packetBytes),
            "gso": .bool(configuration.joinsDatagrams), "workers": JSONValue(configuration.workers),
            "limit": limit.json, "polycast": polycast.json, "ratio": ratio.json,
            "lost": JSONValue(lost),
        ]
    }
}

/// Results for people; `limit`: what Polycast was compared with.
func table(of results: [BenchResult], limit: String) -> String {
    var table = TextTable([
        ("measured", .left), (limit, .right), ("polycast", .right), ("ratio", .right),
        ("", .left),
    ])
    for result in results {
        let decimals = result.isMoreBetter ? 0 : 1
        table.append([
            result.name, result.limit.text(decimals), result.polycast.text(decimals),
            result.ratio.text(3), result.unit,
        ])
    }
    return table.text
}
