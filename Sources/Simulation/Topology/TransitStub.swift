import Glibc
import NetBasics

/// Transit-stub networks in the manner of GT-ITM (Zegura, Calvert and Bhattacharjee, 1996).
///
/// `T` transit domains of `Nt` routers; each transit router serves `K` stub domains of `Ns` routers,
/// so there are `T * Nt * (1 + K * Ns)`. Each stub domain has a single link to its transit router, so
/// that packets between stub domains go through transit, and within a domain stay there where that
/// is shortest. The mean degree is between 3 and 4. One-way delays: between transit domains 10 to
/// 40 ms by their distance on a plane, within a transit domain 2 to 10 ms by distance, from transit
/// to stub 2 to 8 ms, within a stub domain 0.5 to 2 ms, both uniform. Hosts attach to stub routers.
struct TransitStub {
    static let routerRange = 8...200_000

    /// How many domains and routers there are of each kind.
    struct Shape: Equatable {
        var transitDomains: Int
        var transitRouters: Int
        var stubDomainsPerRouter: Int
        var stubRouters: Int

        var transitTotal: Int { transitDomains * transitRouters }
        var stubDomains: Int { transitTotal * stubDomainsPerRouter }
        var total: Int { transitTotal + stubDomains * stubRouters }
    }

    private let shape: Shape
    private let routerCount: Int
    private var links: [Topology.Link] = []
    private var generator: SeededGenerator

    /// A network of exactly `routers`, which lies in ``routerRange``.
    static func plan(routers: Int, generator: SeededGenerator) -> NetworkPlan {
        var maker = TransitStub(routers: routers, generator: generator)
        maker.makeTransit()
        maker.makeStubs()
        return NetworkPlan(
            routerCount: routers, links: maker.links,
            hostRouters: maker.shape.transitTotal..<routers)
    }

    private init(routers: Int, generator: SeededGenerator) {
        shape = Self.shape(for: routers)
        routerCount = routers
        self.generator = generator
    }

    // MARK: - Shape

    /// The shape nearest to the proportions of 10 x 10 x (1 + 9 x 11) = 10,000 routers.
    ///
    /// Where no good shape has that total, it has a few fewer, and as many stub domains get one
    /// router more.
    static func shape(for routers: Int) -> Shape {
        let size = pow(Double(routers), 0.25)
        var best = Shape(
            transitDomains: 1, transitRouters: 1, stubDomainsPerRouter: 1, stubRouters: routers - 1)
        var least = Double.infinity
        for total in (routers - min(routers / 20, 100))...routers {
            let penalty = total == routers ? 0 : 0.2 + Double(routers - total) / Double(routers)
            for transit in divisors(of: total, upTo: Int(4 * size * size)) where total > transit {
                for domains in divisors(of: transit, upTo: transit) {
                    let stubs = total / transit - 1
                    for perRouter in divisors(of: stubs, upTo: min(stubs, Int(4 * size) + 1)) {
                        let shape = Shape(
                            transitDomains: domains, transitRouters: transit / domains,
                            stubDomainsPerRouter: perRouter, stubRouters: stubs / perRouter)
                        let cost = penalty + shape.distance(fromSize: size)
                        guard cost < least, routers - total <= shape.stubDomains else { continue }
                        (best, least) = (shape, cost)
                    }
                }
            }
        }
        return best
    }

    private static func divisors(of number: Int, upTo limit: Int) -> [Int] {
        limit < 1 ? [] : (1...limit).filter { number % $0 == 0 }
    }

    // MARK: - Links

    private mutating func makeTransit() {
        let centers = (0..<shape.transitDomains).map { _ in PlanePoint(&generator) }
        for domain in centers.indices {
            let first = domain * shape.transitRouters
            let places = (0..<shape.transitRouters).map { _ in PlanePoint(&generator) }
            connect(first..<(first + places.count), linkCount: 2 * places.count) { left, right, _ in
                let distance = places[left - first].distance(to: places[right - first])
                return .microseconds(2000 + Int(8000 * distance / 2.0.squareRoot()))
            }
        }
        for (left, right) in domainPairs(centers) {
            let distance = centers[left].distance(to: centers[right])
            link(
                transitRouter(of: left), transitRouter(of: right),
                .microseconds(10_000 + Int(30_000 * distance / 2.0.squareRoot())))
        }
    }

    /// Each domain with the nearest of those before it, and then with the nearest left.
    private func domainPairs(_ centers: [PlanePoint]) -> [(Int, Int)] {
        var pairs: [(Int, Int)] = []
        func addNearest(of domain: Int, among others: some Sequence<Int>) {
            let candidates = others.filter { other in
                other != domain
                    && !pairs.contains { $0 == (other, domain) || $0 == (domain, other) }
            }
            let nearest = candidates.min {
                centers[domain].distance(to: centers[$0])
                    < centers[domain].distance(to: centers[$1])
            }
            if let nearest { pairs.append((nearest, domain)) }
        }
        for domain in centers.indices { addNearest(of: domain, among: 0..<domain) }
        for domain in centers.indices { addNearest(of: domain, among: centers.indices) }
        return pairs
    }

    private mutating func transitRouter(of domain: Int) -> Int {
        domain * shape.transitRouters + generator.uniform(below: shape.transitRouters)
    }

    private mutating func makeStubs() {
        var first = shape.transitTotal
        for domain in 0..<shape.stubDomains {
            let extra = domain < routerCount - shape.total ? 1 : 0
            let members = first..<(first + shape.stubRouters + extra)
            connect(members, linkCount: (members.count * 165 + 50) / 100) { _, _, generator in
                generator.microseconds(500...2000)
            }
            link(
                domain / shape.stubDomainsPerRouter,
                members.lowerBound + generator.uniform(below: members.count),
                generator.microseconds(2000...8000))
            first = members.upperBound
        }
    }

    /// Joins the members by a random tree and further random links up to `linkCount` in all.
    private mutating func connect(
        _ members: Range<Int>, linkCount: Int,
        delay: (Int, Int, inout SeededGenerator) -> Duration
    ) {
        let count = members.count
        var taken: Set<Int> = []
        for place in 1..<max(1, count) {
            let other = generator.uniform(below: place)
            taken.insert(other * count + place)
            let (left, right) = (members.lowerBound + other, members.lowerBound + place)
            link(left, right, delay(left, right, &generator))
        }
        let most = min(linkCount, count * (count - 1) / 2)
        while taken.count < most {
            let (a, b) = (generator.uniform(below: count), generator.uniform(below: count))
            guard a != b, taken.insert(min(a, b) * count + max(a, b)).inserted else { continue }
            let (left, right) = (members.lowerBound + a, members.lowerBound + b)
            link(left, right, delay(left, right, &generator))
        }
    }

    private mutating func link(_ left: Int, _ right: Int, _ delay: Duration) {
        links.append(Topology.Link(a: Int32(left), b: Int32(right), delay: delay))
    }
}

extension TransitStub.Shape {
    /// How far the proportions are from those of the 10,000 routers, whose size is 10.
    fileprivate func distance(fromSize size: Double) -> Double {
        let wanted = [size, size, 0.9 * size, 1.1 * size]
        let actual = [transitDomains, transitRouters, stubDomainsPerRouter, stubRouters]
        return zip(actual, wanted).reduce(0) { $0 + abs(log(Double($1.0) / $1.1)) }
    }
}
