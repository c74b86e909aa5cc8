/// Parameters of a GossipSub router (libp2p specifications, pubsub/gossipsub).
package struct GossipSubConfiguration: Sendable {
    package enum Version: String, CaseIterable, Sendable {
        case v1dot0 = "1.0"
        case v1dot1 = "1.1"
    }

    package var version: Version
    /// D: mesh neighbors that a router wants.
    package var degree = 6
    /// D_low: with fewer than these it grafts.
    package var degreeLow = 4
    /// D_high: with more than these it prunes.
    package var degreeHigh = 12
    /// D_lazy: peers outside of the mesh that get each gossip; in v1.1 the least number of them.
    package var lazyDegree = 6
    package var heartbeat: Duration = .seconds(1)
    /// mcache_gossip: heartbeats for which a message is gossiped.
    package var gossipWindow = 3
    /// v1.1: whether a router sends what it publishes to all of its peers.
    package var floodsOwn = true
    /// v1.1: share of the peers outside of the mesh that get each gossip; 0 to 1.
    package var gossipFactor = 0.25
    /// v1.1: peers that a prune names at most.
    package var exchangedPeers = 16
    /// v1.1: how long two routers do not graft each other after a prune.
    package var backoff: Duration = .seconds(60)
    /// How long a peer may be silent before it is asked whether it is alive; `nil`: for ever.
    ///
    /// It is no part of GossipSub, but of the connections under it: yamux asks every 30 s.
    package var keepAlive: Duration? = .seconds(30)
    /// How long after that a silent peer's connection is closed.
    package var keepAliveTimeout: Duration = .seconds(10)
    /// Bytes of media per message.
    package var bodyBytes = 1000

    package init(_ version: Version) { self.version = version }
}

/// What travels between routers of GossipSub and of flooding.
package enum GossipSubMessage: Sendable {
    /// The sender has connected to the receiver and told it what it subscribes to.
    case connect
    /// The sender has closed the connection.
    case disconnect
    case payload(MediaPacket)
    case graft
    /// Names peers to connect to instead; none in v1.0.
    case prune([Int32])
    case ihave([MediaPacket])
    case iwant([MediaPacket])
    /// Asks the connection's other end whether it is alive.
    case ping
    case pong
}

/// Control messages as they are counted; the raw value is the kind that the simulator knows.
package enum GossipSubControl: UInt8, CaseIterable, Sendable {
    case connect, disconnect, graft, prune, ihave, iwant, ping, pong
}

/// Bytes of encoded messages, each in a datagram of its own.
///
/// From the specifications' protobuf, for a topic of 8 characters and Ed25519 peer IDs (38 bytes);
/// a message ID is the source's peer ID and a sequence number of 8 bytes.
enum GossipSubBytes {
    /// Source, sequence number, topic, signature (64 bytes) and tags around a message's data.
    static let payload = 130
    static let subscription = 16
    /// GRAFT, and whatever has no list.
    static let fixed = 16
    static let messageID = 48
    static let peer = 42

    static func prune(_ peers: Int) -> Int { fixed + peers * peer }
    static func list(_ ids: Int) -> Int { fixed + ids * messageID }
}
