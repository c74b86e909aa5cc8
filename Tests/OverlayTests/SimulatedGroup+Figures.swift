import NetBasics
import Wire

// What tests ask of a group that has run.

extension SimulatedGroup {
    func children(of index: Int, in source: PeerID) -> Int {
        hosts[index].overlay.view.sources.first { $0.source == source }?.children.count ?? 0
    }

    /// What every member that is up lacks: "3 lacks 0", empty when all is well.
    func missingDeliveries(of source: Int, since instant: Instant) -> [String] {
        hosts.indices.filter { index in
            index != source && hosts[index].isUp
                && (hosts[index].lastDelivery[peer(source)] ?? .zero) < instant
        }.map { "\($0) lacks \(source)" }
    }

    /// Delivered more than once, over all members and sources.
    var duplicates: Int {
        hosts.reduce(0) { sum, host in
            host.delivered.values.reduce(sum) { $0 + $1.count - Set($1).count }
        }
    }

    /// Sequence numbers missing between the first and last delivered of `source` at `index`.
    func lost(of source: Int, at index: Int) -> Int {
        guard let list = hosts[index].delivered[peer(source)], let first = list.min(),
            let last = list.max()
        else { return -1 }
        return Int(last - first) + 1 - Set(list).count
    }
}
