import NetBasics

/// Which topology to use, as written on the command line.
///
/// `transit-stub:N`, `waxman:N`, `barabasi-albert:N,M`, `pairwise:LO-HI` in milliseconds, `king:N`,
/// `figure`, or the name of a file in JSON or in the format of the King matrix. Without numbers,
/// `transit-stub`, `waxman`, `pairwise` and `king` have those of the published set-ups.
package struct TopologySpec: Sendable, Equatable {
    private enum Kind: Sendable, Equatable {
        case transitStub(Int)
        case waxman(Int)
        case barabasiAlbert(routers: Int, links: Int)
        case pairwise(low: Duration, high: Duration)
        case king(Int)
        case figure
        case file(String)
    }

    private var kind: Kind

    /// What a wrong one is told.
    static let advice =
        "use transit-stub:N, waxman:N, barabasi-albert:N,M, pairwise:LO-HI, king:N, figure or a file"

    package init(parsing text: String) throws(TopologyError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let arguments = parts.count > 1 ? String(parts[1]) : nil
        switch parts.first.map(String.init) ?? "" {
        case "transit-stub":
            kind = .transitStub(
                try Self.count(arguments ?? "10000", in: TransitStub.routerRange, text))
        case "waxman":
            kind = .waxman(try Self.count(arguments ?? "1024", in: WaxmanGraph.routerRange, text))
        case "king":
            kind = .king(try Self.count(arguments ?? "1740", in: 2...DelaySpace.hostLimit, text))
        case "barabasi-albert": kind = try Self.barabasiAlbert(arguments ?? "", text)
        case "pairwise": kind = try Self.pairwise(arguments ?? "10-150", text)
        case "figure" where arguments == nil: kind = .figure
        case "": throw TopologyError("the topology is empty", advice: Self.advice)
        default: kind = .file(text)
        }
    }

    /// As it is written on the command line.
    package var text: String {
        switch kind {
        case .transitStub(let routers): "transit-stub:\(routers)"
        case .waxman(let routers): "waxman:\(routers)"
        case .barabasiAlbert(let routers, let links): "barabasi-albert:\(routers),\(links)"
        case .pairwise(let low, let high):
            "pairwise:\(plainNumber(low.milliseconds))-\(plainNumber(high.milliseconds))"
        case .king(let places): "king:\(places)"
        case .figure: "figure"
        case .file(let path): path
        }
    }

    // MARK: - Making it

    /// The network with `hostCount` hosts; of a file that lists hosts, the first so many.
    ///
    /// Routers and links depend on the generator only, not on the number of hosts. Reads the file,
    /// where one is named. The result is valid.
    package func make(
        hostCount: Int, generator: inout SeededGenerator
    ) throws(TopologyError) -> Topology {
        guard (1...Topology.hostLimit).contains(hostCount) else {
            throw TopologyError("\(hostCount) hosts, not 1 to \(Topology.hostLimit)")
        }
        let network = generator.child()
        var hosts = generator.child()
        let topology = try made(hostCount: hostCount, network: network, hosts: &hosts)
        try topology.validate()
        return topology
    }

    private func made(
        hostCount: Int, network: SeededGenerator, hosts: inout SeededGenerator
    ) throws(TopologyError) -> Topology {
        switch kind {
        case .transitStub(let routers):
            return TransitStub.plan(routers: routers, generator: network)
                .attaching(hostCount, generator: &hosts)
        case .waxman(let routers):
            return WaxmanGraph.plan(routers: routers, generator: network)
                .attaching(hostCount, generator: &hosts)
        case .barabasiAlbert(let routers, let links):
            return BarabasiAlbertGraph.plan(routers: routers, links: links, generator: network)
                .attaching(hostCount, generator: &hosts)
        case .pairwise(let low, let high):
            var network = network
            return Topology(
                hosts: namedHosts(hostCount),
                pairwise: .uniform(low: low, high: high, seed: network.next()))
        case .king(let places):
            return try king(places, hostCount: hostCount, network: network, hosts: &hosts)
        case .figure:
            return try LectureFigure.topology.keeping(hostCount, of: "figure")
        case .file(let path):
            return try TopologyFile.read(path).completed(
                hostCount: hostCount, path: path, generator: &hosts)
        }
    }

    private func king(
        _ places: Int, hostCount: Int, network: SeededGenerator, hosts: inout SeededGenerator
    ) throws(TopologyError) -> Topology {
        guard hostCount <= places else {
            throw TopologyError(
                "king:\(places) has \(places) hosts, fewer than the \(hostCount) asked for")
        }
        var network = network
        let space = DelaySpace(count: places, generator: &network)
        let chosen = hosts.sample(hostCount, of: Array(0..<places))
        return Topology(
            hosts: namedHosts(hostCount), pairwise: .coordinates(space.selecting(chosen)))
    }

    // MARK: - Parsing

    private static func count(
        _ argument: String, in range: ClosedRange<Int>, _ text: String
    ) throws(TopologyError) -> Int {
        guard let value = Int(argument), range.contains(value) else {
            throw TopologyError(
                "topology \"\(shownName(text))\" needs a number from \(range.lowerBound) to "
                    + "\(range.upperBound)", advice: advice)
        }
        return value
    }

    private static func barabasiAlbert(
        _ arguments: String, _ text: String
    ) throws(TopologyError) -> Kind {
        let parts = arguments.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw TopologyError(
                "topology \"\(shownName(text))\" needs two numbers, barabasi-albert:N,M",
                advice: advice)
        }
        let routers = try count(String(parts[0]), in: BarabasiAlbertGraph.routerRange, text)
        let links = try count(String(parts[1]), in: 1...min(64, routers - 1), text)
        return .barabasiAlbert(routers: routers, links: links)
    }

    private static func pairwise(
        _ arguments: String, _ text: String
    ) throws(TopologyError) -> Kind {
        let limit = Topology.delayLimit.milliseconds
        let bounds = arguments.split(separator: "-", omittingEmptySubsequences: false)
            .map { Double($0) ?? -1 }
        guard bounds.count == 2, bounds[0] >= 0, bounds[0] <= bounds[1], bounds[1] <= limit else {
            throw TopologyError(
                "topology \"\(shownName(text))\" needs delays in ms, pairwise:LO-HI with LO <= HI "
                    + "<= \(Int(limit))", advice: advice)
        }
        return .pairwise(
            low: .microseconds(Int64(1000 * bounds[0])),
            high: .microseconds(Int64(1000 * bounds[1])))
    }
}

/// Without a point if it is whole.
func plainNumber(_ value: Double) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
}

/// A text from the command line, safe and short enough for an error message.
func shownName(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(100).map { $0.value < 32 || $0.value == 127 ? "?" : $0 }
    return String(String.UnicodeScalarView(shown)) + (text.unicodeScalars.count > 100 ? "…" : "")
}

private func namedHosts(_ count: Int) -> [Topology.Host] {
    (0..<count).map { Topology.Host(name: "h\($0)") }
}

extension Topology {
    /// What a file holds, with exactly `hostCount` hosts.
    fileprivate func completed(
        hostCount: Int, path: String, generator: inout SeededGenerator
    ) throws(TopologyError) -> Topology {
        guard hosts.isEmpty, pairwise == nil, routerCount > 0 else {
            return try keeping(hostCount, of: shownName(path))
        }
        let plan = NetworkPlan(
            routerCount: routerCount, links: links, hostRouters: 0..<min(routerCount, 1_000_000))
        return plan.attaching(hostCount, generator: &generator)
    }

    fileprivate func keeping(
        _ hostCount: Int, of subject: String
    ) throws(TopologyError) -> Topology {
        guard hostCount <= hosts.count else {
            throw TopologyError(
                "\(subject) has \(hosts.count) hosts, fewer than the \(hostCount) asked for")
        }
        // What is wrong with hosts that are left out is wrong with the file all the same.
        try validate()
        var kept = self
        kept.hosts = Array(hosts.prefix(hostCount))
        if case .matrix(let matrix) = pairwise {
            kept.pairwise = .matrix(matrix.selecting(Array(0..<hostCount)))
        }
        return kept
    }
}
