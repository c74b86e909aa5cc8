import NetBasics

/// A network under an overlay.
///
/// Either routers `0..<routerCount` with links that are alike both ways, where packets take the path
/// of least delay; or no routers and a one-way delay for each pair of hosts. ``validate()`` says
/// whether it makes sense; ``Underlay`` answers questions about it.
package struct Topology: Sendable, Equatable {
    /// A link between two routers, the same in both directions.
    package struct Link: Sendable, Equatable {
        package var a: Int32
        package var b: Int32
        package var delay: Duration
        /// Mbit/s in each direction; `nil` where nothing limits it.
        package var rateMbps: Double?
        /// The share of packets that get lost, from 0 to below 1.
        package var loss: Double

        package init(
            a: Int32, b: Int32, delay: Duration, rateMbps: Double? = nil, loss: Double = 0
        ) {
            self.a = a
            self.b = b
            self.delay = delay
            self.rateMbps = rateMbps
            self.loss = loss
        }
    }

    /// A machine that may run a peer.
    package struct Host: Sendable, Equatable {
        package var name: String
        /// Where it is attached; zero and meaningless without routers.
        package var router: Int32
        /// One-way delay of its access link.
        package var access: Duration
        /// Mbit/s it can send; `nil` where nothing limits it.
        package var uplinkMbps: Double?

        package init(
            name: String, router: Int32 = 0, access: Duration = .zero, uplinkMbps: Double? = nil
        ) {
            self.name = name
            self.router = router
            self.access = access
            self.uplinkMbps = uplinkMbps
        }
    }

    package var routerCount: Int
    package var links: [Link]
    package var hosts: [Host]
    /// Instead of routers: one-way delays between hosts, to which their access links are added.
    package var pairwise: PairwiseDelays?

    package init(
        routerCount: Int = 0, links: [Link] = [], hosts: [Host], pairwise: PairwiseDelays? = nil
    ) {
        self.routerCount = routerCount
        self.links = links
        self.hosts = hosts
        self.pairwise = pairwise
    }
}

// MARK: - Validation

extension Topology {
    package static let routerLimit = 1_000_000
    package static let linkLimit = 8_000_000
    package static let hostLimit = 1_000_000
    /// Longer than any link on Earth or in its orbit; more is a mistake of unit.
    package static let delayLimit: Duration = .seconds(60)
    /// 1 Tbit/s.
    package static let rateLimitMbps = 1e6
    package static let nameByteLimit = 64

    /// Throws what is wrong with it first, in a line that names the router, link or host.
    package func validate() throws(TopologyError) {
        try Self.check(count: routerCount, limit: Self.routerLimit, of: "routers")
        try Self.check(count: links.count, limit: Self.linkLimit, of: "links")
        try Self.check(count: hosts.count, limit: Self.hostLimit, of: "hosts")
        guard !hosts.isEmpty else { throw TopologyError("the topology has no hosts") }
        for (index, host) in hosts.enumerated() { try check(host, at: index) }
        try checkNames()
        if let pairwise {
            guard routerCount == 0, links.isEmpty else {
                throw TopologyError("the topology has both routers and pairwise delays")
            }
            return try pairwise.validate(hostCount: hosts.count)
        }
        for (index, link) in links.enumerated() { try check(link, at: index) }
        try checkConnected()
    }

    private static func check(
        count: Int, limit: Int, of things: String
    ) throws(TopologyError) {
        guard (0...limit).contains(count) else {
            throw TopologyError("the topology has \(count) \(things), more than \(limit)")
        }
    }

    private func check(_ host: Host, at index: Int) throws(TopologyError) {
        let subject = "host \(index)"
        guard (1...Self.nameByteLimit).contains(host.name.utf8.count) else {
            throw TopologyError(
                "\(subject) has a name of \(host.name.utf8.count) bytes, "
                    + "not 1 to \(Self.nameByteLimit)")
        }
        try Self.check(host.access, of: subject, named: "access delay")
        try Self.check(rateMbps: host.uplinkMbps, of: subject, named: "uplink")
        guard pairwise != nil || (0..<routerCount).contains(Int(host.router)) else {
            throw missing(router: host.router, namedBy: subject)
        }
    }

    private func check(_ link: Link, at index: Int) throws(TopologyError) {
        let subject = "link \(index)"
        for end in [link.a, link.b] where !(0..<routerCount).contains(Int(end)) {
            throw missing(router: end, namedBy: subject)
        }
        guard link.a != link.b else {
            throw TopologyError("\(subject) joins router \(link.a) to itself")
        }
        try Self.check(link.delay, of: subject, named: "delay")
        try Self.check(rateMbps: link.rateMbps, of: subject, named: "rate")
        guard link.loss >= 0, link.loss < 1 else {
            throw TopologyError("\(subject) has a loss of \(link.loss), not from 0 to below 1")
        }
    }

    private func missing(router: Int32, namedBy subject: String) -> TopologyError {
        TopologyError("\(subject) names router \(router), but there are only \(routerCount)")
    }

    static func check(
        _ delay: Duration, of subject: String, named quantity: String
    ) throws(TopologyError) {
        guard delay >= .zero, delay <= delayLimit else {
            throw TopologyError(
                "\(subject) has a \(quantity) of \(delay.milliseconds) ms, "
                    + "not 0 to \(Int(delayLimit.milliseconds))")
        }
    }

    private static func check(
        rateMbps: Double?, of subject: String, named quantity: String
    ) throws(TopologyError) {
        guard let rateMbps else { return }
        guard rateMbps > 0, rateMbps <= rateLimitMbps else {
            throw TopologyError(
                "\(subject) has a \(quantity) of \(rateMbps) Mbit/s, "
                    + "not above 0 to \(Int(rateLimitMbps))")
        }
    }

    private func checkNames() throws(TopologyError) {
        var seen: Set<String> = []
        for (index, host) in hosts.enumerated() where !seen.insert(host.name).inserted {
            throw TopologyError("host \(index) has the name \"\(host.name)\" of another")
        }
    }

    private func checkConnected() throws(TopologyError) {
        var parts = DisjointSets(count: routerCount)
        for link in links { parts.join(Int(link.a), Int(link.b)) }
        guard parts.setCount > 1 else { return }
        let first = parts.root(of: 0)
        guard let apart = (0..<routerCount).first(where: { parts.root(of: $0) != first }) else {
            return
        }
        throw TopologyError("the topology is disconnected: no path from router 0 to \(apart)")
    }
}
