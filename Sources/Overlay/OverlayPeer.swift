import Forwarding
import NetBasics
import Sealing
import Wire

/// The control plane of one member as a value, which is never copied: its tables are large.
///
/// Drive it with ``handle(_:at:into:)`` and wake it at ``nextWakeup``. It keeps links with
/// neighbors (`+Links`), a mesh of bounded degree (`+Mesh`) and, per source, a place in a
/// shortest-path tree (`+Routing`, `+Choosing`, `+Parent`, `+Children`) or in a pruned flood (`+Flood` and its
/// companions); `+Repair` asks for lost packets. docs/architecture.md explains how.
package struct OverlayPeer: ~Copyable, Sendable {
    package enum Event: Sendable {
        /// The rendezvous, or a person, knows these peers.
        case candidatesLearned([Contact])
        case linkMessageReceived(LinkMessage, from: Endpoint)
        /// The peer of the link with this local token has proved to be at another address.
        case linkMoved(LinkToken, to: Endpoint)
        case controlReceived(ControlDatagram, from: Endpoint)
        /// Media passed here since the last such event; it keeps links alive.
        case mediaHeard([MediaSign])
        /// The forwarding plane dropped media of `source` that came on a link of no parent.
        case unexpectedMedia(LinkToken, source: PeerID)
        /// The new parent's packets of `source` have met those of the former ones.
        case feedsOverlap(source: PeerID)
        /// Media of a flooded source came on a link of which nobody asked for it.
        case mediaOffTree(LinkToken, source: PeerID)
        /// A flooded stream has begun to advance since progress was last reported.
        case mediaBegan
        /// The answer to ``Action/reportProgress``: flooded streams that have advanced since.
        case mediaAdvanced([StreamProgress])
        /// The rendezvous sees us at this address.
        case observed(at: Endpoint)
        /// The rendezvous knows so many members of the group, and sources among them.
        case membersCounted(Int, sources: Int)
        /// This member publishes these streams from now on; all at once.
        case published([StreamDescription])
        /// A local source turned out to need this much; kbit/s.
        case rateMeasured(UInt32)
        /// The forwarding plane misses these packets.
        case repairWanted([WantedRepair])
        /// The forwarding plane has this to say to a parent or child.
        case rateTold(RateMessage, to: Endpoint)
        /// The forwarding plane wants parity of these sources from now on.
        case parityWanted([ParityWish])
        case wakeupReached
        case leaveRequested
    }

    /// That media of a stream passed, at least once.
    package struct MediaSign: Equatable, Sendable {
        /// The link that brought it; `nil`: it is our own.
        package var link: LinkToken?
        package var stream: StreamID
        /// Of the last one.
        package var sequence: UInt32
        package var at: Instant

        package init(link: LinkToken?, stream: StreamID, sequence: UInt32, at: Instant) {
            self.link = link
            self.stream = stream
            self.sequence = sequence
            self.at = at
        }
    }

    package enum Action: Equatable, Sendable {
        case sendLink(LinkMessage, to: Endpoint)
        case sendControl(ControlDatagram, to: Endpoint)
        case install(ForwardingTable)
        /// All streams of a source are known, for the first time or anew.
        case sourceDescribed(PeerID, [StreamDescription])
        case sourceGone(PeerID)
        /// A neighbor misses these packets: what ``Forwarder/answer(_:to:at:into:)`` grants goes
        /// there.
        case repairRequested(RepairRequest, by: RepairAsker)
        /// A child wants parity: what ``Forwarder/parityPlan(completedBy:at:)`` says goes there.
        case parityRequested(ParityWish, by: RepairAsker)
        /// A parent has sent this number of a stream, and none after it.
        case highestHeard(StreamID, UInt32)
        /// A parent or child says this of how much its link carries.
        case rateHeard(RateMessage, from: RateNeighbor)
        /// A child's answer took much longer than its link needs.
        case childDelayed(Endpoint)
        case report(Occurrence)
        /// Asks the driver for ``Event/mediaAdvanced(_:)``, even if it is empty.
        case reportProgress
        /// Nothing is left to do: the driver may stop.
        case left
    }

    /// What happened, for logs and counters.
    package enum Occurrence: Equatable, Sendable {
        case linkUp(PeerID, MemberName, Endpoint)
        case linkDown(PeerID, LinkEnd)
        case linkRefused(Endpoint, LinkRefusalReason)
        case attached(source: PeerID, parent: PeerID)
        case orphaned(source: PeerID)
        case childAdmitted(source: PeerID, child: PeerID)
        case childGone(source: PeerID, child: PeerID)
        case childRefused(source: PeerID, child: PeerID)
        case childMoved(source: PeerID, child: PeerID, target: PeerID)
        /// A datagram that broke a rule; counted by the reason.
        case dropped(DropReason)
    }

    package enum LinkEnd: Equatable, Sendable {
        case closed
        case silent
        case surplus
    }

    package enum DropReason: String, Sendable, CaseIterable {
        case unknownLink = "control_unknown_link"
        case wrongAddress = "control_wrong_address"
        case unexpectedAnswer = "unexpected_answer"
        case tableFull = "table_full"
    }

    package let configuration: OverlayConfiguration
    var generator: SeededGenerator
    let addressCookie: AddressCookie

    // Links and mesh
    /// The blocks of addresses that ours lie in.
    var ownBlocks: Set<AddressBlock> = []
    /// Ordered by peer.
    var links: [Link] = []
    /// What the peers of our links are called.
    var names: [PeerID: MemberName] = [:]
    var handshakes: [Handshake] = []
    var candidates: [Candidate] = []
    var coordinates = CoordinateTracker()
    var meshDue: Instant = .zero
    var trialDue: Instant = .zero
    var exploreDue: Instant = .zero
    /// The present wait between trials.
    var trialWait: Duration = .zero
    var gossipDue: Instant = .zero

    // Trees
    var routes: [SourceRoute] = []
    var forgotten: [ForgottenSource] = []
    /// Ordered by source.
    var floods: [FloodRoute] = []
    var floodClock = FloodClock()
    var leavingUntil: Instant?
    var hasLeft = false

    // Of the present call only
    var outbox: [Letter] = []
    var isTableStale = false
    var installed = ForwardingTable()

    /// A member with no links yet; `cookieSecret` (32 bytes) proves addresses, the generator
    /// makes tokens and choices.
    package init(
        configuration: OverlayConfiguration, cookieSecret: [UInt8], generator: SeededGenerator
    ) {
        self.configuration = configuration
        self.generator = generator
        addressCookie = AddressCookie(secret: cookieSecret)
        ownBlocks = Set(configuration.localSubnets.flatMap(\.blocks))
    }

    /// Applies one event and appends the resulting actions.
    ///
    /// Perform them in order, before the next event.
    package mutating func handle(_ event: Event, at now: Instant, into actions: inout [Action]) {
        guard !hasLeft else { return }
        switch event {
        case .candidatesLearned(let contacts):
            learn(contacts, at: now)
            maintainMesh(at: now, into: &actions)
        case .linkMessageReceived(let message, let sender):
            receive(message, from: sender, at: now, into: &actions)
        case .controlReceived(let datagram, let sender):
            receive(datagram, from: sender, at: now, into: &actions)
        case .linkMoved(let token, let endpoint):
            moveLink(token, to: endpoint, at: now)
        case .mediaHeard(let signs):
            noteMedia(signs, at: now)
        case .unexpectedMedia(let token, let source):
            declineMedia(on: token, source: source, at: now)
        case .feedsOverlap(let source):
            dismissFormers(of: source, at: now)
            releaseFormer(of: source, at: now)
        case .mediaOffTree(let token, let source):
            declineFloodedMedia(on: token, source: source, at: now)
        case .mediaBegan:
            mediaBegan(at: now)
        case .mediaAdvanced(let progress):
            mediaAdvanced(progress, at: now, into: &actions)
        case .observed(let endpoint):
            let subnets = configuration.localSubnets.union([endpoint.address.subnet])
            ownBlocks = Set(subnets.flatMap(\.blocks))
        case .membersCounted(let count, let sources):
            countMembers(count, sources: sources, at: now)
        case .published(let descriptions):
            startPublishing(descriptions, at: now, into: &actions)
        case .rateMeasured(let rate):
            updateRate(rate, at: now, into: &actions)
        case .repairWanted(let wanted):
            requestRepair(wanted, at: now)
        case .rateTold(let message, let endpoint):
            tellRate(message, to: endpoint)
        case .parityWanted(let wishes):
            askForParity(wishes)
        case .wakeupReached:
            break
        case .leaveRequested:
            beginLeaving(at: now)
        }
        serveDueWork(at: now, into: &actions)
        finish(at: now, into: &actions)
    }

    private mutating func serveDueWork(at now: Instant, into actions: inout [Action]) {
        serveHandshakes(at: now, into: &actions)
        serveLinks(at: now, into: &actions)
        serveMesh(at: now, into: &actions)
        serveRoutes(at: now, into: &actions)
        serveFloods(at: now, into: &actions)
    }

    /// Earliest moment at which the peer has work of its own.
    package var nextWakeup: Instant? {
        guard !hasLeft else { return nil }
        var earliest = min(meshDue, gossipDue, trialDue)
        earliest = min(earliest, floodClock.nextDue)
        if let leavingUntil { earliest = min(earliest, leavingUntil) }
        for index in handshakes.indices { earliest = min(earliest, handshakes[index].retryDue) }
        let grace = configuration.parentGrace
        for index in links.indices { earliest = min(earliest, linkDue(index, grace: grace)) }
        for index in routes.indices { earliest = min(earliest, routeDue(index)) }
        return earliest
    }

    // MARK: - Ends of a call

    /// A message for a neighbor, waiting for the end of the call to share a datagram.
    struct Letter: Sendable {
        var peer: PeerID
        var message: ControlMessage
    }

    mutating func send(_ message: ControlMessage, to peer: PeerID) {
        outbox.append(Letter(peer: peer, message: message))
    }

    private mutating func finish(at now: Instant, into actions: inout [Action]) {
        if isTableStale || floodClock.areRolesStale {
            floodClock.areRolesStale = false
            refreshLinkRoles(at: now)
        }
        if isTableStale {
            isTableStale = false
            tellOfChangedRoom()
            let table = makeForwardingTable()
            if table != installed {
                installed = table
                actions.append(.install(table))
            }
        }
        advertiseChanges(at: now)
        let isOver = leavingUntil.map { $0 <= now } ?? false
        // In one datagram with the last adverts, so that it cannot overtake them.
        if isOver { for link in links { send(.close, to: link.peer) } }
        flushOutbox(at: now, into: &actions)
        if isOver {
            hasLeft = true
            actions.append(.left)
        }
    }

    private mutating func flushOutbox(at now: Instant, into actions: inout [Action]) {
        guard let first = outbox.first?.peer else { return }
        let isForOne = outbox.allSatisfy { $0.peer == first }
        for index in isForOne ? linkIndex(first).map({ $0..<$0 + 1 }) ?? 0..<0 : links.indices {
            let peer = links[index].peer
            guard outbox.contains(where: { $0.peer == peer }) else { continue }
            var messages: [ControlMessage] = []
            for letter in outbox where letter.peer == peer { messages.append(letter.message) }
            let datagram = ControlDatagram(token: links[index].remoteToken, messages: messages)
            actions.append(.sendControl(datagram, to: links[index].endpoint))
            links[index].lastSent = now
        }
        outbox.removeAll(keepingCapacity: true)
    }

    /// The table that the forwarding plane should obey now.
    private mutating func makeForwardingTable() -> ForwardingTable {
        let forwarded = routes.indices.map { index in
            let route = routes[index]
            let upstreams = route.upstreamPeers.compactMap { peer in
                linkIndex(peer).map { links[$0].localToken }
            }
            let children = route.children.filter { !$0.isWaiting }.compactMap { child in
                link(to: child.peer).map {
                    ForwardingTable.Child(
                        token: $0.remoteToken, endpoint: $0.endpoint, localToken: $0.localToken)
                }
            }
            return ForwardingTable.Route(
                source: route.source, upstreams: route.isLocal ? [] : upstreams,
                children: children, repairRetry: repairRetry(of: route),
                repairFirst: repairFirst(of: route),
                repairPatience: repairPatience(of: route), isStarving: isStarving(index))
        }
        // A remote source without upstreams must not look like a local one.
        var usable = forwarded.filter { $0.source == configuration.peer || !$0.upstreams.isEmpty }
        if !floods.isEmpty { usable = (usable + makeFloodRows()).sorted { $0.source < $1.source } }
        return ForwardingTable(
            routes: usable, links: links.map(\.localToken).sorted(), repairRate: repairRate)
    }

    // MARK: - Leaving

    private mutating func beginLeaving(at now: Instant) {
        guard leavingUntil == nil else { return }
        let hasTreeChildren = routes.contains { !$0.isLocal && !$0.children.isEmpty }
        let hasChildren = leaveFloods() || hasTreeChildren
        leavingUntil = hasChildren ? now + configuration.lingerTime : now
        for index in routes.indices {
            routes[index].isAdvertDue = true
        }
    }

    var isLeaving: Bool { leavingUntil != nil }
}
