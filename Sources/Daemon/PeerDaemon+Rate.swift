import Forwarding
import Management
import NetBasics
import Overlay
import Wire

// Children whose links are too slow: hands their questions and answers between the data path and the
// control plane.

extension PeerDaemon {
    func serveFlows(at now: Instant) {
        guard let due = media.nextRateWakeup, due <= now else { return }
        var events: [OverlayPeer.Event] = []
        media.serveFlows(at: now, on: socket, into: &events)
        for event in events { handle(event, at: now) }
    }

    func hearRate(_ message: RateMessage, from neighbor: RateNeighbor, at now: Instant) {
        var events: [OverlayPeer.Event] = []
        media.hearRate(message, from: neighbor, at: now, on: socket, into: &events)
        for event in events { handle(event, at: now) }
    }

    /// Children by name, with what goes to them and what does not.
    var childStatus: [PeerStatus.Child] {
        let neighbors = overlay.view.neighbors
        return media.childCounts.map { child in
            let neighbor = neighbors.first { $0.endpoint == child.flow.endpoint }
            var shed = child.flow.shedCounts.reasons
            shed.append(("send_refused", child.sent.refused))
            return PeerStatus.Child(
                party: Party(
                    peer: neighbor?.peer.description ?? "",
                    name: neighbor?.name.description ?? "\(child.flow.endpoint)"),
                state: child.flow.phase.rawValue, rateBitsPerSecond: child.flow.rate,
                queuedPackets: child.flow.queuedPackets, queuedBytes: child.flow.queuedBytes,
                sent: Int(clamping: child.sent.datagrams &- child.sent.refused),
                sentBytes: Int(clamping: child.sent.bytes),
                shed: shed.filter { $0.count > 0 }.map {
                    DropCount(reason: $0.name, count: Int(clamping: $0.count))
                })
        }
    }
}
