import NetBasics

/// A simulated host that runs Narada: a mesh of all members that improves itself, and for every
/// source the reverse shortest paths over it.
///
/// Deviation: packets are accepted from any neighbor and forwarded once, not only when they come
/// from the next hop to their source; this loses less while routes change.
package struct NaradaMember: SimulatedMember {
    package typealias Message = NaradaMessage

    struct Route: Sendable {
        /// Milliseconds, one way.
        var cost = Float.infinity
        /// Every hop from the next one to the member itself.
        var path: ContiguousArray<Int32> = []
    }

    struct Neighbor: Sendable {
        var host: Int32
        /// Milliseconds, one way; `nil`: not measured yet.
        var delay: Float?
        var heardAt: Instant
        let since: Instant
        var degree = 0
        /// The neighbor's routes, by member.
        var adverts: ContiguousArray<Route>
    }

    /// What is known of a member.
    struct Record: Sendable {
        enum State: Sendable { case unknown, alive, dead }
        var state = State.unknown
        var sequence: UInt32 = 0
        var heardAt: Instant = .zero
    }

    /// A link that was asked for.
    struct Request: Sendable {
        var host: Int32
        var isStranded: Bool
        var sentAt: Instant
        var deadline: Instant
        var triesLeft: Int
    }

    /// When each of the periodic duties comes next.
    struct Schedule: Sendable {
        var refresh = Instant.distantFuture
        var ping = Instant.distantFuture
        var improvement = Instant.distantFuture
        /// An update because of changes.
        var update = Instant.distantFuture
        var departure = Instant.distantFuture

        var earliest: Instant {
            min(min(refresh, ping), min(min(improvement, update), departure))
        }
    }

    let own: Int32
    let parameters: NaradaParameters
    var generator: SeededGenerator
    package internal(set) var nextWakeup: Instant?

    var records: ContiguousArray<Record>
    var routes: ContiguousArray<Route>
    var neighbors: ContiguousArray<Neighbor> = []
    var requests: ContiguousArray<Request> = []
    var contacts: ContiguousArray<Int32> = []
    var schedule = Schedule()
    /// Members, itself included, that are taken to be alive.
    var groupSize = 1
    /// Routes that changed since they were last told.
    var changed: ContiguousArray<Int32> = []
    var isChanged: ContiguousArray<Bool>
    var toldAt: Instant = .zero
    /// Members without news, in the order in which that was noticed.
    var silent: ContiguousArray<(host: Int32, since: Instant)> = []
    private var history = PacketHistory()

    /// `hostCount` bounds the indices of hosts that can ever be members.
    package init(
        host: Int, hostCount: Int, generator: inout SeededGenerator,
        parameters: NaradaParameters = NaradaParameters()
    ) {
        own = Int32(host)
        self.parameters = parameters
        self.generator = generator.child()
        records = ContiguousArray(repeating: Record(), count: hostCount)
        routes = ContiguousArray(repeating: Route(), count: hostCount)
        isChanged = ContiguousArray(repeating: false, count: hostCount)
        records[host].state = .alive
        routes[host].cost = 0
    }

    package var degree: Int { neighbors.count }
    package var neighborHosts: ContiguousArray<Int32> {
        ContiguousArray(neighbors.map { $0.host })
    }
    /// Members that are taken to be alive, this one included.
    package var knownMembers: Int { groupSize }

    // MARK: - Events

    package mutating func handle(
        _ event: MemberEvent<Message>, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        switch event {
        case .started(let contacts):
            start(contacts, at: now, into: &outbox)
        case .received(.media(let packet), let sender):
            return forward(packet, from: Int32(sender), into: &outbox)
        case .received(let message, let sender):
            receive(message, from: Int32(sender), at: now, into: &outbox)
        case .publishingStarted:
            return
        case .packetDue(let packet):
            _ = history.insert(packet, round: 0)
            return copy(packet, except: own, into: &outbox)
        case .wakeupReached:
            wake(at: now, into: &outbox)
        case .leaveRequested:
            leave(at: now, into: &outbox)
        }
        if schedule.update == .distantFuture, !changed.isEmpty {
            schedule.update = max(now + .milliseconds(50), toldAt + parameters.updateSpacing)
        }
        nextWakeup = requests.reduce(schedule.earliest) { min($0, $1.deadline) }
    }

    private mutating func start(
        _ contacts: [Int], at now: Instant, into outbox: inout Outbox<Message>
    ) {
        toldAt = now + (.zero - parameters.updateSpacing)
        records[Int(own)].sequence = 1
        schedule.refresh = now + randomShare(of: parameters.refreshInterval)
        schedule.ping = now + randomShare(of: parameters.pingInterval)
        schedule.improvement = now + randomShare(of: parameters.improvementInterval)
        self.contacts = ContiguousArray(contacts.map { Int32($0) })
        for contact in contacts.prefix(parameters.degreeMinimum) {
            request(Int32(contact), isStranded: true, at: now, into: &outbox)
        }
    }

    private mutating func randomShare(of duration: Duration) -> Duration {
        .nanoseconds(Int64(Double(duration.nanoseconds) * generator.uniformFraction()))
    }

    private mutating func wake(at now: Instant, into outbox: inout Outbox<Message>) {
        if schedule.departure <= now {
            outbox.hasLeft = true
            return
        }
        expireRequests(at: now, into: &outbox)
        if schedule.refresh <= now {
            schedule.refresh = now + generator.jittered(parameters.refreshInterval, by: 0.1)
            refresh(at: now, into: &outbox)
        }
        if schedule.ping <= now {
            schedule.ping = now + generator.jittered(parameters.pingInterval, by: 0.1)
            pingNeighbors(at: now, into: &outbox)
        }
        if schedule.improvement <= now {
            schedule.improvement =
                now + generator.jittered(parameters.improvementInterval, by: 0.1)
            repairPartitions(at: now, into: &outbox)
            improve(at: now, into: &outbox)
        }
        if schedule.update <= now { tellChanges(at: now, into: &outbox) }
    }

    private mutating func leave(at now: Instant, into outbox: inout Outbox<Message>) {
        let notice = NaradaMessage.gone(host: own, sequence: records[Int(own)].sequence)
        for neighbor in neighbors { send(notice, to: neighbor.host, into: &outbox) }
        // It goes on forwarding what it gets, and takes part in nothing else.
        schedule = Schedule()
        schedule.departure = now + parameters.linger
        requests.removeAll()
        changed.removeAll()
    }

    private mutating func receive(
        _ message: NaradaMessage, from sender: Int32, at now: Instant,
        into outbox: inout Outbox<Message>
    ) {
        guard schedule.departure == .distantFuture else { return }
        if let place = place(of: sender) { neighbors[place].heardAt = now }
        switch message {
        case .linkRequest(let isStranded):
            receiveRequest(isStranded, from: sender, at: now, into: &outbox)
        case .linkReply(let isAccepted):
            receiveReply(isAccepted, from: sender, at: now, into: &outbox)
        case .linkDropped:
            removeNeighbor(sender)
        case .ping(let sentAt):
            send(
                place(of: sender) == nil ? .linkDropped : .pong(sentAt: sentAt),
                to: sender, into: &outbox)
        case .pong(let sentAt):
            measured(sender, roundTrip: now - sentAt)
        case .update(let entries, let degree, _):
            receive(entries, degree: Int(degree), from: sender, at: now)
        case .probe(let sentAt):
            answerProbe(sentAt, from: sender, into: &outbox)
        case .probeReply(let sentAt, let degree, let costs, _):
            evaluate(
                sender, delay: Self.milliseconds(halfOf: now - sentAt), degree: Int(degree),
                costs: costs, at: now, into: &outbox)
        case .gone(let host, let sequence):
            receiveGone(host, sequence, from: sender, at: now, into: &outbox)
        case .media:
            break
        }
    }

    func place(of host: Int32) -> Int? { neighbors.firstIndex { $0.host == host } }

    func send(_ message: NaradaMessage, to host: Int32, into outbox: inout Outbox<Message>) {
        outbox.send(message, bytes: message.byteCount, to: Int(host))
    }

    static func milliseconds(halfOf roundTrip: Duration) -> Float {
        Float(Double(roundTrip.nanoseconds) / 2e6)
    }

    // MARK: - Media (section 3.5 of the paper)

    private mutating func forward(
        _ packet: MediaPacket, from sender: Int32, into outbox: inout Outbox<Message>
    ) {
        guard packet.source != own, history.insert(packet, round: 0) else { return }
        outbox.deliver(packet)
        copy(packet, except: sender, into: &outbox)
    }

    /// Copies the packet to the neighbors whose route to its source begins here.
    private func copy(
        _ packet: MediaPacket, except sender: Int32, into outbox: inout Outbox<Message>
    ) {
        let message = NaradaMessage.media(packet)
        let bytes = message.byteCount + parameters.bodyBytes
        for place in neighbors.indices where neighbors[place].host != sender {
            guard neighbors[place].adverts[Int(packet.source)].path.first == own else { continue }
            outbox.sendMedia(message, packet, bytes: bytes, to: Int(neighbors[place].host))
        }
    }
}
