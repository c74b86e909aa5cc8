import Forwarding
import NetBasics
import Wire

// Flood and prune, the second way to deliver a source: its announcements flood the mesh, and
// their way back is its tree (docs/architecture.md, "Flood and prune"). Here: the table of such
// sources, announcements, and what the rest of the peer asks. `+FloodUpstream` chooses who feeds
// us, `+FloodNeighbors` serves others, `+FloodSource` publishes and describes.

/// What all flooded sources share.
struct FloodClock: Sendable {
    /// No route has anything due before.
    var due: Instant = .distantFuture
    /// When collected announcements go.
    var announceDue: Instant = .distantFuture
    /// When the forwarding plane is asked how far streams have come.
    var progressDue: Instant = .distantFuture
    var digestDue: Instant = .zero
    /// Announcements that may still go at once in the present interval, and its end.
    var urgentLeft = 0
    var urgentUntil: Instant = .zero
    var forgotten: [ForgottenSource] = []

    // To choose an algorithm
    var memberCount = 0
    var sourceCount = 0
    var linkEnds: [Instant] = []
    var publication: [StreamDescription] = []
    var publicationDue: Instant = .distantFuture
    var publicationRate: UInt32?

    /// What copies cost in all, of the own source and of others; kbit/s.
    var spentOnOwn: UInt64 = 0
    var spentOnOthers: UInt64 = 0
    /// The links that the rows of the forwarding table were made for.
    var rowLinks: [LinkEnds] = []
    /// Sources of which media passed a short while ago, in the order in which they began.
    var flowing: [PeerID] = []
    /// Who feeds whom has changed.
    var areRolesStale = false

    struct LinkEnds: Equatable, Sendable {
        let local: LinkToken
        let remote: LinkToken
        let endpoint: Endpoint

        init(_ link: Link) {
            local = link.localToken
            remote = link.remoteToken
            endpoint = link.endpoint
        }
    }

    var nextDue: Instant { min(due, announceDue, min(progressDue, publicationDue)) }
}

extension OverlayPeer {
    /// Times that one call looks at all floods at most.
    private static let passLimit = 4
    /// Announcements wait this long for company, unless urgent.
    private static let announceBatch: Duration = .milliseconds(200)
    /// Announcements that go at once, and collected ones that go together, at most per batch time.
    private static let announceLimit = 256
    private static let forgottenLimit = 1024
    /// When an announcement goes once more to neighbors not known to have it, and how often.
    private static let repeatTime: Duration = .seconds(2)
    private static let urgentRepeatTime: Duration = .milliseconds(500)
    private static let repeatLimit = 2
    /// Announcements of one source are this far apart.
    private static let announcePause: Duration = .milliseconds(100)

    // MARK: - Table

    func floodIndex(_ source: PeerID) -> Int? {
        let place = floodPlace(source)
        return place < floods.count && floods[place].source == source ? place : nil
    }

    func isFlooded(_ source: PeerID) -> Bool { floodIndex(source) != nil }

    private func floodPlace(_ source: PeerID) -> Int {
        var (low, high) = (0, floods.count)
        while low < high {
            let middle = (low + high) / 2
            if floods[middle].source < source { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func insert(_ route: FloodRoute) {
        floods.insert(route, at: floodPlace(route.source))
        isTableStale = true
    }

    /// Notes what is due next of a route that changed.
    mutating func touch(_ index: Int) {
        floods[index].due = floods[index].nextDue(configuration)
        floodClock.due = min(floodClock.due, floods[index].due)
    }

    /// Neighbors whose links flooded sources use, either way; to look up only.
    var floodLinkPeers: Set<PeerID> {
        var peers: Set<PeerID> = []
        for index in floods.indices {
            if let upstream = floods[index].upstream { peers.insert(upstream) }
            if let asked = floods[index].attempt?.peer { peers.insert(asked) }
            guard floods[index].eagerCount > 0 else { continue }
            for neighbor in floods[index].neighbors where neighbor.role == .eager {
                peers.insert(neighbor.peer)
            }
        }
        return peers
    }

    /// The forwarding table no longer fits a route.
    mutating func spoilRow(_ index: Int) {
        floods[index].isRowStale = true
        isTableStale = true
    }

    /// The rows of the forwarding table, ordered by source; only those that changed are made anew.
    mutating func makeFloodRows() -> [ForwardingTable.Route] {
        let ends = links.map { FloodClock.LinkEnds($0) }
        let areStale = ends != floodClock.rowLinks
        floodClock.rowLinks = ends
        for index in floods.indices where areStale || floods[index].isRowStale {
            floods[index].isRowStale = false
            floods[index].row = row(of: floods[index])
        }
        return floods.compactMap(\.row)
    }

    private func row(of route: FloodRoute) -> ForwardingTable.Route? {
        let children = route.neighbors.filter { $0.role == .eager }.compactMap { child in
            link(to: child.peer).map {
                ForwardingTable.Child(
                    token: $0.remoteToken, endpoint: $0.endpoint, localToken: $0.localToken)
            }
        }
        var upstreams: [LinkToken] = []
        if !route.isLocal {
            upstreams = route.upstreamPeers.compactMap { link(to: $0)?.localToken }
            // Any link is as good as another while we look for one.
            if upstreams.isEmpty { upstreams = links.map(\.localToken) }
            if upstreams.isEmpty { return nil }
        }
        return ForwardingTable.Route(
            source: route.source, upstreams: upstreams, children: children, isFlooded: true,
            repairRetry: (route.upstream ?? route.attempt?.peer).flatMap { repairRetry(from: $0) },
            repairPatience: floodPatience(of: route))
    }

    // MARK: - Hearing

    mutating func receive(
        _ announcement: SourceAnnouncement, from peer: PeerID, at now: Instant,
        into actions: inout [Action]
    ) {
        let source = announcement.source
        guard source != configuration.peer, !isLeaving, routeIndex(source) == nil else { return }
        if announcement.isGone {
            return takeFarewell(announcement, from: peer, at: now, into: &actions)
        }
        if !isFlooded(source), !startFlood(announcement, at: now, into: &actions) { return }
        guard let index = floodIndex(source), store(announcement, from: peer, index) else {
            return
        }
        defer { if let index = floodIndex(source) { touch(index) } }
        noteNewest(announcement, index, at: now, into: &actions)
        if floods[index].upstream == peer
            || (floods[index].upstream == nil && floods[index].attempt?.peer == peer)
        {
            follow(peer, index, isUrgent: announcement.isUrgent, at: now)
        } else if floods[index].upstream == nil, floods[index].attempt == nil {
            findUpstream(index, isUrgent: announcement.isUrgent, at: now)
        }
        improveUpstream(index, at: now)
    }

    /// Takes up a source that was not known; refuses those that were forgotten, or are too many.
    private mutating func startFlood(
        _ announcement: SourceAnnouncement, at now: Instant, into actions: inout [Action]
    ) -> Bool {
        let old = floodClock.forgotten.first { $0.source == announcement.source }
        if let old, now < old.until, !isNewer(announcement.seqno, than: old.seqno) {
            return false
        }
        guard floods.count < configuration.floodSourceLimit else {
            drop(.tableFull, into: &actions)
            return false
        }
        var route = FloodRoute(source: announcement.source, isLocal: false, at: now)
        route.newest = announcement.seqno &- 1
        insert(route)
        return true
    }

    /// Remembers what `peer` said; `false` for old news.
    private mutating func store(
        _ announcement: SourceAnnouncement, from peer: PeerID, _ index: Int
    ) -> Bool {
        let place = floods[index].makePlace(of: peer)
        if let heard = floods[index].neighbors[place].heard,
            isNewer(heard.distance.seqno, than: announcement.seqno)
        {
            return false
        }
        floods[index].neighbors[place].heard = .init(
            distance: .init(seqno: announcement.seqno, metric: announcement.metric),
            hops: announcement.hops, isFull: announcement.isFull)
        floods[index].neighbors[place].acknowledged = announcement.seqno
        return true
    }

    private mutating func noteNewest(
        _ announcement: SourceAnnouncement, _ index: Int, at now: Instant,
        into actions: inout [Action]
    ) {
        noteVersion(announcement.descriptionVersion, index, at: now)
        guard isNewer(announcement.seqno, than: floods[index].newest) else { return }
        floods[index].newest = announcement.seqno
        floods[index].newestAt = now
        watchUpstream(index, at: now)
        let isDearer = announcement.sourceRate > floods[index].rate
        if floods[index].rate != announcement.sourceRate {
            floods[index].rate = announcement.sourceRate
            countFloodSpending()
        }
        if isDearer { enforceFloodBudget(into: &actions) }
    }

    // MARK: - Telling

    /// What to say of a source; `nil` before we know a way to it.
    func announcement(of route: FloodRoute, isUrgent: Bool) -> SourceAnnouncement? {
        guard route.distance.metric != RouteAdvert.unreachable, !isLeaving else { return nil }
        return SourceAnnouncement(
            source: route.source, seqno: route.distance.seqno, metric: route.distance.metric,
            hops: route.hops, isFull: floodFreeRate(for: route) < route.copyRate,
            isUrgent: isUrgent, sourceRate: route.rate,
            descriptionVersion: route.descriptionVersion)
    }

    /// Passes the present distance on: at once if urgent and affordable, else with the next batch.
    mutating func announceSoon(_ index: Int, isUrgent: Bool, at now: Instant) {
        if floodClock.urgentUntil <= now {
            floodClock.urgentUntil = now + Self.announceBatch
            floodClock.urgentLeft = Self.announceLimit
        }
        if isUrgent, floodClock.urgentLeft > 0, floods[index].announcePause <= now {
            floodClock.urgentLeft -= 1
            announce(index, isUrgent: true, at: now)
        } else {
            floods[index].isAnnounceDue = true
            floodClock.announceDue = min(floodClock.announceDue, now + Self.announceBatch)
        }
    }

    private mutating func announce(_ index: Int, isUrgent: Bool, at now: Instant) {
        floods[index].isAnnounceDue = false
        floods[index].announcePause = now + Self.announcePause
        floods[index].repeatDue =
            now + (isUrgent ? Self.urgentRepeatTime : Self.repeatTime)
        let route = floods[index]
        guard let announcement = announcement(of: route, isUrgent: isUrgent) else { return }
        let feeder = route.upstream ?? route.attempt?.peer
        for link in links where link.peer != feeder {
            send(.announce(announcement), to: link.peer)
        }
        touch(index)
    }

    /// Sends what was collected, as much as one batch may hold.
    mutating func sendAnnouncements(at now: Instant) {
        floodClock.announceDue = .distantFuture
        var left = Self.announceLimit
        for index in floods.indices where floods[index].isAnnounceDue {
            guard left > 0 else {
                floodClock.announceDue = now + Self.announceBatch
                return
            }
            left -= 1
            announce(index, isUrgent: false, at: now)
        }
    }

    /// Announces once more to neighbors that have shown no sign of having heard.
    mutating func repeatAnnouncement(_ index: Int, at now: Instant) {
        floods[index].repeatDue = .distantFuture
        let route = floods[index]
        guard route.repeats < Self.repeatLimit,
            let announcement = announcement(of: route, isUrgent: false)
        else { return }
        let feeder = route.upstream ?? route.attempt?.peer
        for link in links where link.peer != feeder {
            let known = route.place(of: link.peer).flatMap { route.neighbors[$0].acknowledged }
            if let known, !isNewer(route.distance.seqno, than: known) { continue }
            send(.announce(announcement), to: link.peer)
            floods[index].repeatDue = now + Self.repeatTime
        }
        floods[index].repeats += 1
    }

    /// Tells a new neighbor everything.
    mutating func greetFlooded(_ peer: PeerID) {
        for route in floods {
            if let announcement = announcement(of: route, isUrgent: false) {
                send(.announce(announcement), to: peer)
            }
        }
    }

    // MARK: - The end of a source

    private mutating func takeFarewell(
        _ farewell: SourceAnnouncement, from peer: PeerID, at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = floodIndex(farewell.source) else { return }
        // Nobody ends a source but the source and who feeds us.
        let upstream = floods[index].upstream
        guard upstream == peer || upstream == nil || peer == farewell.source else { return }
        forgetFlood(index, seqno: farewell.seqno, at: now, into: &actions)
    }

    mutating func forgetFlood(
        _ index: Int, seqno: UInt32, at now: Instant, into actions: inout [Action]
    ) {
        let route = floods.remove(at: index)
        floodClock.flowing.removeAll { $0 == route.source }
        countFloodSpending()
        isTableStale = true
        let last = isNewer(route.newest, than: seqno) ? route.newest : seqno
        floodClock.forgotten.removeAll { $0.until <= now || $0.source == route.source }
        if floodClock.forgotten.count >= Self.forgottenLimit { floodClock.forgotten.removeFirst() }
        floodClock.forgotten.append(
            ForgottenSource(
                source: route.source, seqno: last, until: now + configuration.floodSourceTimeout))
        sendFarewell(of: route.source, seqno: last)
        if route.announcedVersion != 0 { actions.append(.sourceGone(route.source)) }
    }

    func farewell(of source: PeerID, seqno: UInt32) -> ControlMessage {
        .announce(
            SourceAnnouncement(
                source: source, seqno: seqno, metric: RouteAdvert.unreachable, hops: 0,
                isGone: true, isUrgent: true, sourceRate: 0, descriptionVersion: 0))
    }

    mutating func sendFarewell(of source: PeerID, seqno: UInt32) {
        for link in links { send(farewell(of: source, seqno: seqno), to: link.peer) }
    }

    // MARK: - Due work

    mutating func serveFloods(at now: Instant, into actions: inout [Action]) {
        servePublication(at: now, into: &actions)
        if floodClock.announceDue <= now { sendAnnouncements(at: now) }
        if floodClock.progressDue <= now {
            floodClock.progressDue = .distantFuture
            actions.append(.reportProgress)
        }
        // What one source lets happen can make something of another due.
        for _ in 0..<Self.passLimit where floodClock.due <= now {
            serveDueFloods(at: now, into: &actions)
        }
        floodClock.due = max(floodClock.due, now + .milliseconds(1))
    }

    private mutating func serveDueFloods(at now: Instant, into actions: inout [Action]) {
        var index = 0
        while index < floods.count {
            let source = floods[index].source
            if floods[index].due <= now { serveFlood(index, at: now, into: &actions) }
            if index < floods.count, floods[index].source == source {
                if floods[index].due <= now { touch(index) }
                index += 1
            }
        }
        floodClock.due = .distantFuture
        for index in floods.indices { floodClock.due = min(floodClock.due, floods[index].due) }
    }

    private mutating func serveFlood(
        _ index: Int, at now: Instant, into actions: inout [Action]
    ) {
        let route = floods[index]
        if route.refreshDue <= now { refreshAnnouncement(index, isUrgent: false, at: now) }
        if !route.isLocal, now - route.newestAt >= configuration.floodSourceTimeout {
            return forgetFlood(index, seqno: route.newest, at: now, into: &actions)
        }
        if route.repeatDue <= now { repeatAnnouncement(index, at: now) }
        if route.describeDue <= now { askForFloodDescription(index, at: now) }
        if route.neighborExpiryDue <= now { expireNeighbors(index, at: now, into: &actions) }
        serveUpstream(index, at: now, into: &actions)
        if route.silenceDue <= now { searchFeed(index, at: now) }
        if route.lazyDue <= now { chooseLazySources(index, at: now) }
        if route.restDue <= now { refreshFlow(index, at: now) }
    }
}
