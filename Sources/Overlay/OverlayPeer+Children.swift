import NetBasics
import Wire

// The parent's side of a tree: who may be a child. The uplink budget decides (kbit/s); a full
// parent names others, and prefers children that can serve children of their own.

extension OverlayPeer {
    /// Time between two requests to move; the second if who waits for it receives nothing.
    private static let handoverRepeat: Duration = .milliseconds(150)
    private static let pressingRepeat: Duration = .milliseconds(50)
    private static let turnedAwayLimit = 16

    // MARK: - Budget

    /// What the uplink still carries for a child of `route`; kbit/s.
    ///
    /// A source keeps room for children of its own before it forwards for others.
    func freeRate(for route: SourceRoute) -> UInt32 {
        if let limit = configuration.childLimit, route.stayingChildren >= limit { return 0 }
        return freeRate(isLocal: route.isLocal)
    }

    /// What the uplink still carries for a source of this peer, or of another; kbit/s.
    func freeRate(isLocal: Bool) -> UInt32 {
        let budget = UInt64(configuration.uplinkRate)
        let (onOwn, onOthers) = (spentRate(onOwnSource: true), spentRate(onOwnSource: false))
        if isLocal { return UInt32(clamping: budget - min(budget, onOthers + onOwn)) }
        let taken = onOthers + max(ownReserve(budget: budget), onOwn)
        return UInt32(clamping: budget - min(budget, taken))
    }

    /// What all children together cost now; kbit/s.
    var reservedRate: UInt64 { spentRate(onOwnSource: false) + spentRate(onOwnSource: true) }

    /// The same with children that are still fed until they have gone, and without those that wait.
    var fedRate: UInt64 {
        var sum = floodSpentRate(onOwnSource: false) + floodSpentRate(onOwnSource: true)
        for index in routes.indices where !routes[index].children.isEmpty {
            sum += UInt64(routes[index].childRate) * UInt64(routes[index].fedChildren)
        }
        return sum
    }

    /// What copies leave of the uplink for repairs, and an eighth of it in any case; kbit/s.
    var repairRate: UInt32 {
        let free =
            UInt64(configuration.uplinkRate) - min(UInt64(configuration.uplinkRate), reservedRate)
        return max(configuration.uplinkRate / 8, UInt32(clamping: free))
    }

    private func spentRate(onOwnSource: Bool) -> UInt64 {
        var sum = floodSpentRate(onOwnSource: onOwnSource)
        // Element by element, as a closure would copy each route.
        for index in routes.indices
        where routes[index].isLocal == onOwnSource && !routes[index].children.isEmpty {
            sum += UInt64(routes[index].childRate) * UInt64(routes[index].stayingChildren)
        }
        return sum
    }

    private func ownReserve(budget: UInt64) -> UInt64 {
        let rate =
            routeIndex(configuration.peer).map { routes[$0].childRate }
            ?? floodIndex(configuration.peer).map { floods[$0].copyRate }
        guard let rate else { return 0 }
        return min(budget, UInt64(rate) * UInt64(OverlayConfiguration.ownChildren))
    }

    func hasRoom(for route: SourceRoute) -> Bool {
        freeRate(for: route) >= route.childRate
    }

    /// Whether one child more may be fed at once, and not only after another has gone.
    private func mayFeedNow(_ route: SourceRoute) -> Bool {
        if let limit = configuration.childLimit, route.fedChildren >= limit { return false }
        return fedRate + UInt64(route.childRate) <= UInt64(configuration.uplinkRate)
    }

    // MARK: - Admission

    mutating func admit(
        _ request: AttachRequest, from peer: PeerID, at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = routeIndex(request.source), routes[index].isServing, !isLeaving,
            routes[index].parent != peer
        else {
            let refusal = ControlMessage.attachRefused(
                source: request.source, reason: .noRoute, referrals: [])
            return send(refusal, to: peer)
        }
        if let place = routes[index].children.firstIndex(where: { $0.peer == peer }) {
            routes[index].children[place].cost = request.cost
            if let handover = routes[index].children[place].handover, handover.target == nil {
                // Dismissed; it may stay if there is room again.
                guard hasRoom(for: routes[index]) else {
                    return refuse(peer, request, routes[index], into: &actions)
                }
                routes[index].children[place].handover = nil
            }
            routes[index].children[place].freeRate = request.freeRate
            routes[index].children[place].isInner = request.isInner
            routes[index].children[place].expiry = now + configuration.childTimeout
            let isFed = !routes[index].children[place].isWaiting
            if !isFed, request.standing == .orphan {
                hurrySeqno(index, at: now)
                hurryHandovers(index, at: now)
            }
            // A child that refreshes its slot hears the media, or the heartbeats.
            if request.standing == .child, isFed { return }
            return accept(peer, request.source, isFed: isFed)
        }
        if hasRoom(for: routes[index]) {
            let isWaiting = !mayFeedNow(routes[index])
            addChild(peer, request, index, isWaiting: isWaiting, at: now, into: &actions)
            if isWaiting, request.standing == .orphan { hurryHandovers(index, at: now) }
        } else if let weaker = childToReplace(
            by: peer, request, in: routes[index], at: now)
        {
            addChild(peer, request, index, isWaiting: true, at: now, into: &actions)
            let isPressing = request.standing == .orphan
            // Until the far child can go, two copies enter this subnet or leave it.
            let isHurried = isPressing || isFarther(weaker.peer, than: peer)
            if isHurried { hurrySeqno(index, at: now) }
            let limit =
                isHurried ? configuration.hurriedHandoverLimit : configuration.handoverLimit
            handOver(
                weaker, index, isPressing: isPressing, until: now + limit, at: now, into: &actions)
        } else {
            refuse(peer, request, routes[index], into: &actions)
            // A place that a dead child takes should go to who needs it.
            let places = routes[index].children
            guard request.standing == .orphan else { return }
            turnAway(peer, index)
            probe(at: now) { link in places.contains { $0.peer == link.peer } }
        }
    }

    private mutating func addChild(
        _ peer: PeerID, _ request: AttachRequest, _ index: Int, isWaiting: Bool = false,
        at now: Instant, into actions: inout [Action]
    ) {
        let child = SourceRoute.Child(
            peer: peer, freeRate: request.freeRate, isInner: request.isInner, cost: request.cost,
            admittedAt: now, expiry: now + configuration.childTimeout, isWaiting: isWaiting)
        let place =
            routes[index].children.firstIndex { $0.peer > peer } ?? routes[index].children.endIndex
        routes[index].children.insert(child, at: place)
        isTableStale = true
        accept(peer, request.source, isFed: !isWaiting)
        // An orphan asks for what it missed, and need not wait for the next packet to know.
        if request.standing == .orphan, !isWaiting { tellHighest(to: peer) }
        actions.append(.report(.childAdmitted(source: request.source, child: peer)))
    }

    /// Tells a child that it is one, and where we stand now: what it knew of us may be old.
    private mutating func accept(_ peer: PeerID, _ source: PeerID, isFed: Bool) {
        if let index = routeIndex(source), let advert = advert(of: routes[index]) {
            send(.route(advert), to: peer)
        }
        send(.attachAccepted(source: source, isFed: isFed), to: peer)
    }

    private mutating func refuse(
        _ peer: PeerID, _ request: AttachRequest, _ route: SourceRoute,
        into actions: inout [Action]
    ) {
        sayFull(to: peer, route)
        actions.append(.report(.childRefused(source: request.source, child: peer)))
    }

    /// Refuses `peer` a place, and names who may have one.
    private mutating func sayFull(to peer: PeerID, _ route: SourceRoute) {
        let refusal = ControlMessage.attachRefused(
            source: route.source, reason: .full, referrals: referrals(for: peer, in: route))
        send(refusal, to: peer)
    }

    /// Who may have room for `peer`: our children that can serve, its own subnet first.
    private func referrals(for peer: PeerID, in route: SourceRoute) -> [Contact] {
        guard let asker = link(to: peer) else { return [] }
        let children = route.children.filter { $0.peer != peer }
        let ordered = children.sorted { left, right in
            rankAsParent(left, of: asker, in: route) < rankAsParent(right, of: asker, in: route)
        }
        return ordered.prefix(ControlMessage.referralLimit).compactMap {
            link(to: $0.peer)?.contact
        }
    }

    /// Orders children as parents for `other`: room first, then its subnet, then more room.
    private func rankAsParent(
        _ child: SourceRoute.Child, of other: Link, in route: SourceRoute
    ) -> (Int, Int, Int64, PeerID) {
        let isFull = child.freeRate < route.childRate
        let isFar = link(to: child.peer).map { !isSameSubnet($0.endpoint, other.endpoint) } ?? true
        return (isFull ? 1 : 0, isFar ? 1 : 0, -Int64(child.freeRate), child.peer)
    }

    // MARK: - Replacing a weaker child

    /// Whether `peer` is on another subnet than we, and `other` is not.
    private func isFarther(_ peer: PeerID, than other: PeerID) -> Bool {
        link(to: peer)?.isNear == false && link(to: other)?.isNear == true
    }

    /// The child that should make way for `peer`.
    ///
    /// A child that neither feeds others nor has room to makes way for one with room, and a far one
    /// for one of our subnet; never a child of our subnet for a far one, unless that one is an orphan. Among
    /// children of the same kind the farthest makes way for one that is clearly nearer: so every
    /// place goes to whoever is best placed for it, as in the greedy construction of such trees.
    private func childToReplace(
        by peer: PeerID, _ request: AttachRequest, in route: SourceRoute, at now: Instant
    ) -> SourceRoute.Child? {
        let leaving = route.children.count { $0.handover != nil }
        guard let asker = link(to: peer), leaving < (request.standing == .orphan ? 2 : 1)
        else { return nil }
        let canHost = request.freeRate >= route.childRate
        let isAskerNear = asker.isNear
        let weaker = route.children.last { child in
            guard child.handover == nil, let link = link(to: child.peer) else { return false }
            let isChildNear = link.isNear
            let isWeaker = canHost && child.freeRate < route.childRate && !child.isInner
            if isWeaker, request.standing == .orphan || isAskerNear || !isChildNear { return true }
            let hasOtherHost = route.children.contains {
                $0.peer != child.peer && $0.freeRate >= route.childRate
            }
            return isAskerNear && !isChildNear && (canHost || hasOtherHost)
        }
        if weaker != nil || request.standing == .orphan { return weaker }
        return farthestChild(of: route, at: now).flatMap { child in
            request.cost < Self.admitCost(against: child.cost)
                && (isAskerNear || !(link(to: child.peer)?.isNear ?? false))
                ? child : nil
        }
    }

    /// The child that may be asked to make way for a nearer one.
    private func farthestChild(of route: SourceRoute, at now: Instant) -> SourceRoute.Child? {
        route.children
            .filter { child in
                now - child.admittedAt >= configuration.tenure && !child.isWaiting
                    && child.handover == nil
            }
            .max { ($0.cost, $0.peer) < ($1.cost, $1.peer) }
    }

    /// The most that a link may cost whose child takes the place of one at `cost`.
    private static func admitCost(against cost: UInt32) -> UInt32 {
        cost - min(cost, max(OverlayConfiguration.improvementThreshold * 2, cost / 10))
    }

    /// Below which cost a new child would be taken, even if others have to make way.
    func admitCost(of route: SourceRoute) -> UInt32 {
        if hasRoom(for: route) { return .max }
        let most = route.children.filter { $0.handover == nil && !$0.isWaiting }.map(\.cost).max()
        return most.map(Self.admitCost(against:)) ?? 0
    }

    /// Asks `child` to move under a sibling; it is served until it has, or time is up.
    ///
    /// The child that was admitted in its place is fed from the moment it goes, so that the
    /// budget holds at every moment, and the first packet that the one misses comes by the other.
    private mutating func handOver(
        _ child: SourceRoute.Child, _ index: Int, isPressing: Bool, until: Instant,
        at now: Instant, into actions: inout [Action]
    ) {
        guard let childLink = link(to: child.peer),
            let place = routes[index].children.firstIndex(where: { $0.peer == child.peer })
        else { return }
        let route = routes[index]
        let hosts = route.children.filter {
            $0.peer != child.peer && $0.freeRate >= route.childRate
        }
        let host = hosts.min { left, right in
            rankAsParent(left, of: childLink, in: route)
                < rankAsParent(right, of: childLink, in: route)
        }
        // Whoever takes the place may have room, if no other child has. If it is an orphan others may
        // be as dead as its parent: it is preferred.
        let newcomer = route.children.first(where: \.isWaiting)
        let isNewcomerHost = newcomer.map { isPressing && $0.freeRate >= route.childRate } ?? false
        let chosen = isNewcomerHost ? newcomer : host ?? newcomer
        guard let target = chosen.flatMap({ link(to: $0.peer)?.contact }) else { return }
        routes[index].children[place].handover = .init(
            target: target.peer, until: until,
            repeatDue: now + Self.handoverRepeat)
        if isPressing { hurryHandovers(index, at: now) }
        send(.move(source: route.source, target: target), to: child.peer)
        actions.append(
            .report(.childMoved(source: route.source, child: child.peer, target: target.peer)))
    }

    /// Gives the children that are asked to move no more time than an orphan can wait.
    private mutating func hurryHandovers(_ index: Int, at now: Instant) {
        for place in routes[index].children.indices {
            guard let handover = routes[index].children[place].handover, !handover.isPressing
            else { continue }
            routes[index].children[place].handover?.isPressing = true
            if handover.target != nil {
                routes[index].children[place].handover?.repeatDue = min(
                    handover.repeatDue, now + Self.pressingRepeat)
            }
            routes[index].children[place].handover?.until = min(
                handover.until, now + configuration.dismissalLimit)
        }
    }

    // MARK: - Orphans that were refused

    private mutating func turnAway(_ peer: PeerID, _ index: Int) {
        guard !routes[index].turnedAway.contains(peer),
            routes[index].turnedAway.count < Self.turnedAwayLimit
        else { return }
        routes[index].turnedAway.append(peer)
    }

    /// Tells those who were turned away that a place is free.
    private mutating func tellOfRoom(_ index: Int) {
        guard !routes[index].turnedAway.isEmpty, routes[index].isServing,
            hasRoom(for: routes[index]), let advert = advert(of: routes[index])
        else { return }
        for peer in routes[index].turnedAway { send(.route(advert), to: peer) }
        routes[index].turnedAway.removeAll()
    }

    // MARK: - Removal

    mutating func removeChild(_ peer: PeerID, source: PeerID, into actions: inout [Action]) {
        guard let index = routeIndex(source),
            let place = routes[index].children.firstIndex(where: { $0.peer == peer })
        else { return }
        routes[index].children.remove(at: place)
        isTableStale = true
        feedWaitingChildren()
        tellOfRoom(index)
        actions.append(.report(.childGone(source: source, child: peer)))
    }

    /// Starts to feed children that waited for others to go, as far as the uplink carries them by now.
    private mutating func feedWaitingChildren() {
        for index in routes.indices {
            for place in routes[index].children.indices
            where routes[index].children[place].isWaiting && mayFeedNow(routes[index]) {
                routes[index].children[place].isWaiting = false
                isTableStale = true
                accept(routes[index].children[place].peer, routes[index].source, isFed: true)
            }
        }
    }

    /// Refuses children that the budget no longer covers, the last admitted first.
    ///
    /// Each is fed until it has found another parent, for as long as a hand-over may take.
    mutating func enforceBudget(at now: Instant, into actions: inout [Action]) {
        for index in routes.indices {
            while reservedRate > UInt64(configuration.uplinkRate),
                let place = routes[index].children.lastIndex(where: { $0.handover == nil })
            {
                dismiss(place, index, at: now)
            }
        }
    }

    private mutating func dismiss(_ place: Int, _ index: Int, at now: Instant) {
        let child = routes[index].children[place].peer
        routes[index].children[place].handover = .init(
            target: nil, until: now + configuration.dismissalLimit, repeatDue: .distantFuture)
        sayFull(to: child, routes[index])
    }

    mutating func serveChildren(_ index: Int, at now: Instant, into actions: inout [Action]) {
        let source = routes[index].source
        guard routes[index].children.contains(where: { $0.expiry <= now || $0.handover != nil })
        else { return }
        for child in routes[index].children {
            if child.expiry <= now {
                removeChild(child.peer, source: source, into: &actions)
            } else if let handover = child.handover {
                serve(handover, of: child, index, at: now, into: &actions)
            }
        }
    }

    private mutating func serve(
        _ handover: SourceRoute.Handover, of child: SourceRoute.Child, _ index: Int,
        at now: Instant, into actions: inout [Action]
    ) {
        guard let place = routes[index].children.firstIndex(where: { $0.peer == child.peer })
        else { return }
        let source = routes[index].source
        guard let sibling = handover.target else {
            if handover.until <= now { removeChild(child.peer, source: source, into: &actions) }
            return
        }
        let target = link(to: sibling)?.contact
        if handover.until <= now || target == nil {
            // It could not go, or the sibling has gone. If its place is free again it stays.
            routes[index].children[place].handover = nil
            guard
                reservedRate > UInt64(configuration.uplinkRate)
                    || routes[index].stayingChildren > configuration.childLimit ?? .max
            else { return feedWaitingChildren() }
            if !handover.isPressing, let waiting = waitingChild(index) {
                sendAway(waiting, index)
            } else {
                dismiss(place, index, at: now)
            }
        } else if handover.repeatDue <= now, let target {
            let pause = handover.isPressing ? Self.pressingRepeat : Self.handoverRepeat
            routes[index].children[place].handover?.repeatDue = now + pause
            send(.move(source: source, target: target), to: child.peer)
        }
    }

    private func waitingChild(_ index: Int) -> Int? {
        routes[index].children.lastIndex { $0.isWaiting }
    }

    /// Refuses a child that waited in vain for another to go: it still has its parent.
    private mutating func sendAway(_ place: Int, _ index: Int) {
        let child = routes[index].children.remove(at: place).peer
        isTableStale = true
        sayFull(to: child, routes[index])
    }
}
