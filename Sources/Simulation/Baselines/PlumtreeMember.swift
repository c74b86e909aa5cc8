import NetBasics

/// What travels between simulated hosts that run HyParView and Plumtree.
package struct PlumtreeDatagram: Sendable {
    enum Content: Sendable {
        case membership(HyParViewMessage)
        case broadcast(PlumtreeMessage)
        /// Nothing but the question for an acknowledgement.
        case empty
        case acknowledgement
    }

    var content: Content
    var wantsAnswer = false
}

/// A simulated host that runs Plumtree over HyParView.
///
/// Deviation: the papers use TCP connections. Here messages are datagrams, counted with the headers
/// of UDP (20 bytes less than those of TCP with timestamps) and without connection set-up, which
/// favors this baseline; acknowledgements are counted as empty datagrams.
package struct PlumtreeMember: SimulatedMember {
    package typealias Message = PlumtreeDatagram

    package private(set) var nextWakeup: Instant?
    private let host: Int
    private var membership: HyParView
    private var tree: Plumtree
    private var watch: LinkWatch

    package init(
        host: Int, generator: inout SeededGenerator,
        membership: HyParViewParameters = HyParViewParameters(),
        broadcast: PlumtreeParameters = PlumtreeParameters()
    ) {
        self.host = host
        self.membership = HyParView(
            host: host, parameters: membership, generator: generator.child())
        tree = Plumtree(parameters: broadcast)
        watch = LinkWatch(membership)
    }

    /// Neighbors, the active view.
    package var neighbors: ContiguousArray<Int32> { membership.active }
    /// Known members besides the neighbors.
    package var passiveView: ContiguousArray<Int32> { membership.passive }
    package var eagerCount: Int { tree.eagerCount }

    package mutating func handle(
        _ event: MemberEvent<Message>, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        switch event {
        case .started(let contacts):
            membership.start(contacts, at: now)
        case .received(let datagram, let sender):
            receive(datagram, from: Int32(sender), at: now, into: &outbox)
        case .publishingStarted:
            break
        case .packetDue(let packet):
            tree.broadcast(packet, at: now)
        case .wakeupReached:
            wake(at: now, into: &outbox)
        case .leaveRequested:
            membership.leave()
            outbox.hasLeft = true
        }
        perform(at: now, into: &outbox)
        nextWakeup = min(membership.nextWakeup, min(tree.nextWakeup, watch.nextWakeup))
    }

    private mutating func wake(at now: Instant, into outbox: inout Outbox<Message>) {
        if tree.nextWakeup <= now { tree.wake(at: now) }
        if membership.nextWakeup <= now { membership.wake(at: now) }
        guard watch.nextWakeup <= now else { return }
        var asked: ContiguousArray<Int32> = []
        var failed: ContiguousArray<Int32> = []
        watch.due(at: now, asked: &asked, failed: &failed)
        for neighbor in asked {
            let question = PlumtreeDatagram(content: .empty, wantsAnswer: true)
            outbox.send(question, bytes: 0, to: Int(neighbor))
        }
        for neighbor in failed { membership.linkFailed(neighbor, at: now) }
    }

    private mutating func receive(
        _ datagram: PlumtreeDatagram, from sender: Int32, at now: Instant,
        into outbox: inout Outbox<Message>
    ) {
        if datagram.wantsAnswer {
            outbox.send(PlumtreeDatagram(content: .acknowledgement), bytes: 0, to: Int(sender))
        }
        switch datagram.content {
        case .membership(let message):
            membership.receive(message, from: sender, at: now)
        case .broadcast(let message):
            tree.receive(message, from: sender, at: now)
            // Who sends over a link that is not there has missed its end.
            if !membership.active.contains(sender) {
                let end = HyParViewMessage.disconnect
                membership.actions.append(.send(end, to: sender))
            }
        case .acknowledgement:
            watch.acknowledged(by: sender, at: now)
        case .empty:
            break
        }
    }

    // MARK: - Actions

    private mutating func perform(at now: Instant, into outbox: inout Outbox<Message>) {
        if !membership.actions.isEmpty {
            var orders: ContiguousArray<HyParView.Action> = []
            swap(&orders, &membership.actions)
            for order in orders { perform(order, at: now, into: &outbox) }
            orders.removeAll(keepingCapacity: true)
            swap(&orders, &membership.actions)
        }
        guard !tree.actions.isEmpty else { return }
        var orders: ContiguousArray<Plumtree.Action> = []
        swap(&orders, &tree.actions)
        for order in orders { perform(order, at: now, into: &outbox) }
        orders.removeAll(keepingCapacity: true)
        swap(&orders, &tree.actions)
    }

    private mutating func perform(
        _ order: HyParView.Action, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        switch order {
        case .send(let message, let to):
            let asks = watch.willSend(to: to, at: now)
            outbox.send(
                PlumtreeDatagram(content: .membership(message), wantsAnswer: asks),
                bytes: message.byteCount, to: Int(to))
        case .neighborUp(let neighbor):
            watch.add(neighbor, at: now)
            tree.neighborUp(neighbor)
        case .neighborDown(let neighbor):
            watch.remove(neighbor)
            tree.neighborDown(neighbor)
        }
    }

    private mutating func perform(
        _ order: Plumtree.Action, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        switch order {
        case .deliver(let packet):
            outbox.deliver(packet)
        case .send(let message, let to):
            let asks = watch.willSend(to: to, at: now)
            let datagram = PlumtreeDatagram(content: .broadcast(message), wantsAnswer: asks)
            if case .gossip(let packet, _) = message {
                let bytes = message.byteCount + tree.parameters.bodyBytes
                outbox.sendMedia(datagram, packet, bytes: bytes, to: Int(to))
            } else {
                outbox.send(datagram, bytes: message.byteCount, to: Int(to))
            }
        }
    }
}
