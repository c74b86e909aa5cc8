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
    mutating func requestLink(to contact: Contact, at now: Instant, into actions: inout [Action]) {
        guard contact.peer != configuration.peer, link(to: contact.peer) == nil,
            !handshakes.contains(where: { $0.contact.peer == contact.peer }),
            links.count + handshakes.count < configuration.linkLimit
        else { return }
        let handshake = Handshake(
            contact: contact, token: LinkToken(rawValue: generator.next()), cookie: .none,
            endpoint: contact.endpoint, tries: 1, sentAt: now,
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
            let isAlive = now - known.lastHeard < configuration.treeLinkTimeout
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
            roundTrip: now - handshake.sentAt, at: now, into: &actions)
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
            handshakes[index].sentAt = now
            actions.append(.sendLink(request(handshakes[index]), to: handshakes[index].endpoint))
        }
    }

    // MARK: - Life of a link

    private mutating func establish(
        peer: PeerID, name: MemberName, endpoint: Endpoint, localToken: LinkToken,
        remoteToken: LinkToken, roundTrip: Duration?, at now: Instant,
        into actions: inout [Action]
    ) {
        let link = Link(
            peer: peer, name: name, endpoint: endpoint, localToken: localToken,
            remoteToken: remoteToken, establishedAt: now, lastHeard: now, pingDue: now,
            roundTrip: roundTrip)
        let place = links.firstIndex { $0.peer > peer } ?? links.endIndex
        links.insert(link, at: place)
        learn([link.contact], at: now)
        isTableStale = true
        actions.append(.report(.linkUp(peer, name, endpoint)))
        greet(peer)
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
        if end != .silent { pauseCandidate(peer, until: now + .seconds(20)) }
        forgetNeighbor(peer, at: now, into: &actions)
        forgetFloodNeighbor(peer, at: now, into: &actions)
    }

    /// Whether media of any source flows on the link.
    func isTreeLink(_ peer: PeerID) -> Bool {
        routes.contains { route in
            route.parent == peer || route.children.contains { $0.peer == peer }
        }
    }

    private func timeout(of link: Link) -> Duration {
        isTreeLink(link.peer) ? configuration.treeLinkTimeout : configuration.linkTimeout
    }

    func linkDue(_ link: Link) -> Instant {
        min(link.pingDue, link.lastHeard + timeout(of: link))
    }

    mutating func serveLinks(at now: Instant, into actions: inout [Action]) {
        for peer in links.map(\.peer) {
            guard let index = links.firstIndex(where: { $0.peer == peer }) else { continue }
            if now - links[index].lastHeard >= timeout(of: links[index]) {
                endLink(peer, .silent, at: now, into: &actions)
                continue
            }
            let interval =
                isTreeLink(peer) ? configuration.treePingInterval : configuration.pingInterval
            if links[index].pingDue <= now {
                send(.ping(time: UInt64(bitPattern: now.nanoseconds)), to: peer)
                links[index].pingDue = now + generator.jittered(interval, by: 0.1)
            } else if links[index].pingDue > now + interval * 2 {
                // It just became part of a tree.
                links[index].pingDue = now + interval
            }
        }
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
        links[index].lastHeard = now
        let peer = links[index].peer
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
            send(.pong(time: time), to: peer)
        case .pong(let time):
            measureRoundTrip(since: time, from: peer, at: now)
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
        case .peers(let contacts):
            learn(contacts, at: now)
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
    }

    func drop(_ reason: DropReason, into actions: inout [Action]) {
        actions.append(.report(.dropped(reason)))
    }
}
