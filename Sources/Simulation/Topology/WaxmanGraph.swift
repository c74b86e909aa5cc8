import Glibc
import NetBasics

/// Waxman's random networks (1988): routers on a square, near ones linked more often.
///
/// Routers at distance `d` are linked with probability `a * exp(-d / (b * L))`, where `L` is the
/// diagonal and `b` 0.2. As in the Narada simulations, `a` is whatever yields the wanted number of
/// links: 3145 at 1024 routers, in proportion otherwise. It counts those that join components that
/// chance left apart. The delay of a link is its length, with ``sideMs`` for the side of the square,
/// so that two of 1024 routers are about 50 ms apart on the mean.
enum WaxmanGraph {
    static let routerRange = 2...20_000
    static let sideMs = 52.0

    private struct Candidate {
        var left: Int32
        var right: Int32
        /// The pair is linked if `a` exceeds this.
        var threshold: Double
    }

    /// A network of `routers`, which lies in ``routerRange``.
    static func plan(routers: Int, generator: SeededGenerator) -> NetworkPlan {
        var generator = generator
        let places = (0..<routers).map { _ in PlanePoint(&generator) }
        let wanted = max(routers - 1, Int((Double(routers) * 3145 / 1024).rounded()))
        let sorted = candidates(places, wanted: wanted, generator: &generator)
        var parts = DisjointSets(count: routers)
        var links: [Topology.Link] = []
        for pair in sorted where links.count + parts.setCount - 1 < wanted {
            parts.join(Int(pair.left), Int(pair.right))
            links.append(link(places, Int(pair.left), Int(pair.right)))
        }
        joinComponents(places, &parts, &links)
        return NetworkPlan(routerCount: routers, links: links, hostRouters: 0..<routers)
    }

    static func link(_ places: [PlanePoint], _ left: Int, _ right: Int) -> Topology.Link {
        let ms = sideMs * places[left].distance(to: places[right])
        return Topology.Link(
            a: Int32(left), b: Int32(right), delay: .microseconds(max(1, Int(1000 * ms))))
    }

    /// The pairs that are linked first as `a` grows, more than `wanted`, in that order.
    private static func candidates(
        _ places: [PlanePoint], wanted: Int, generator: inout SeededGenerator
    ) -> [Candidate] {
        let reach = 0.2 * 2.0.squareRoot()
        // The sum of all weights, from a sample, tells how large `a` is going to be.
        var sum = 0.0
        for _ in 0..<10_000 {
            let left = generator.uniform(below: places.count)
            let right = (left + 1 + generator.uniform(below: places.count - 1)) % places.count
            sum += exp(-places[left].distance(to: places[right]) / reach)
        }
        let pairs = Double(places.count) * Double(places.count - 1) / 2
        let bound = 4 * Double(wanted) / (sum / 10_000 * pairs) + 0.1
        var kept: [Candidate] = []
        for left in places.indices {
            for right in (left + 1)..<max(left + 1, places.count) {
                let weight = exp(-places[left].distance(to: places[right]) / reach)
                let threshold = generator.uniformFraction() / weight
                guard threshold < bound || places.count < 200 else { continue }
                kept.append(
                    Candidate(left: Int32(left), right: Int32(right), threshold: threshold))
            }
        }
        kept.sort {
            ($0.threshold, $0.left, $0.right) < ($1.threshold, $1.left, $1.right)
        }
        return kept
    }

    /// Links each component to the nearest router outside it, smallest router number first.
    private static func joinComponents(
        _ places: [PlanePoint], _ parts: inout DisjointSets, _ links: inout [Topology.Link]
    ) {
        var router = 1
        while parts.setCount > 1, router < places.count {
            defer { router += 1 }
            let root = parts.root(of: router)
            guard root != parts.root(of: 0) else { continue }
            let roots = places.indices.map { parts.root(of: $0) }
            var best: (Double, Int, Int)?
            for left in places.indices where roots[left] == root {
                for right in places.indices where roots[right] != root {
                    let candidate = (places[left].distance(to: places[right]), left, right)
                    if best.map({ candidate < $0 }) ?? true { best = candidate }
                }
            }
            guard let (_, left, right) = best else { return }
            parts.join(left, right)
            links.append(link(places, left, right))
            // The component may have met another than that of router 0: look at it again.
            router -= 1
        }
    }
}
