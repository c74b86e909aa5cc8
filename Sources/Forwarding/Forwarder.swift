import NetBasics
import Wire

/// The forwarding plane: obeys a ``ForwardingTable`` and lets each packet through once.
///
/// Give it the header of every media datagram of a batch; it says whether the packet passes, and
/// appends to a ``FanOutPlan`` which children get a copy. It looks at headers only, allocates nothing
/// per packet, and its cost grows with the number of copies. `+Repair` notices what is missing.
package struct Forwarder: ~Copyable, Sendable {
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

    /// What most packets need of their route, without a reference to count.
    private struct Lookup {
        var source: PeerID
        /// The only upstream, if the source is neither flooded nor published here.
        var parent: LinkToken?
        var children: Range<Int>
    }

    /// A source without a route for now, perhaps while a dead parent is replaced.
    private struct Dormant {
        var source: PeerID
        var slots: ArraySlice<Int32>
    }

    /// Sources of a group at most; beyond it the table is cut.
    package static let sourceLimit = 2048
    /// Sources that lost their route and are remembered at most.
    private static let dormantLimit = 64

    let configuration: RepairConfiguration
    let missingLimit: Int
    let times: RepairTimes
    private(set) var table = ForwardingTable()
    private(set) var routeIndices: [PeerID: Int] = [:]
    private var knownLinks: Set<LinkToken> = []
    /// Places in `streams` of each route's ``StreamDescription/streamLimit`` streams, in the order
    /// of `table.routes`; -1 before a stream's first packet.
    private var slots: [Int32] = []
    /// States of streams that have sent, and free ones in between.
    var streams: [StreamState] = []
    private var freeSlots: [Int32] = []
    /// The one that lost its route longest ago first.
    private var dormant: [Dormant] = []
    /// When packets of a route are asked for again, in the order of `table.routes`.
    private(set) var paces: [RepairPace] = []
    /// When a missing packet is to be asked for, at the earliest; nanoseconds.
    var repairDue = Int64.max
    package internal(set) var repairCounts = RepairCounts()
    var ledger = AnswerLedger()
    var repairBucket = RepairBucket()
    /// Neighbors that want parity.
    var parityAskers: [ParityAsker] = []
    /// Bytes of all packets that passed, headers included.
    private(set) var passedBytes: UInt64 = 0
    /// Children of all routes; those of routes with the same ones are there once.
    package private(set) var children: [ForwardingTable.Child] = []
    private var lookups: [Lookup] = []
    private var recentRoutes = RecentRoutes()
    private var drops: InlineArray<7, UInt64> = .init(repeating: 0)
    /// The last neighbor that sent what it should not, for the control plane to tell it.
    private var unexpected: (token: LinkToken, source: PeerID)?
    /// The last source of which the new parent's feed met that of a former one.
    private var overlapping: PeerID?
    /// The last neighbor that sent a flooded source and is not the one that should.
    private var offTree: (token: LinkToken, source: PeerID)?
    /// Slots of flooded streams with packets since ``takeProgress()``.
    private var advanced: [Int32] = []
    private var hasProgressBegun = false

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
        moveSlots(to: kept)
        recentRoutes = RecentRoutes(of: kept.count)
        children.removeAll(keepingCapacity: true)
        // Those of routes with the same children are the same: their packets may leave together.
        var places: [[ForwardingTable.Child]: Range<Int>] = [:]
        lookups = kept.map { route in
            let isPlain = route.upstreams.count == 1 && !route.isFlooded
            let end = children.count + route.children.count
            let range = places[route.children] ?? children.count..<end
            if range.upperBound == end { children += route.children }
            places[route.children] = range
            return Lookup(
                source: route.source, parent: isPlain ? route.upstreams[0] : nil, children: range)
        }
        routeIndices = Dictionary(
            kept.enumerated().map { ($1.source, $0) }, uniquingKeysWith: { first, _ in first })
        knownLinks = Set(table.links)
        paces = kept.map { route in
            RepairPace(
                first: route.repairFirst.map(RepairTimes.bounded),
                retry: route.repairRetry.map(RepairTimes.bounded) ?? times.defaultRetry,
                patience: RepairTimes.bounded(route.repairPatience))
        }
        self.table = ForwardingTable(
            routes: Array(kept), links: table.links, repairRate: table.repairRate)
    }

    /// Gives every route of `kept` the slots that its source had, and sets the others aside.
    private mutating func moveSlots(to kept: ArraySlice<ForwardingTable.Route>) {
        let perSource = StreamDescription.streamLimit
        var moved: [Int32] = []
        moved.reserveCapacity(kept.count * perSource)
        for (place, route) in kept.enumerated() {
            var upstreams: [LinkToken] = []
            let own: ArraySlice<Int32>
            if let old = routeIndices.removeValue(forKey: route.source) {
                own = slots[old * perSource..<(old + 1) * perSource]
                upstreams = table.routes[old].upstreams
            } else if let old = dormant.firstIndex(where: { $0.source == route.source }) {
                own = dormant.remove(at: old).slots
            } else {
                moved.append(contentsOf: repeatElement(-1, count: perSource))
                continue
            }
            moved.append(contentsOf: own)
            for slot in own where slot >= 0 {
                streams[Int(slot)].route = Int32(truncatingIfNeeded: place)
                if upstreams.first != route.upstreams.first {
                    changeParent(of: Int(slot), from: upstreams.first, to: route.upstreams)
                }
                notePulling(of: Int(slot), isStarving: route.isStarving)
            }
        }
        retire()
        slots = moved
    }

    private mutating func changeParent(
        of slot: Int, from old: LinkToken?, to upstreams: [LinkToken]
    ) {
        streams[slot].firstOfParent = nil
        let isOldGone = old.map { !upstreams.contains($0) } ?? true
        guard isOldGone, !streams[slot].missing.isEmpty else { return }
        streams[slot].missing.hurry()
        repairDue = .min
    }

    /// Sets aside the states of sources that have no route any more: who is left in `routeIndices`.
    private mutating func retire() {
        let perSource = StreamDescription.streamLimit
        for route in table.routes where !routeIndices.isEmpty {
            guard let old = routeIndices.removeValue(forKey: route.source) else { continue }
            let own = slots[old * perSource..<(old + 1) * perSource]
            guard own.contains(where: { $0 >= 0 }) else { continue }
            for slot in own where slot >= 0 { streams[Int(slot)].route = -1 }
            dormant.append(Dormant(source: route.source, slots: own))
        }
        while dormant.count > Self.dormantLimit {
            for slot in dormant.removeFirst().slots where slot >= 0 { free(slot) }
        }
    }

    private mutating func free(_ slot: Int32) {
        advanced.removeAll { $0 == slot }
        streams[Int(slot)] = StreamState(stream: streams[Int(slot)].stream, route: -1)
        freeSlots.append(slot)
    }

    /// The place of a stream's state, made on its first packet.
    mutating func makeSlot(of stream: StreamID, route: Int) -> Int {
        let place = route * StreamDescription.streamLimit + Int(stream.index)
        if slots[place] >= 0 { return Int(slots[place]) }
        let state = StreamState(stream: stream, route: Int32(truncatingIfNeeded: route))
        if let free = freeSlots.popLast() {
            streams[Int(free)] = state
            slots[place] = free
        } else {
            streams.append(state)
            slots[place] = Int32(truncatingIfNeeded: streams.count - 1)
        }
        return Int(slots[place])
    }

    /// Starts a local stream's sequence at a number of the driver's choice (random).
    package mutating func startSequence(of stream: StreamID, at sequence: UInt32) {
        guard stream.index < StreamDescription.streamLimit,
            let route = routeIndices[stream.source]
        else { return }
        streams[makeSlot(of: stream, route: route)].nextSequence = sequence
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

    /// Hands over, and forgets, the last neighbor that sent a flooded source unasked.
    package mutating func takeOffTree() -> (token: LinkToken, source: PeerID)? {
        defer { offTree = nil }
        return offTree
    }

    /// Whether a flooded stream has begun to advance since ``takeProgress()``; true only once.
    package mutating func takeProgressBegun() -> Bool {
        defer { hasProgressBegun = false }
        return hasProgressBegun
    }

    /// Hands over, and forgets, which flooded streams have advanced, and how far.
    package mutating func takeProgress() -> [StreamProgress] {
        defer { advanced.removeAll(keepingCapacity: true) }
        hasProgressBegun = false
        var progress: [StreamProgress] = []
        progress.reserveCapacity(advanced.count)
        for slot in advanced {
            let state = streams[Int(slot)]
            streams[Int(slot)].hasAdvanced = false
            progress.append(
                StreamProgress(
                    stream: state.stream,
                    highest: state.window.latest ?? state.nextSequence &- 1))
        }
        return progress
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
        guard let passage = receive(header, bodyBytes: bodyBytes, at: now) else { return false }
        append(passage, packet, to: &plan)
        return true
    }

    /// Judges a packet from the network; `nil` if it goes no further.
    package mutating func receive(
        _ header: MediaHeader, bodyBytes: Int, at now: Instant
    ) -> Passage? {
        if let passage = receiveTrain(header, count: 1, bodyBytes: bodyBytes) { return passage }
        guard let route = route(of: header.stream.source) else {
            _ = drop(knownLinks.contains(header.token) ? .unknownSource : .unknownLink, header)
            return nil
        }
        return judge(header, route: route, bodyBytes: bodyBytes, at: now)
    }

    @inline(__always)
    private mutating func route(of source: PeerID) -> Int? {
        let recent = recentRoutes.route(of: source)
        if recent < lookups.count, lookups[recent].source == source { return recent }
        guard let route = routeIndices[source] else { return nil }
        recentRoutes.note(source, route: route)
        return route
    }

    /// Passes `count` packets, fewer than 64, of one size and numbered on from that of `header`.
    ///
    /// Only if they are just those that were to come, as almost all are; `nil`: nothing has happened,
    /// and each is to be judged for itself.
    @inline(__always)
    package mutating func receiveTrain(
        _ header: MediaHeader, count: Int, bodyBytes: Int
    ) -> Passage? {
        guard let route = route(of: header.stream.source),
            lookups[route].parent == header.token, !header.isRepair,
            header.stream.index < StreamDescription.streamLimit
        else { return nil }
        let slot = Int(
            slots[route &* StreamDescription.streamLimit &+ Int(header.stream.index)])
        let children = lookups[route].children
        guard slot >= 0,
            streams[slot].takeNext(
                header.sequence, count: count, bodyBytes: bodyBytes, copies: children.count)
        else { return nil }
        passedBytes &+= UInt64(count &* (bodyBytes &+ MediaHeader.byteCount))
        return Passage(children: children, lacks: 0, slot: slot)
    }

    private mutating func judge(
        _ header: MediaHeader, route: Int, bodyBytes: Int, at now: Instant
    ) -> Passage? {
        guard isAdmitted(header, route: route) else { return nil }
        let slot = makeSlot(of: header.stream, route: route)
        if !header.isRepair, table.routes[route].upstreams.count > 1 {
            noteOverlap(header, route, slot)
        }
        switch streams[slot].window.insert(header.sequence) {
        case .new: break
        case .duplicate:
            _ = drop(.duplicate, header)
            return nil
        case .tooOld:
            _ = drop(.tooOld, header)
            return nil
        }
        if header.sequence == streams[slot].edge &+ 1, streams[slot].hasBegun {
            streams[slot].edge = header.sequence
        } else {
            noteIrregular(header.sequence, route: route, slot: slot, at: now)
        }
        if header.isRepair {
            repairCounts.repaired &+= 1
        } else if !streams[slot].missing.isEmpty {
            noteLacks(header, route: route, slot: slot, at: now)
        }
        return pass(header, route: route, slot: slot, bodyBytes: bodyBytes)
    }

    private mutating func isAdmitted(_ header: MediaHeader, route: Int) -> Bool {
        guard header.isRepair || isUpstream(header.token, of: route) || isFlooded(header, route)
        else {
            return drop(knownLinks.contains(header.token) ? .notFromParent : .unknownLink, header)
        }
        guard header.stream.index < StreamDescription.streamLimit else {
            return drop(.unknownStream, header)
        }
        if header.isRepair, !isWanted(header) {
            return drop(
                knownLinks.contains(header.token) ? .unwantedRepair : .unknownLink, header)
        }
        return true
    }

    /// Numbers a packet of a local stream and plans its copies; `nil` if the source has no route.
    package mutating func originate(
        _ stream: StreamID, isControlFlow: Bool, bodyBytes: Int, packet: Int,
        into plan: inout FanOutPlan
    ) -> MediaHeader? {
        guard
            let (header, passage) = originate(
                stream, isControlFlow: isControlFlow, bodyBytes: bodyBytes)
        else { return nil }
        append(passage, packet, to: &plan)
        return header
    }

    /// Numbers a packet of a local stream; `nil` if the source has no route.
    package mutating func originate(
        _ stream: StreamID, isControlFlow: Bool, bodyBytes: Int
    ) -> (header: MediaHeader, passage: Passage)? {
        guard stream.index < StreamDescription.streamLimit,
            let route = route(of: stream.source), table.routes[route].isLocal
        else { return nil }
        let slot = makeSlot(of: stream, route: route)
        let header = MediaHeader(
            token: LinkToken(rawValue: 0), stream: stream, isControlFlow: isControlFlow,
            sequence: streams[slot].nextSequence)
        streams[slot].nextSequence &+= 1
        return (header, pass(header, route: route, slot: slot, bodyBytes: bodyBytes))
    }

    private mutating func pass(
        _ header: MediaHeader, route: Int, slot: Int, bodyBytes: Int
    ) -> Passage {
        let isFlooded = table.routes[route].isFlooded
        let passage = Passage(
            children: lookups[route].children, exception: isFlooded ? header.token : nil,
            lacks: table.routes[route].isLocal
                ? 0 : streams[slot].window.lacks(before: header.sequence),
            slot: slot)
        passedBytes &+= UInt64(bodyBytes &+ MediaHeader.byteCount)
        if isFlooded { noteProgress(slot) }
        let copies =
            isFlooded
            ? passage.children.count(where: { reaches($0, except: passage.exception) })
            : passage.children.count
        streams[slot].count.add(1, bodyBytes: bodyBytes, copies: copies)
        return passage
    }

    /// Whether a child gets a copy of what passed with that ``Passage/exception``.
    package func reaches(_ child: Int, except exception: LinkToken?) -> Bool {
        exception != children[child].localToken
    }

    private func append(_ passage: Passage, _ packet: Int, to plan: inout FanOutPlan) {
        for child in passage.children where reaches(child, except: passage.exception) {
            plan.copies.append(
                FanOutPlan.Copy(packet: packet, child: child, lacks: passage.lacks))
        }
    }

    private mutating func noteProgress(_ slot: Int) {
        guard !streams[slot].hasAdvanced else { return }
        streams[slot].hasAdvanced = true
        if advanced.isEmpty { hasProgressBegun = true }
        advanced.append(Int32(truncatingIfNeeded: slot))
    }

    /// Notices when the feeds of the present and of a former parent meet.
    private mutating func noteOverlap(_ header: MediaHeader, _ route: Int, _ slot: Int) {
        let isParent = table.routes[route].upstreams.first == header.token
        guard let first = streams[slot].firstOfParent else {
            guard isParent else { return }
            streams[slot].firstOfParent = header.sequence
            // The former one has sent all that came before, or was even ahead.
            if streams[slot].window.contains(header.sequence)
                || streams[slot].window.contains(header.sequence &- 1)
            {
                overlapping = header.stream.source
            }
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

    private func isWanted(_ header: MediaHeader) -> Bool {
        guard knownLinks.contains(header.token), let slot = slot(of: header.stream) else {
            return false
        }
        return streams[slot].missing.isWanted(header.sequence)
            || isPulled(header.sequence, slot: slot)
    }

    /// Whether a flooded source came on a link that is not the one that should bring it.
    private mutating func isFlooded(_ header: MediaHeader, _ route: Int) -> Bool {
        guard table.routes[route].isFlooded, !table.routes[route].isLocal,
            knownLinks.contains(header.token)
        else { return false }
        offTree = (header.token, header.stream.source)
        return true
    }

    func slot(of stream: StreamID) -> Int? {
        guard stream.index < StreamDescription.streamLimit,
            let route = routeIndices[stream.source]
        else { return nil }
        let slot = slots[route * StreamDescription.streamLimit + Int(stream.index)]
        return slot < 0 ? nil : Int(slot)
    }
}
