/// Ways to deliver without building anything: what trees are compared with.
package enum StaticDelivery {
    /// The source sends a copy to each member by itself.
    package static func unicastStar(source: Int, count: Int) -> [Int32] {
        (0..<count).map { $0 == source ? -1 : Int32(source) }
    }

    /// The outcome of flooding one packet over a mesh.
    package struct Flood: Sendable, Equatable {
        /// From whom each member got its first copy; negative for the source and the unreached.
        package var parents: [Int32]
        /// Copies sent in all.
        package var copies: Int
        /// Copies that came to a member that had one, the source included.
        package var duplicates: Int
    }

    /// Naive flooding: who gets a first copy sends it to each neighbor but the one it came from.
    ///
    /// `neighbors` holds each link both ways. First copies are those of least delay; of copies at
    /// the same moment that from the lower number counts.
    package static func flood(
        neighbors: [[Int32]], source: Int, delays: DelayTable
    ) -> Flood {
        var parents = [Int32](repeating: -1, count: neighbors.count)
        var arrivals = [Int?](repeating: nil, count: neighbors.count)
        var open = [source]
        var copies = 0
        var reached = 0
        arrivals[source] = 0
        while let next = open.min(by: { (arrivals[$0] ?? 0, $0) < (arrivals[$1] ?? 0, $1) }) {
            open.removeAll { $0 == next }
            reached += 1
            for neighbor in neighbors[next].map(Int.init) where neighbor != Int(parents[next]) {
                copies += 1
                let at = (arrivals[next] ?? 0) + delays[next, neighbor]
                if let known = arrivals[neighbor], known <= at { continue }
                if arrivals[neighbor] == nil { open.append(neighbor) }
                arrivals[neighbor] = at
                parents[neighbor] = Int32(next)
            }
        }
        return Flood(parents: parents, copies: copies, duplicates: copies - (reached - 1))
    }
}
