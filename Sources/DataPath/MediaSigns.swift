import NetBasics
import Overlay
import Wire

/// What media passed since the control plane last asked: the newest packet of each stream and link.
struct MediaSigns {
    private typealias Sign = OverlayPeer.MediaSign

    /// Where the sign of a stream is; of an earlier turn it says nothing.
    private struct Place {
        var turn: UInt64 = 0
        var index = 0
    }

    private var signs: [Sign] = []
    /// By the stream's place in the forwarding plane.
    private var places: [Place] = []
    private var turn: UInt64 = 1

    /// `link` is `nil` for what this peer publishes.
    mutating func note(_ header: MediaHeader, from link: LinkToken?, slot: Int, at now: Instant) {
        let sign = Sign(link: link, stream: header.stream, sequence: header.sequence, at: now)
        while places.count <= slot { places.append(Place()) }
        guard places[slot].turn == turn else {
            places[slot] = Place(turn: turn, index: signs.count)
            signs.append(sign)
            return
        }
        let index = places[slot].index
        if isSame(signs[index], sign) {
            signs[index] = sign
        } else if let other = signs.firstIndex(where: { isSame($0, sign) }) {
            signs[other] = sign
        } else {
            signs.append(sign)
        }
    }

    private func isSame(_ left: Sign, _ right: Sign) -> Bool {
        left.link == right.link && left.stream == right.stream
    }

    /// Hands over, and forgets, all of them.
    mutating func take() -> [OverlayPeer.MediaSign] {
        turn &+= 1
        defer { signs.removeAll(keepingCapacity: true) }
        return signs
    }
}
