import NetBasics

/// What a network does between hosts: delays and paths of least delay.
///
/// Directed links are numbered: host `h` has the uplink `2h` and the downlink `2h + 1`; behind those
/// of the `H` hosts, the link `l` between routers is `2H + 2l` from `a` to `b` and `2H + 2l + 1` back.
/// Pairwise topologies have access links only. Routes from a router are computed when first asked for
/// and kept, as long as they fit the memory bound; the routers asked about longest ago give way.
/// Hosts outside `0..<hostCount` are a mistake of the caller. Not for use by two threads at once.
package final class Underlay {
    /// 2 GiB; all routes between 10,000 routers take 600 MB.
    package static let defaultRouteByteLimit = 2 << 30

    package let topology: Topology
    package let hostCount: Int
    package let directedLinkCount: Int
    /// Whether any link loses packets.
    package let isLossy: Bool
    /// Whether any link has a rate.
    package let hasRates: Bool

    private let graph: RouterGraph?
    /// Nanoseconds per tick: 1 where any path's delay fits 32 bits, else 1000.
    private let tickNanoseconds: Int64
    private let linkTicks: ContiguousArray<UInt32>
    private let accessNanoseconds: ContiguousArray<Int64>
    /// Routers with hosts, which are called sites: only between these are delays kept.
    private let siteRouters: ContiguousArray<Int32>
    private let hostSites: ContiguousArray<Int32>

    /// Ticks from a site to each; empty until asked for.
    private var ticksFrom: ContiguousArray<ContiguousArray<UInt32>> = []
    /// The slot of the neighbor before each router on the path from a site.
    private var slotsFrom: ContiguousArray<ContiguousArray<UInt16>> = []
    /// Sites whose routes are kept, oldest from `oldest` on, round and round.
    private var kept: ContiguousArray<Int32> = []
    private var oldest = 0
    private let keptLimit: Int
    private var pathScratch: ContiguousArray<Int32> = []

    /// Validates the topology; the error is one line for the user.
    package init(
        _ topology: Topology, routeByteLimit: Int = defaultRouteByteLimit
    ) throws(TopologyError) {
        try topology.validate()
        self.topology = topology
        hostCount = topology.hosts.count
        directedLinkCount = 2 * topology.hosts.count + 2 * topology.links.count
        isLossy = topology.links.contains { $0.loss > 0 }
        hasRates =
            topology.links.contains { $0.rateMbps != nil }
            || topology.hosts.contains { $0.uplinkMbps != nil }
        accessNanoseconds = ContiguousArray(topology.hosts.map(\.access.nanoseconds))
        let isPairwise = topology.pairwise != nil
        (siteRouters, hostSites) = isPairwise ? ([], []) : Self.sites(of: topology)
        (graph, linkTicks, tickNanoseconds) =
            isPairwise ? (nil, [], 1) : try Self.measuredGraph(of: topology)
        keptLimit = routeByteLimit / max(1, 4 * siteRouters.count + 2 * topology.routerCount)
        guard isPairwise || keptLimit >= 1 else {
            throw TopologyError(
                "the routes from one of \(topology.routerCount) routers exceed "
                    + "\(routeByteLimit) bytes of memory")
        }
        ticksFrom = ContiguousArray(repeating: [], count: siteRouters.count)
        slotsFrom = ContiguousArray(repeating: [], count: siteRouters.count)
    }

    /// The routers with hosts, and the place among them of each host's.
    private static func sites(
        of topology: Topology
    ) -> (routers: ContiguousArray<Int32>, ofHosts: ContiguousArray<Int32>) {
        var siteOfRouter = [Int32](repeating: -1, count: topology.routerCount)
        var routers: ContiguousArray<Int32> = []
        for host in topology.hosts where siteOfRouter[Int(host.router)] < 0 {
            siteOfRouter[Int(host.router)] = Int32(routers.count)
            routers.append(host.router)
        }
        return (routers, ContiguousArray(topology.hosts.map { siteOfRouter[Int($0.router)] }))
    }

    /// The graph with the finest ticks in which no path overflows.
    private static func measuredGraph(
        of topology: Topology
    ) throws(TopologyError) -> (RouterGraph, ContiguousArray<UInt32>, Int64) {
        for tick: Int64 in [1, 1000] {
            let ticks = ContiguousArray(
                topology.links.map {
                    UInt32(clamping: ($0.delay.nanoseconds + tick / 2) / tick)
                })
            let graph = RouterGraph(
                routerCount: topology.routerCount, links: topology.links, lengths: ticks)
            guard graph.largestDegree <= RouterGraph.degreeLimit else {
                throw TopologyError(
                    "a router has \(graph.largestDegree) links, "
                        + "more than \(RouterGraph.degreeLimit)")
            }
            var farthest: UInt64 = 0
            graph.shortestPaths(from: 0) { _, ticks, _ in farthest = max(farthest, ticks) }
            // No two routers are farther apart than by way of router 0.
            if 2 * farthest < UInt64(UInt32.max) { return (graph, ticks, tick) }
        }
        throw TopologyError("paths of more than half an hour of delay")
    }

    // MARK: - Delays

    /// One-way delay between hosts, access links included; zero from a host to itself.
    package func delay(from: Int, to: Int) -> Duration {
        .nanoseconds(nanoseconds(from: from, to: to))
    }

    /// The same in nanoseconds.
    package func nanoseconds(from: Int, to: Int) -> Int64 {
        if from == to { return 0 }
        let access = accessNanoseconds[from] + accessNanoseconds[to]
        if let pairwise = topology.pairwise {
            return access + pairwise.nanoseconds(from: from, to: to)
        }
        let site = Int(hostSites[from])
        if ticksFrom[site].isEmpty { findRoutes(from: site) }
        return access + tickNanoseconds * Int64(ticksFrom[site][Int(hostSites[to])])
    }

    /// The part of the delay that no link has; zero where there are routers.
    func pairwiseNanoseconds(from: Int, to: Int) -> Int64 {
        topology.pairwise?.nanoseconds(from: from, to: to) ?? 0
    }

    // MARK: - Paths

    /// Calls `body` with the directed links from one host to the other, in order.
    package func forEachLink(from: Int, to: Int, _ body: (Int32) -> Void) {
        if from == to { return }
        body(Int32(2 * from))
        if let graph {
            let site = Int(hostSites[from])
            if slotsFrom[site].isEmpty { findRoutes(from: site) }
            let source = Int(siteRouters[site])
            var path = ContiguousArray<Int32>()
            swap(&path, &pathScratch)
            path.removeAll(keepingCapacity: true)
            var router = Int(siteRouters[Int(hostSites[to])])
            while router != source {
                let (before, link) = graph.step(from: router, slot: slotsFrom[site][router])
                path.append(link)
                router = before
            }
            let base = Int32(2 * hostCount)
            for link in path.reversed() { body(base + link) }
            swap(&path, &pathScratch)
        }
        body(Int32(2 * to + 1))
    }

    /// The share of packets lost on the way from one host to the other by the links.
    package func pathLoss(from: Int, to: Int) -> Double {
        guard isLossy else { return 0 }
        var survival = 1.0
        forEachLink(from: from, to: to) { survival *= 1 - lossOfLink($0) }
        return 1 - survival
    }

    // MARK: - Links

    /// Whether a directed link belongs to a host; then it is host `id / 2`'s.
    package func isAccessLink(_ id: Int32) -> Bool { Int(id) < 2 * hostCount }

    package func delayOfLink(_ id: Int32) -> Duration {
        .nanoseconds(nanosecondsOfLink(id))
    }

    func nanosecondsOfLink(_ id: Int32) -> Int64 {
        isAccessLink(id)
            ? accessNanoseconds[Int(id) / 2]
            : tickNanoseconds * Int64(linkTicks[Int(id) / 2 - hostCount])
    }

    /// Mbit/s; `nil` where nothing limits it, as on all downlinks.
    package func rateOfLink(_ id: Int32) -> Double? {
        if isAccessLink(id) { return id % 2 == 0 ? topology.hosts[Int(id) / 2].uplinkMbps : nil }
        return topology.links[Int(id) / 2 - hostCount].rateMbps
    }

    package func lossOfLink(_ id: Int32) -> Double {
        isAccessLink(id) ? 0 : topology.links[Int(id) / 2 - hostCount].loss
    }

    // MARK: - Routes

    private func findRoutes(from site: Int) {
        guard let graph else { return }
        if kept.count >= keptLimit {
            ticksFrom[Int(kept[oldest])] = []
            slotsFrom[Int(kept[oldest])] = []
            kept[oldest] = Int32(site)
            oldest = (oldest + 1) % kept.count
        } else {
            kept.append(Int32(site))
        }
        var ticks = ContiguousArray(repeating: UInt32(0), count: graph.routerCount)
        var slots = ContiguousArray(repeating: UInt16(0), count: graph.routerCount)
        graph.shortestPaths(from: Int(siteRouters[site])) { router, distance, slot in
            ticks[router] = UInt32(truncatingIfNeeded: distance)
            slots[router] = slot
        }
        ticksFrom[site] = ContiguousArray(siteRouters.map { ticks[Int($0)] })
        slotsFrom[site] = slots
    }
}
