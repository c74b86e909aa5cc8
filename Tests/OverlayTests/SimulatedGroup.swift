import Forwarding
import NetBasics
import Overlay
import Wire

/// A group of real control and forwarding planes in virtual time.
///
/// Datagrams are encoded and decoded as on a network, with a delay per pair and loss; one seed
/// decides everything. After every event the invariants are checked: no loop, no packet
/// delivered twice, no budget exceeded.
struct SimulatedGroup {
    final class Host {
        let endpoint: Endpoint
        var overlay: OverlayPeer
        var forwarder: Forwarder
        var isUp = true
        var isPaused = false
        var wakeup: Instant?
        /// A busy machine: nothing is served before this moment.
        var stalledUntil = Instant.zero
        /// Packets delivered, per source: sequence numbers in order of arrival.
        var delivered: [PeerID: [UInt32]] = [:]
        var lastDelivery: [PeerID: Instant] = [:]
        var longestGap: [PeerID: Duration] = [:]
        /// How long each packet took from its source, in order of arrival.
        var delays: [PeerID: [Duration]] = [:]
        var describedSources: [PeerID: [StreamDescription]] = [:]
        var goneSources: [PeerID] = []
        var hasLeft = false
        var occurrences: [OverlayPeer.Occurrence] = []

        init(endpoint: Endpoint, overlay: consuming OverlayPeer, forwarder: consuming Forwarder) {
            self.endpoint = endpoint
            self.overlay = overlay
            self.forwarder = forwarder
        }
    }

    enum Happening {
        case datagram(to: Int, from: Endpoint, [UInt8])
        case wakeup(Int)
        case packet(source: Int)
    }

    struct Entry: Comparable {
        var at: Instant
        var number: Int
        var happening: Happening

        static func == (left: Entry, right: Entry) -> Bool { left.number == right.number }
        static func < (left: Entry, right: Entry) -> Bool {
            (left.at, left.number) < (right.at, right.number)
        }
    }

    private(set) var now = Instant.zero
    private(set) var hosts: [Host] = []
    private(set) var violations: [String] = []
    /// Media datagrams that crossed from one subnet to another, by source.
    private(set) var crossings: [PeerID: Int] = [:]
    private(set) var sent: [PeerID: Int] = [:]
    /// When each packet was sent, per source and sequence number.
    private(set) var sendTimes: [PeerID: [UInt32: Instant]] = [:]
    /// Media datagrams that were lost, repairs included, and repairs sent.
    private(set) var lostMedia = 0
    private(set) var repairDatagrams = 0
    private(set) var repairRequests = 0
    /// Media datagrams on their way, all sources together, and packets that members took.
    private(set) var copies = 0
    private(set) var deliveries = 0
    /// Bytes of other datagrams, IPv4 and UDP headers included.
    private(set) var controlBytes = 0
    /// Links that the farthest delivery of any packet took.
    private(set) var lastHop = 0
    /// Delays of links between subnets: what is drawn is added to the first.
    var farDelay: (least: Duration, drawnMicroseconds: Int) = (.milliseconds(2), 40_000)
    /// The most copies that any source ever sent of one packet.
    private(set) var mostCopies = 0
    var loss = 0.0
    /// How members that are added from now on repair.
    var repair = RepairConfiguration()
    /// How often a datagram finds its host busy, for up to 60 ms.
    var stallShare = 0.0
    private(set) var trace: [String] = []
    var keepsTrace = false

    private var queue: [Entry] = []
    private var entryCount = 0
    private var changedHosts: [Int] = []
    private var hostIndices: [PeerID: Int] = [:]
    private var generator: SeededGenerator
    private var lossGenerator: SeededGenerator
    private var farDelays: [Int: Duration] = [:]
    private var cuts: Set<Int> = []
    private var plan = FanOutPlan()

    static let group = GroupID(high: 1, low: 2)
    static let packetInterval: Duration = .milliseconds(20)

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        lossGenerator = generator.child()
    }

    // MARK: - Building

    /// Adds a member on subnet `lan`, whose uplink carries `children` copies of a stream.
    @discardableResult
    mutating func add(
        lan: Int, children: Int, childLimit: Int? = nil, rate: UInt32 = 1000,
        configure: (inout OverlayConfiguration) -> Void = { _ in }
    ) -> Int {
        let index = hosts.count
        let address = IPv4Address(rawValue: 0x0A00_0001 + UInt32(lan) << 8 + UInt32(index))
        let endpoint = Endpoint(address: .v4(address), port: 7000)
        let name = MemberName("m\(index)")
        guard let name else { preconditionFailure("m\(index) is a name") }
        var configuration = OverlayConfiguration(
            group: Self.group, peer: PeerID(rawValue: generator.next()), name: name,
            uplinkRate: UInt32(children) * rate)
        configuration.childLimit = childLimit
        configuration.localSubnets = [endpoint.address.subnet]
        configure(&configuration)
        let secret = (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        let overlay = OverlayPeer(
            configuration: configuration, cookieSecret: secret, generator: generator.child())
        hostIndices[configuration.peer] = index
        hosts.append(
            Host(endpoint: endpoint, overlay: overlay, forwarder: Forwarder(repair: repair)))
        return index
    }

    func peer(_ index: Int) -> PeerID { hosts[index].overlay.configuration.peer }
    func contact(_ index: Int) -> Contact {
        Contact(peer: peer(index), endpoint: hosts[index].endpoint)
    }

    /// Lets the member meet at most 16 of the members that are up, as a rendezvous would.
    mutating func join(_ index: Int) {
        let others = hosts.indices.filter { $0 != index && hosts[$0].isUp }
        let known = generator.sample(16, of: others).map(contact)
        handle(.candidatesLearned(known), on: index)
    }

    /// Starts a source; one that is silent sends what ``sendPacket(_:)`` is called for only.
    mutating func publish(_ index: Int, rate: UInt32 = 1000, isSilent: Bool = false) {
        let description = StreamDescription(
            stream: StreamID(source: peer(index), index: 0), version: 1, streamCount: 1,
            kind: .video, priority: 2, format: .opaque, rate: rate,
            member: hosts[index].overlay.configuration.name, mediaText: "")
        handle(.published([description]), on: index)
        if !isSilent { schedule(.packet(source: index), at: now) }
    }

    /// From now on nothing that one of the two sends reaches the other.
    mutating func cutOff(_ left: Int, from right: Int) { cuts.insert(Self.pair(left, right)) }
    mutating func reconnect(_ left: Int, to right: Int) { cuts.remove(Self.pair(left, right)) }
    mutating func crash(_ index: Int) { hosts[index].isUp = false }
    /// The source goes on, and sends nothing any more.
    mutating func pause(_ index: Int) { hosts[index].isPaused = true }
    mutating func leave(_ index: Int) { handle(.leaveRequested, on: index) }

    // MARK: - Running

    mutating func run(for duration: Duration) {
        let end = now + duration
        while let next = queue.first, next.at <= end {
            popFirst()
            now = next.at
            perform(next.happening)
            for index in changedHosts { checkInvariants(of: index) }
            changedHosts.removeAll(keepingCapacity: true)
        }
        now = end
    }

    private mutating func perform(_ happening: Happening) {
        if let busy = stall(happening) { return schedule(happening, at: busy) }
        switch happening {
        case .datagram(let index, let sender, let bytes):
            guard hosts[index].isUp else { return }
            receive(bytes, from: sender, on: index)
        case .wakeup(let index):
            guard hosts[index].isUp, hosts[index].wakeup.map({ $0 <= now }) ?? false else { return }
            hosts[index].wakeup = nil
            var wanted: [WantedRepair] = []
            hosts[index].forwarder.takeRepairRequests(at: now, into: &wanted)
            handle(wanted.isEmpty ? .wakeupReached : .repairWanted(wanted), on: index)
        case .packet(let index):
            guard hosts[index].isUp, !hosts[index].hasLeft, !hosts[index].isPaused
            else { return }
            sendPacket(index)
            schedule(.packet(source: index), at: now + Self.packetInterval)
        }
    }

    /// Until when the host of `happening` serves nothing; what waits keeps its order.
    private mutating func stall(_ happening: Happening) -> Instant? {
        guard stallShare > 0 else { return nil }
        let index: Int
        switch happening {
        case .datagram(let host, _, _): index = host
        case .wakeup(let host): index = host
        case .packet: return nil
        }
        if hosts[index].stalledUntil > now { return hosts[index].stalledUntil }
        if hosts[index].stalledUntil < now, lossGenerator.uniformFraction() < stallShare {
            let pause = Duration.milliseconds(Int64(1 + lossGenerator.uniform(below: 60)))
            hosts[index].stalledUntil = now + pause
            return hosts[index].stalledUntil
        }
        return nil
    }

    mutating func sendPacket(_ index: Int) {
        plan.removeAll()
        let stream = StreamID(source: peer(index), index: 0)
        guard
            let header = hosts[index].forwarder.originate(
                stream, isControlFlow: false, bodyBytes: 100, packet: 0, into: &plan)
        else { return }
        sent[stream.source, default: 0] += 1
        sendTimes[stream.source, default: [:]][header.sequence] = now
        hosts[index].forwarder.keep(header, slot: 0, bodyBytes: 100, at: now)
        mostCopies = max(mostCopies, plan.copies.count)
        sendCopies(header, hops: 0, from: index)
        let sign = OverlayPeer.MediaSign(
            link: nil, stream: stream, sequence: header.sequence, at: now)
        handle(.mediaHeard([sign]), on: index)
        if forwardsBegun(index) { handle(.mediaBegan, on: index) }
    }

    private mutating func forwardsBegun(_ index: Int) -> Bool {
        hosts[index].forwarder.takeProgressBegun()
    }

    /// The body is one byte, the links taken so far.
    private mutating func sendCopies(_ header: MediaHeader, hops: UInt8, from index: Int) {
        for copy in plan.copies {
            let child = hosts[index].forwarder.children[copy.child]
            copies += 1
            var copyHeader = header
            copyHeader.token = child.token
            copyHeader.isRepair = false
            copyHeader.lacks = copy.lacks
            if child.endpoint.address.subnet != hosts[index].endpoint.address.subnet {
                crossings[header.stream.source, default: 0] += 1
            }
            transmit(encoded(copyHeader, hops: hops &+ 1), from: index, to: child.endpoint)
        }
    }

    private func encoded(_ header: MediaHeader, hops: UInt8) -> [UInt8] {
        var bytes = [UInt8](repeating: hops, count: MediaHeader.byteCount + 1)
        bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            header.store(into: base)
        }
        return bytes
    }

    private mutating func answer(
        _ request: RepairRequest, to neighbor: RepairAsker, from index: Int
    ) {
        repairRequests += 1
        var answers: [RepairAnswer] = []
        hosts[index].forwarder.answer(request, to: neighbor, at: now, into: &answers)
        for answer in answers {
            repairDatagrams += 1
            let hops = UInt8(clamping: answer.slot + 1)
            transmit(encoded(answer.header, hops: hops), from: index, to: neighbor.endpoint)
        }
    }

    private mutating func receive(_ bytes: [UInt8], from sender: Endpoint, on index: Int) {
        if Datagram.isMedia(bytes.span.bytes) {
            receiveMedia(bytes, on: index)
            return
        }
        guard let datagram = try? Datagram(decoding: bytes.span.bytes) else {
            violations.append("undecodable datagram")
            return
        }
        switch datagram {
        case .control(let control): handle(.controlReceived(control, from: sender), on: index)
        case .link(let message): handle(.linkMessageReceived(message, from: sender), on: index)
        case .rendezvous: violations.append("rendezvous message between peers")
        }
    }

    private mutating func receiveMedia(_ bytes: [UInt8], on index: Int) {
        guard let header = try? MediaHeader(decoding: bytes.span.bytes) else {
            violations.append("undecodable media")
            return
        }
        let hops = bytes[MediaHeader.byteCount]
        plan.removeAll()
        let passed = hosts[index].forwarder.receive(
            header, bodyBytes: 100, packet: 0, at: now, into: &plan)
        sendCopies(header, hops: hops, from: index)
        if passed {
            // The place in the cache is as good as any for the way that a packet took.
            hosts[index].forwarder.keep(header, slot: Int(hops), bodyBytes: 100, at: now)
            deliveries += 1
            lastHop = max(lastHop, Int(hops))
            deliver(header, to: index)
        }
        if let unexpected = hosts[index].forwarder.takeUnexpected() {
            handle(.unexpectedMedia(unexpected.token, source: unexpected.source), on: index)
        }
        if let source = hosts[index].forwarder.takeOverlapping() {
            handle(.feedsOverlap(source: source), on: index)
        }
        // The driver reports what was heard now and then; here at once.
        let sign = OverlayPeer.MediaSign(
            link: header.token, stream: header.stream, sequence: header.sequence, at: now)
        handle(.mediaHeard([sign]), on: index)
        if forwardsBegun(index) { handle(.mediaBegan, on: index) }
        if let offTree = hosts[index].forwarder.takeOffTree() {
            handle(.mediaOffTree(offTree.token, source: offTree.source), on: index)
        }
    }

    private mutating func deliver(_ header: MediaHeader, to index: Int) {
        let source = header.stream.source
        hosts[index].delivered[source, default: []].append(header.sequence)
        if let sentAt = sendTimes[source]?[header.sequence] {
            hosts[index].delays[source, default: []].append(now - sentAt)
        }
        if let last = hosts[index].lastDelivery[source] {
            let gap = now - last
            hosts[index].longestGap[source] = max(gap, hosts[index].longestGap[source] ?? .zero)
        }
        hosts[index].lastDelivery[source] = now
    }

    mutating func forgetGaps() {
        for index in hosts.indices { hosts[index].longestGap = [:] }
    }

    mutating func forgetDeliveries() {
        for index in hosts.indices {
            hosts[index].delivered = [:]
            hosts[index].delays = [:]
        }
        sendTimes = [:]
    }

    mutating func forgetCounts() {
        crossings = [:]
        sent = [:]
        lostMedia = 0
        repairDatagrams = 0
        repairRequests = 0
        (copies, deliveries, controlBytes, lastHop) = (0, 0, 0, 0)
    }

    mutating func handle(_ event: OverlayPeer.Event, on index: Int) {
        if case .mediaHeard = event {} else { changedHosts.append(index) }
        var actions: [OverlayPeer.Action] = []
        hosts[index].overlay.handle(event, at: now, into: &actions)
        for action in actions { perform(action, on: index) }
        let due = hosts[index].overlay.nextWakeup
        if let due, due <= now { violations.append("host \(index) has work left at \(now)") }
        let next = [due, hosts[index].forwarder.nextWakeup].compactMap(\.self).min()
        if let next, next != hosts[index].wakeup {
            hosts[index].wakeup = next
            schedule(.wakeup(index), at: max(next, now))
        }
    }

    private mutating func perform(_ action: OverlayPeer.Action, on index: Int) {
        if keepsTrace { trace.append("\(now.nanoseconds) \(index) \(action)") }
        switch action {
        case .sendLink(let message, let endpoint):
            controlBytes += message.encoded.count + 28
            transmit(message.encoded, from: index, to: endpoint)
        case .sendControl(let datagram, let endpoint):
            for bytes in datagram.encodedDatagrams {
                controlBytes += bytes.count + 28
                transmit(bytes, from: index, to: endpoint)
            }
        case .install(let table):
            hosts[index].forwarder.install(table)
        case .sourceDescribed(let source, let streams):
            hosts[index].describedSources[source] = streams
        case .sourceGone(let source):
            hosts[index].goneSources.append(source)
        case .repairRequested(let request, let asker):
            answer(request, to: asker, from: index)
        case .parityRequested: break
        case .highestHeard(let stream, let highest):
            hosts[index].forwarder.noteHighest(stream, highest, at: now)
        case .rateHeard, .childDelayed: break
        case .reportProgress:
            handle(.mediaAdvanced(hosts[index].forwarder.takeProgress()), on: index)
        case .report(let occurrence):
            hosts[index].occurrences.append(occurrence)
        case .left:
            hosts[index].hasLeft = true
            hosts[index].isUp = false
        }
    }

    // MARK: - Network

    private mutating func transmit(_ bytes: [UInt8], from index: Int, to endpoint: Endpoint) {
        // The last part of an address is the host's number.
        guard case .v4(let address) = endpoint.address else { return }
        let target = Int(address.rawValue & 0xFF) - 1
        guard hosts.indices.contains(target), hosts[target].endpoint == endpoint,
            !cuts.contains(Self.pair(index, target))
        else { return }
        if loss > 0, lossGenerator.uniformFraction() < loss {
            if Datagram.isMedia(bytes.span.bytes) { lostMedia += 1 }
            return
        }
        let delay = delay(index, target) + .microseconds(lossGenerator.uniform(below: 50))
        let datagram = Happening.datagram(
            to: target, from: hosts[index].endpoint, bytes)
        schedule(datagram, at: now + delay)
    }

    private mutating func delay(_ left: Int, _ right: Int) -> Duration {
        if hosts[left].endpoint.address.subnet == hosts[right].endpoint.address.subnet {
            return .microseconds(200)
        }
        let key = Self.pair(left, right)
        if let known = farDelays[key] { return known }
        let drawn =
            farDelay.least
            + .microseconds(Int64(generator.uniform(below: farDelay.drawnMicroseconds)))
        farDelays[key] = drawn
        return drawn
    }

    private static func pair(_ left: Int, _ right: Int) -> Int {
        min(left, right) * 100_000 + max(left, right)
    }

    private mutating func schedule(_ happening: Happening, at instant: Instant) {
        entryCount += 1
        queue.append(Entry(at: instant, number: entryCount, happening: happening))
        var child = queue.count - 1
        while child > 0, queue[child] < queue[(child - 1) / 2] {
            queue.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func popFirst() {
        queue.swapAt(0, queue.count - 1)
        queue.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < queue.count }
            guard let least = children.min(by: { queue[$0] < queue[$1] }),
                queue[least] < queue[parent]
            else { return }
            queue.swapAt(least, parent)
            parent = least
        }
    }

    // MARK: - Invariants

    /// A host that just changed is part of every loop that the change closed.
    private mutating func checkInvariants(of index: Int) {
        guard hosts[index].isUp else { return }
        if !hosts[index].overlay.isWithinBudget {
            violations.append("\(now.nanoseconds): host \(index) exceeds its uplink")
        }
        if !hosts[index].overlay.feedsWithinBudget {
            violations.append("\(now.nanoseconds): host \(index) feeds more than it may")
        }
        for (source, parent) in hosts[index].overlay.parents {
            var current = parent
            var steps = 0
            while let peer = current, let next = hostIndices[peer], hosts[next].isUp {
                steps += 1
                if next == index || steps > hosts.count {
                    violations.append("\(now.nanoseconds): loop for \(source.short) at \(index)")
                    break
                }
                current = hosts[next].overlay.parents.first { $0.source == source }?.parent
            }
        }
    }
}
