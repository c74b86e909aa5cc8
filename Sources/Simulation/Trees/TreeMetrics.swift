import NetBasics

/// What a delivery tree costs and how late it delivers, against the network below it.
///
/// The terms are those of the Narada and NICE papers: stretch (also RDP) is the delay through the tree
/// over the delay of unicast, per receiver; stress is copies of one packet per directed link, its mean
/// over links that carry any; NRU is the sum of delay times copies over links, as a multiple of that
/// of the shortest-path source tree, which native multicast would use.
package struct TreeMetrics: Sendable, Equatable {
    /// The hosts fed, in ascending order.
    package var receivers: [Int32]
    /// Through the tree, in milliseconds, of each receiver.
    package var delaysMs: [Double]
    /// Of each receiver; 1 where unicast takes no time.
    package var stretches: [Double]
    package var meanStress: Double
    package var maxStress: Int
    package var nru: Double
    package var maxOutDegree: Int

    package var delayMs: Distribution { Distribution(delaysMs) }
    package var stretch: Distribution { Distribution(stretches) }
}

/// Measures trees over one underlay, one after the other.
package struct TreeMeter {
    private let underlay: Underlay
    private var load: LinkLoad

    package init(_ underlay: Underlay) {
        self.underlay = underlay
        load = LinkLoad(underlay)
    }

    /// The figures of the tree in which host `h` is fed by `parents[h]`, or by nobody if negative.
    ///
    /// Hosts whose chain of parents does not end at the source count as not fed.
    package mutating func measure(source: Int, parents: [Int32]) -> TreeMetrics {
        let tree = OverlayTree(source: source, parents: parents)
        load.clear()
        var metrics = TreeMetrics(
            receivers: [], delaysMs: [], stretches: [], meanStress: .nan, maxStress: 0, nru: .nan,
            maxOutDegree: tree.outDegrees.max() ?? 0)
        var delays = ContiguousArray(repeating: Int64(0), count: parents.count)
        for host in tree.topDown.dropFirst() {
            let parent = Int(parents[host])
            delays[host] = delays[parent] + underlay.nanoseconds(from: parent, to: host)
            load.addCopy(from: parent, to: host)
        }
        for host in tree.topDown.dropFirst().sorted() {
            let direct = underlay.nanoseconds(from: source, to: host)
            metrics.receivers.append(Int32(host))
            metrics.delaysMs.append(Double(delays[host]) / 1e6)
            metrics.stretches.append(direct > 0 ? Double(delays[host]) / Double(direct) : 1)
        }
        guard !metrics.receivers.isEmpty else { return metrics }
        (metrics.meanStress, metrics.maxStress) = (load.meanStress, load.maxStress)
        let usage = load.resourceUsage.nanoseconds
        load.clear()
        for host in metrics.receivers { load.addMulticast(from: source, to: Int(host)) }
        let least = load.resourceUsage.nanoseconds
        metrics.nru = least > 0 ? Double(usage) / Double(least) : 1
        return metrics
    }
}
