import NetBasics
import Wire

// Links: handshake, keep-alive, round trips (docs/protocol.md, "Links").

extension OverlayPeer {
    /// How long a neighbor that fell silent is not asked for a link again.
    private static let silentPause: Duration = .seconds(3)
    /// Requests for a link that an orphan sends to one peer.
    private static let hurriedTries = 3

    /// Links are in the order of their peers.
    func linkIndex(_ peer: PeerID) -> Int? {
        var low = 0
        var high = links.count
        while low < high {
            let middle = (low + high) / 2
            if links[middle].peer < peer { low = middle + 1 } else { high = middle }
        }
        return low < links.count && links[low].peer == peer ? low : nil
    }

    func link(to peer: PeerID) -> Link? { linkIndex(peer).map { links[$0] } }

    func isLinked(_ peer: PeerID) -> Bool { linkIndex(peer) != nil }

    func isSameSubnet(_ endpoint: Endpoint, _ other: Endpoint) -> Bool {
        endpoint.address.subnet == other.address.subnet
    }

    // MARK: - Handshake

    /// Asks `contact` for a link, unless there is one or too many are asked for already.
    mutating func requestLink(
        to contact: Contact, for purpose: Handshake.Purpose = .neighbor, at now: Instant,
        into actions: inout [Action]
    ) {
        guard contact.peer != configuration.peer, !isLinked(contact.peer),
            !handshakes.contains(where: {
                $0.contact.peer == contact.peer || $0.endpoint == contact.endpoint
            }), !links.contains(where: { $0.endpoint == contact.endpoint }),
            links.count + handshakes.count < configuration.linkLimit
        else { return }
        let handshake = Handshake(
            contact: contact, token: drawToken(), cookie: .none,
            endpoint: contact.endpoint, tries: 1, sentAt: now, purpose: purpose,
            retryDue: now + generator.jittered(configuration.handshakeRetry, by: 0.2))
        handshakes.append(handshake)
        actions.append(.sendLink(request(handshake), to: handshake.endpoint))
    }

    /// The next message of a handshake: before there is a cookie it says nothing of this peer.
    private func request(_ handshake: Handshake) -> LinkMessage {
        guard handshake.cookie != .none else { return .hello(token: handshake.token) }
        return .request(
            LinkRequest(
                group: configuration.group, peer: configuration.peer, token: handshake.token,
                cookie: handshake.cookie, name: configuration.name))
    }

    /// A token that no link and no handshake of this peer has.
    private mutating func drawToken() -> LinkToken {
        while true {
            let token = LinkToken(rawValue: UInt32(truncatingIfNeeded: generator.next()))
            guard
                links.contains(where: { $0.localToken == token })
                    || handshakes.contains(where: { $0.token == token })
            else { return token }
        }
    }

    mutating func receive(
        _ message: LinkMessage, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        switch message {
        case .hello(let token):
            challenge(token, from: sender, at: now, into: &actions)
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

    private func challenge(
        _ token: LinkToken, from sender: Endpoint, at now: Instant, into actions: inout [Action]
    ) {
        let (high, low) = addressCookie.word(for: sender, at: now)
        let challenge = LinkMessage.challenge(token: token, cookie: Cookie(high: high, low: low))
        actions.append(.sendLink(challenge, to: sender))
    }

    private mutating func answer(
        _ request: LinkRequest, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        guard addressCookie.verifies(request.cookie.high, request.cookie.low, for: sender, at: now)
        else { return challenge(request.token, from: sender, at: now, into: &actions) }
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
        if let index = linkIndex(request.peer) {
            isTableStale =
                links[index].remoteToken != request.token
                || links[index].endpoint != sender || isTableStale
            links[index].remoteToken = request.token
            links[index].endpoint = sender
            links[index].isNear = isNear(sender)
            names[request.peer] = request.name
            links[index].lastHeard = now
            return links[index].localToken
        }
        // When both sides ask at once, both tokens of the crossing requests are used.
        let crossing = handshakes.firstIndex { $0.contact.peer == request.peer }
        let token = crossing.map { handshakes[$0].token } ?? drawToken()
        if let crossing { handshakes.remove(at: crossing) }
        establish(
            peer: request.peer, name: request.name, endpoint: sender, localToken: token,
            remoteToken: request.token, roundTrip: nil, at: now, into: &actions)
        if let index = linkIndex(request.peer) { links[index].owesIntroduction = true }
        return token
    }

    private mutating func take(
        _ cookie: Cookie, token: LinkToken, from sender: Endpoint, at now: Instant,
        into actions: inout [Action]
    ) {
        guard let index = handshakes.firstIndex(where: { $0.token == token }),
            handshakes[index].cookie != cookie
        else { return drop(.unexpectedAnswer, into: &actions) }
        // If the cookie has changed on the way, the answer to the request with the first may still
        // come: it would be taken for a very short round trip.
        let isSecond = handshakes[index].cookie != .none
        if !isSecond, !handshakes[index].isRepeated,
            !isWorthwhile(handshakes[index], roundTrip: now - handshakes[index].sentAt, at: now)
        {
            handshakes.remove(at: index)
            return
        }
        handshakes[index].cookie = cookie
        // A host with several addresses may answer from another one: that one is then proven.
        handshakes[index].endpoint = sender
        handshakes[index].sentAt = now
        handshakes[index].isRepeated = isSecond
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
        if accept.peer != handshake.contact.peer {
            // Another process has come in its place.
            candidates.removeAll { $0.contact.peer == handshake.contact.peer }
        }
        guard accept.peer != configuration.peer else { return }
        if let index = linkIndex(accept.peer) {
            // It has renewed the link that there was, and writes our new token from now on.
            links[index].localToken = handshake.token
            links[index].remoteToken = accept.token
            links[index].endpoint = sender
            isTableStale = true
            return
        }
        guard links.count < configuration.linkLimit else {
            // Others were faster.
            let farewell = ControlDatagram(token: accept.token, messages: [.close])
            actions.append(.sendControl(farewell, to: sender))
            return
        }
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
        guard !handshakes.isEmpty else { return }
        let isHurried = isAnyStarving
        let tries =
            isHurried
            ? min(Self.hurriedTries, configuration.handshakeTries) : configuration.handshakeTries
        for index in handshakes.indices.reversed() where handshakes[index].retryDue <= now {
            if isHurried { meshDue = now }
            if handshakes[index].tries >= tries {
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
            peer: peer, endpoint: endpoint, localToken: localToken,
            remoteToken: remoteToken, establishedAt: now, lastHeard: now, lastSent: now,
            // The initiator has just measured a round trip; the responder has not.
            helloDue: roundTrip == nil ? now : now + helloInterval, isNear: isNear(endpoint),
            roleSince: now)
        if let roundTrip { link.addRoundTrip(roundTrip) }
        names[peer] = name
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
        guard let index = linkIndex(peer) else { return }
        if end == .surplus {
            let farewell = ControlDatagram(token: links[index].remoteToken, messages: [.close])
            actions.append(.sendControl(farewell, to: links[index].endpoint))
        }
        remember(links[index], at: now)
        links.remove(at: index)
        names[peer] = nil
        isTableStale = true
        actions.append(.report(.linkDown(peer, end)))
        if end != .silent {
            restCandidate(peer, at: now)
        } else {
            pauseCandidate(peer, until: now + Self.silentPause)
            if links.count < configuration.neighborTarget { meshDue = now }
        }
        forgetNeighbor(peer, at: now, into: &actions)
        forgetFloodNeighbor(peer, at: now, into: &actions)
    }

    /// Whether media of any source flows on the link.
    func isTreeLink(_ peer: PeerID) -> Bool {
        linkIndex(peer).map { links[$0].feedsUs || links[$0].isFedByUs } ?? false
    }

    // MARK: - Addresses

    /// The peer of a link receives at another address now; whoever has the link's keys has proved it.
    mutating func moveLink(_ token: LinkToken, to endpoint: Endpoint, at now: Instant) {
        guard let index = links.firstIndex(where: { $0.localToken == token }) else { return }
        links[index].endpoint = endpoint
        links[index].isNear = isNear(endpoint)
        isTableStale = true
        learn([links[index].contact], at: now)
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
        noteHeard(index, at: now)
        for message in datagram.messages {
            guard isLinked(peer) else { return }
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
            noteDelay(since: time, from: peer, at: now, into: &actions)
        case .position(let coordinate):
            note(coordinate, of: peer)
        case .heartbeat(let next):
            guard let index = linkIndex(peer) else { return }
            let wait = min(Duration.milliseconds(Int64(next)), configuration.idleHeartbeatInterval)
            links[index].pace.notePause(at: now)
            noteHeard(index, at: now, next: wait)
        case .route(let advert):
            receive(advert, from: peer, at: now, into: &actions)
        case .seqnoRequest(let source, let seqno, let hopLimit, let isUrgent):
            serveSeqnoRequest(
                source: source, seqno: seqno, hopLimit: hopLimit, isUrgent: isUrgent, from: peer,
                at: now)
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
        case .peers(let peers, let source):
            learn(peers, source: source, at: now)
        case .close: endLink(peer, .closed, at: now, into: &actions)
        case .announce(let announcement):
            receive(announcement, from: peer, at: now, into: &actions)
        case .graft(let source, let seqno, let isLazy):
            receiveGraft(
                of: source, seqno: seqno, isLazy: isLazy, from: peer, at: now, into: &actions)
        case .prune(let source): receivePrune(of: source, from: peer, into: &actions)
        case .have(let stream, let sequence):
            receiveDigest(stream, sequence, from: peer, at: now)
        case .repairRequest(let request):
            serveRepairRequest(request, from: peer, into: &actions)
        case .parity(let source, let rows):
            serveParityWish(of: source, rows: Int(rows), from: peer, into: &actions)
        case .heardUpTo(let stream, let highest):
            noteHighest(highest, of: stream, from: peer, into: &actions)
        case .rekey, .rekeyed, .probe, .probed:
            // For the layer that seals, which takes them out.
            break
        case .rate(let message):
            hearRate(message, from: peer, into: &actions)
        }
    }

    func drop(_ reason: DropReason, into actions: inout [Action]) {
        actions.append(.report(.dropped(reason)))
    }
}
