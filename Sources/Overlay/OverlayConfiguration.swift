import NetBasics
import Wire

/// What a member is and how its control plane behaves.
///
/// The times suit links of up to 300 ms round trip. Where no measurement is named, a default is
/// a choice that the lab and the simulated groups of the tests confirmed, not tuned.
package struct OverlayConfiguration: Sendable {
    package var group: GroupID
    package var peer: PeerID
    package var name: MemberName

    /// Subnets of this host's own addresses: peers in them are preferred at every choice.
    package var localSubnets: Set<Subnet> = []

    /// Uplink that forwarding may fill; kbit/s.
    ///
    /// Too low: nobody is served here. Too high: queues.
    package var uplinkRate: UInt32
    /// Children per source at most, whatever the uplink; `nil`: the uplink alone decides.
    package var childLimit: Int?

    /// Links that this peer opens by itself; 2 and up.
    ///
    /// Higher: more spares, more control traffic.
    package var neighborTarget = 8
    /// Links beyond the target before unused ones are closed.
    package var neighborSlack = 4
    /// Links at most, whoever opened them; beyond it requests are refused.
    package var linkLimit = 48
    /// Of those, links with peers of one IP address at most.
    package var addressLinkLimit = 16
    /// Of the target, how many are kept for random peers outside of the subnet.
    package var farNeighborMinimum = 2
    /// Peers remembered as possible neighbors at most, and for how long unheard of.
    package var candidateLimit = 128
    package var candidateLifetime: Duration = .seconds(90)

    /// First wait for an answer to a link request; doubles up to `handshakeTries`.
    package var handshakeRetry: Duration = .milliseconds(150)
    package var handshakeTries = 5
    /// Time between pings on links that carry no tree, and silence that ends them.
    package var pingInterval: Duration = .seconds(1)
    package var linkTimeout: Duration = .seconds(4)
    /// The same on links to parents and children: the time to notice a silent death.
    package var treePingInterval: Duration = .milliseconds(200)
    package var treeLinkTimeout: Duration = .milliseconds(1200)

    /// Time between a source's sequence numbers, which refresh every route.
    package var refreshInterval: Duration = .seconds(2)
    /// Silence of a source's sequence after which it is forgotten.
    package var sourceTimeout: Duration = .seconds(10)
    /// Sources of the group at most.
    package var sourceLimit = 64

    /// How this member's own streams find the others.
    package var algorithm = DeliveryAlgorithm.shortestPathTree
    /// Time between a flooding source's announcements, and silence after which it is forgotten.
    ///
    /// Shorter: trees follow the network sooner. Longer: less control traffic per source.
    package var announceInterval: Duration = .seconds(30)
    package var floodSourceTimeout: Duration = .seconds(105)
    /// How long a neighbor is fed that does not repeat its wish after an announcement.
    package var floodRoleTimeout: Duration = .seconds(75)
    /// Flooding sources of the group at most.
    package var floodSourceLimit = 1024

    /// Time between a child's refreshes of its slot, and silence that frees it.
    package var attachInterval: Duration = .seconds(1)
    package var childTimeout: Duration = .milliseconds(3500)
    package var attachRetry: Duration = .milliseconds(100)
    package var attachTries = 4
    /// How long a peer that refused is not asked again.
    package var refusalPause: Duration = .seconds(2)
    /// How long the former parent is still listened to after a change, at most: it is dismissed
    /// as soon as both have sent the same packet.
    package var overlap: Duration = .milliseconds(2200)
    /// How long a parent waits for a child that it asked to move, and then for one that it refused.
    package var handoverLimit: Duration = .seconds(1)
    /// How long a first choice of parent waits for links to peers of the same subnet.
    package var settleTime: Duration = .milliseconds(60)
    /// Time between looks for a better parent.
    package var improvementInterval: Duration = .seconds(1)
    /// How long a leaving peer goes on forwarding.
    package var lingerTime: Duration = .milliseconds(300)

    package init(group: GroupID, peer: PeerID, name: MemberName, uplinkRate: UInt32) {
        self.group = group
        self.peer = peer
        self.name = name
        self.uplinkRate = uplinkRate
    }

    /// What one more link costs a route besides its delay, in microseconds: forwarding is not
    /// free, and shallow trees break less.
    package static let hopCost: UInt32 = 2000
    /// Delay assumed of a link that was not measured yet; microseconds, one way.
    static let unmeasuredDelay: UInt32 = 10_000
    /// A new parent must be nearer by this; microseconds, and by a tenth.
    static let improvementThreshold: UInt32 = 1000
    /// Looks in a row that must find it better.
    static let improvementLooks = 3
    /// What a stream of unknown rate is taken to cost; kbit/s.
    static let unknownRate: UInt32 = 64
    /// Times its own rate that a source keeps of its uplink for itself.
    static let ownChildren: UInt32 = 2
}
