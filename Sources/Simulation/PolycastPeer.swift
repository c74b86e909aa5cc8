import Forwarding
import NetBasics
import Overlay
import Rendezvous
import Sealing
import Wire

/// A member's cores on a simulated host: what the daemon is without sockets.
final class PolycastPeer {
    private let host: Int
    private let world: PolycastWorld
    private(set) var overlay: OverlayPeer
    private var forwarder: Forwarder
    private var client: RendezvousClient
    private var plan = FanOutPlan()
    private var actions: [OverlayPeer.Action] = []
    private var heard: [OverlayPeer.MediaSign] = []
    private var next: Instant?
    /// The last packets that passed, and how many ever did.
    ///
    /// A slot counts them all, so that what was overwritten is known by its slot.
    private var kept: ContiguousArray<MediaPacket> = []
    private var keptCount = 0
    private static let keptLimit = 1024

    init(host: Int, world: PolycastWorld, generator: inout SeededGenerator) {
        self.host = host
        self.world = world
        var configuration = world.overlay
        let drawn = generator.next()
        configuration.peer =
            world.rendezvousHost == nil
            ? Self.peerID(of: host) : Self.peerID(of: host, drawn: drawn)
        configuration.uplinkRate = world.uplinks[host]
        configuration.localSubnets = [world.addresses.endpoint(of: host).address.subnet]
        let secret = (0..<AddressCookie.secretByteCount).map { _ in
            UInt8(truncatingIfNeeded: generator.next())
        }
        overlay = OverlayPeer(
            configuration: configuration, cookieSecret: secret, generator: generator.child())
        forwarder = Forwarder(repair: world.repair)
        client = RendezvousClient(
            keys: PolycastWorld.keys, groupName: PolycastWorld.groupName,
            peer: configuration.peer, isSource: host < world.sourceCount,
            generator: generator.child())
    }

    var nextWakeup: Instant? { next }

    /// The id of a host that is named by the scenario, and so starts only once.
    private static func peerID(of host: Int) -> PeerID {
        var generator = SeededGenerator(seed: UInt64(host))
        return peerID(of: host, drawn: generator.next())
    }

    /// The lowest bits name the host, so that checkers need no tables; the rest is random.
    private static func peerID(of host: Int, drawn: UInt64) -> PeerID {
        PeerID(rawValue: drawn & ~hostMask | UInt64(host) & hostMask)
    }

    private static let hostMask: UInt64 = 0xFF_FFFF

    /// The host on which a peer of that id runs, or once ran.
    static func host(of peer: PeerID) -> Int { Int(peer.rawValue & hostMask) }

    func handle(
        _ event: MemberEvent<PolycastMessage>, at now: Instant,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        switch event {
        case .started(let contacts):
            start(contacts, at: now, into: &outbox)
        case .received(.media(let header, let packet), _):
            // The timers of the control plane do not depend on it: they look when they are due.
            return receive(header, packet, at: now, into: &outbox)
        case .received(.bytes(let bytes), let sender):
            receive(bytes, from: sender, at: now, into: &outbox)
        case .publishingStarted:
            publish(at: now, into: &outbox)
        case .packetDue(let packet):
            return originate(packet, at: now, into: &outbox)
        case .wakeupReached:
            wake(at: now, into: &outbox)
        case .leaveRequested:
            tell(.stopRequested, at: now, into: &outbox)
            apply(.leaveRequested, at: now, into: &outbox)
        }
        updateWakeup()
    }

    private func updateWakeup() {
        next = overlay.nextWakeup
        if let due = client.nextWakeup { next = min(next ?? due, due) }
        if let due = forwarder.nextWakeup { next = min(next ?? due, due) }
    }

    // MARK: - Control

    private func start(
        _ contacts: [Int], at now: Instant, into outbox: inout Outbox<PolycastMessage>
    ) {
        if world.rendezvousHost != nil { return tell(.started, at: now, into: &outbox) }
        let known = contacts.map { contact in
            Contact(
                peer: Self.peerID(of: contact), endpoint: world.addresses.endpoint(of: contact))
        }
        apply(.candidatesLearned(known), at: now, into: &outbox)
    }

    private func wake(at now: Instant, into outbox: inout Outbox<PolycastMessage>) {
        if let due = client.nextWakeup, due <= now { tell(.wakeupReached, at: now, into: &outbox) }
        apply(.wakeupReached, at: now, into: &outbox)
        // Last, as a change of parents makes what is missing due at once.
        guard let due = forwarder.nextWakeup, due <= now else { return }
        var wanted: [WantedRepair] = []
        forwarder.takeRepairRequests(at: now, into: &wanted)
        if !wanted.isEmpty { apply(.repairWanted(wanted), at: now, into: &outbox) }
    }

    private func receive(
        _ bytes: [UInt8], from sender: Int, at now: Instant,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        let endpoint = world.addresses.endpoint(of: sender)
        // What does not decode is dropped, as the daemon does.
        switch try? Datagram(decoding: bytes.span.bytes) {
        case .control(let datagram):
            apply(.controlReceived(datagram, from: endpoint), at: now, into: &outbox)
        case .link(let message):
            apply(.linkMessageReceived(message, from: endpoint), at: now, into: &outbox)
        case .rendezvous(let message):
            tell(.messageReceived(message), at: now, into: &outbox)
        case nil:
            break
        }
    }

    private func tell(
        _ event: RendezvousClient.Event, at now: Instant,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        guard let server = world.rendezvousHost else { return }
        var orders: [RendezvousClient.Action] = []
        client.handle(event, at: now, into: &orders)
        for order in orders {
            switch order {
            case .send(let request):
                let bytes = RendezvousMessage.request(request).encoded
                outbox.send(.bytes(bytes), bytes: bytes.count, to: server)
            case .report(.registered(let listing)):
                apply(.observed(at: listing.observed), at: now, into: &outbox)
                apply(
                    .membersCounted(listing.memberCount, sources: listing.sourceCount), at: now,
                    into: &outbox)
                apply(.candidatesLearned(listing.peers), at: now, into: &outbox)
            case .report, .left:
                break
            }
        }
    }

    private func publish(at now: Instant, into outbox: inout Outbox<PolycastMessage>) {
        let configuration = overlay.configuration
        let description = StreamDescription(
            stream: StreamID(source: configuration.peer, index: 0), version: 1, streamCount: 1,
            kind: .video, priority: 2, format: .opaque, rate: world.sourceRate,
            member: configuration.name, mediaText: "")
        apply(.published([description]), at: now, into: &outbox)
    }

    private func apply(
        _ event: OverlayPeer.Event, at now: Instant, into outbox: inout Outbox<PolycastMessage>
    ) {
        actions.removeAll(keepingCapacity: true)
        if !heard.isEmpty {
            // Not an event of its own: what is due is done once, with the event that follows.
            overlay.noteMedia(heard, at: now)
            heard.removeAll(keepingCapacity: true)
        }
        overlay.handle(event, at: now, into: &actions)
        for action in actions { perform(action, at: now, into: &outbox) }
    }

    private func perform(
        _ action: OverlayPeer.Action, at now: Instant, into outbox: inout Outbox<PolycastMessage>
    ) {
        switch action {
        case .sendLink(let message, let endpoint):
            send(
                message.encoded, sealedBytes: message.sealedByteCount, to: endpoint, into: &outbox)
        case .sendControl(let datagram, let endpoint):
            for bytes in datagram.encodedDatagrams {
                let sealedBytes = bytes.count + ControlDatagram.sealBytes
                send(bytes, sealedBytes: sealedBytes, to: endpoint, into: &outbox)
            }
        case .install(let table):
            forwarder.install(table)
            startSequence()
        case .reportProgress:
            let progress = forwarder.takeProgress()
            apply(.mediaAdvanced(progress), at: now, into: &outbox)
        case .repairRequested(let request, let asker):
            answer(request, to: asker, at: now, into: &outbox)
        case .parityRequested: break
        case .highestHeard(let stream, let highest):
            forwarder.noteHighest(stream, highest, at: now)
        case .rateHeard, .childDelayed:
            // Links of the model carry everything.
            break
        case .left:
            outbox.hasLeft = true
        case .sourceDescribed, .sourceGone, .report:
            break
        }
    }

    /// Numbers begin shortly before they wrap, so that they do in every run.
    private func startSequence() {
        let stream = StreamID(source: overlay.configuration.peer, index: 0)
        guard forwarder.count(of: stream).packets == 0 else { return }
        forwarder.startSequence(of: stream, at: .max - 20)
    }

    /// Sends without a seal what is as long as if it had one: keys would cost more than all the rest.
    private func send(
        _ bytes: [UInt8], sealedBytes: Int, to endpoint: Endpoint,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        // Nobody listens where no host is; the datagram is spent all the same.
        guard let host = world.addresses.host(at: endpoint) else { return }
        outbox.send(.bytes(bytes), bytes: sealedBytes, to: host)
    }

    // MARK: - Media

    private func note(
        _ header: MediaHeader, from link: LinkToken?, at now: Instant
    ) {
        let sign = OverlayPeer.MediaSign(
            link: link, stream: header.stream, sequence: header.sequence, at: now)
        let known = heard.firstIndex { $0.link == link && $0.stream == header.stream }
        if let known { heard[known] = sign } else { heard.append(sign) }
    }

    /// Keeps the packet for neighbors that miss it.
    private func keep(_ header: MediaHeader, _ packet: MediaPacket, at now: Instant) {
        let place = keptCount % Self.keptLimit
        if place < kept.count { kept[place] = packet } else { kept.append(packet) }
        forwarder.keep(header, slot: keptCount, bodyBytes: world.bodyBytes, at: now)
        keptCount += 1
    }

    private func originate(
        _ packet: MediaPacket, at now: Instant, into outbox: inout Outbox<PolycastMessage>
    ) {
        plan.removeAll()
        let stream = StreamID(source: overlay.configuration.peer, index: 0)
        guard
            let header = forwarder.originate(
                stream, isControlFlow: false, bodyBytes: world.bodyBytes, packet: 0, into: &plan)
        else { return }
        note(header, from: nil, at: now)
        keep(header, packet, at: now)
        copy(header, packet, into: &outbox)
        noteBeginning(at: now, into: &outbox)
    }

    private func noteBeginning(
        at now: Instant, into outbox: inout Outbox<PolycastMessage>
    ) {
        guard forwarder.takeProgressBegun() else { return }
        apply(.mediaBegan, at: now, into: &outbox)
        updateWakeup()
    }

    private func receive(
        _ header: MediaHeader, _ packet: MediaPacket, at now: Instant,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        plan.removeAll()
        let passed = forwarder.receive(
            header, bodyBytes: world.bodyBytes, packet: 0, at: now, into: &plan)
        if passed {
            keep(header, packet, at: now)
            outbox.deliver(packet)
        }
        copy(header, packet, into: &outbox)
        if !header.isRepair { note(header, from: header.token, at: now) }
        if forwarder.nextWakeup != nil { updateWakeup() }
        noteBeginning(at: now, into: &outbox)
        if let offTree = forwarder.takeOffTree() {
            apply(.mediaOffTree(offTree.token, source: offTree.source), at: now, into: &outbox)
            updateWakeup()
        }
        if let unexpected = forwarder.takeUnexpected() {
            apply(
                .unexpectedMedia(unexpected.token, source: unexpected.source), at: now,
                into: &outbox)
            updateWakeup()
        }
        if let source = forwarder.takeOverlapping() {
            apply(.feedsOverlap(source: source), at: now, into: &outbox)
            updateWakeup()
        }
    }

    private func answer(
        _ request: RepairRequest, to asker: RepairAsker, at now: Instant,
        into outbox: inout Outbox<PolycastMessage>
    ) {
        guard let to = world.addresses.host(at: asker.endpoint) else { return }
        var answers: [RepairAnswer] = []
        forwarder.answer(request, to: asker, at: now, into: &answers)
        for answer in answers where answer.slot >= keptCount - Self.keptLimit {
            let packet = kept[answer.slot % Self.keptLimit]
            outbox.sendMedia(
                .media(answer.header, packet), packet,
                bytes: MediaHeader.bodyOffset + world.bodyBytes, to: to, link: nil)
        }
    }

    private func copy(
        _ header: MediaHeader, _ packet: MediaPacket, into outbox: inout Outbox<PolycastMessage>
    ) {
        for copy in plan.copies {
            let child = forwarder.children[copy.child]
            guard let to = world.addresses.host(at: child.endpoint) else { continue }
            var own = header
            own.token = child.token
            own.isRepair = false
            own.lacks = copy.lacks
            outbox.sendMedia(
                .media(own, packet), packet, bytes: MediaHeader.bodyOffset + world.bodyBytes,
                to: to,
                link: UInt64(own.token.rawValue))
        }
    }
}
