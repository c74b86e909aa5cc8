import NetBasics

/// Copies of one packet per directed link, access links included: the stress of links.
///
/// In a pairwise topology each ordered pair of hosts counts as a link of its own for the use of
/// resources, for there are no shared ones but the access links.
package struct LinkLoad {
    private let underlay: Underlay
    private var copies: ContiguousArray<Int32>
    /// Links that carry any, in the order of their first copy.
    private var used: [Int32] = []
    private var nanoseconds: Int64 = 0

    package init(_ underlay: Underlay) {
        self.underlay = underlay
        copies = ContiguousArray(repeating: 0, count: underlay.directedLinkCount)
    }

    /// Counts a copy sent from one host to another on each link between them.
    package mutating func addCopy(from: Int, to: Int) {
        underlay.forEachLink(from: from, to: to) { addCopy(onLink: $0) }
        if underlay.topology.pairwise != nil {
            nanoseconds += underlay.pairwiseNanoseconds(from: from, to: to)
        }
    }

    package mutating func addCopy(onLink link: Int32) {
        if copies[Int(link)] == 0 { used.append(link) }
        copies[Int(link)] += 1
        nanoseconds += underlay.nanosecondsOfLink(link)
    }

    /// Counts a copy on those links of the path that carry none: routers that multicast.
    package mutating func addMulticast(from: Int, to: Int) {
        underlay.forEachLink(from: from, to: to) { link in
            if copies[Int(link)] == 0 { addCopy(onLink: link) }
        }
        if underlay.topology.pairwise != nil {
            nanoseconds += underlay.pairwiseNanoseconds(from: from, to: to)
        }
    }

    package mutating func clear() {
        for link in used { copies[Int(link)] = 0 }
        used.removeAll(keepingCapacity: true)
        nanoseconds = 0
    }

    package func copies(onLink link: Int32) -> Int { Int(copies[Int(link)]) }

    /// Over links that carry any; NaN if none does.
    package var meanStress: Double {
        Double(used.reduce(0) { $0 + Int(copies[Int($1)]) }) / Double(used.count)
    }

    package var maxStress: Int { used.map { Int(copies[Int($0)]) }.max() ?? 0 }

    /// The sum over links of delay times copies.
    package var resourceUsage: Duration { .nanoseconds(nanoseconds) }
}
