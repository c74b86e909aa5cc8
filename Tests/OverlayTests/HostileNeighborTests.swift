import Forwarding
import NetBasics
import Overlay
import Testing
import Wire

/// One peer against neighbors that say anything at all.
@Suite struct HostileNeighborTests {
    private static let limits = (links: 48, candidates: 128, sources: 64)
    private static let floodLimit = 40

    /// A peer under attack, with its links as the attackers know them.
    private struct Target: ~Copyable {
        var overlay: OverlayPeer
        var now = Instant(nanoseconds: 1_000_000_000)
        var actions: [OverlayPeer.Action] = []
        /// The tokens that the attackers write, and where they write from.
        var links: [(token: LinkToken, endpoint: Endpoint)] = []

        init(seed: UInt64) {
            guard let name = MemberName("target") else { preconditionFailure("a name") }
            var configuration = OverlayConfiguration(
                group: SimulatedGroup.group, peer: PeerID(rawValue: 1), name: name,
                uplinkRate: 10_000)
            configuration.floodSourceLimit = HostileNeighborTests.floodLimit
            configuration.localSubnets = [endpoint(1).address.subnet]
            overlay = OverlayPeer(
                configuration: configuration, cookieSecret: [UInt8](repeating: 7, count: 32),
                generator: SeededGenerator(seed: seed))
        }

        mutating func handle(_ event: OverlayPeer.Event) {
            actions.removeAll()
            overlay.handle(event, at: now, into: &actions)
        }

        mutating func say(_ message: ControlMessage, on link: Int) {
            let datagram = ControlDatagram(token: links[link].token, messages: [message])
            handle(.controlReceived(datagram, from: links[link].endpoint))
        }

        /// Runs the handshake as an initiator with `peer` would; whether a link came of it.
        mutating func connect(_ peer: PeerID, from sender: Endpoint) -> Bool {
            guard let name = MemberName("mallory") else { return false }
            var request = LinkRequest(
                group: SimulatedGroup.group, peer: peer,
                token: LinkToken(rawValue: UInt32(truncatingIfNeeded: peer.rawValue)),
                cookie: .none, name: name)
            handle(.linkMessageReceived(.request(request), from: sender))
            guard case .sendLink(.challenge(_, let cookie), _) = actions.first else { return false }
            request.cookie = cookie
            handle(.linkMessageReceived(.request(request), from: sender))
            for case .sendLink(.accept(let accept), _) in actions {
                links.append((accept.token, sender))
                return true
            }
            return false
        }
    }

    private static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(
            address: .v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(number))),
            port: UInt16(1024 + number % 60_000))
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func nothingThatNeighborsSayBreaksABound(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var target = Target(seed: seed)
        for number in 2..<10 {
            let isLinked1 = target.connect(
                PeerID(rawValue: UInt64(number)), from: Self.endpoint(number))
            #expect(isLinked1)
        }

        for _ in 0..<8000 {
            target.now = target.now + .milliseconds(Int64(generator.uniform(below: 40)))
            let from = target.links[generator.uniform(below: target.links.count)]
            let messages = (0...generator.uniform(below: 3)).map { _ in
                Self.anything(&generator)
            }
            let datagram = ControlDatagram(token: from.token, messages: messages)
            target.handle(.controlReceived(datagram, from: from.endpoint))
            if generator.uniform(below: 50) == 0 {
                // Links that were closed are asked for anew.
                let number = 2 + generator.uniform(below: 60)
                _ = target.connect(PeerID(rawValue: UInt64(number)), from: Self.endpoint(number))
            }
            expectBounds(target)
        }
    }

    private func expectBounds(_ target: borrowing Target) {
        let view = target.overlay.view
        #expect(view.neighbors.count <= Self.limits.links)
        #expect(view.candidates.count <= Self.limits.candidates)
        let floods = view.sources.count { $0.algorithm == .floodAndPrune }
        #expect(view.sources.count - floods <= Self.limits.sources)
        #expect(floods <= Self.floodLimit)
        #expect(view.reservedRate <= view.uplinkRate)
        #expect(target.overlay.nextWakeup.map { $0 > target.now } ?? true)
        #expect(target.actions.count < 400)
    }

    /// A well-formed message with arbitrary, often extreme, content.
    private static func anything(_ generator: inout SeededGenerator) -> ControlMessage {
        let source = PeerID(rawValue: UInt64(generator.uniform(below: 90)))
        let contacts = (0..<generator.uniform(below: 4)).map { _ in
            let number = generator.uniform(below: 500)
            return Contact(peer: PeerID(rawValue: UInt64(number)), endpoint: endpoint(number))
        }
        switch generator.uniform(below: 23) {
        case 0: return .ping(time: UInt32(truncatingIfNeeded: generator.next()))
        case 1: return .pong(time: UInt32(truncatingIfNeeded: generator.next()))
        case 2:
            return .seqnoRequest(
                source: source, seqno: extreme(&generator), hopLimit: 255,
                isUrgent: generator.uniform(below: 2) == 0)
        case 3: return .describe(source: source)
        case 4: return .description(description(of: source, &generator))
        case 5:
            return .attach(
                AttachRequest(
                    source: source, freeRate: extreme(&generator),
                    isInner: generator.uniform(below: 2) == 0,
                    standing: ChildStanding.allCases[generator.uniform(below: 3)],
                    cost: extreme(&generator)))
        case 6: return .attachAccepted(source: source, isFed: generator.uniform(below: 2) == 0)
        case 7: return .attachRefused(source: source, reason: .full, referrals: contacts)
        case 8: return .detach(source: source)
        case 9:
            return contacts.first.map { .move(source: source, target: $0) }
                ?? .detach(source: source)
        case 10:
            return .peers(
                contacts.map {
                    Acquaintance(
                        contact: $0, coordinate: position(&generator),
                        metric: extreme(&generator), admitCost: extreme(&generator))
                }, source: source)
        case 11: return generator.uniform(below: 40) == 0 ? .close : .describe(source: source)
        case 12...19: return special(source, &generator)
        default:
            return .route(
                RouteAdvert(
                    source: source, seqno: extreme(&generator), metric: extreme(&generator),
                    hops: UInt8(truncatingIfNeeded: generator.next()),
                    isGone: generator.uniform(below: 10) == 0, freeRate: extreme(&generator),
                    admitCost: extreme(&generator), sourceRate: extreme(&generator),
                    descriptionVersion: UInt16(generator.uniform(below: 3)),
                    origin: position(&generator)))
        }
    }

    /// The same, of floods, repair and heartbeats.
    private static func special(
        _ source: PeerID, _ generator: inout SeededGenerator
    ) -> ControlMessage {
        switch 12 + generator.uniform(below: 8) {
        case 12:
            return .announce(
                SourceAnnouncement(
                    source: source, seqno: extreme(&generator), metric: extreme(&generator),
                    hops: UInt8(truncatingIfNeeded: generator.next()),
                    isGone: generator.uniform(below: 10) == 0,
                    isFull: generator.uniform(below: 2) == 0,
                    isUrgent: generator.uniform(below: 2) == 0, sourceRate: extreme(&generator),
                    descriptionVersion: UInt16(generator.uniform(below: 3))))
        case 13:
            return .graft(
                source: source, seqno: extreme(&generator),
                isLazy: generator.uniform(below: 2) == 0)
        case 14: return .prune(source: source)
        case 15:
            return .have(
                stream: StreamID(source: source, index: UInt8(generator.uniform(below: 16))),
                sequence: extreme(&generator))
        case 16: return .heartbeat(next: UInt16(truncatingIfNeeded: generator.next()))
        case 17: return .position(position(&generator))
        case 18:
            return .repairRequest(
                RepairRequest(
                    stream: StreamID(source: source, index: 3), base: extreme(&generator),
                    bitmap: generator.next() | 1))
        default:
            return .heardUpTo(
                stream: StreamID(source: source, index: 3), highest: extreme(&generator))
        }
    }

    private static func position(_ generator: inout SeededGenerator) -> Coordinate {
        let corners: [Int16] = [.min, -1, 0, 1, 300, .max]
        func corner() -> Int16 { corners[generator.uniform(below: corners.count)] }
        return Coordinate(
            x: corner(), y: corner(), z: corner(), height: UInt16(bitPattern: corner()),
            error: UInt8(truncatingIfNeeded: generator.next()))
    }

    private static func extreme(_ generator: inout SeededGenerator) -> UInt32 {
        let corners: [UInt32] = [0, 1, 2, 1000, 0x7FFF_FFFF, 0x8000_0000, .max - 1, .max]
        return corners[generator.uniform(below: corners.count)]
    }

    private static func description(
        of source: PeerID, _ generator: inout SeededGenerator
    ) -> StreamDescription {
        guard let name = MemberName("mallory") else { preconditionFailure("a name") }
        let count = 1 + generator.uniform(below: 16)
        return StreamDescription(
            stream: StreamID(source: source, index: UInt8(generator.uniform(below: count))),
            version: UInt16(generator.uniform(below: 3)), streamCount: UInt8(count), kind: .data,
            priority: 255, format: .opaque, rate: extreme(&generator), member: name,
            mediaText: "m=")
    }

    /// Messages of one kind that the target sent in answer to what `say` makes of a number.
    private func answers(
        to count: Int, every pause: Duration, _ say: (Int) -> ControlMessage,
        where isCounted: (ControlMessage) -> Bool
    ) -> Int {
        var target = Target(seed: 9)
        for number in 2..<12 {
            let isLinked = target.connect(
                PeerID(rawValue: UInt64(number)), from: Self.endpoint(number))
            #expect(isLinked)
        }
        var sent = 0
        for number in 0..<count {
            target.now = target.now + pause
            let from = target.links[number % 2]
            let datagram = ControlDatagram(token: from.token, messages: [say(number)])
            target.handle(.controlReceived(datagram, from: from.endpoint))
            for case .sendControl(let answer, _) in target.actions {
                sent += answer.messages.count(where: isCounted)
            }
        }
        return sent
    }

    private static func announcement(_ source: Int, seqno: UInt32) -> ControlMessage {
        .announce(
            SourceAnnouncement(
                source: PeerID(rawValue: UInt64(1000 + source)), seqno: seqno, metric: 5,
                hops: 1, isUrgent: true, sourceRate: 100, descriptionVersion: 0))
    }

    @Test func aNeighborThatCountsFastIsNotRepeatedAsFast() {
        // Ten seconds of a thousand numbers each.
        let sent = answers(to: 10_000, every: .milliseconds(1)) { number in
            Self.announcement(0, seqno: UInt32(number))
        } where: {
            if case .announce = $0 { true } else { false }
        }

        // Ten neighbors, ten announcements a second, and a few repetitions.
        #expect(sent <= 10 * 10 * 10 * 12 / 10, "\(sent)")
        // Not none: who takes nobody's word for news would hear of no source. Fewer than one a second
        // and neighbor, since nobody here accepts a graft, and who is fed by nobody passes on less.
        #expect(sent >= 10 * 5)
    }

    @Test func sourcesWithoutNumberAreNotAllTakenUp() {
        let sent = answers(to: 5000, every: .microseconds(100)) { number in
            Self.announcement(number, seqno: 1)
        } where: {
            if case .announce = $0 { true } else { false }
        }

        #expect(sent <= Self.floodLimit * 10 * 3, "\(sent)")
    }

    @Test func aStormOfGraftsAndPrunesGetsOneAnswerEach() {
        let sent = answers(to: 3000, every: .microseconds(100)) { number in
            let source = PeerID(rawValue: 1000)
            switch number % 4 {
            case 0: return Self.announcement(0, seqno: 1)
            case 1: return .graft(source: source, seqno: 1, isLazy: false)
            case 2: return .prune(source: source)
            default: return .graft(source: source, seqno: 1, isLazy: true)
            }
        } where: { message in
            switch message {
            case .ping, .pong, .peers, .route: false
            default: true
            }
        }

        #expect(sent <= 3000 / 4 + 200, "\(sent)")
    }

    @Test func onlyWhoMayFeedUsIsBelievedHowFarAStreamCame() {
        var target = Target(seed: 9)
        let source = PeerID(rawValue: 50)
        _ = target.connect(PeerID(rawValue: 20), from: Self.endpoint(20))
        _ = target.connect(PeerID(rawValue: 21), from: Self.endpoint(21))
        let advert = RouteAdvert(
            source: source, seqno: 1, metric: 1, hops: 1, freeRate: 1000, sourceRate: 1,
            descriptionVersion: 0)
        target.say(.route(advert), on: 0)
        target.now = target.now + .seconds(1)
        target.handle(.wakeupReached)
        target.say(.attachAccepted(source: source, isFed: true), on: 0)
        let stream = StreamID(source: source, index: 1)
        let heardUpTo = ControlMessage.heardUpTo(stream: stream, highest: 7)

        target.say(heardUpTo, on: 1)
        #expect(!target.actions.contains(.highestHeard(stream, 7)))
        target.say(heardUpTo, on: 0)
        #expect(target.actions.contains(.highestHeard(stream, 7)))
    }

    @Test func repairIsAskedOfNeighborsOnlyAndForKnownSourcesOnly() {
        var target = Target(seed: 10)
        _ = target.connect(PeerID(rawValue: 20), from: Self.endpoint(20))
        let request = RepairRequest(
            stream: StreamID(source: PeerID(rawValue: 50), index: 1), base: 1, bitmap: .max)

        target.say(.repairRequest(request), on: 0)
        #expect(
            !target.actions.contains {
                if case .repairRequested = $0 { true } else { false }
            })
        target.handle(.repairWanted([WantedRepair(request: request, attempt: 1)]))
        for action in target.actions {
            guard case .sendControl(let datagram, _) = action else { continue }
            #expect(!datagram.messages.contains(.repairRequest(request)))
        }
    }

    @Test func oneAddressGetsAFewLinksOnly() {
        var target = Target(seed: 5)
        let made = (2..<100).count { number in
            let sender = Endpoint(address: Self.endpoint(1).address, port: UInt16(2000 + number))
            return target.connect(PeerID(rawValue: UInt64(number)), from: sender)
        }

        #expect(made == 16)
    }

    @Test func aThousandAddressesGetNoMoreThanTheLimit() {
        var target = Target(seed: 6)
        let made = (2..<1002).count { number in
            target.connect(PeerID(rawValue: UInt64(number)), from: Self.endpoint(number))
        }

        #expect(made == Self.limits.links)
    }

    @Test func nobodyTakesOverALinkByClaimingItsPeer() {
        var target = Target(seed: 7)
        let victim = PeerID(rawValue: 20)
        let isLinked2 = target.connect(victim, from: Self.endpoint(20))
        #expect(isLinked2)

        let isLinked3 = target.connect(victim, from: Self.endpoint(21))
        #expect(!isLinked3)

        #expect(target.overlay.view.neighbors.map(\.endpoint) == [Self.endpoint(20)])
        target.now = target.now + .seconds(5)
        let isLinked4 = target.connect(victim, from: Self.endpoint(21))
        #expect(isLinked4, "once it is silent it may move")
    }

    @Test func requestsWithoutACookieLeaveNothingBehind() {
        var target = Target(seed: 8)
        guard let name = MemberName("mallory") else { return }
        let before = target.overlay.view
        for number in 2..<500 {
            let request = LinkRequest(
                group: SimulatedGroup.group, peer: PeerID(rawValue: UInt64(number)),
                token: LinkToken(rawValue: 1), cookie: Cookie(high: 1, low: 2), name: name)
            target.handle(.linkMessageReceived(.request(request), from: Self.endpoint(number)))
            #expect(target.actions.count == 1)
            guard case .sendLink(let answer, _) = target.actions[0] else { continue }
            #expect(answer.encoded.count < LinkMessage.request(request).encoded.count)
        }

        #expect(target.overlay.view == before)
    }
}
