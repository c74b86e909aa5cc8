import NetBasics

/// A router of GossipSub v1.0 or v1.1, subscribed to the one topic there is.
///
/// Deviation: v1.1 has no scores and no quotas of outbound connections. Both are against attackers;
/// the simulator of the protocol's author leaves them out as well. There is no fanout, as whoever
/// publishes also subscribes.
package struct GossipSubMember: SimulatedMember {
    private let host: Int32
    private let configuration: GossipSubConfiguration
    private var generator: SeededGenerator
    private var peers = FloodPeers()
    package private(set) var mesh: ContiguousArray<Int32> = []
    private var backoffs: [(host: Int32, until: Instant)] = []
    /// Messages first seen since the latest heartbeat, in the one before, and so on.
    private var history: [[MediaPacket]] = [[]]
    private var heartbeatDue: Instant?
    /// When silent peers are looked for next.
    private var checkDue = Instant.zero
    private var order: ContiguousArray<Int32> = []

    package typealias Message = GossipSubMessage

    /// Message IDs of a heartbeat that are gossiped at most.
    private static let idLimit = 5000

    package init(host: Int, configuration: GossipSubConfiguration, generator: inout SeededGenerator)
    {
        self.host = Int32(host)
        self.configuration = configuration
        self.generator = generator.child()
    }

    package var nextWakeup: Instant? { heartbeatDue }
    package var connected: ContiguousArray<Int32> { peers.connected }

    package mutating func handle(
        _ event: MemberEvent<Message>, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        switch event {
        case .started(let contacts):
            peers.dial(contacts.lazy.map { Int32($0) }, at: now, into: &outbox)
            let phase = Double(configuration.heartbeat.nanoseconds) * generator.uniformFraction()
            heartbeatDue = now + configuration.heartbeat + .nanoseconds(Int64(phase))
        case .packetDue(let packet):
            publish(packet, into: &outbox)
        case .received(let message, let sender):
            receive(message, from: Int32(sender), at: now, into: &outbox)
        case .wakeupReached:
            guard let due = heartbeatDue, due <= now else { return }
            heartbeatDue = due + configuration.heartbeat
            beat(at: now, into: &outbox)
        case .leaveRequested:
            peers.close(into: &outbox)
        case .publishingStarted:
            break
        }
    }

    private mutating func receive(
        _ message: Message, from sender: Int32, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        if configuration.keepAlive != nil { peers.hear(sender, at: now) }
        switch message {
        case .payload(let packet):
            guard peers.see(packet) else { return }
            remember(packet)
            outbox.deliver(packet)
            forward(packet, from: sender, into: &outbox)
        case .ihave(let ids):
            request(ids, from: sender, into: &outbox)
        case .iwant(let ids):
            // Older ones than the cache has are not asked for: they are no longer gossiped.
            for id in ids where peers.hasSeen(id) { send(id, to: sender, into: &outbox) }
        case .graft:
            accept(sender, at: now, into: &outbox)
        case .prune(let exchanged):
            mesh.removeAll { $0 == sender }
            backOff(from: sender, at: now)
            peers.dial(exchanged.lazy.filter { [host] in $0 != host }, at: now, into: &outbox)
        case .connect:
            peers.insert(sender, at: now)
        case .disconnect:
            drop(sender)
        case .ping:
            send(.pong, .pong, bytes: GossipSubBytes.fixed, to: sender, &outbox)
        case .pong:
            break
        }
    }

    // MARK: - Messages

    private mutating func publish(_ packet: MediaPacket, into outbox: inout Outbox<Message>) {
        guard peers.see(packet) else { return }
        remember(packet)
        if configuration.version == .v1dot1, configuration.floodsOwn {
            order = peers.connected
            generator.shuffle(&order)
            for peer in order { send(packet, to: peer, into: &outbox) }
        } else {
            forward(packet, from: host, into: &outbox)
        }
    }

    /// The mesh's order has no meaning, so it is the one that is shuffled.
    private mutating func forward(
        _ packet: MediaPacket, from sender: Int32, into outbox: inout Outbox<Message>
    ) {
        generator.shuffle(&mesh)
        for peer in mesh where peer != sender && peer != packet.source {
            send(packet, to: peer, into: &outbox)
        }
    }

    private func send(_ packet: MediaPacket, to peer: Int32, into outbox: inout Outbox<Message>) {
        outbox.sendMedia(
            .payload(packet), packet, bytes: GossipSubBytes.payload + configuration.bodyBytes,
            to: Int(peer))
    }

    private mutating func remember(_ packet: MediaPacket) {
        if history[0].count < Self.idLimit { history[0].append(packet) }
    }

    private func request(
        _ ids: [MediaPacket], from peer: Int32, into outbox: inout Outbox<Message>
    ) {
        let missing = ids.filter { !peers.hasSeen($0) }
        guard !missing.isEmpty else { return }
        send(.iwant(missing), .iwant, bytes: GossipSubBytes.list(missing.count), to: peer, &outbox)
    }

    private func send(
        _ message: Message, _ kind: GossipSubControl, bytes: Int, to peer: Int32,
        _ outbox: inout Outbox<Message>
    ) {
        outbox.send(message, bytes: bytes, to: Int(peer), kind: kind.rawValue)
    }

    // MARK: - Mesh

    private mutating func beat(at now: Instant, into outbox: inout Outbox<Message>) {
        backoffs.removeAll { $0.until <= now }
        if let keepAlive = configuration.keepAlive, now >= checkDue {
            checkDue = now + configuration.keepAliveTimeout
            check(silentFor: keepAlive, at: now, into: &outbox)
        }
        if mesh.count < configuration.degreeLow { graft(into: &outbox) }
        if mesh.count > configuration.degreeHigh { shrink(at: now, into: &outbox) }
        gossip(into: &outbox)
        history.insert([], at: 0)
        if history.count > configuration.gossipWindow { history.removeLast() }
    }

    private mutating func graft(into outbox: inout Outbox<Message>) {
        gatherOutsiders()
        for backoff in backoffs { order.removeAll { $0 == backoff.host } }
        for peer in order.prefix(configuration.degree - mesh.count) {
            mesh.append(peer)
            send(.graft, .graft, bytes: GossipSubBytes.fixed, to: peer, &outbox)
        }
    }

    private mutating func shrink(at now: Instant, into outbox: inout Outbox<Message>) {
        generator.shuffle(&mesh)
        while mesh.count > configuration.degree {
            prune(mesh.removeLast(), at: now, into: &outbox)
        }
    }

    private mutating func accept(
        _ peer: Int32, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        guard !mesh.contains(peer) else { return }
        if backoffs.contains(where: { $0.host == peer && $0.until > now }) {
            return prune(peer, at: now, into: &outbox)
        }
        peers.insert(peer, at: now)
        mesh.append(peer)
    }

    private mutating func prune(
        _ peer: Int32, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        backOff(from: peer, at: now)
        var exchanged: [Int32] = []
        if configuration.version == .v1dot1 {
            order = peers.connected
            generator.shuffle(&order)
            exchanged = Array(order.lazy.filter { $0 != peer }.prefix(configuration.exchangedPeers))
        }
        let bytes = GossipSubBytes.prune(exchanged.count)
        send(.prune(exchanged), .prune, bytes: bytes, to: peer, &outbox)
    }

    private mutating func backOff(from peer: Int32, at now: Instant) {
        guard configuration.version == .v1dot1 else { return }
        backoffs.removeAll { $0.host == peer }
        backoffs.append((peer, now + configuration.backoff))
    }

    // MARK: - Connections

    private mutating func check(
        silentFor keepAlive: Duration, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        let limit = keepAlive + configuration.keepAliveTimeout
        for peer in peers.silent(since: now + (.zero - limit)) { drop(peer) }
        for peer in peers.silent(since: now + (.zero - keepAlive)) {
            send(.ping, .ping, bytes: GossipSubBytes.fixed, to: peer, &outbox)
        }
    }

    private mutating func drop(_ peer: Int32) {
        peers.remove(peer)
        mesh.removeAll { $0 == peer }
    }

    // MARK: - Gossip

    private mutating func gossip(into outbox: inout Outbox<Message>) {
        let ids = Array(history.joined().prefix(Self.idLimit))
        guard !ids.isEmpty else { return }
        gatherOutsiders()
        let count = min(order.count, gossipCount(of: order.count))
        let bytes = GossipSubBytes.list(ids.count)
        for peer in order.prefix(count) {
            send(.ihave(ids), .ihave, bytes: bytes, to: peer, &outbox)
        }
    }

    /// How many of the peers outside of the mesh get this gossip.
    private mutating func gossipCount(of outsiders: Int) -> Int {
        guard configuration.version == .v1dot1 else { return configuration.lazyDegree }
        let drawn = (0..<outsiders).count { _ in
            generator.uniformFraction() < configuration.gossipFactor
        }
        return max(configuration.lazyDegree, drawn)
    }

    /// Fills `order` with the peers outside of the mesh, in random order.
    private mutating func gatherOutsiders() {
        order.removeAll(keepingCapacity: true)
        for peer in peers.connected where !mesh.contains(peer) { order.append(peer) }
        generator.shuffle(&order)
    }
}
