import NetBasics
import Wire

// Keeping links alive: hellos between neighbors, heartbeats from parents to children, and what
// silence means (docs/architecture.md, "Links").

extension OverlayPeer {
    /// Pings to a neighbor that may be dead; none while it was heard so recently.
    private static let probeTries = 3
    private static let probeRest: Duration = .seconds(1)
    /// What an answer may take besides one and a half round trips.
    private static let answerTime: Duration = .milliseconds(100)
    /// So many links are those of a small group.
    private static let fewLinks = 6

    /// How often each link is greeted: the more links, the more rarely.
    ///
    /// In small groups a little more often: there each change of a tree shows.
    var helloInterval: Duration {
        let count = max(1, links.count)
        let spacing = configuration.helloSpacing
        return max(
            configuration.helloMinimum, (count <= Self.fewLinks ? spacing * 6 / 7 : spacing) * count
        )
    }

    /// When something is to be done about a link; a parent that fell silent has `grace` left.
    ///
    /// Field by field: it is asked of every link after every event, and a link is large to copy.
    func linkDue(_ index: Int, grace: Duration) -> Instant {
        var due = links[index].expectedBy
        if links[index].isSuspect { due = due + grace }
        if links[index].helloDue < due { due = links[index].helloDue }
        if links[index].heartbeatDue < due { due = links[index].heartbeatDue }
        return min(due, childSignDue(index))
    }

    /// When a parent is to hear from us, or a child is to be asked whether it lives: nothing is
    /// wasted on the dead for long.
    private func childSignDue(_ index: Int) -> Instant {
        guard links[index].feedsUs != links[index].isFedByUs, !links[index].isProbed else {
            return .distantFuture
        }
        let since = links[index].roleSince
        return links[index].feedsUs
            ? max(links[index].lastSent, since) + configuration.childSignInterval
            : max(links[index].lastHeard, since) + configuration.childSilenceLimit
    }

    private mutating func serveChildSign(
        _ index: Int, at now: Instant, into actions: inout [Action]
    ) {
        if links[index].feedsUs {
            // Any datagram says it.
            let sign = ControlDatagram(token: links[index].remoteToken, messages: [])
            actions.append(.sendControl(sign, to: links[index].endpoint))
            links[index].lastSent = now
        } else {
            beginProbe(index, at: now)
        }
    }

    mutating func serveLinks(at now: Instant, into actions: inout [Action]) {
        let grace = configuration.parentGrace
        var index = 0
        while index < links.count {
            if linkDue(index, grace: grace) <= now, !serveLink(index, at: now, into: &actions) {
                continue
            }
            index += 1
        }
    }

    /// Does what is due on one link; `false` if that was to end it.
    private mutating func serveLink(
        _ index: Int, at now: Instant, into actions: inout [Action]
    ) -> Bool {
        let link = links[index]
        let isParentDead = link.isSuspect && link.expectedBy + configuration.parentGrace <= now
        let isMute = link.unansweredHellos >= configuration.helloTries && link.helloDue <= now
        if isParentDead || isMute {
            endLink(link.peer, .silent, at: now, into: &actions)
            return false
        }
        if link.expectedBy <= now, !link.isSuspect {
            links[index].isSuspect = true
            send(.ping(time: Self.pingTime(now)), to: link.peer)
            suspectParent(link.peer, at: now, into: &actions)
            suspectUpstream(link.peer, at: now)
        }
        if childSignDue(index) <= now { serveChildSign(index, at: now, into: &actions) }
        if links[index].helloDue <= now { greetAgain(index, at: now) }
        if link.heartbeatDue <= now { serveHeartbeat(index, at: now) }
        return true
    }

    private mutating func greetAgain(_ index: Int, at now: Instant) {
        links[index].unansweredHellos += 1
        if isDoubted(links[index]), isAnyStarving { meshDue = now }
        let wait = links[index].unansweredHellos > 1 ? configuration.helloRetry : helloInterval
        // The first wait is for the answer, too: its absence shows at the next hello at once.
        // A probe waits no longer than an answer takes by earlier ones.
        let roundTrip = links[index].roundTrip.map { $0 * 3 / 2 + Self.answerTime }
        let limit = links[index].isProbed ? roundTrip : nil
        links[index].helloDue =
            now
            + generator.jittered(
                min(wait, configuration.helloRetry, limit ?? configuration.helloRetry), by: 0.1)
        let peer = links[index].peer
        send(.ping(time: Self.pingTime(now)), to: peer)
        sayHello(to: peer)
    }

    /// Finds out within some round trips which of the neighbors `isMeant` names are dead.
    ///
    /// For when many seem to have died at once: hellos by themselves take tens of seconds.
    mutating func probe(at now: Instant, where isMeant: (Link) -> Bool = { _ in true }) {
        for index in links.indices
        where links[index].unansweredHellos == 0 && now - links[index].lastHeard > Self.probeRest
            && isMeant(links[index])
        {
            // Not now: links may have been served already.
            beginProbe(index, at: now + .milliseconds(1))
        }
    }

    /// Whether a neighbor has not answered a probe in time.
    func isDoubted(_ link: Link) -> Bool {
        link.isProbed && link.unansweredHellos > unprobedHellos + 1
    }

    /// Hellos that count as unanswered before a probe begins.
    private var unprobedHellos: Int { max(0, configuration.helloTries - Self.probeTries) }

    private mutating func beginProbe(_ index: Int, at instant: Instant) {
        links[index].unansweredHellos = unprobedHellos
        links[index].isProbed = true
        links[index].helloDue = instant
    }

    /// Where we stand and what we can reach: with each ping between neighbors, and its answer.
    mutating func sayHello(to peer: PeerID) {
        send(.position(coordinates.coordinate), to: peer)
        greet(peer)
    }

    private mutating func serveHeartbeat(_ index: Int, at now: Instant) {
        let link = links[index]
        guard link.isFedByUs else {
            links[index].heartbeatDue = .distantFuture
            return
        }
        let mediaAt = routes.reduce(floodedMediaAt(link.peer)) { latest, route in
            route.feeds(link.peer) ? max(latest, route.mediaAt) : latest
        }
        let hasNews = links[index].toldMediaAt != mediaAt
        let wait = hasNews ? configuration.heartbeatInterval : links[index].heartbeatWait
        let due = max(link.lastSent, mediaAt) + wait
        guard due <= now else {
            links[index].heartbeatDue = due
            return
        }
        // While nothing flows they become rarer, but so slowly that one may be lost.
        let next = min(wait * 4 / 3, configuration.idleHeartbeatInterval)
        send(.heartbeat(next: UInt16(clamping: next.nanoseconds / 1_000_000)), to: link.peer)
        if hasNews { tellHighest(to: link.peer) }
        links[index].toldMediaAt = mediaAt
        links[index].heartbeatWait = next
        links[index].heartbeatDue = now + next
    }

    /// Takes in who feeds whom, after the trees changed.
    mutating func refreshLinkRoles(at now: Instant) {
        let flows = floodFlows
        for index in links.indices {
            let peer = links[index].peer
            let feedsUs =
                flows.from.contains(peer) || routes.indices.contains { routes[$0].parent == peer }
            let isFedByUs =
                flows.to.contains(peer)
                || routes.indices.contains { routes[$0].children.contains { $0.peer == peer } }
            if feedsUs, !links[index].feedsUs {
                // Who floods may feed us since long, and just now rest from heartbeats.
                let isFlood = flows.from.contains(peer)
                links[index].promisedWait =
                    isFlood ? configuration.idleHeartbeatInterval : configuration.heartbeatInterval
                links[index].expectedBy =
                    now + silenceLimit(links[index].promisedWait) * (isFlood ? 1 : 2)
            } else if !feedsUs {
                links[index].expectedBy = .distantFuture
                links[index].isSuspect = false
            }
            if isFedByUs, !links[index].isFedByUs {
                links[index].heartbeatWait = configuration.heartbeatInterval
                links[index].heartbeatDue = now + configuration.heartbeatInterval
            }
            if feedsUs != links[index].feedsUs || isFedByUs != links[index].isFedByUs {
                links[index].roleSince = now
            }
            links[index].feedsUs = feedsUs
            links[index].isFedByUs = isFedByUs
        }
    }

    /// Silence that is suspicious when something is due every `wait`: more than one was lost.
    private func silenceLimit(_ wait: Duration) -> Duration { wait * 7 / 3 }

    /// The same after dense media, of which many packets would have been lost: there the first
    /// heartbeat is waited for, and no second one.
    private func silenceLimit(_ wait: Duration, _ index: Int, at instant: Instant) -> Duration {
        let isDense =
            wait <= configuration.heartbeatInterval && links[index].pace.isDense(at: instant)
        return isDense ? wait * 4 / 3 : silenceLimit(wait)
    }

    /// Anything at all arrived on the link, last at `instant`; something follows within `wait`.
    ///
    /// Media and heartbeats promise that; whatever else is said puts the next heartbeat off by as
    /// much as was promised last.
    mutating func noteHeard(_ index: Int, at instant: Instant, next promise: Duration? = nil) {
        let wait = promise ?? links[index].promisedWait
        links[index].promisedWait = wait
        links[index].lastHeard = max(links[index].lastHeard, instant)
        links[index].unansweredHellos = 0
        links[index].isProbed = false
        guard links[index].feedsUs else { return }
        links[index].expectedBy = max(
            links[index].expectedBy, instant + silenceLimit(wait, index, at: instant))
        guard links[index].isSuspect else { return }
        links[index].isSuspect = false
        trustParent(links[index].peer)
        trustUpstream(links[index].peer)
    }

    // MARK: - Round trips and coordinates

    mutating func measureRoundTrip(
        since time: UInt32, from peer: PeerID, at now: Instant
    ) {
        let elapsed = Int64(Self.pingTime(now) &- time) * 1000
        guard elapsed <= 60_000_000_000, let index = linkIndex(peer) else { return }
        links[index].addRoundTrip(.nanoseconds(elapsed))
        if links[index].helloDue < now + helloInterval / 2 {
            links[index].helloDue = now + generator.jittered(helloInterval, by: 0.2)
        }
        coordinates.observe(
            delay: .nanoseconds(elapsed / 2), to: links[index].coordinate, generator: &generator)
    }

    /// Microseconds, from zero again after 71 minutes.
    static func pingTime(_ now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1000)
    }

    mutating func answerPing(_ time: UInt32, from peer: PeerID, at now: Instant) {
        send(.pong(time: time), to: peer)
        guard let index = linkIndex(peer) else { return }
        // Its hello came first: ours goes with the answer.
        if links[index].roundTrip != nil {
            links[index].helloDue = now + generator.jittered(helloInterval, by: 0.2)
        }
        sayHello(to: peer)
    }

    mutating func note(_ coordinate: Coordinate, of peer: PeerID) {
        if let index = linkIndex(peer) {
            links[index].coordinate = coordinate
            if links[index].owesIntroduction, coordinate.isKnown {
                links[index].owesIntroduction = false
                introduceOthers(to: links[index])
            }
        }
        for index in candidates.indices where candidates[index].contact.peer == peer {
            candidates[index].coordinate = coordinate
        }
    }
}
