import NetBasics

/// Routers and links as a generator made them, before hosts are attached.
struct NetworkPlan {
    var routerCount: Int
    var links: [Topology.Link]
    /// Routers that hosts may be attached to.
    var hostRouters: Range<Int>

    /// Attaches hosts to routers drawn uniformly, no router twice before each has one; access links
    /// take 0.1 to 1 ms.
    func attaching(_ hostCount: Int, generator: inout SeededGenerator) -> Topology {
        var pool: [Int] = []
        var hosts: [Topology.Host] = []
        hosts.reserveCapacity(hostCount)
        for index in 0..<hostCount {
            if pool.isEmpty { pool = Array(hostRouters) }
            pool.swapAt(generator.uniform(below: pool.count), pool.count - 1)
            hosts.append(
                Topology.Host(
                    name: "h\(index)", router: Int32(pool.removeLast()),
                    access: generator.microseconds(100...1000)))
        }
        return Topology(routerCount: routerCount, links: links, hosts: hosts)
    }
}

/// A point of the unit square.
struct PlanePoint {
    var x: Double
    var y: Double

    init(_ generator: inout SeededGenerator) {
        x = generator.uniformFraction()
        y = generator.uniformFraction()
    }

    func distance(to other: PlanePoint) -> Double {
        ((x - other.x) * (x - other.x) + (y - other.y) * (y - other.y)).squareRoot()
    }
}
