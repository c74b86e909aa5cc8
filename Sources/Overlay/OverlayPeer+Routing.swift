import NetBasics
import Wire

// Routes: what neighbors say about sources, and what we say. A distance vector per source in
// which only the source makes sequence numbers, loop-free by Babel's feasibility condition
// (RFC 8966, sections 2.4 and 3.5.1). Sources make a new number every five seconds, which
// refreshes every route, lets metrics grow, and shows that the source lives.

extension OverlayPeer {
    /// Neighbors that a request for a sequence number may still travel; more than trees are deep,
    /// also those of which most members have died (29 with 10,000).
    private static let requestHopLimit: UInt8 = 64
    private static let seqnoRequestInterval: Duration = .milliseconds(100)
    private static let forgottenLimit = 256
    private static let askerLimit = 48

    func routeIndex(_ source: PeerID) -> Int? {
        // Element by element, as a closure would copy each route.
        for index in routes.indices where routes[index].source == source { return index }
        return nil
    }

    // MARK: - Own sources

    mutating func publish(
        _ descriptions: [StreamDescription], at now: Instant, into actions: inout [Action]
    ) {
        guard routeIndex(configuration.peer) == nil, !descriptions.isEmpty else { return }
        var route = SourceRoute(source: configuration.peer, isLocal: true, at: now)
        route.setDistance(.init(seqno: 1, metric: 0))
        route.refreshDue = now + configuration.refreshInterval
        route.rate = descriptions.reduce(0) { $0 &+ $1.rate }
        route.descriptions = descriptions
        route.descriptionVersion = descriptions.first?.version ?? 1
        route.announcedVersion = route.descriptionVersion
        route.raisedAt = now
        insert(route)
    }

    mutating func updateOwnRate(_ rate: UInt32, at now: Instant, into actions: inout [Action]) {
        guard let index = routeIndex(configuration.peer), routes[index].rate != rate else { return }
        routes[index].rate = rate
        // News of a rate is believed with a newer number only.
        raiseSeqno(index, at: now)
        enforceBudget(at: now, into: &actions)
    }

    private mutating func insert(_ route: SourceRoute) {
        let place = routes.firstIndex { $0.source > route.source } ?? routes.endIndex
        routes.insert(route, at: place)
        isTableStale = true
    }

    private mutating func raiseSeqno(_ index: Int, at now: Instant) {
        routes[index].setDistance(.init(seqno: routes[index].distance.seqno &+ 1, metric: 0))
        routes[index].refreshDue = now + generator.jittered(configuration.refreshInterval, by: 0.1)
        routes[index].raisedAt = now
        routes[index].origin = coordinates.coordinate
    }

    // MARK: - Hearing

    mutating func receive(
        _ advert: RouteAdvert, from peer: PeerID, at now: Instant, into actions: inout [Action]
    ) {
        guard advert.source != configuration.peer, !isLeaving, !isFlooded(advert.source) else {
            return
        }
        if routeIndex(advert.source) == nil, !startRoute(for: advert, at: now, into: &actions) {
            return
        }
        guard let index = routeIndex(advert.source) else { return }
        if advert.isGone {
            if routes[index].parent == peer || peer == advert.source
                || routes[index].parent == nil
            {
                forget(advert.source, seqno: advert.seqno, at: now, into: &actions)
            }
            return
        }
        let oldRate = routes[index].rate
        guard store(advert, from: peer, at: index, now) else { return }
        if routes[index].rate > oldRate { enforceBudget(at: now, into: &actions) }
        noteDescriptionVersion(advert, at: index, now)
        if routes[index].parent == peer {
            followParent(index, at: now, into: &actions)
        }
        reconsider(index, at: now, into: &actions)
    }

    /// Takes up a source that was not known; refuses those that were forgotten, or are too many.
    private mutating func startRoute(
        for advert: RouteAdvert, at now: Instant, into actions: inout [Action]
    ) -> Bool {
        guard !advert.isGone, advert.metric != RouteAdvert.unreachable else { return false }
        if let old = forgotten.first(where: { $0.source == advert.source }),
            now < old.until, !isNewer(advert.seqno, than: old.seqno)
        {
            return false
        }
        guard routes.count < configuration.sourceLimit else {
            drop(.tableFull, into: &actions)
            return false
        }
        insert(SourceRoute(source: advert.source, isLocal: false, at: now))
        return true
    }

    /// Remembers what `peer` said; `false` for old news.
    private mutating func store(
        _ advert: RouteAdvert, from peer: PeerID, at index: Int, _ now: Instant
    ) -> Bool {
        let known = routes[index].adverts.map(\.advert.seqno).max { isNewer($1, than: $0) }
        if advert.metric != RouteAdvert.unreachable,
            known.map({ isNewer(advert.seqno, than: $0) }) ?? true
        {
            routes[index].aliveAt = now
            routes[index].origin = advert.origin
            let rate = advert.sourceRate
            if routes[index].rate != rate {
                routes[index].rate = rate
                routes[index].isAdvertDue = true
            }
        }
        if let place = routes[index].adverts.firstIndex(where: { $0.peer == peer }) {
            let old = routes[index].adverts[place].advert
            if isNewer(old.seqno, than: advert.seqno) { return false }
            let hasMore = advert.freeRate > old.freeRate || advert.admitCost > old.admitCost
            if hasMore, !routes[index].adverts[place].isRefusalFirm {
                routes[index].adverts[place].refusedUntil = .zero
            }
            routes[index].adverts[place].advert = advert
            return true
        }
        let place =
            routes[index].adverts.firstIndex { $0.peer > peer } ?? routes[index].adverts.endIndex
        routes[index].adverts.insert(
            .init(peer: peer, advert: advert, refusedUntil: .zero), at: place)
        return true
    }

    /// Takes over the parent's present distance, or loses the parent if it has none.
    mutating func followParent(_ index: Int, at now: Instant, into actions: inout [Action]) {
        guard let parent = routes[index].parent, let link = link(to: parent),
            let advert = routes[index].advert(from: parent)
        else { return }
        guard advert.metric != RouteAdvert.unreachable else {
            loseParent(index, isReachable: true, at: now, into: &actions)
            return
        }
        // While waiting for a sibling to be newer than we, we must not become newer ourselves.
        let isNewerThanOurs = isNewer(advert.seqno, than: routes[index].distance.seqno)
        if routes[index].move != nil, isNewerThanOurs { return }
        if advert.seqno == routes[index].distance.seqno || isNewerThanOurs {
            routes[index].adopt(advert, cost: link.cost)
        }
    }

    /// The source has left, or was silent too long.
    mutating func forget(
        _ source: PeerID, seqno: UInt32, at now: Instant, into actions: inout [Action]
    ) {
        guard let index = routeIndex(source), !routes[index].isLocal else { return }
        let route = routes.remove(at: index)
        isTableStale = true
        let last = isNewer(route.distance.seqno, than: seqno) ? route.distance.seqno : seqno
        forgotten.removeAll { $0.until <= now || $0.source == source }
        if forgotten.count >= Self.forgottenLimit { forgotten.removeFirst() }
        forgotten.append(
            ForgottenSource(source: source, seqno: last, until: now + .seconds(60)))
        let farewell = RouteAdvert(
            source: source, seqno: last, metric: RouteAdvert.unreachable, hops: 0, isGone: true,
            freeRate: 0, sourceRate: 0, descriptionVersion: 0)
        for link in links { send(.route(farewell), to: link.peer) }
        if route.announcedVersion != 0 { actions.append(.sourceGone(source)) }
    }

    /// Drops everything that hung on a neighbor whose link ended.
    mutating func forgetNeighbor(
        _ peer: PeerID, at now: Instant, into actions: inout [Action]
    ) {
        for source in routes.map(\.source) {
            guard let index = routeIndex(source) else { continue }
            routes[index].adverts.removeAll { $0.peer == peer }
            routes[index].formers.removeAll { $0.peer == peer }
            if routes[index].attempt?.peer == peer { routes[index].attempt = nil }
            if routes[index].move?.target == peer { routes[index].move = nil }
            removeChild(peer, source: source, into: &actions)
            if routes[index].parent == peer {
                loseParent(index, isReachable: false, at: now, into: &actions)
                reconsider(index, at: now, into: &actions)
            }
        }
    }

    // MARK: - Telling

    /// Tells a neighbor everything, but not a parent what came from it.
    mutating func greet(_ peer: PeerID) {
        for route in routes where route.isServing && route.parent != peer {
            if let advert = advert(of: route) { send(.route(advert), to: peer) }
        }
    }

    /// Tells of the routes that changed.
    ///
    /// Children hear of each step, all neighbors of what is there or gone; the rest comes with the
    /// next hello.
    mutating func advertiseChanges(at now: Instant) {
        for index in routes.indices {
            guard hasNews(index), let advert = advert(of: routes[index]) else { continue }
            let concernsAll = Self.concernsAll(advert, since: routes[index].advertised)
            routes[index].isAdvertDue = false
            routes[index].advertised = advert
            if concernsAll {
                for link in links where link.peer != routes[index].parent {
                    send(.route(advert), to: link.peer)
                }
            } else {
                for child in routes[index].children { send(.route(advert), to: child.peer) }
                tellAskers(advert, index)
            }
        }
    }

    /// Whether an advert of the route would tell anybody anything; asked after every event, and so
    /// without making the advert.
    private func hasNews(_ index: Int) -> Bool {
        if routes[index].isAdvertDue { return true }
        let isReachable = routes[index].isServing && !isLeaving
        guard let last = routes[index].advertised else { return isReachable }
        let metric = isReachable ? routes[index].distance.metric : RouteAdvert.unreachable
        let change = metric > last.metric ? metric - last.metric : last.metric - metric
        return change > max(OverlayConfiguration.improvementThreshold, last.metric / 20)
            || routes[index].distance.seqno != last.seqno
            || routes[index].rate != last.sourceRate
            || routes[index].descriptionVersion != last.descriptionVersion
            || (routes[index].isLocal && isLeaving) != last.isGone
            || (metric == RouteAdvert.unreachable) != (last.metric == RouteAdvert.unreachable)
    }

    /// Tells those who asked for a newer sequence number, once there is one.
    private mutating func tellAskers(_ advert: RouteAdvert, _ index: Int) {
        guard !routes[index].seqnoAskers.isEmpty else { return }
        let children = routes[index].children.map(\.peer)
        for asker in routes[index].seqnoAskers where !children.contains(asker) {
            send(.route(advert), to: asker)
        }
        routes[index].seqnoAskers.removeAll()
    }

    /// What to say of a route; `nil` while it is being mended.
    func advert(of route: SourceRoute) -> RouteAdvert? {
        let isReachable = route.isServing && !isLeaving
        // A subtree stays together while its top looks for a new parent.
        let isMending = !route.isServing && route.orphanSince != nil && !isLeaving
        if isMending, route.advertised?.metric != RouteAdvert.unreachable, !route.isAdvertDue {
            return nil
        }
        return RouteAdvert(
            source: route.source, seqno: route.distance.seqno,
            metric: isReachable ? route.distance.metric : RouteAdvert.unreachable,
            hops: route.hops, isGone: route.isLocal && isLeaving,
            freeRate: isReachable ? freeRate(for: route) : 0,
            admitCost: isReachable ? admitCost(of: route) : 0, sourceRate: route.rate,
            descriptionVersion: route.descriptionVersion,
            origin: route.isLocal ? coordinates.coordinate : route.origin)
    }

    private static func concernsAll(_ advert: RouteAdvert, since last: RouteAdvert?) -> Bool {
        guard let last else { return advert.metric != RouteAdvert.unreachable }
        return advert.descriptionVersion != last.descriptionVersion || advert.isGone != last.isGone
            || (advert.metric == RouteAdvert.unreachable)
                != (last.metric == RouteAdvert.unreachable)
    }

    // MARK: - Sequence numbers on request

    /// Asks for a newer sequence number than ours, through whoever may be nearer to the source:
    /// `target`, or any neighbor.
    mutating func requestSeqno(
        _ index: Int, via target: PeerID? = nil, isUrgent: Bool = true, at now: Instant
    ) {
        guard routes[index].seqnoRequestDue <= now else { return }
        routes[index].seqnoRequestDue = now + Self.seqnoRequestInterval
        let request = ControlMessage.seqnoRequest(
            source: routes[index].source, seqno: routes[index].distance.seqno &+ 1,
            hopLimit: Self.requestHopLimit, isUrgent: isUrgent)
        if let target { return send(request, to: target) }
        let reachable = routes[index].adverts.filter {
            $0.advert.metric != RouteAdvert.unreachable
        }
        for entry in reachable { send(request, to: entry.peer) }
    }

    mutating func serveSeqnoRequest(
        source: PeerID, seqno: UInt32, hopLimit: UInt8, isUrgent: Bool, from peer: PeerID,
        at now: Instant
    ) {
        if let index = floodIndex(source) {
            return serveAnnouncementRequest(
                index, seqno: seqno, hopLimit: hopLimit, from: peer, at: now)
        }
        guard let index = routeIndex(source) else { return }
        let route = routes[index]
        if !isNewer(seqno, than: route.distance.seqno), route.isServing {
            if let advert = advert(of: route) { send(.route(advert), to: peer) }
            return
        }
        if !route.seqnoAskers.contains(peer), route.seqnoAskers.count < Self.askerLimit {
            routes[index].seqnoAskers.append(peer)
        }
        if route.isLocal { return raiseSoon(index, isUrgent: isUrgent) }
        guard route.seqnoRequestDue <= now, let parent = route.parent, parent != peer,
            hopLimit > 1
        else { return }
        routes[index].seqnoRequestDue = now + Self.seqnoRequestInterval / 2
        let request = ControlMessage.seqnoRequest(
            source: source, seqno: seqno, hopLimit: hopLimit - 1, isUrgent: isUrgent)
        send(request, to: parent)
    }

    /// Makes a newer number as soon as it may be made; whoever asked meanwhile is told.
    private mutating func raiseSoon(_ index: Int, isUrgent: Bool) {
        let pause = isUrgent ? configuration.urgentRefreshMinimum : configuration.refreshMinimum
        routes[index].refreshDue = min(routes[index].refreshDue, routes[index].raisedAt + pause)
    }

    /// Sees to a newer number at once, since somebody who receives nothing waits for a child to go.
    mutating func hurrySeqno(_ index: Int, at now: Instant) {
        if routes[index].isLocal { return raiseSoon(index, isUrgent: true) }
        requestSeqno(index, via: routes[index].parent, at: now)
    }

    // MARK: - Descriptions

    private mutating func noteDescriptionVersion(
        _ advert: RouteAdvert, at index: Int, _ now: Instant
    ) {
        guard advert.descriptionVersion != 0,
            advert.descriptionVersion != routes[index].announcedVersion
        else { return }
        if routes[index].describeDue == .distantFuture { routes[index].describeDue = now }
    }

    mutating func sendDescriptions(of source: PeerID, to peer: PeerID) {
        if let index = floodIndex(source) { return describeFlooded(index, to: peer) }
        guard let index = routeIndex(source) else { return }
        let route = routes[index]
        guard route.announcedVersion != 0 else { return }
        for description in route.descriptions { send(.description(description), to: peer) }
    }

    mutating func receive(
        _ description: StreamDescription, at now: Instant, into actions: inout [Action]
    ) {
        if let index = floodIndex(description.stream.source) {
            return receiveFlooded(description, index, into: &actions)
        }
        guard let index = routeIndex(description.stream.source), !routes[index].isLocal,
            description.version != 0, description.version != routes[index].announcedVersion
        else { return }
        routes[index].descriptions.removeAll {
            $0.version != description.version || $0.stream == description.stream
        }
        routes[index].descriptions.append(description)
        guard routes[index].descriptions.count == Int(description.streamCount) else { return }
        routes[index].descriptions.sort { $0.stream < $1.stream }
        routes[index].announcedVersion = description.version
        routes[index].descriptionVersion = description.version
        routes[index].describeDue = .distantFuture
        actions.append(
            .sourceDescribed(description.stream.source, routes[index].descriptions))
    }

    /// Asks whoever advertises a description that we lack.
    private mutating func askForDescription(_ index: Int, at now: Instant) {
        let wanted = routes[index].adverts.first {
            $0.advert.descriptionVersion != 0
                && $0.advert.descriptionVersion != routes[index].announcedVersion
        }
        guard let wanted else {
            routes[index].describeDue = .distantFuture
            return
        }
        // Ask the parent, which surely has it, once there is one.
        let informed = routes[index].parent.flatMap { parent in
            routes[index].advert(from: parent)?.descriptionVersion == 0 ? nil : parent
        }
        send(.describe(source: routes[index].source), to: informed ?? wanted.peer)
        routes[index].describeDue = now + .milliseconds(200)
    }

    // MARK: - Due work

    /// Earliest moment at which something of a route is due.
    ///
    /// Field by field: it is asked of every route after every event, and a route is large to copy.
    func routeDue(_ index: Int) -> Instant {
        var due = min(routes[index].refreshDue, routes[index].describeDue)
        if !routes[index].isLocal {
            due = min(due, routes[index].aliveAt + configuration.sourceTimeout)
            due = min(due, min(routes[index].improvementDue, routes[index].attachDue))
        }
        if let attempt = routes[index].attempt { due = min(due, attempt.retryDue) }
        for former in routes[index].formers { due = min(due, former.until) }
        if let move = routes[index].move { due = min(due, move.until) }
        for child in routes[index].children {
            due = min(due, child.expiry)
            guard let handover = child.handover else { continue }
            due = min(due, min(handover.repeatDue, handover.until))
        }
        return due
    }

    mutating func serveRoutes(at now: Instant, into actions: inout [Action]) {
        var index = 0
        while index < routes.count {
            if routes[index].isLocal {
                if routes[index].refreshDue <= now { raiseSeqno(index, at: now) }
            } else if now - routes[index].aliveAt >= configuration.sourceTimeout {
                let (source, seqno) = (routes[index].source, routes[index].distance.seqno)
                forget(source, seqno: seqno, at: now, into: &actions)
                continue
            } else {
                serveParent(index, at: now, into: &actions)
            }
            if routes[index].describeDue <= now { askForDescription(index, at: now) }
            serveChildren(index, at: now, into: &actions)
            index += 1
        }
    }
}
