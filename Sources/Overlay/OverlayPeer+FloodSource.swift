import NetBasics
import Wire

// The source's side of flood and prune, the choice of an algorithm, and stream descriptions.

extension OverlayPeer {
    /// How long a choice waits for the group to become known, from the start and from the first
    /// link.
    private static let choiceTime: Duration = .seconds(1)
    private static let choiceLinkTime: Duration = .milliseconds(300)
    private static let describeRetry: Duration = .milliseconds(200)
    private static let describeTries = 50
    private static let linkEndLimit = 256

    // MARK: - Choice

    /// Publishes as the configuration says, or as soon as it is known what suits the group.
    mutating func startPublishing(
        _ descriptions: [StreamDescription], at now: Instant, into actions: inout [Action]
    ) {
        guard routeIndex(configuration.peer) == nil, !isFlooded(configuration.peer) else { return }
        switch configuration.algorithm {
        case .shortestPathTree: publish(descriptions, at: now, into: &actions)
        case .floodAndPrune: publishFlooding(descriptions, at: now)
        case .automatic:
            guard !descriptions.isEmpty, floodClock.publication.isEmpty else { return }
            floodClock.publication = descriptions
            let time = links.isEmpty ? Self.choiceTime : Self.choiceLinkTime
            floodClock.publicationDue = now + (floodClock.memberCount == 1 ? .zero : time)
        }
    }

    /// The rendezvous knows this many members, and sources among them.
    mutating func countMembers(_ count: Int, sources: Int, at now: Instant) {
        floodClock.memberCount = max(0, count)
        floodClock.sourceCount = max(0, sources)
        if count == 1 { floodClock.publicationDue = min(floodClock.publicationDue, now) }
        if floodClock.publication.isEmpty { floodClock.publicationDue = .distantFuture }
    }

    /// Neighbors are about to say which sources there are.
    mutating func hurryPublication(at now: Instant) {
        guard !floodClock.publication.isEmpty else { return }
        floodClock.publicationDue = min(
            floodClock.publicationDue, now + Self.choiceLinkTime)
    }

    mutating func servePublication(at now: Instant, into actions: inout [Action]) {
        guard floodClock.publicationDue <= now else { return }
        floodClock.publicationDue = .distantFuture
        let descriptions = floodClock.publication
        floodClock.publication = []
        switch DeliveryAlgorithm.choice(for: circumstances(at: now)) {
        case .floodAndPrune: publishFlooding(descriptions, at: now)
        case .shortestPathTree, .automatic: publish(descriptions, at: now, into: &actions)
        }
        updateRate(floodClock.publicationRate, at: now, into: &actions)
    }

    private func circumstances(at now: Instant) -> DeliveryAlgorithm.Circumstances {
        .init(
            memberCount: floodClock.memberCount,
            sourceCount: max(floodClock.sourceCount, routes.count + floods.count + 1),
            linkEndsPerMinute: floodClock.linkEnds.count { now - $0 < .seconds(60) })
    }

    mutating func noteLinkEnd(at now: Instant) {
        if floodClock.linkEnds.count >= Self.linkEndLimit { floodClock.linkEnds.removeFirst() }
        floodClock.linkEnds.append(now)
    }

    // MARK: - Publishing

    private mutating func publishFlooding(_ descriptions: [StreamDescription], at now: Instant) {
        guard !descriptions.isEmpty else { return }
        var route = FloodRoute(source: configuration.peer, isLocal: true, at: now)
        route.setDistance(.init(seqno: 1, metric: 0))
        route.newest = 1
        route.rate = descriptions.reduce(0) { $0 &+ $1.rate }
        route.descriptions = descriptions
        route.descriptionVersion = descriptions.first?.version ?? 1
        route.announcedVersion = route.descriptionVersion
        route.refreshDue = now + generator.jittered(configuration.announceInterval, by: 0.1)
        insert(route)
        guard let index = floodIndex(configuration.peer) else { return }
        announceSoon(index, isUrgent: true, at: now)
    }

    /// Makes a new announcement, which mends and shortens the tree.
    mutating func refreshAnnouncement(_ index: Int, isUrgent: Bool, at now: Instant) {
        let seqno = floods[index].distance.seqno &+ 1
        floods[index].setDistance(.init(seqno: seqno, metric: 0))
        floods[index].newest = seqno
        floods[index].refreshDue =
            now + generator.jittered(configuration.announceInterval, by: 0.1)
        announceSoon(index, isUrgent: isUrgent, at: now)
        touch(index)
    }

    /// The own streams need this much, whichever way they go; kbit/s.
    mutating func updateRate(_ rate: UInt32?, at now: Instant, into actions: inout [Action]) {
        guard let rate else { return }
        floodClock.publicationRate = rate
        updateOwnRate(rate, at: now, into: &actions)
        guard let index = floodIndex(configuration.peer), floods[index].rate != rate else { return }
        let isDearer = rate > floods[index].rate
        floods[index].rate = rate
        countFloodSpending()
        announceSoon(index, isUrgent: false, at: now)
        if isDearer { enforceFloodBudget(into: &actions) }
    }

    // MARK: - Leaving

    /// Says goodbye; true if neighbors need a moment to graft others.
    mutating func leaveFloods() -> Bool {
        var hasChildren = false
        for route in floods {
            if route.isLocal {
                sendFarewell(of: route.source, seqno: route.distance.seqno &+ 1)
                continue
            }
            for neighbor in route.neighbors where neighbor.role == .eager {
                hasChildren = true
                let refusal = ControlMessage.attachRefused(
                    source: route.source, reason: .noRoute, referrals: [])
                send(refusal, to: neighbor.peer)
            }
        }
        return hasChildren
    }

    // MARK: - Descriptions

    mutating func noteVersion(_ version: UInt16, _ index: Int, at now: Instant) {
        guard version != 0, version != floods[index].announcedVersion,
            version != floods[index].descriptionVersion
        else { return }
        floods[index].descriptionVersion = version
        floods[index].describeDue = now
        floods[index].describeTries = 0
        touch(index)
    }

    /// Asks the upstream, or who is about to become it, for descriptions that we lack.
    mutating func askForFloodDescription(_ index: Int, at now: Instant) {
        let route = floods[index]
        guard route.descriptionVersion != route.announcedVersion,
            route.describeTries < Self.describeTries
        else {
            floods[index].describeDue = .distantFuture
            return
        }
        floods[index].describeTries += 1
        floods[index].describeDue = now + Self.describeRetry
        let known = route.neighbors.first { $0.heard != nil }?.peer
        guard let peer = route.upstream ?? route.attempt?.peer ?? known else { return }
        send(.describe(source: route.source), to: peer)
    }

    /// Answers now, or as soon as the descriptions are here.
    mutating func describeFlooded(_ index: Int, to peer: PeerID) {
        guard floods[index].announcedVersion != 0 else {
            let place = floods[index].makePlace(of: peer)
            floods[index].neighbors[place].wantsDescription = true
            return
        }
        for description in floods[index].descriptions { send(.description(description), to: peer) }
    }

    mutating func receiveFlooded(
        _ description: StreamDescription, _ index: Int, into actions: inout [Action]
    ) {
        guard !floods[index].isLocal, description.version == floods[index].descriptionVersion,
            description.version != floods[index].announcedVersion
        else { return }
        floods[index].descriptions.removeAll {
            $0.version != description.version || $0.stream == description.stream
        }
        floods[index].descriptions.append(description)
        guard floods[index].descriptions.count == Int(description.streamCount) else { return }
        floods[index].descriptions.sort { $0.stream < $1.stream }
        floods[index].announcedVersion = description.version
        floods[index].describeDue = .distantFuture
        actions.append(
            .sourceDescribed(description.stream.source, floods[index].descriptions))
        for place in floods[index].neighbors.indices
        where floods[index].neighbors[place].wantsDescription {
            floods[index].neighbors[place].wantsDescription = false
            describeFlooded(index, to: floods[index].neighbors[place].peer)
        }
    }
}
