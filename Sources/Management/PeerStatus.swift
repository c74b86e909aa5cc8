/// What a running peer says about itself (schema `polycast.status/1`).
package struct PeerStatus: Equatable, Sendable {
    package static let schema = "polycast.status/1"

    package var group: String
    package var access: Access
    package var peer: String
    package var name: String
    /// The UDP address the peer is bound to.
    package var endpoint: String
    package var uptimeSeconds: Double
    package var rendezvous: RendezvousState
    package var uplink: Uplink
    package var links: [Link]
    package var streams: [Stream]
    package var sent: [SentStream]
    package var children: [Child]
    package var repair: RepairCount
    package var drops: [DropCount]
    /// Resident memory of the process; `nil` where it cannot be read.
    package var memoryBytes: Int?

    /// Who can take part, and what this peer may do.
    package enum Access: String, Sendable, CaseIterable {
        /// Whoever knows the group's name.
        case everybody = "public"
        /// Whoever has its secret.
        case secret
        /// The same; this peer forwards, and cannot read.
        case relay
    }

    package struct RendezvousState: Equatable, Sendable {
        package enum State: String, Sendable, CaseIterable {
            case registered
            case connecting
            case unreachable
            case refused
        }

        /// `HOST:PORT` of the invite.
        package var address: String
        package var state: State
        /// Since the last answer; `nil` before the first.
        package var lastReplySeconds: Double?
        /// Why, for people; empty when all is well.
        package var detail: String
        /// Members that it knows in groups with this name and other keys.
        package var namesakes: Int

        package init(
            address: String, state: State, lastReplySeconds: Double?, detail: String = "",
            namesakes: Int = 0
        ) {
            self.address = address
            self.state = state
            self.lastReplySeconds = lastReplySeconds
            self.detail = detail
            self.namesakes = namesakes
        }
    }

    package struct Uplink: Equatable, Sendable {
        package var budgetBitsPerSecond: Int64
        /// What the children hold of it.
        package var reservedBitsPerSecond: Int64

        package init(budgetBitsPerSecond: Int64, reservedBitsPerSecond: Int64) {
            self.budgetBitsPerSecond = budgetBitsPerSecond
            self.reservedBitsPerSecond = reservedBitsPerSecond
        }
    }

    package struct Link: Equatable, Sendable {
        package var party: Party
        package var endpoint: String
        /// Smoothed round trip; `nil` before the first answer.
        package var roundTripMilliseconds: Double?
        package var isSameSubnet: Bool
        /// `opening` or `open`.
        package var state: String

        package init(
            party: Party, endpoint: String, roundTripMilliseconds: Double?, isSameSubnet: Bool,
            state: String
        ) {
            self.party = party
            self.endpoint = endpoint
            self.roundTripMilliseconds = roundTripMilliseconds
            self.isSameSubnet = isSameSubnet
            self.state = state
        }
    }

    package struct Stream: Equatable, Sendable {
        /// The publishing member's name.
        package var member: String
        /// The publishing member's peer id.
        package var source: String
        package var stream: Int
        package var kind: String
        package var priority: Int
        package var format: String
        package var rateBitsPerSecond: Int64
        package var received: Int
        package var lost: Int
        package var duplicates: Int
        /// Test packets that took longer than 500 ms.
        package var overdue: Int
        /// Endpoints that get the stream on this host, as given to `--deliver`.
        package var deliveredTo: [String]

        package init(
            member: String, source: String, stream: Int, kind: String, priority: Int,
            format: String, rateBitsPerSecond: Int64, received: Int, lost: Int, duplicates: Int,
            overdue: Int = 0, deliveredTo: [String]
        ) {
            self.member = member
            self.source = source
            self.stream = stream
            self.kind = kind
            self.priority = priority
            self.format = format
            self.rateBitsPerSecond = rateBitsPerSecond
            self.received = received
            self.lost = lost
            self.duplicates = duplicates
            self.overdue = overdue
            self.deliveredTo = deliveredTo
        }
    }

    package init(
        group: String, access: Access = .everybody, peer: String, name: String,
        endpoint: String, uptimeSeconds: Double, rendezvous: RendezvousState, uplink: Uplink,
        links: [Link], streams: [Stream],
        sent: [SentStream], children: [Child] = [], repair: RepairCount = RepairCount(),
        drops: [DropCount],
        memoryBytes: Int? = nil
    ) {
        self.group = group
        self.access = access
        self.peer = peer
        self.name = name
        self.endpoint = endpoint
        self.uptimeSeconds = uptimeSeconds
        self.rendezvous = rendezvous
        self.uplink = uplink
        self.links = links
        self.streams = streams
        self.sent = sent
        self.children = children
        self.repair = repair
        self.drops = drops
        self.memoryBytes = memoryBytes
    }
}
