import Forwarding
import Sealing
import Sockets
import Wire

/// How copies reach one neighbor, whatever it is a child for.
struct ChildLane {
    let child: ForwardingTable.Child
    let address: SocketAddress
    /// Token and phase of the key, as they lie in a header's first word.
    private(set) var link: UInt64 = 0
    /// `nil` while the link has no keys: it gets nothing.
    private(set) var key: MediaTagKey?
    /// All keys of the link, and how long a datagram for it may be.
    private(set) var keys: LinkTagKeys?

    init(_ child: ForwardingTable.Child, family: AddressFamily) {
        self.child = child
        address = SocketAddress(child.endpoint, family: family)
    }

    /// Takes up the present key of its link.
    mutating func obey(_ keys: [LinkToken: LinkTagKeys]) {
        let keys = keys[child.localToken]
        self.keys = keys
        key = keys?.send
        link = MediaHeader.Words.link(child.token, keyPhase: keys?.sendPhase ?? 0)
    }
}
