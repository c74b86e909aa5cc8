import NetBasics
import Wire

/// The flows of all children, each at a place that it keeps while it is a child.
///
/// While all are calm it costs nothing; ``isAnyLimited`` is all that is asked per packet.
package struct ChildFlows: Sendable {
    private var flows: [ChildFlow] = []
    /// Places of the children; the other flows are of nobody.
    private var places: [Endpoint: Int] = [:]
    /// Places of flows that are not calm, ordered.
    package private(set) var active: [Int] = []
    package private(set) var isAnyLimited = false
    /// Of children that have gone.
    private var formerCounts = ChildFlow.ShedCounts()

    package init() {}

    /// Makes these the children; returns their places in the same order, and which are new.
    package mutating func install(_ endpoints: [Endpoint]) -> (places: [Int], new: [Int]) {
        let kept = Set(endpoints)
        for (endpoint, place) in places where !kept.contains(endpoint) {
            formerCounts.add(flows[place].shedCounts)
        }
        places = places.filter { kept.contains($0.key) }
        let taken = Set(places.values)
        var free = flows.indices.filter { !taken.contains($0) }.makeIterator()
        var new: [Int] = []
        let result = endpoints.map { endpoint in
            if let known = places[endpoint] { return known }
            let place = free.next() ?? flows.count
            if place == flows.count {
                flows.append(ChildFlow(endpoint: endpoint))
            } else {
                flows[place] = ChildFlow(endpoint: endpoint)
            }
            places[endpoint] = place
            new.append(place)
            return place
        }
        refresh()
        return (result, new)
    }

    package func place(of endpoint: Endpoint) -> Int? { places[endpoint] }

    /// The flow at the place of a child.
    package subscript(place: Int) -> ChildFlow { flows[place] }

    package func isLimited(_ place: Int) -> Bool { flows[place].phase == .limited }

    /// Of all children, those that have gone included.
    package var shedCounts: ChildFlow.ShedCounts {
        var sum = formerCounts
        for place in places.values { sum.add(flows[place].shedCounts) }
        return sum
    }

    /// Places of all children, ordered.
    package var all: [Int] { places.values.sorted() }

    /// Lets `change` work on a flow.
    package mutating func update<Result>(
        _ place: Int, _ change: (inout ChildFlow) -> Result
    ) -> Result {
        let old = flows[place].phase
        let result = change(&flows[place])
        if flows[place].phase != old { refresh() }
        return result
    }

    /// When the first flow has work of its own; `nil` while all are calm.
    package var nextDue: Instant? {
        var earliest: Instant?
        for place in active {
            if let due = flows[place].nextDue { earliest = min(earliest ?? due, due) }
        }
        return earliest
    }

    private mutating func refresh() {
        active = places.values.filter { flows[$0].phase != .calm }.sorted()
        isAnyLimited = active.contains { flows[$0].isLimited }
    }
}
