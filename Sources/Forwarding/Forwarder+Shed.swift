import NetBasics
import Wire

// What a parent leaves out on purpose, because our link is too slow, is not asked for.

extension Forwarder {
    /// Numbers further ahead than that are not believed to have been left out.
    private static let shedSpan = 4096

    /// Learns from a parent that it will not send these packets: nobody is asked for them.
    package mutating func noteShed(_ run: ShedRun, at now: Instant) {
        guard let route = routeIndices[run.stream.source], !table.routes[route].isLocal,
            let slot = slot(of: run.stream), streams[slot].hasBegun
        else { return }
        // What was sent before the run, and has not come, is missing.
        noteHighest(run.stream, run.first &- 1, at: now)
        for step in 0..<UInt32(run.count) where streams[slot].missing.remove(run.first &+ step) {
            repairCounts.leftOut &+= 1
        }
        let ahead = Int32(bitPattern: run.last &- streams[slot].edge)
        guard ahead > 0, ahead <= Self.shedSpan, run.contains(streams[slot].edge &+ 1) else {
            return
        }
        repairCounts.leftOut &+= UInt64(ahead)
        streams[slot].edge = run.last
    }
}
