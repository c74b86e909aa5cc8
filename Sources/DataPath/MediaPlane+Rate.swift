import Forwarding
import NetBasics
import Overlay
import Sealing
import Sockets
import Wire

// Children whose links are too slow: what waits for them, when it leaves, and what is shed.

extension MediaPlane {
    /// One child as people see it.
    package struct ChildCount {
        package var flow: ChildFlow
        package var sent: SendBatch.LaneCount
    }

    /// Packets that children were not sent, those that have gone included.
    package var shedCounts: ChildFlow.ShedCounts { rates.flows.shedCounts }

    /// Every child once, whatever it is a child for; for people.
    package var childCounts: [ChildCount] {
        rates.flows.all.map {
            ChildCount(flow: rates.flows[$0], sent: rates.sent(to: $0, outgoing))
        }
    }

    /// Tells how important a stream is, which may be a local one.
    package mutating func setPriority(of stream: StreamDescription) {
        rates.priorities[stream.stream] = stream.priority
    }

    mutating func installFlows() {
        rates.install(lanes.map(\.child.endpoint), outgoing)
    }

    // MARK: - Queues

    /// Lets a packet's copies wait for those children that are limited.
    mutating func queue(
        _ header: MediaHeader, _ passage: Passage, _ slot: Int, _ bodyBytes: Int, at now: Instant
    ) {
        for child in passage.children
        where rates.isLimited(lane: childLanes[child])
            && forwarder.reaches(child, except: passage.exception)
        {
            let lane = childLanes[child]
            var copy = WaitingCopy(
                header: header, link: lanes[lane].child.localToken, slot: slot,
                bodyBytes: bodyBytes)
            copy.header.token = lanes[lane].child.token
            copy.header.isRepair = false
            copy.header.lacks = passage.lacks
            queue(copy, on: rates.flow(ofLane: lane), at: now)
        }
    }

    mutating func queue(_ copy: WaitingCopy, on flow: Int, at now: Instant) {
        let priority = rates.priorities[copy.header.stream] ?? MediaKind.data.defaultPriority
        rates.flows.update(flow) { $0.add(copy, priority: priority, at: now) }
    }

    /// Puts a copy in the batch, if its body and its link are still there; `false` without the body.
    @discardableResult
    mutating func send(
        _ copy: WaitingCopy, to child: Endpoint, flow: Int?, on socket: borrowing UDPSocket
    ) -> Bool {
        guard let body = bodies.body(at: copy.slot, byteCount: copy.bodyBytes) else {
            return false
        }
        let seal = UnsafeRawBufferPointer(rebasing: body.suffix(MediaTagKey.sealBytes))
        guard let keys = tags.keys[copy.link], let seal = seal.baseAddress else { return true }
        var header = copy.header
        header.keyPhase = keys.sendPhase
        if MediaHeader.bodyOffset + body.count > keys.datagramLimit {
            sendInPieces(header.words, body, keys, link: copy.link, to: child, on: socket)
            return true
        }
        let place = outgoing.append(
            headerBytes: MediaHeader.bodyOffset, body: body,
            to: SocketAddress(child, family: socket.family),
            lane: flow.map { rates.lane(ofFlow: $0) } ?? -1)
        header.store(into: place)
        keys.send.tag(
            header: UnsafeRawBufferPointer(start: place, count: MediaHeader.byteCount), seal: seal
        ).write(to: place + MediaHeader.byteCount)
        return true
    }

    /// What is to be answered of a request: not what was shed on purpose.
    mutating func unshed(
        of request: RepairRequest, flow: Int?, at now: Instant
    ) -> RepairRequest? {
        guard let flow else { return request }
        return rates.flows.update(flow) { flow in
            guard let rest = flow.unshed(of: request) else { return nil }
            flow.noteAsked(rest.bitmap.nonzeroBitCount, at: now)
            return rest
        }
    }

    /// When ``serveFlows(at:on:into:)`` has something to do; `nil` while no child's link is too slow.
    package var nextRateWakeup: Instant? { rates.hasRefusals ? .zero : rates.flows.nextDue }

    /// Sends what may leave now, and appends what is to be said to children.
    package mutating func serveFlows(
        at now: Instant, on socket: borrowing UDPSocket,
        into events: inout [OverlayPeer.Event]
    ) {
        // What waits was for who was not limited when it came.
        flush(on: socket)
        if rates.hasRefusals { watchRefused(at: now) }
        for flow in rates.flows.active {
            sendQueued(of: flow, at: now, socket)
            let child = rates.flows[flow].endpoint
            let sent = rates.sent(to: flow, outgoing)
            let count = LinkCount(packets: sent.datagrams, bytes: sent.bytes)
            if let time = rates.flows.update(flow, { $0.takeQuestion(sent: count, at: now) }) {
                events.append(.rateTold(.measure(time: time), to: child))
            }
            rates.runs.removeAll(keepingCapacity: true)
            rates.flows.update(flow) { $0.takeShedRuns(into: &rates.runs) }
            for run in rates.runs { events.append(.rateTold(.shed(run), to: child)) }
        }
    }

    /// Sends what a child's rate allows; what is counted as sent has left then.
    private mutating func sendQueued(
        of flow: Int, at now: Instant, _ socket: borrowing UDPSocket
    ) {
        guard rates.flows[flow].queuedPackets > 0 else { return }
        let child = rates.flows[flow].endpoint
        while let copy = rates.flows.update(flow, { $0.next(at: now) }) {
            if outgoing.isFull { outgoing.makeRoom(on: socket) }
            if !send(copy, to: child, flow: flow, on: socket) {
                rates.flows.update(flow) { $0.noteOverwritten(copy.header) }
            }
        }
        outgoing.flush(on: socket)
    }

    /// Looks whether the kernel has refused packets.
    mutating func noteRefusals() {
        let total = outgoing.refusals.bufferFullCount
        guard total != rates.seenRefusals else { return }
        rates.seenRefusals = total
        rates.hasRefusals = true
    }

    private mutating func watchRefused(at now: Instant) {
        rates.hasRefusals = false
        for flow in rates.flows.all {
            let refused = rates.sent(to: flow, outgoing).refused
            rates.flows.update(flow) { $0.noteRefused(refused, at: now) }
        }
    }

    // MARK: - From parents and children

    /// Takes in what a parent or child says of the rate; appends what is to be said to it.
    package mutating func hearRate(
        _ message: RateMessage, from neighbor: RateNeighbor, at now: Instant,
        on socket: borrowing UDPSocket, into events: inout [OverlayPeer.Event]
    ) {
        switch message {
        case .measure(let time):
            let count = rates.arrivals.count(on: neighbor.localToken, at: now)
            let report = ReceivedReport(
                time: time, arrivedAt: UInt64(bitPattern: now.nanoseconds),
                packets: count.packets, bytes: count.bytes)
            events.append(.rateTold(.received(report), to: neighbor.endpoint))
        case .received(let report):
            guard let flow = rates.flows.place(of: neighbor.endpoint) else { return }
            // What waits was for who was not limited when it came.
            fanOut(on: socket)
            rates.flows.update(flow) {
                $0.take(report, leastRoundTrip: neighbor.leastRoundTrip, at: now)
            }
        case .shed(let run):
            forwarder.noteShed(run, at: now)
        }
    }

    /// Takes in that a child's answer took long.
    package mutating func noteDelay(of child: Endpoint, at now: Instant) {
        guard let flow = rates.flows.place(of: child) else { return }
        rates.flows.update(flow) { $0.watch(at: now) }
    }
}
