import NetBasics

/// Figures of Narada (Chu, Rao, Zhang, SIGMETRICS 2000; JSAC 20(8), 2002).
///
/// The papers give the refresh interval and the degree bounds of their simulations, and say on
/// what the thresholds depend but not how; those are tuned to reach the published quality.
package struct NaradaParameters: Sendable {
    /// How often a member tells its neighbors all it knows; bounds the age of knowledge.
    package var refreshInterval: Duration = .seconds(30)
    /// Neighbors' round trips are measured this often.
    package var pingInterval: Duration = .seconds(10)
    /// A neighbor that was not heard for this long is taken to be dead.
    package var neighborTimeout: Duration = .seconds(30)
    /// A member without news for this long is behind a partition, or dead; must exceed the
    /// refresh interval times the diameter of the mesh.
    package var memberTimeout: Duration = .seconds(180)
    /// One random member is probed, and the least useful link looked at, this often.
    package var improvementInterval: Duration = .seconds(10)
    /// Neighbors that a member seeks, and those at which it refuses more.
    package var degreeMinimum = 3
    package var degreeLimit = 6
    /// Utility gain that a link must have, as a share of the group, between members of least
    /// degree; twice of it at the degree limit.
    package var addShare = 0.03
    /// Consensus cost below which a link is dropped at the degree limit, as a share of the group;
    /// falls to nothing at the least degree.
    package var dropShare = 0.1
    /// Links younger than this are not dropped: routes have to find them first.
    package var linkRest: Duration = .seconds(60)
    /// Least time between updates that changes cause.
    package var updateSpacing: Duration = .seconds(1)
    /// A member that leaves forwards for so long.
    package var linger: Duration = .seconds(5)
    package var answerTimeout: Duration = .seconds(1)
    /// Bytes of media per packet.
    package var bodyBytes = 1000

    package init() {}

    /// The variant that others compare themselves with: refreshed every 5 s.
    package static var fast: Self {
        var parameters = Self()
        parameters.refreshInterval = .seconds(5)
        parameters.pingInterval = .seconds(5)
        parameters.neighborTimeout = .milliseconds(12_500)
        parameters.memberTimeout = .seconds(30)
        return parameters
    }
}

/// What travels between simulated Narada hosts.
package enum NaradaMessage: Sendable {
    /// One line of a table: a member, how fresh the news is, and the route from the sender to it.
    package struct Entry: Sendable {
        var host: Int32
        var sequence: UInt32
        /// Milliseconds, one way; infinite: no route.
        var cost: Float
        /// From the sender's next hop to the member itself.
        var path: ContiguousArray<Int32>
    }

    case linkRequest(isStranded: Bool)
    case linkReply(isAccepted: Bool)
    case linkDropped
    case ping(sentAt: Instant)
    case pong(sentAt: Instant)
    case update(ContiguousArray<Entry>, degree: Int32, isComplete: Bool)
    case probe(sentAt: Instant)
    case probeReply(sentAt: Instant, degree: Int32, costs: ContiguousArray<Float>, count: Int32)
    /// The member has left or failed; valid for sequence numbers up to this one.
    case gone(host: Int32, sequence: UInt32)
    case media(MediaPacket)

    /// Address and port of a member.
    private static let hostBytes = 6
    private static let headerBytes = 4
    private static let stampBytes = 4
    /// UDP payload of one datagram at most.
    private static let datagramLimit = 1400

    /// UDP payload on the wire, without media; what does not fit into one datagram is charged the
    /// headers of the further ones.
    ///
    /// A line has the member's address and port, a sequence number (4), a cost (2) and a count of
    /// hops (1). Hops are named by their place in the table, in an update of single lines by address.
    var byteCount: Int {
        switch self {
        case .linkRequest, .linkReply: Self.headerBytes + 1
        case .linkDropped: Self.headerBytes
        case .ping, .pong, .probe: Self.headerBytes + Self.stampBytes
        case .update(let entries, _, let isComplete):
            Self.split(Self.byteCount(of: entries, hopBytes: isComplete ? 2 : Self.hostBytes))
        case .probeReply(_, _, _, let count):
            Self.split(
                Self.headerBytes + Self.stampBytes + 1 + Int(count) * (Self.hostBytes + 2))
        case .gone: Self.headerBytes + Self.hostBytes + 4
        // Source and number.
        case .media: Self.headerBytes + Self.hostBytes + 4
        }
    }

    private static func byteCount(of entries: ContiguousArray<Entry>, hopBytes: Int) -> Int {
        let lines = entries.reduce(0) { $0 + hostBytes + 4 + 2 + 1 + $1.path.count * hopBytes }
        return headerBytes + 1 + lines
    }

    private static func split(_ bytes: Int) -> Int {
        let further = max(0, (bytes - 1) / datagramLimit)
        return bytes + further * (Network.headerBytes + headerBytes)
    }
}
