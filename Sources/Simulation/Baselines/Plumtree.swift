import NetBasics

/// Figures of Plumtree (Leitao, Pereira, Rodrigues, SRDS 2007, section 3).
package struct PlumtreeParameters: Sendable {
    /// From the first announcement of a packet until it is asked for; as in current use.
    ///
    /// If it is short for the network's delays, there are superfluous grafts, and so duplicates.
    package var firstGraftTimeout: Duration = .milliseconds(80)
    /// Until the next announcer is asked.
    package var nextGraftTimeout: Duration = .milliseconds(40)
    /// How long announcements are gathered.
    package var dispatchDelay: Duration = .milliseconds(5)
    /// Hops that an announcer must be nearer to the source to take the place of who pushes.
    package var optimizationThreshold = 7
    /// Bytes of media per packet.
    package var bodyBytes = 1000

    package init() {}
}

/// A message between Plumtree processes.
package enum PlumtreeMessage: Sendable {
    package struct Announcement: Sendable {
        var packet: MediaPacket
        var round: UInt8
    }

    case gossip(MediaPacket, round: UInt8)
    case announcements(ContiguousArray<Announcement>)
    /// Without a packet: only the link is to push.
    case graft(MediaPacket?)
    case prune

    /// Address of the source, number, and hops.
    static let announcementBytes = 6 + 4 + 1

    /// Size on the wire without the headers of IP and the transport, and without media.
    var byteCount: Int {
        let header = HyParViewMessage.headerBytes
        return switch self {
        case .gossip: header + Self.announcementBytes
        case .announcements(let list): header + list.count * Self.announcementBytes
        case .graft(let packet): header + (packet == nil ? 1 : 1 + Self.announcementBytes)
        case .prune: header
        }
    }
}

/// Broadcast over a tree that is kept in the links of a random graph: payloads over eager links,
/// announcements over lazy ones.
struct Plumtree: Sendable {
    enum Action: Sendable {
        case send(PlumtreeMessage, to: Int32)
        case deliver(MediaPacket)
    }

    private struct Link: Sendable {
        var host: Int32
        var isEager = true
        var queue: ContiguousArray<PlumtreeMessage.Announcement> = []
    }

    /// A packet that was announced and has not come.
    private struct Missing: Sendable {
        var packet: MediaPacket
        var announcers: ContiguousArray<(host: Int32, round: UInt8)>
        var deadline: Instant
    }

    let parameters: PlumtreeParameters
    private var links: ContiguousArray<Link> = []
    private var missing: ContiguousArray<Missing> = []
    private var history = PacketHistory()
    private var dispatchDue: Instant = .distantFuture
    /// Announced packets that are waited for at most; the rest is ignored.
    private static let missingLimit = 4096
    var actions: ContiguousArray<Action> = []

    init(parameters: PlumtreeParameters) { self.parameters = parameters }

    var nextWakeup: Instant { missing.reduce(dispatchDue) { min($0, $1.deadline) } }

    var eagerCount: Int { links.count { $0.isEager } }

    // MARK: - Events

    mutating func neighborUp(_ host: Int32) {
        if !links.contains(where: { $0.host == host }) { links.append(Link(host: host)) }
    }

    mutating func neighborDown(_ host: Int32) {
        links.removeAll { $0.host == host }
        for place in missing.indices { missing[place].announcers.removeAll { $0.host == host } }
    }

    mutating func broadcast(_ packet: MediaPacket, at now: Instant) {
        guard history.insert(packet, round: 0) else { return }
        push(packet, round: 0, except: -1, at: now)
    }

    mutating func wake(at now: Instant) {
        if dispatchDue <= now { dispatch() }
        for place in missing.indices where missing[place].deadline <= now {
            graft(place, at: now)
        }
    }

    mutating func receive(_ message: PlumtreeMessage, from sender: Int32, at now: Instant) {
        switch message {
        case .gossip(let packet, let round):
            receive(packet, round: round, from: sender, at: now)
        case .announcements(let list):
            for announcement in list { note(announcement, from: sender, at: now) }
        case .graft(let packet):
            setEager(sender, true)
            guard let packet, let round = history.round(of: packet) else { return }
            actions.append(.send(.gossip(packet, round: round), to: sender))
        case .prune:
            setEager(sender, false)
        }
    }

    // MARK: - Payloads

    private mutating func receive(
        _ packet: MediaPacket, round: UInt8, from sender: Int32, at now: Instant
    ) {
        let own = round &+ 1
        guard history.insert(packet, round: own) else {
            setEager(sender, false)
            return actions.append(.send(.prune, to: sender))
        }
        actions.append(.deliver(packet))
        setEager(sender, true)
        if let place = missing.firstIndex(where: { $0.packet == packet }) {
            optimize(missing.remove(at: place), round: own, from: sender)
        }
        push(packet, round: own, except: sender, at: now)
    }

    private mutating func push(
        _ packet: MediaPacket, round: UInt8, except sender: Int32, at now: Instant
    ) {
        for place in links.indices where links[place].host != sender {
            if links[place].isEager {
                actions.append(.send(.gossip(packet, round: round), to: links[place].host))
            } else {
                links[place].queue.append(.init(packet: packet, round: round))
                if dispatchDue == .distantFuture { dispatchDue = now + parameters.dispatchDelay }
            }
        }
    }

    /// Takes an announcer that is much nearer to the source in place of the sender (section 3.8).
    private mutating func optimize(_ missing: Missing, round: UInt8, from sender: Int32) {
        guard let best = missing.announcers.min(by: { $0.round < $1.round }), best.host != sender,
            Int(round) - Int(best.round) - 1 >= parameters.optimizationThreshold
        else { return }
        setEager(best.host, true)
        setEager(sender, false)
        actions.append(.send(.graft(nil), to: best.host))
        actions.append(.send(.prune, to: sender))
    }

    private mutating func setEager(_ host: Int32, _ isEager: Bool) {
        guard let place = links.firstIndex(where: { $0.host == host }) else { return }
        links[place].isEager = isEager
    }

    // MARK: - Announcements

    private mutating func dispatch() {
        dispatchDue = .distantFuture
        for place in links.indices where !links[place].queue.isEmpty {
            actions.append(.send(.announcements(links[place].queue), to: links[place].host))
            links[place].queue = []
        }
    }

    private mutating func note(
        _ announcement: PlumtreeMessage.Announcement, from sender: Int32, at now: Instant
    ) {
        let packet = announcement.packet
        guard !history.contains(packet) else { return }
        if let place = missing.firstIndex(where: { $0.packet == packet }) {
            missing[place].announcers.append((sender, announcement.round))
            if missing[place].deadline == .distantFuture {
                missing[place].deadline = now + parameters.firstGraftTimeout
            }
        } else if missing.count < Self.missingLimit {
            missing.append(
                Missing(
                    packet: packet, announcers: [(sender, announcement.round)],
                    deadline: now + parameters.firstGraftTimeout))
        }
    }

    /// Asks the next announcer for the packet; without one the packet waits for another.
    private mutating func graft(_ place: Int, at now: Instant) {
        guard !missing[place].announcers.isEmpty else {
            missing[place].deadline = .distantFuture
            return
        }
        let host = missing[place].announcers.removeFirst().host
        missing[place].deadline = now + parameters.nextGraftTimeout
        setEager(host, true)
        actions.append(.send(.graft(missing[place].packet), to: host))
    }
}
