import Forwarding
import Media
import NetBasics
import Overlay
import Sealing
import Sockets
import Wire

/// The data path of a peer: the forwarding plane with its sockets, meters and delivery.
///
/// One owner, one thread. Per packet it allocates nothing, writes a header and a tag of 36 bytes for
/// each child, and copies the body, once, in case that a neighbor asks for it again. Bodies are sealed
/// where they are published and opened where they are delivered, and nowhere between. Nothing changes
/// before a packet's tag has shown that it came from the neighbor whose link it names.
package struct MediaPlane: ~Copyable {
    package var forwarder: Forwarder
    var outgoing: SendCrew
    /// How neighbors are reached, and whom of them ``Forwarder/children`` are, in the same order.
    var lanes: [ChildLane] = []
    var childLanes: [Int] = []
    var tags = LinkTags()
    /// Empty between calls (`+Trains`).
    var passed = PassedTrains()
    /// What is too long for its path (`+Pieces`).
    var pieces = PieceTraffic()
    /// How much each child's link carries, and what waits for it (`+Rate`).
    var rates = LinkRates()
    /// What is still to be copied for children (`+FanOut`).
    var run: UnsafeMutablePointer<FanOutRun> { outgoing.run }
    var group = FanOutGroup()
    package private(set) var delivery: DeliveryEdge
    /// Bodies as they travel, sealed, and as they are delivered.
    var bodies = BodyRing()
    private var openedBodies = BodyRing()
    var pace = KeepingPace()
    /// `nil` for a relay, which reads nothing.
    private var sealing: MediaSealing?
    /// Bytes in the rings that wait for ``flush(on:)``.
    private var pendingBytes = 0
    /// More than that is flushed at once, long before a ring comes round.
    private static let pendingLimit = BodyRing.byteCount / 4
    private(set) var hasNeighbors = false
    private var answers: [RepairAnswer] = []
    /// As ``Forwarder/usesParity``.
    private let usesParity: Bool
    /// Shards that came, of blocks that lack packets (`+Parity`).
    var parity = ParityStore()
    private var meters: [StreamMeter] = []
    private var freeMeters: [Int] = []
    private var meterIndices: [StreamID: Int] = [:]
    /// Media that passed since the control plane last asked.
    var signs = MediaSigns()
    package private(set) var decodeDrops: [String: UInt64] = [:]
    package private(set) var firstDelivery: Instant?

    /// `mediaKey`: what `peer` seals and opens media with, `nil` for a relay.
    package init(
        delivery: consuming DeliveryEdge, outgoing: consuming SendCrew, mediaKey: SecretBytes?,
        peer: PeerID,
        repair: RepairConfiguration = RepairConfiguration()
    ) {
        forwarder = Forwarder(repair: repair)
        usesParity = forwarder.usesParity
        self.delivery = delivery
        if let mediaKey {
            sealing = MediaSealing(mediaKey: mediaKey, peer: peer)
        } else {
            sealing = nil
        }
        self.outgoing = outgoing
    }

    // MARK: - Control plane's side

    /// Obeys `table` from now on; what waits goes to whom it was for, since lanes change hands.
    package mutating func install(_ table: ForwardingTable, on socket: borrowing UDPSocket) {
        fanOut(on: socket)
        outgoing.flush(on: socket)
        forwarder.install(table)
        hasNeighbors = !table.links.isEmpty
        lanes.removeAll(keepingCapacity: true)
        var places: [ForwardingTable.Child: Int] = [:]
        childLanes = forwarder.children.map { child in
            if let place = places[child] { return place }
            places[child] = lanes.count
            var lane = ChildLane(child, family: socket.family)
            lane.obey(tags.keys)
            lanes.append(lane)
            return lanes.count - 1
        }
        installFlows()
        installTargets()
    }

    /// Takes media from, and gives media to, these links from now on, named by our own tokens.
    package mutating func install(_ keys: [LinkToken: LinkTagKeys]) {
        tags = LinkTags(keys)
        for lane in lanes.indices { lanes[lane].obey(keys) }
        installTargets()
    }

    /// Tells those who send where lanes lead.
    private mutating func installTargets() {
        outgoing.install(
            lanes.map { SharedRuns.Target(address: $0.address, link: $0.link, key: $0.key) })
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
        setPriority(of: stream)
        return delivery.add(stream.stream, format: stream.format)
    }

    /// Frees what the streams of a source that has gone took.
    package mutating func close(_ source: PeerID) {
        delivery.removeAll(of: source)
        sealing?.close(source)
        for index in 0..<UInt8(StreamDescription.streamLimit) {
            let stream = StreamID(source: source, index: index)
            if let place = meterIndices.removeValue(forKey: stream) { freeMeters.append(place) }
            rates.priorities[stream] = nil
        }
    }

    package func meter(of stream: StreamID) -> StreamMeter? {
        meterIndices[stream].map { meters[$0] }
    }

    /// Hands over, and forgets, what media passed.
    package mutating func takeMediaSigns() -> [OverlayPeer.MediaSign] { signs.take() }

    /// What threads that send, beside the owner, have had of processors.
    package var othersProcessorTime: Duration { outgoing.othersProcessorTime }
    package var sendRefusals: SendRefusals { outgoing.refusals }
    /// Datagrams that the kernel took for children and for whoever asked for repair.
    package var sentCount: UInt64 { outgoing.sentCount }

    // MARK: - From the network

    /// How many messages to receive after those of `batch`: a part, where that is much to send and others
    /// send meanwhile what came before, see ``sendOn(on:)``.
    package func messageLimit(after batch: borrowing PacketBatch) -> Int {
        takesParts(after: batch) ? PacketBatch.partCapacity : PacketBatch.capacity
    }

    private func takesParts(after batch: borrowing PacketBatch) -> Bool {
        outgoing.isSharing && (batch.isJoined || !outgoing.joinsDatagrams)
    }

    /// Whether another part is to be received behind that of `batch`, which was of a load that goes on.
    package func goesOn(after batch: borrowing PacketBatch) -> Bool {
        batch.wasFilled && batch.isPart && takesParts(after: batch)
    }

    /// How long to receive before something else is looked after.
    package static let receiveLimit: Duration = .milliseconds(4)

    /// Forwards and delivers one received media datagram; it stays in place until ``flush(on:)``.
    ///
    /// Returns the link over which it came, by our own token, if its neighbor sent it and it was new.
    @discardableResult
    package mutating func receive(
        _ datagram: UnsafeRawBufferPointer, at now: Instant, wallNanoseconds: UInt64,
        on socket: borrowing UDPSocket
    ) -> LinkToken? {
        guard let header = authentic(datagram), let start = datagram.baseAddress else { return nil }
        let words = MediaHeader.Words(at: start)
        rates.arrivals.note(header.token, bytes: datagram.count)
        let body = UnsafeRawBufferPointer(rebasing: datagram[MediaHeader.bodyOffset...])
        guard let passage = forwarder.receive(header, bodyBytes: body.count, at: now)
        else { return nil }
        if hasNeighbors, pace.keeps(body.count, at: now) || rates.flows.isAnyLimited {
            let slot = bodies.store(body)
            forwarder.keep(
                header, of: passage, slot: slot, oldest: bodies.oldest, bodyBytes: body.count,
                at: now)
            if rates.flows.isAnyLimited { queue(header, passage, slot, body.count, at: now) }
        }
        // A repair may come from any neighbor, and is no sign of life of the parent.
        if !header.isRepair {
            signs.note(header, from: header.token, slot: passage.slot, at: now)
        }
        append(words, passage, body, on: socket)
        deliver(body, of: header, at: now, wallNanoseconds: wallNanoseconds, on: socket)
        guard usesParity else { return header.token }
        sendParity(after: header, at: now, on: socket)
        if !parity.isEmpty {
            restore(
                header.stream, ParityHeader.base(of: header.sequence), at: now,
                wallNanoseconds: wallNanoseconds, on: socket)
        }
        return header.token
    }

    /// The header of what a neighbor sent; anything else is counted, and that is all.
    @inline(__always)
    private mutating func authentic(_ datagram: UnsafeRawBufferPointer) -> MediaHeader? {
        let needed = MediaHeader.bodyOffset + MediaTagKey.sealBytes
        do throws(DecodeError) {
            let header = try MediaHeader(decoding: datagram.bytes)
            guard let start = datagram.baseAddress, datagram.count >= needed else {
                throw .truncated(needed: needed, available: datagram.count)
            }
            let verdict = tags.judge(
                header, at: start,
                seal: start + (datagram.count - MediaTagKey.sealBytes))
            switch verdict {
            case .authentic: return header
            case .unknownLink: drop(Forwarder.Drop.unknownLink.name)
            case .notFromNeighbor: drop("not_from_neighbor")
            }
        } catch {
            drop(error.reason)
        }
        return nil
    }

    mutating func drop(_ reason: String) { decodeDrops[reason, default: 0] &+= 1 }

    /// Whether packets of a stream are for local endpoints.
    func delivers(_ stream: StreamID) -> Bool { sealing != nil && meterIndices[stream] != nil }

    /// Opens a packet for the local endpoints, if there are any that may read.
    mutating func deliver(
        _ sealed: UnsafeRawBufferPointer, of header: MediaHeader, at now: Instant,
        wallNanoseconds: UInt64, on socket: borrowing UDPSocket
    ) {
        guard sealing != nil, let meter = meterIndices[header.stream] else { return }
        makeRoom(for: sealed.count, on: socket)
        let place = openedBodies.reserve(sealed.count).bytes
        guard let count = sealing?.open(sealed, of: header, into: place) else {
            drop("not_authentic")
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
        guard let sealedBytes = sealing?.sealedByteCount(body.count) else { return }
        guard
            let (header, passage) = forwarder.originate(
                stream, isControlFlow: isControlFlow, bodyBytes: sealedBytes)
        else { return }
        makeRoom(for: sealedBytes, on: socket)
        let place = bodies.reserve(sealedBytes)
        guard sealing?.seal(body, of: header, into: place.bytes) == true else { return }
        signs.note(header, from: nil, slot: passage.slot, at: now)
        forwarder.keep(
            header, of: passage, slot: place.slot, oldest: bodies.oldest, bodyBytes: sealedBytes,
            at: now)
        if rates.flows.isAnyLimited { queue(header, passage, place.slot, sealedBytes, at: now) }
        append(header.words, passage, UnsafeRawBufferPointer(place.bytes), on: socket)
        if usesParity { sendParity(after: header, at: now, on: socket) }
    }

    /// Flushes before what waits in a ring could be overwritten.
    mutating func makeRoom(for count: Int, on socket: borrowing UDPSocket) {
        if pendingBytes + count > Self.pendingLimit { flush(on: socket) }
        pendingBytes += count
    }

    // MARK: - Repair

    /// Sends a neighbor what it misses and we still have; nothing of it waits for a flush.
    package mutating func answer(
        _ request: RepairRequest, to neighbor: RepairAsker, at now: Instant,
        on socket: borrowing UDPSocket
    ) {
        guard forwarder.mayAsk(request, neighbor, at: now) else { return }
        answers.removeAll(keepingCapacity: true)
        let flow = rates.flows.place(of: neighbor.endpoint)
        guard let request = unshed(of: request, flow: flow, at: now) else { return }
        forwarder.answer(request, to: neighbor, at: now, into: &answers)
        for answer in answers {
            let copy = WaitingCopy(
                header: answer.header, link: neighbor.localToken, slot: answer.slot,
                bodyBytes: answer.bodyBytes)
            if let flow, rates.flows.isLimited(flow) {
                queue(copy, on: flow, at: now)
                continue
            }
            if outgoing.isFull { outgoing.makeRoom(on: socket) }
            send(copy, to: neighbor.endpoint, flow: flow, on: socket)
        }
        outgoing.flush(on: socket)
    }

    /// Lets others begin to send what has come: it stays in place until ``flush(on:)``, or until
    /// as many parts have followed it as a batch holds, less one.
    package mutating func sendOn(on socket: borrowing UDPSocket) {
        fanOut(on: socket)
        outgoing.endPart(on: socket)
    }

    /// Sends all that is queued, to children and to local endpoints.
    package mutating func flush(on socket: borrowing UDPSocket) {
        fanOut(on: socket)
        outgoing.flush(on: socket)
        noteRefusals()
        delivery.flush()
        pendingBytes = 0
    }
}
