import NetBasics

/// How a member's own streams find the others; the words of `polycast join --algorithm`.
package enum AlgorithmChoice: String, Sendable, CaseIterable {
    case tree = "spt"
    case flood
    case automatic = "auto"
}

/// What `polycast join` was asked to do; made by the command line, run by the daemon.
package struct PeerConfiguration: Equatable, Sendable {
    /// Unmeasured; most wired and many wireless uplinks carry it.
    package static let defaultUplink = BitRate(clamping: 10_000_000)
    /// Shorter gives up on a server that is merely slow; longer keeps who mistyped waiting.
    ///
    /// Unmeasured.
    package static let defaultRendezvousTimeout = Duration.seconds(5)

    package var invite: Invite
    /// Forwards only, and keeps no key to read with.
    package var isRelay = false
    /// Publish specifications, as typed; the media module reads them.
    package var publish: [String] = []
    /// Deliver specifications, as typed; the media module reads them.
    package var deliver: [String] = []
    /// Where `NAME.sdp` of each remote member is written; `nil`: nowhere.
    package var sdpDirectory: String?
    /// The member's name, already valid as one; `nil`: one is made from the host's.
    package var name: String?
    /// What forwarding may use of the host's uplink.
    package var uplink = defaultUplink
    /// The local UDP address; port zero lets the kernel choose.
    package var bind = Endpoint(address: .v6(IPv6Address(high: 0, low: 0)), port: 0)
    /// How this member's own streams find the others.
    package var algorithm = AlgorithmChoice.tree
    /// Children per source at most; `nil`: as many as the uplink carries.
    package var fanout: Int?
    /// Asks parents for parity where links lose packets.
    package var hasParity = false
    /// Threads that send media.
    package var workers = 1
    /// After which the join ends by itself; `nil`: at a signal or `leave`.
    package var duration: Duration?
    package var isJSON = false
    /// The management socket; `nil`: the default path for the name.
    package var socketPath: String?
    /// How long the first answer of the rendezvous may take before the join fails.
    package var rendezvousTimeout = defaultRendezvousTimeout
    /// Reproduces the peer's random choices; `nil`: drawn from the system.
    package var seed: UInt64?
    /// -1 quiet, 0 normal, 1 and up more.
    package var verbosity = 0

    package init(invite: Invite) { self.invite = invite }
}

/// What `polycast rendezvous` was asked to do.
///
/// None of the default limits is measured; they bound memory to some tens of megabytes.
package struct RendezvousServiceConfiguration: Equatable, Sendable {
    package var listen = Endpoint(
        address: .v6(IPv6Address(high: 0, low: 0)), port: Invite.defaultPort)
    /// How long a registration lasts without a refresh; 1 s to 1 h.
    ///
    /// Shorter costs requests, longer keeps the dead listed.
    package var lease = Duration.seconds(30)
    package var groupLimit = 10_000
    /// Members per group.
    package var memberLimit = 10_000
    /// Members per IPv4 address or IPv6 /64, over all groups.
    package var addressMemberLimit = 256
    /// Requests per second and IPv4 address or IPv6 /64.
    package var requestRate = 50
    /// After which the server ends by itself; `nil`: at a signal.
    package var duration: Duration?
    package var isJSON = false
    package var verbosity = 0

    package init() {}
}

/// What `polycast status`, `members`, `tree` or `leave` asks, and whom.
package struct QueryConfiguration: Equatable, Sendable {
    package enum Target: Equatable, Sendable {
        /// The only peer that runs on this host.
        case onlyPeer
        case peerNamed(String)
        case socket(String)
        /// A rendezvous, asked directly; only for `members`.
        case rendezvous(Invite)
    }

    package var request: ManagementRequest
    package var target: Target
    package var isJSON: Bool

    package init(request: ManagementRequest, target: Target = .onlyPeer, isJSON: Bool = false) {
        self.request = request
        self.target = target
        self.isJSON = isJSON
    }
}

/// What `polycast demo` was asked to do.
package struct DemoConfiguration: Equatable, Sendable {
    /// Where pictures, logs and reports are left; created if missing.
    package var outputDirectory = "./out/demo"
    /// How long media flows, once all peers have joined.
    package var duration = Duration.seconds(20)
    /// Uses the built-in test pattern even where ffmpeg exists.
    package var usesPattern = false
    package var isJSON = false

    package init() {}
}

/// What `polycast invite` was asked to make.
package enum InviteConfiguration: Equatable, Sendable {
    /// A secret for a new group; the invite says its name and its rendezvous.
    case group(Invite)
    /// Of a member's invite one for a machine that forwards and does not read.
    case relay(Invite)
}
