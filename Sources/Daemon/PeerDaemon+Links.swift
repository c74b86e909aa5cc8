import Links
import NetBasics
import Wire

// Between the control plane and the socket: what is said on links is sealed (docs/sealing.md).

extension PeerDaemon {
    /// Opens a datagram of a link, or of a handshake for one, and hands on what it says.
    func receiveSealed(
        _ datagram: UnsafeRawBufferPointer, from sender: Endpoint, at now: Instant
    ) throws(DecodeError) {
        var orders: [SealedLinks.Order] = []
        defer { obey(orders, at: now) }
        switch try links.open(Array(datagram), from: sender, at: now, into: &orders) {
        case .link(let message):
            handle(.linkMessageReceived(message, from: sender), at: now)
        case .control(let control, let endpoint):
            handle(.controlReceived(control, from: endpoint), at: now)
        case nil: break
        }
    }

    /// New media has come from `sender` over the link with that local token.
    func noteMedia(on link: LinkToken?, from sender: Endpoint?, at now: Instant) {
        guard let link, let sender else { return }
        var orders: [SealedLinks.Order] = []
        links.noteMedia(on: link, from: sender, at: now, into: &orders)
        if !orders.isEmpty { obey(orders, at: now) }
    }

    /// New keys, new addresses, longer datagrams: whatever is due.
    func keepLinks(at now: Instant) {
        var orders: [SealedLinks.Order] = []
        links.wake(at: now, into: &orders)
        obey(orders, at: now)
    }

    private func obey(_ orders: [SealedLinks.Order], at now: Instant) {
        for order in orders {
            switch order {
            case .send(let bytes, let endpoint): socket.send(bytes, to: endpoint)
            case .moved(let token, let endpoint):
                console.log("a neighbor has moved to \(endpoint)", level: 1)
                handle(.linkMoved(token, to: endpoint), at: now)
            }
        }
        installKeys()
    }

    /// Lets links on which media had to be cut find out what is the longest that need not be.
    func probePaths(at now: Instant) {
        for token in media.takeLongLinks() { links.wantLongDatagrams(on: token, at: now) }
    }

    /// Gives the data path the keys that links have now, if others than before.
    func installKeys() {
        if let keys = links.takeTagKeys() { media.install(keys) }
    }
}
