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
    package var neighborSlack = 8
    /// Time between links that are tried because their peer may be a better parent.
    ///
    /// The first while that helps, the second when it no longer does and there is one source; with
    /// more it is a share of that. A trial costs about 300 bytes on either side.
    package var trialInterval: Duration = .seconds(3)
    package var idleTrialInterval: Duration = .seconds(20)
    /// How long a trial lasts before the least useful link is closed.
    package var trialTime: Duration = .seconds(4)
    /// How long a peer whose link was closed is left alone.
    package var rest: Duration = .seconds(60)
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
    /// Time between hellos in all: a peer with ten links greets each at ten times this.
    ///
    /// Lower: fresher routes and spares, more control traffic (about 90 bytes each, both ways).
    package var helloSpacing: Duration = .milliseconds(2000)
    /// A link is greeted no more often.
    package var helloMinimum: Duration = .seconds(2)
    /// Wait for the answer to a hello, and unanswered ones in a row that end a link.
    package var helloRetry: Duration = .milliseconds(700)
    package var helloTries = 4
    /// A child hears from its parent at least this often: media, or a heartbeat.
    package var heartbeatInterval: Duration = .milliseconds(130)
    /// The same while there has been no media for long.
    package var idleHeartbeatInterval: Duration = .seconds(1)
    /// A parent hears from its child at least this often, and asks after it when it does not.
    package var childSignInterval: Duration = .milliseconds(1500)
    package var childSilenceLimit: Duration = .milliseconds(2000)
    /// After its silence became suspicious, how long a parent may still come back.
    package var parentGrace: Duration = .milliseconds(850)

    /// Time between a source's sequence numbers, which refresh every route.
    package var refreshInterval: Duration = .seconds(5)
    /// Time between two of them that were asked for, at least.
    ///
    /// The first to change places, the second for who receives nothing. Each number costs every
    /// member some 80 bytes.
    package var refreshMinimum: Duration = .milliseconds(300)
    package var urgentRefreshMinimum: Duration = .milliseconds(200)
    /// Silence of a source's sequence after which it is forgotten.
    package var sourceTimeout: Duration = .seconds(17)
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

    /// Time between a child's refreshes of its slot, and after the last one its slot is freed.
    ///
    /// Death shows sooner, by silence: this is for children that no longer want to be one.
    package var attachInterval: Duration = .seconds(3)
    package var childTimeout: Duration = .milliseconds(15_500)
    /// Wait for the answer to a request for a slot, besides one and a half round trips.
    package var attachRetry: Duration = .milliseconds(30)
    package var attachTries = 4
    /// How long a peer that refused is not asked again; doubles up to 16 times with each refusal.
    package var refusalPause: Duration = .seconds(2)
    /// How long the former parent is still listened to after a change, at most: it is dismissed
    /// as soon as both have sent the same packet.
    package var overlap: Duration = .milliseconds(2200)
    /// How long a parent waits for a child that it asked to move, if nobody is in need.
    ///
    /// Longer than `refreshInterval`: the child can go when the source has made a sequence number.
    package var handoverLimit: Duration = .seconds(6)
    /// The same if the source was asked for a sequence number: what it has not brought by then,
    /// waiting does not bring, and others may try.
    package var hurriedHandoverLimit: Duration = .milliseconds(1500)
    /// How long a child that was refused is fed until it has found another parent.
    package var dismissalLimit: Duration = .seconds(1)
    /// A child is not asked to make way for a nearer one before it has been here so long.
    package var tenure: Duration = .seconds(5)
    /// How long a first choice of parent waits for links to peers of the same subnet.
    package var settleTime: Duration = .milliseconds(60)
    /// What a parent's own distance weighs against the length of the link to it; 0 to 1.
    ///
    /// Below 1, peers rather hang on a close neighbor. In planned trees 0.85 costs no mean delay, 0.7 up
    /// to 4 % of the mean and 9 % of the worst, 0.5 13 % and 24 %, for fewer copies on the links.
    package var distanceWeight = 0.85
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
    /// A new parent must be nearer by this; microseconds, and by a twentieth.
    static let improvementThreshold: UInt32 = 1000
    static let improvementShare: UInt64 = 20
    /// Looks in a row that must find it better.
    static let improvementLooks = 2
    /// What a stream of unknown rate is taken to cost; kbit/s.
    static let unknownRate: UInt32 = 64
    /// Times its own rate that a source keeps of its uplink for itself.
    static let ownChildren: UInt32 = 2
}
