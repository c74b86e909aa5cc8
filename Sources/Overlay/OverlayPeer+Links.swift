import NetBasics
import Wire

// Links: handshake, keep-alive, round trips (docs/protocol.md, "Links").

extension OverlayPeer {
    func link(to peer: PeerID) -> Link? { links.first { $0.peer == peer } }

    func isSameSubnet(_ endpoint: Endpoint, _ other: Endpoint) -> Bool {
        endpoint.address.subnet == other.address.subnet
    }

    // MARK: - Handshake

    /// Asks `contact` for a link, unless there is one or too many are asked for already.
    mutating func requestLink(
        to contact: Contact, isTrial: Bool = false, at now: Instant, into actions: inout [Action]
    ) {
        guard contact.peer != configuration.peer, link(to: contact.peer) == nil,
            !handshakes.contains(where: { $0.contact.peer == contact.peer }),
            links.count + handshakes.count < configuration.linkLimit
        else { return }
        let handshake = Handshake(
            contact: contact, token: LinkToken(rawValue: generator.next()), cookie: .none,
            endpoint: contact.endpoint, tries: 1, sentAt: now, isTrial: isTrial,
            retryDue: now + generator.jittered(configuration.handshakeRetry, by: 0.2))
        handshakes.append(handshake)
        actions.append(.sendLink(request(handshake), to: handshake.endpoint))
    }

    private func request(_ handshake: Handshake) -> LinkMessage {
        .request(
            LinkRequest(
                group: configuration.group, peer: configuration.peer, token: handshake.token,
                cookie: handshake.cookie, name: configuration.name))
    }

    mutating func receive(
        _ message: LinkMessage, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        switch message {
        case .request(let request):
            answer(request, from: sender, at: now, into: &actions)
        case .challenge(let token, let cookie):
            take(cookie, token: token, from: sender, at: now, into: &actions)
        case .accept(let accept):
            complete(accept, from: sender, at: now, into: &actions)
        case .refusal(let token, let reason, let referrals):
            abandon(token, reason, referrals, from: sender, at: now, into: &actions)
        }
    }

    private mutating func answer(
        _ request: LinkRequest, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        guard addressCookie.verifies(request.cookie.high, request.cookie.low, for: sender, at: now)
        else {
            let (high, low) = addressCookie.word(for: sender, at: now)
            let challenge = LinkMessage.challenge(
                token: request.token, cookie: Cookie(high: high, low: low))
            actions.append(.sendLink(challenge, to: sender))
            return
        }
        if let reason = refusalReason(request, from: sender, at: now) {
            let refusal = LinkMessage.refusal(
                token: request.token, reason: reason,
                referrals: reason == .full ? linkReferrals(for: request.peer) : [])
            actions.append(.sendLink(refusal, to: sender))
            return
        }
        let localToken = accept(request, from: sender, at: now, into: &actions)
        let accept = LinkAccept(
            initiatorToken: request.token, peer: configuration.peer, token: localToken,
            name: configuration.name)
        actions.append(.sendLink(.accept(accept), to: sender))
    }

    private func refusalReason(
        _ request: LinkRequest, from sender: Endpoint, at now: Instant
    ) -> LinkRefusalReason? {
        if request.group != configuration.group || isLeaving { return .wrongGroup }
        if request.peer == configuration.peer { return .selfLink }
        if let known = link(to: request.peer) {
            // Nobody takes over another's link, and its media, by claiming its id.
            let isAlive = now - known.lastHeard < helloInterval + configuration.helloRetry * 4
            return isAlive && known.endpoint != sender ? .peerIDTaken : nil
        }
        let addressCount = links.count { $0.endpoint.address == sender.address }
        return links.count >= configuration.linkLimit
            || addressCount >= configuration.addressLinkLimit ? .full : nil
    }

    private mutating func linkReferrals(for peer: PeerID) -> [Contact] {
        let others = links.filter { $0.peer != peer }.map(\.contact)
        return generator.sample(LinkMessage.referralLimit, of: others)
    }

    /// Establishes or renews the responder's side; returns the token for the initiator.
    private mutating func accept(
        _ request: LinkRequest, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) -> LinkToken {
        if let index = links.firstIndex(where: { $0.peer == request.peer }) {
            isTableStale =
                links[index].remoteToken != request.token
                || links[index].endpoint != sender || isTableStale
            links[index].remoteToken = request.token
            links[index].endpoint = sender
            links[index].name = request.name
            links[index].lastHeard = now
            return links[index].localToken
        }
        // When both sides ask at once, both tokens of the crossing requests are used.
        let crossing = handshakes.firstIndex { $0.contact.peer == request.peer }
        let token = crossing.map { handshakes[$0].token } ?? LinkToken(rawValue: generator.next())
        if let crossing { handshakes.remove(at: crossing) }
        establish(
            peer: request.peer, name: request.name, endpoint: sender, localToken: token,
            remoteToken: request.token, roundTrip: nil, at: now, into: &actions)
        return token
    }

    private mutating func take(
        _ cookie: Cookie, token: LinkToken, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = handshakes.firstIndex(where: { $0.token == token }),
            handshakes[index].cookie != cookie
        else { return drop(.unexpectedAnswer, into: &actions) }
        handshakes[index].cookie = cookie
        // A host with several addresses may answer from another one: that one is then proven.
        handshakes[index].endpoint = sender
        handshakes[index].sentAt = now
        handshakes[index].isRepeated = false
        handshakes[index].retryDue = now + configuration.handshakeRetry
        actions.append(.sendLink(request(handshakes[index]), to: sender))
    }

    private mutating func complete(
        _ accept: LinkAccept, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        guard
            let index = handshakes.firstIndex(where: {
                $0.token == accept.initiatorToken && $0.endpoint == sender && $0.cookie != .none
            })
        else {
            // A repeated or crossing accept for a link that exists is no news.
            let isKnown = links.contains { $0.localToken == accept.initiatorToken }
            return isKnown ? () : drop(.unexpectedAnswer, into: &actions)
        }
        let handshake = handshakes.remove(at: index)
        guard accept.peer != configuration.peer, link(to: accept.peer) == nil else { return }
        establish(
            peer: accept.peer, name: accept.name, endpoint: sender,
            localToken: handshake.token, remoteToken: accept.token,
            roundTrip: handshake.isRepeated ? nil : now - handshake.sentAt,
            isTrial: handshake.isTrial, at: now, into: &actions)
    }

    private mutating func abandon(
        _ token: LinkToken, _ reason: LinkRefusalReason, _ referrals: [Contact],
        from sender: Endpoint, at now: Instant, into actions: inout [Action]
    ) {
        guard
            let index = handshakes.firstIndex(where: {
                $0.token == token && $0.endpoint == sender && $0.cookie != .none
            })
        else { return drop(.unexpectedAnswer, into: &actions) }
        let handshake = handshakes.remove(at: index)
        pauseCandidate(handshake.contact.peer, until: now + .seconds(30))
        actions.append(.report(.linkRefused(sender, reason)))
        learn(referrals, at: now)
        maintainMesh(at: now, into: &actions)
    }

    mutating func serveHandshakes(at now: Instant, into actions: inout [Action]) {
        for index in handshakes.indices.reversed() where handshakes[index].retryDue <= now {
            if handshakes[index].tries >= configuration.handshakeTries {
                let peer = handshakes.remove(at: index).contact.peer
                pauseCandidate(peer, until: now + .seconds(10))
                continue
            }
            handshakes[index].tries += 1
            let wait = configuration.handshakeRetry * (1 << handshakes[index].tries)
            handshakes[index].retryDue = now + generator.jittered(wait, by: 0.2)
            handshakes[index].isRepeated = true
            actions.append(.sendLink(request(handshakes[index]), to: handshakes[index].endpoint))
        }
    }

    // MARK: - Life of a link

    private mutating func establish(
        peer: PeerID, name: MemberName, endpoint: Endpoint, localToken: LinkToken,
        remoteToken: LinkToken, roundTrip: Duration?, isTrial: Bool = false, at now: Instant,
        into actions: inout [Action]
    ) {
        var link = Link(
            peer: peer, name: name, endpoint: endpoint, localToken: localToken,
            remoteToken: remoteToken, establishedAt: now, lastHeard: now, lastSent: now,
            // The initiator has just measured a round trip; the responder has not.
            helloDue: roundTrip == nil ? now : now + helloInterval, roundTrip: roundTrip)
        link.isTrial = isTrial
        let place = links.firstIndex { $0.peer > peer } ?? links.endIndex
        links.insert(link, at: place)
        learn([link.contact], at: now)
        isTableStale = true
        actions.append(.report(.linkUp(peer, name, endpoint)))
        // The responder's hello is due at once anyway.
        if roundTrip != nil { sayHello(to: peer) }
        greetFlooded(peer)
        hurryPublication(at: now)
    }

    mutating func endLink(
        _ peer: PeerID, _ end: LinkEnd, at now: Instant, into actions: inout [Action]
    ) {
        guard let index = links.firstIndex(where: { $0.peer == peer }) else { return }
        if end == .surplus {
            let farewell = ControlDatagram(token: links[index].remoteToken, messages: [.close])
            actions.append(.sendControl(farewell, to: links[index].endpoint))
        }
        links.remove(at: index)
        isTableStale = true
        actions.append(.report(.linkDown(peer, end)))
        if end != .silent { restCandidate(peer, at: now) }
        forgetNeighbor(peer, at: now, into: &actions)
        forgetFloodNeighbor(peer, at: now, into: &actions)
    }

    /// Whether media of any source flows on the link.
    func isTreeLink(_ peer: PeerID) -> Bool {
        link(to: peer).map { $0.feedsUs || $0.isFedByUs } ?? false
    }

    // MARK: - Keeping links alive

    /// How often each link is greeted: the more links, the more rarely.
    var helloInterval: Duration {
        max(configuration.helloMinimum, configuration.helloSpacing * max(1, links.count))
    }

    func linkDue(_ link: Link) -> Instant {
        let silence =
            link.isSuspect ? link.expectedBy + configuration.parentGrace : link.expectedBy
        return min(link.helloDue, silence, link.heartbeatDue)
    }

    mutating func serveLinks(at now: Instant, into actions: inout [Action]) {
        var index = 0
        while index < links.count {
            if linkDue(links[index]) <= now, !serveLink(index, at: now, into: &actions) {
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
            send(.ping(time: UInt64(bitPattern: now.nanoseconds)), to: link.peer)
            suspectParent(link.peer, at: now, into: &actions)
            suspectUpstream(link.peer, at: now)
        }
        if link.helloDue <= now { greetAgain(index, at: now) }
        if link.heartbeatDue <= now { serveHeartbeat(index, at: now) }
        return true
    }

    private mutating func greetAgain(_ index: Int, at now: Instant) {
        links[index].unansweredHellos += 1
        let wait = links[index].unansweredHellos > 1 ? configuration.helloRetry : helloInterval
        // The first wait is for the answer, too: its absence shows at the next hello at once.
        links[index].helloDue =
            now + generator.jittered(min(wait, configuration.helloRetry), by: 0.1)
        let peer = links[index].peer
        send(.ping(time: UInt64(bitPattern: now.nanoseconds)), to: peer)
        sayHello(to: peer)
    }

    /// Where we stand and what we can reach: with each ping between neighbors, and its answer.
    private mutating func sayHello(to peer: PeerID) {
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
        let isIdle = now - mediaAt > configuration.idleHeartbeatInterval
        if !isIdle { links[index].heartbeatWait = configuration.heartbeatInterval }
        let due = max(link.lastSent, mediaAt) + links[index].heartbeatWait
        guard due <= now else {
            links[index].heartbeatDue = due
            return
        }
        if isIdle {
            links[index].heartbeatWait = min(
                links[index].heartbeatWait * 2, configuration.idleHeartbeatInterval)
        }
        let wait = links[index].heartbeatWait
        send(.heartbeat(next: UInt16(clamping: wait.nanoseconds / 1_000_000)), to: link.peer)
        if links[index].toldMediaAt != mediaAt {
            links[index].toldMediaAt = mediaAt
            tellHighest(to: link.peer)
        }
        links[index].heartbeatDue = now + wait
    }

    /// Takes in who feeds whom, after the trees changed.
    mutating func refreshLinkRoles(at now: Instant) {
        let flows = floodFlows
        for index in links.indices {
            let peer = links[index].peer
            let feedsUs = flows.from.contains(peer) || routes.contains { $0.parent == peer }
            let isFedByUs =
                flows.to.contains(peer)
                || routes.contains { $0.children.contains { $0.peer == peer } }
            if feedsUs, !links[index].feedsUs {
                // Who floods may feed us since long, and just now rest from heartbeats.
                links[index].expectedBy =
                    now
                    + (flows.from.contains(peer)
                        ? silenceLimit(configuration.idleHeartbeatInterval)
                        : silenceLimit(configuration.heartbeatInterval) * 2)
            } else if !feedsUs {
                links[index].expectedBy = .distantFuture
                links[index].isSuspect = false
            }
            if isFedByUs, !links[index].isFedByUs {
                links[index].heartbeatWait = configuration.heartbeatInterval
                links[index].heartbeatDue = now + configuration.heartbeatInterval
            }
            links[index].feedsUs = feedsUs
            links[index].isFedByUs = isFedByUs
        }
    }

    /// Silence that is suspicious when something is due every `wait`: more than one was lost.
    private func silenceLimit(_ wait: Duration) -> Duration { wait * 7 / 3 }

    /// Anything at all arrived on the link, last at `instant`; media or a heartbeat follows
    /// within `wait`.
    mutating func noteHeard(_ index: Int, at instant: Instant, next wait: Duration) {
        links[index].lastHeard = max(links[index].lastHeard, instant)
        links[index].unansweredHellos = 0
        guard links[index].feedsUs else { return }
        links[index].expectedBy = max(links[index].expectedBy, instant + silenceLimit(wait))
        guard links[index].isSuspect else { return }
        links[index].isSuspect = false
        trustParent(links[index].peer)
        trustUpstream(links[index].peer)
    }

    // MARK: - Control datagrams

    mutating func receive(
        _ datagram: ControlDatagram, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = links.firstIndex(where: { $0.localToken == datagram.token }) else {
            return drop(.unknownLink, into: &actions)
        }
        guard links[index].endpoint == sender else { return drop(.wrongAddress, into: &actions) }
        let peer = links[index].peer
        noteHeard(index, at: now, next: configuration.heartbeatInterval)
        for message in datagram.messages {
            guard link(to: peer) != nil else { return }
            receive(message, from: peer, at: now, into: &actions)
        }
    }

    private mutating func receive(
        _ message: ControlMessage, from peer: PeerID, at now: Instant,
        into actions: inout [Action]
    ) {
        switch message {
        case .ping(let time):
            answerPing(time, from: peer, at: now)
        case .pong(let time):
            measureRoundTrip(since: time, from: peer, at: now)
        case .position(let coordinate):
            note(coordinate, of: peer)
        case .heartbeat(let next):
            guard let index = links.firstIndex(where: { $0.peer == peer }) else { return }
            let wait = min(Duration.milliseconds(Int64(next)), configuration.idleHeartbeatInterval)
            noteHeard(index, at: now, next: wait)
        case .route(let advert):
            receive(advert, from: peer, at: now, into: &actions)
        case .seqnoRequest(let source, let seqno, let hopLimit):
            serveSeqnoRequest(
                source: source, seqno: seqno, hopLimit: hopLimit, from: peer, at: now)
        case .describe(let source):
            sendDescriptions(of: source, to: peer)
        case .description(let description):
            receive(description, at: now, into: &actions)
        case .attach(let request):
            admit(request, from: peer, at: now, into: &actions)
        case .attachAccepted(let source, let isFed):
            if isFlooded(source) {
                graftAccepted(by: peer, source: source, at: now, into: &actions)
            } else {
                acceptedBy(peer, source: source, isFed: isFed, at: now, into: &actions)
            }
        case .attachRefused(let source, let reason, let referrals):
            if isFlooded(source) {
                graftRefused(by: peer, source: source, referrals, at: now, into: &actions)
            } else {
                refusedBy(peer, source: source, reason, referrals, at: now, into: &actions)
            }
        case .detach(let source):
            removeChild(peer, source: source, into: &actions)
            receivePrune(of: source, from: peer, into: &actions)
        case .move(let source, let target):
            move(source: source, to: target, askedBy: peer, at: now, into: &actions)
        case .peers(let peers):
            learn(peers, at: now)
        case .close:
            endLink(peer, .closed, at: now, into: &actions)
        case .announce(let announcement):
            receive(announcement, from: peer, at: now, into: &actions)
        case .graft(let source, let seqno, let isLazy):
            receiveGraft(
                of: source, seqno: seqno, isLazy: isLazy, from: peer, at: now, into: &actions)
        case .prune(let source):
            receivePrune(of: source, from: peer, into: &actions)
        case .have(let stream, let sequence):
            receiveDigest(stream, sequence, from: peer, at: now)
        case .repairRequest(let request):
            serveRepairRequest(request, from: peer, into: &actions)
        case .heardUpTo(let stream, let highest):
            noteHighest(highest, of: stream, from: peer, into: &actions)
        }
    }

    private mutating func measureRoundTrip(
        since time: UInt64, from peer: PeerID, at now: Instant
    ) {
        let elapsed = now.nanoseconds &- Int64(bitPattern: time)
        guard (0...60_000_000_000).contains(elapsed),
            let index = links.firstIndex(where: { $0.peer == peer })
        else { return }
        links[index].addRoundTrip(.nanoseconds(elapsed))
        if links[index].helloDue < now + helloInterval / 2 {
            links[index].helloDue = now + generator.jittered(helloInterval, by: 0.2)
        }
        coordinates.observe(
            delay: .nanoseconds(elapsed / 2), to: links[index].coordinate, generator: &generator)
    }

    private mutating func answerPing(_ time: UInt64, from peer: PeerID, at now: Instant) {
        send(.pong(time: time), to: peer)
        guard let index = links.firstIndex(where: { $0.peer == peer }) else { return }
        // Its hello came first: ours goes with the answer.
        if links[index].roundTrip != nil {
            links[index].helloDue = now + generator.jittered(helloInterval, by: 0.2)
        }
        sayHello(to: peer)
    }

    private mutating func note(_ coordinate: Coordinate, of peer: PeerID) {
        for index in links.indices where links[index].peer == peer {
            links[index].coordinate = coordinate
        }
        for index in candidates.indices where candidates[index].contact.peer == peer {
            candidates[index].coordinate = coordinate
        }
    }

    func drop(_ reason: DropReason, into actions: inout [Action]) {
        actions.append(.report(.dropped(reason)))
    }
}
