import NetBasics

/// Scale-free networks (Barabasi and Albert, 1999): each new router links to `links` old ones,
/// preferring those with many links.
///
/// The first `links + 1` routers form a star, as in NetworkX, so there are `(routers - links) * links`
/// links. Routers lie on a square and delays are as in ``WaxmanGraph``.
enum BarabasiAlbertGraph {
    static let routerRange = 2...200_000

    /// A network of `routers` in ``routerRange``, where `1 <= links < routers`.
    static func plan(routers: Int, links linkCount: Int, generator: SeededGenerator) -> NetworkPlan
    {
        var generator = generator
        let places = (0..<routers).map { _ in PlanePoint(&generator) }
        var links: [Topology.Link] = []
        // Each router appears once per link end.
        var ends: [Int] = []
        func add(_ old: Int, _ new: Int) {
            links.append(WaxmanGraph.link(places, old, new))
            ends.append(old)
            ends.append(new)
        }
        for leaf in 1...linkCount { add(0, leaf) }
        for new in (linkCount + 1)..<max(linkCount + 1, routers) {
            var chosen: [Int] = []
            while chosen.count < linkCount {
                let old = ends[generator.uniform(below: ends.count)]
                if !chosen.contains(old) { chosen.append(old) }
            }
            for old in chosen { add(old, new) }
        }
        return NetworkPlan(routerCount: routers, links: links, hostRouters: 0..<routers)
    }
}
