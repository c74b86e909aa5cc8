import NetBasics
import Wire

/// The forwarding plane: obeys a ``ForwardingTable`` and lets each packet through once.
///
/// Give it the header of every media datagram of a batch; it says whether the packet passes, and
/// appends to a ``FanOutPlan`` which children get a copy. It looks at headers only, allocates nothing
/// per packet, and its cost grows with the number of copies. `+Repair` notices what is missing.
package struct Forwarder: Sendable {
    /// Why a packet goes no further.
    package enum Drop: Int, Sendable, CaseIterable {
        /// The token is of no link of ours.
        case unknownLink
        /// A neighbor sent it that is not the source's parent (reverse-path check).
        case notFromParent
        /// No route to that source.
        case unknownSource
        /// The stream's index is beyond what a source may have.
        case unknownStream
        case duplicate
        /// Too far behind to know whether it is a repetition.
        case tooOld
        /// It says that it was asked for, and it was not, or has come already.
        case unwantedRepair

        /// A short stable name for counters and JSON.
        package var name: String {
            switch self {
            case .unknownLink: "unknown_link"
            case .notFromParent: "not_from_parent"
            case .unknownSource: "unknown_source"
            case .unknownStream: "unknown_stream"
            case .duplicate: "duplicate"
            case .tooOld: "too_old"
            case .unwantedRepair: "unwanted_repair"
            }
        }
    }

    /// What passed on one stream; packets and bytes of body.
    package struct StreamCount: Equatable, Sendable {
        package var packets: UInt64 = 0
        package var bytes: UInt64 = 0
        /// Copies sent to children.
        package var copies: UInt64 = 0

        package init(packets: UInt64 = 0, bytes: UInt64 = 0, copies: UInt64 = 0) {
            self.packets = packets
            self.bytes = bytes
            self.copies = copies
        }
    }

    struct StreamState: Sendable {
        var window = SequenceWindow()
        var count = StreamCount()
        var nextSequence: UInt32 = 0
        /// The first number that the present parent sent, while a former one sends too.
        var firstOfParent: UInt32?
        /// The highest number that is known to have been sent.
        var edge: UInt32 = 0
        var missing = MissingPackets()
        var cache = PacketCache()
    }

    /// A source without a route for now, perhaps while a dead parent is replaced.
    private struct Dormant {
        var source: PeerID
        var states: [StreamState]
    }

    /// Sources of a group at most; beyond it the table is cut.
    package static let sourceLimit = 256
    /// Sources that lost their route and are remembered at most.
    private static let dormantLimit = 16

    let configuration: RepairConfiguration
    let missingLimit: Int
    let times: RepairTimes
    private(set) var table = ForwardingTable()
    private(set) var routeIndices: [PeerID: Int] = [:]
    private var knownLinks: Set<LinkToken> = []
    /// ``StreamDescription/streamLimit`` states per route, in the order of `table.routes`.
    var streams: [StreamState] = []
    /// The one that lost its route longest ago first.
    private var dormant: [Dormant] = []
    /// When packets of a route are asked for again, in the order of `table.routes`.
    private(set) var paces: [RepairPace] = []
    /// When a missing packet is to be asked for, at the earliest; nanoseconds.
    var repairDue = Int64.max
    package internal(set) var repairCounts = RepairCounts()
    var ledger = AnswerLedger()
    /// The stream of the last packet that passed, and its place among ``streams``.
    private(set) var lastPassed: (stream: StreamID, slot: Int)?
    /// Bytes of all packets that passed, headers included.
    private(set) var passedBytes: UInt64 = 0
    /// Children of all routes, one behind the other.
    package private(set) var children: [ForwardingTable.Child] = []
    private var childRanges: [Range<Int>] = []
    private var drops: InlineArray<7, UInt64> = .init(repeating: 0)
    /// The last neighbor that sent what it should not, for the control plane to tell it.
    private var unexpected: (token: LinkToken, source: PeerID)?
    /// The last source of which the new parent's feed met that of a former one.
    private var overlapping: PeerID?

    package init(repair configuration: RepairConfiguration = RepairConfiguration()) {
        self.configuration = configuration
        missingLimit = min(max(configuration.missingLimit, 0), SequenceWindow.size)
        times = RepairTimes(configuration)
    }

    // MARK: - Control plane's side

    /// Obeys `table` from now on; streams that stay keep their windows and counts, and so do, for
    /// a while, those of a source that is without a route.
    package mutating func install(_ table: ForwardingTable) {
        let kept = table.routes.prefix(Self.sourceLimit)
        var states: [StreamState] = []
        states.reserveCapacity(kept.count * StreamDescription.streamLimit)
        for route in kept { states += takeStates(for: route) }
        retire(keeping: Set(kept.map(\.source)))
        streams = states
        lastPassed = nil
        children = kept.flatMap(\.children)
        childRanges = []
        var start = 0
        for route in kept {
            childRanges.append(start..<start + route.children.count)
            start += route.children.count
        }
        routeIndices = Dictionary(
            kept.enumerated().map { ($1.source, $0) }, uniquingKeysWith: { first, _ in first })
        knownLinks = Set(table.links)
        paces = kept.map { route in
            RepairPace(
                retry: route.repairRetry.map(RepairTimes.bounded) ?? times.defaultRetry,
                patience: RepairTimes.bounded(route.repairPatience))
        }
        self.table = ForwardingTable(routes: Array(kept), links: table.links)
    }

    /// The states of a route's streams: as they were, if its source is known.
    private mutating func takeStates(for route: ForwardingTable.Route) -> [StreamState] {
        let perSource = StreamDescription.streamLimit
        var states: [StreamState]
        var upstreams: [LinkToken] = []
        if let old = routeIndices[route.source] {
            states = Array(streams[old * perSource..<(old + 1) * perSource])
            upstreams = table.routes[old].upstreams
        } else if let place = dormant.firstIndex(where: { $0.source == route.source }) {
            states = dormant.remove(at: place).states
        } else {
            return Array(repeating: StreamState(), count: perSource)
        }
        guard upstreams.first != route.upstreams.first else { return states }
        let isOldGone = upstreams.first.map { !route.upstreams.contains($0) } ?? true
        for place in states.indices {
            states[place].firstOfParent = nil
            if isOldGone, !states[place].missing.isEmpty {
                states[place].missing.hurry()
                repairDue = .min
            }
        }
        return states
    }

    /// Sets aside the states of sources that have no route any more.
    private mutating func retire(keeping sources: Set<PeerID>) {
        let perSource = StreamDescription.streamLimit
        for (place, route) in table.routes.enumerated() where !sources.contains(route.source) {
            let states = Array(streams[place * perSource..<(place + 1) * perSource])
            dormant.append(Dormant(source: route.source, states: states))
        }
        dormant.removeFirst(max(0, dormant.count - Self.dormantLimit))
    }

    /// Starts a local stream's sequence at a number of the driver's choice (random).
    package mutating func startSequence(of stream: StreamID, at sequence: UInt32) {
        guard let slot = slot(of: stream) else { return }
        streams[slot].nextSequence = sequence
    }

    package func count(of stream: StreamID) -> StreamCount {
        slot(of: stream).map { streams[$0].count } ?? StreamCount()
    }

    package func dropCount(_ reason: Drop) -> UInt64 { drops[reason.rawValue] }

    /// Hands over, and forgets, the last packet that came from a neighbor that is not the parent.
    package mutating func takeUnexpected() -> (token: LinkToken, source: PeerID)? {
        defer { unexpected = nil }
        return unexpected
    }

    /// Hands over, and forgets, a source of which a former parent has sent all that came before the
    /// present parent's first packet: nothing can be missing between the two feeds.
    package mutating func takeOverlapping() -> PeerID? {
        defer { overlapping = nil }
        return overlapping
    }

    // MARK: - Per packet

    /// Judges a packet from the network and plans its copies; `packet` is its place in the batch.
    ///
    /// Returns whether it passed: then, and only then, it is to be delivered here too. Copies of a
    /// repaired packet are no repairs: the driver clears ``MediaHeader/isRepair`` in them.
    package mutating func receive(
        _ header: MediaHeader, bodyBytes: Int, packet: Int, at now: Instant,
        into plan: inout FanOutPlan
    ) -> Bool {
        guard let route = routeIndices[header.stream.source] else {
            return drop(knownLinks.contains(header.token) ? .unknownSource : .unknownLink, header)
        }
        guard header.isRepair || isUpstream(header.token, of: route) else {
            return drop(knownLinks.contains(header.token) ? .notFromParent : .unknownLink, header)
        }
        guard header.stream.index < StreamDescription.streamLimit else {
            return drop(.unknownStream, header)
        }
        let slot = route * StreamDescription.streamLimit + Int(header.stream.index)
        if header.isRepair {
            guard knownLinks.contains(header.token) else { return drop(.unknownLink, header) }
            guard streams[slot].missing.isWanted(header.sequence) else {
                return drop(.unwantedRepair, header)
            }
        } else if table.routes[route].upstreams.count > 1 {
            noteOverlap(header, route, slot)
        }
        switch streams[slot].window.insert(header.sequence) {
        case .new: break
        case .duplicate: return drop(.duplicate, header)
        case .tooOld: return drop(.tooOld, header)
        }
        if header.sequence == streams[slot].edge &+ 1 {
            streams[slot].edge = header.sequence
        } else {
            noteIrregular(header.sequence, route: route, slot: slot, at: now)
        }
        if header.isRepair { repairCounts.repaired &+= 1 }
        pass(header, route: route, slot: slot, bodyBytes: bodyBytes, packet, into: &plan)
        return true
    }

    /// Numbers a packet of a local stream and plans its copies; `nil` if the source has no route.
    package mutating func originate(
        _ stream: StreamID, isControlFlow: Bool, bodyBytes: Int, packet: Int,
        into plan: inout FanOutPlan
    ) -> MediaHeader? {
        guard let slot = slot(of: stream), let route = routeIndices[stream.source],
            table.routes[route].upstreams.isEmpty
        else { return nil }
        let header = MediaHeader(
            token: LinkToken(rawValue: 0), stream: stream, isControlFlow: isControlFlow,
            sequence: streams[slot].nextSequence)
        streams[slot].nextSequence &+= 1
        pass(header, route: route, slot: slot, bodyBytes: bodyBytes, packet, into: &plan)
        return header
    }

    private mutating func pass(
        _ header: MediaHeader, route: Int, slot: Int, bodyBytes: Int, _ packet: Int,
        into plan: inout FanOutPlan
    ) {
        let range = childRanges[route]
        lastPassed = (header.stream, slot)
        passedBytes &+= UInt64(bodyBytes &+ MediaHeader.byteCount)
        streams[slot].count.packets &+= 1
        streams[slot].count.bytes &+= UInt64(bodyBytes)
        streams[slot].count.copies &+= UInt64(range.count)
        for child in range { plan.copies.append(FanOutPlan.Copy(packet: packet, child: child)) }
    }

    /// Notices when the feeds of the present and of a former parent meet.
    private mutating func noteOverlap(_ header: MediaHeader, _ route: Int, _ slot: Int) {
        let isParent = table.routes[route].upstreams.first == header.token
        guard let first = streams[slot].firstOfParent else {
            guard isParent else { return }
            streams[slot].firstOfParent = header.sequence
            // The former one was ahead: it sent this one already.
            if streams[slot].window.contains(header.sequence) { overlapping = header.stream.source }
            return
        }
        // The former one has come to where the parent began.
        if !isParent, Int32(bitPattern: header.sequence &- first) >= -1 {
            overlapping = header.stream.source
        }
    }

    private mutating func drop(_ reason: Drop, _ header: MediaHeader) -> Bool {
        drops[reason.rawValue] &+= 1
        if reason == .notFromParent || reason == .unknownSource {
            unexpected = (header.token, header.stream.source)
        }
        return false
    }

    private func isUpstream(_ token: LinkToken, of route: Int) -> Bool {
        for upstream in table.routes[route].upstreams where upstream == token { return true }
        return false
    }

    func slot(of stream: StreamID) -> Int? {
        guard stream.index < StreamDescription.streamLimit,
            let route = routeIndices[stream.source]
        else { return nil }
        return route * StreamDescription.streamLimit + Int(stream.index)
    }
}

/// What is to be done with the packets of one batch; its storage is reused.
package struct FanOutPlan: Sendable {
    /// One packet to one child; `child` indexes ``Forwarder/children``.
    package struct Copy: Equatable, Sendable {
        package var packet: Int
        package var child: Int
    }

    package var copies: [Copy] = []

    package init() {}

    package mutating func removeAll() { copies.removeAll(keepingCapacity: true) }
}
