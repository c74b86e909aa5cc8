import Forwarding
import Media
import NetBasics
import Overlay
import Sealing
import Sockets
import Wire

/// The data path of a peer: the forwarding plane with its sockets, meters and delivery.
///
/// One owner, one thread. Per packet it allocates nothing, and copies the 24-byte header for each
/// child and, once, the body, in case that a neighbor asks for it again. Bodies are sealed where they
/// are published and opened where they are delivered, and nowhere between.
package struct MediaPlane: ~Copyable {
    package var forwarder = Forwarder()
    private var plan = FanOutPlan()
    private var outgoing: SendBatch
    /// Where ``Forwarder/children`` receive, in the same order.
    private var childAddresses: [SocketAddress] = []
    /// The lane of each child: one for each neighbor, whatever it is a child for.
    private var childLanes: [Int] = []
    package private(set) var delivery: DeliveryEdge
    /// Bodies as they travel, sealed, and as they are delivered.
    private var bodies = BodyRing()
    private var openedBodies = BodyRing()
    /// `nil` for a relay, which reads nothing.
    private var sealing: MediaSealing?
    /// Bytes in the rings that wait for ``flush(on:)``.
    private var pendingBytes = 0
    /// More than that is flushed at once, long before a ring comes round.
    private static let pendingLimit = BodyRing.byteCount / 4
    private var hasNeighbors = false
    private var answers: [RepairAnswer] = []
    private var meters: [StreamMeter] = []
    private var freeMeters: [Int] = []
    private var meterIndices: [StreamID: Int] = [:]
    /// Media that passed since the control plane last asked.
    private var signs: [OverlayPeer.MediaSign] = []
    package private(set) var decodeDrops: [String: UInt64] = [:]
    package private(set) var firstDelivery: Instant?

    /// `joinsDatagrams`: whether the socket segments, see ``UDPSocket/canSegment``; `mediaKey`: what
    /// `peer` seals and opens media with, `nil` for a relay.
    package init(
        delivery: consuming DeliveryEdge, joinsDatagrams: Bool, mediaKey: SecretBytes?, peer: PeerID
    ) {
        self.delivery = delivery
        if let mediaKey {
            sealing = MediaSealing(mediaKey: mediaKey, peer: peer)
        } else {
            sealing = nil
        }
        outgoing = SendBatch(joinsDatagrams: joinsDatagrams)
    }

    // MARK: - Control plane's side

    package mutating func install(_ table: ForwardingTable, family: AddressFamily) {
        forwarder.install(table)
        hasNeighbors = !table.links.isEmpty
        childAddresses = forwarder.children.map { SocketAddress($0.endpoint, family: family) }
        var lanes: [Endpoint: Int] = [:]
        childLanes = forwarder.children.map { child in
            let lane = lanes[child.endpoint] ?? lanes.count
            lanes[child.endpoint] = lane
            return lane
        }
    }

    /// Starts to count and deliver a remote stream; `false` if no port was left for it.
    package mutating func open(_ stream: StreamDescription) -> Bool {
        if meterIndices[stream.stream] == nil {
            let place = freeMeters.popLast() ?? meters.count
            if place == meters.count {
                meters.append(StreamMeter(format: stream.format))
            } else {
                meters[place] = StreamMeter(format: stream.format)
            }
            meterIndices[stream.stream] = place
        }
        return delivery.add(stream.stream, format: stream.format)
    }

    /// Frees what the streams of a source that has gone took.
    package mutating func close(_ source: PeerID) {
        delivery.removeAll(of: source)
        sealing?.close(source)
        for index in 0..<UInt8(StreamDescription.streamLimit) {
            let stream = StreamID(source: source, index: index)
            if let place = meterIndices.removeValue(forKey: stream) { freeMeters.append(place) }
        }
    }

    package func meter(of stream: StreamID) -> StreamMeter? {
        meterIndices[stream].map { meters[$0] }
    }

    /// Hands over, and forgets, what media passed.
    package mutating func takeMediaSigns() -> [OverlayPeer.MediaSign] {
        defer { signs.removeAll(keepingCapacity: true) }
        return signs
    }

    private mutating func note(_ header: MediaHeader, from link: LinkToken?, at now: Instant) {
        let sign = OverlayPeer.MediaSign(
            link: link, stream: header.stream, sequence: header.sequence, at: now)
        let known = signs.firstIndex { $0.link == link && $0.stream == header.stream }
        if let known { signs[known] = sign } else { signs.append(sign) }
    }

    package var sendRefusals: SendRefusals { outgoing.refusals }
    /// Datagrams that the kernel took for children and for whoever asked for repair.
    package var sentCount: UInt64 { outgoing.sentCount }

    // MARK: - From the network

    /// Forwards and delivers one received media datagram; it stays in place until ``flush(on:)``.
    package mutating func receive(
        _ datagram: UnsafeRawBufferPointer, at now: Instant, wallNanoseconds: UInt64,
        on socket: borrowing UDPSocket
    ) {
        let header: MediaHeader
        do {
            header = try MediaHeader(decoding: datagram.bytes)
        } catch {
            decodeDrops[error.reason, default: 0] &+= 1
            return
        }
        let body = UnsafeRawBufferPointer(rebasing: datagram[MediaHeader.byteCount...])
        plan.removeAll()
        guard
            forwarder.receive(header, bodyBytes: body.count, packet: 0, at: now, into: &plan)
        else { return }
        keep(header, body, at: now)
        // A repair may come from any neighbor, and is no sign of life of the parent.
        if !header.isRepair { note(header, from: header.token, at: now) }
        sendCopies(of: header, body, on: socket)
        deliver(body, of: header, at: now, wallNanoseconds: wallNanoseconds, on: socket)
    }

    /// Opens a packet for the local endpoints, if there are any that may read.
    private mutating func deliver(
        _ sealed: UnsafeRawBufferPointer, of header: MediaHeader, at now: Instant,
        wallNanoseconds: UInt64, on socket: borrowing UDPSocket
    ) {
        guard let meter = meterIndices[header.stream] else { return }
        makeRoom(for: sealed.count, on: socket)
        let place = openedBodies.reserve(sealed.count).bytes
        guard let count = sealing?.open(sealed, of: header, into: place) else {
            if sealing != nil { decodeDrops["not_authentic", default: 0] &+= 1 }
            return
        }
        let body = UnsafeRawBufferPointer(rebasing: place[..<count])
        if firstDelivery == nil { firstDelivery = now }
        meters[meter].record(
            body.bytes, sequence: header.sequence, at: now, wallNanoseconds: wallNanoseconds)
        delivery.deliver(body, of: header.stream, isControlFlow: header.isControlFlow)
    }

    // MARK: - From this host

    /// Publishes one packet of a local stream; it stays in place until ``flush(on:)``.
    package mutating func publish(
        _ body: UnsafeRawBufferPointer, of stream: StreamID, isControlFlow: Bool,
        at now: Instant, on socket: borrowing UDPSocket
    ) {
        plan.removeAll()
        guard let sealedBytes = sealing?.sealedByteCount(body.count) else { return }
        let header = forwarder.originate(
            stream, isControlFlow: isControlFlow, bodyBytes: sealedBytes, packet: 0, into: &plan)
        guard let header else { return }
        makeRoom(for: sealedBytes, on: socket)
        let place = bodies.reserve(sealedBytes)
        guard sealing?.seal(body, of: header, into: place.bytes) == true else { return }
        note(header, from: nil, at: now)
        forwarder.keep(header, slot: place.slot, bodyBytes: sealedBytes, at: now)
        sendCopies(of: header, UnsafeRawBufferPointer(place.bytes), on: socket)
    }

    /// Flushes before what waits in a ring could be overwritten.
    private mutating func makeRoom(for count: Int, on socket: borrowing UDPSocket) {
        if pendingBytes + count > Self.pendingLimit { flush(on: socket) }
        pendingBytes += count
    }

    private mutating func keep(
        _ header: MediaHeader, _ body: UnsafeRawBufferPointer, at now: Instant
    ) {
        guard hasNeighbors else { return }
        let slot = bodies.store(body)
        forwarder.keep(header, slot: slot, bodyBytes: body.count, at: now)
    }

    private mutating func sendCopies(
        of header: MediaHeader, _ body: UnsafeRawBufferPointer, on socket: borrowing UDPSocket
    ) {
        for copy in plan.copies {
            if outgoing.isFull { _ = outgoing.flush(on: socket) }
            var childHeader = header
            childHeader.token = forwarder.children[copy.child].token
            childHeader.isRepair = false
            childHeader.lacks = copy.lacks
            let place = outgoing.append(
                headerBytes: MediaHeader.byteCount, body: body, to: childAddresses[copy.child],
                lane: childLanes[copy.child])
            childHeader.store(into: place)
        }
    }

    // MARK: - Repair

    /// Sends a neighbor what it misses and we still have; nothing of it waits for a flush.
    package mutating func answer(
        _ request: RepairRequest, to neighbor: RepairAsker, at now: Instant,
        on socket: borrowing UDPSocket
    ) {
        answers.removeAll(keepingCapacity: true)
        forwarder.answer(request, to: neighbor, at: now, into: &answers)
        let address = SocketAddress(neighbor.endpoint, family: socket.family)
        for answer in answers {
            guard let body = bodies.body(at: answer.slot, byteCount: answer.bodyBytes) else {
                continue
            }
            if outgoing.isFull { _ = outgoing.flush(on: socket) }
            let place = outgoing.append(
                headerBytes: MediaHeader.byteCount, body: body, to: address)
            answer.header.store(into: place)
        }
        _ = outgoing.flush(on: socket)
    }

    /// Sends all that is queued, to children and to local endpoints.
    package mutating func flush(on socket: borrowing UDPSocket) {
        _ = outgoing.flush(on: socket)
        delivery.flush()
        pendingBytes = 0
    }
}
