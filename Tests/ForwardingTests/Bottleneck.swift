import Forwarding
import NetBasics
import Wire

/// A parent with one source, and children behind links of their own, in virtual time.
///
/// Both ends are real forwarding planes and flows. The links between are a model: a queue of some bytes
/// that empties at some rate, or a policer that drops what is above it; and loss at random.
struct Bottleneck {
    /// The link to one child; what the child says takes as long, and is lost as often.
    struct Link {
        /// Bytes per second; `nil`: no limit.
        var rate: Double?
        /// Bytes that the queue holds, or that the policer lets through at once.
        var buffer = 0.0
        var isPolicer = false
        /// Share lost at random.
        var loss = 0.0
        var delay = Duration.milliseconds(20)

        /// A queue of so many milliseconds at so many kbit/s.
        static func queue(kilobits: Double, milliseconds: Double, loss: Double = 0) -> Link {
            let rate = kilobits * 125
            return Link(rate: rate, buffer: max(3000, rate * milliseconds / 1000), loss: loss)
        }

        static func policer(kilobits: Double, loss: Double = 0) -> Link {
            Link(rate: kilobits * 125, buffer: 8000, isPolicer: true, loss: loss)
        }
    }

    /// A stream: packets of one size, some at a time.
    struct Flow {
        var stream: StreamID
        var priority: UInt8
        var bodyBytes: Int
        var interval: Duration
        /// Packets of the frames, in turn.
        var frames: [Int]

        static let audio = Flow(
            stream: Bottleneck.audio, priority: 0, bodyBytes: 160, interval: .milliseconds(20),
            frames: [1])

        /// Thirty frames a second, every sixtieth about five times as large.
        static func video(kilobits: Double) -> Flow {
            let mean = kilobits * 125 / 30 / 1000
            let usual = max(1, Int(mean * 0.93))
            return Flow(
                stream: Bottleneck.video, priority: 2, bodyBytes: 1000,
                interval: .nanoseconds(1_000_000_000 / 30),
                frames: [Int(mean * 5)] + Array(repeating: usual, count: 59))
        }
    }

    static let audio = StreamID(source: PeerID(rawValue: 1), index: 0)
    static let video = StreamID(source: PeerID(rawValue: 1), index: 1)

    private enum Event {
        case publish(Int, frame: Int)
        case serve
        case arrive(MediaHeader, bodyBytes: Int, child: Int)
        case hear(RateMessage, child: Int)
        case askDue(child: Int)
        case asked(RepairRequest, child: Int)
        case answered(ReceivedReport, child: Int)
    }

    private final class Child {
        var link: Link
        var plane = Forwarder()
        /// When the link's queue is empty.
        var busyUntil = Instant.zero
        var count = LinkCount()
        /// How long each packet took from its source.
        var delays: [StreamID: [UInt32: Duration]] = [:]
        /// Packets put on its link, and those that the link's queue had no room for.
        var sentCount = 0
        var overflowCount = 0
        var askedCount = 0
        var questionCount = 0
        init(_ link: Link) { self.link = link }
    }

    private var now = Instant.zero
    private var queue = EventHeap<Event>()
    private var generator: SeededGenerator
    private let parent: Parent
    private let children: [Child]
    private var sources: [Flow] = []
    private var end = Instant.zero
    private var published: [StreamID: [(sequence: UInt32, at: Instant)]] = [:]
    private var serveAt = Instant.distantFuture

    /// A forwarder cannot be copied.
    private final class Parent {
        var plane = Forwarder()
        var flows = ChildFlows()
        var slots: [Int] = []
    }

    init(_ links: [Link], seed: UInt64 = 1) {
        generator = SeededGenerator(seed: seed)
        children = links.map { Child($0) }
        parent = Parent()
        let places = links.indices.map { child in
            ForwardingTable.Child(
                token: LinkToken(rawValue: 100 + numericCast(child)),
                endpoint: Endpoint(
                    address: .v4(IPv4Address(rawValue: 0x0A00_0001 + UInt32(child))), port: 7400),
                localToken: LinkToken(rawValue: 200 + numericCast(child)))
        }
        let source = Self.audio.source
        parent.plane.install(
            ForwardingTable(routes: [.init(source: source, upstreams: [], children: places)]))
        _ = parent.flows.install(places.map(\.endpoint))
        for (child, place) in zip(children, places) {
            let route = ForwardingTable.Route(
                source: source, upstreams: [place.token], children: [],
                repairRetry: .milliseconds(65))
            child.plane.install(ForwardingTable(routes: [route], links: [place.token]))
        }
    }

    // MARK: - Running

    /// Publishes these flows for so long, and lets all of it arrive.
    mutating func run(_ flows: [Flow], for time: Duration) {
        let start = now
        end = now + time
        sources = flows
        for index in flows.indices { queue.add(.publish(index, frame: 0), at: now) }
        while let (at, event) = queue.next(until: start + time + .seconds(2)) {
            now = max(now, at)
            handle(event)
            scheduleServing()
        }
        now = start + time + .seconds(2)
    }

    /// Changes a link from now on.
    func setLink(_ link: Link, of child: Int) { children[child].link = link }

    private mutating func handle(_ event: Event) {
        switch event {
        case .publish(let index, let frame): publish(index, frame: frame)
        case .serve: if now == serveAt { serve() }
        case .arrive(let header, let bytes, let child): arrive(header, bytes, at: child)
        case .hear(let message, let child): hear(message, at: child)
        case .askDue(let child): ask(child)
        case .asked(let request, let child): answer(request, of: child)
        case .answered(let report, let child):
            parent.flows.update(child) {
                $0.take(report, leastRoundTrip: children[child].link.delay * 2, at: now)
            }
        }
    }

    private mutating func scheduleServing() {
        guard let due = parent.flows.nextDue, due < serveAt else { return }
        serveAt = max(due, now)
        queue.add(.serve, at: serveAt)
    }

    // MARK: - Parent

    private mutating func publish(_ index: Int, frame: Int) {
        let flow = sources[index]
        for _ in 0..<flow.frames[frame % flow.frames.count] {
            var plan = FanOutPlan()
            guard
                let header = parent.plane.originate(
                    flow.stream, isControlFlow: false, bodyBytes: flow.bodyBytes, packet: 0,
                    into: &plan)
            else { continue }
            published[flow.stream, default: []].append((header.sequence, now))
            parent.slots.append(flow.bodyBytes)
            let slot = parent.slots.count - 1
            parent.plane.keep(header, slot: slot, bodyBytes: flow.bodyBytes, at: now)
            for copy in plan.copies {
                var own = header
                own.token = parent.plane.children[copy.child].token
                send(own, slot, flow.bodyBytes, to: copy.child, priority: flow.priority)
            }
        }
        let next = now + flow.interval
        if next < end { queue.add(.publish(index, frame: frame + 1), at: next) }
    }

    private mutating func send(
        _ header: MediaHeader, _ slot: Int, _ bodyBytes: Int, to child: Int, priority: UInt8
    ) {
        guard parent.flows.isLimited(child) else { return put(header, bodyBytes, to: child) }
        parent.flows.update(child) {
            $0.add(
                WaitingCopy(header: header, link: header.token, slot: slot, bodyBytes: bodyBytes),
                priority: priority, at: now)
        }
    }

    private mutating func serve() {
        serveAt = .distantFuture
        for place in parent.flows.active {
            while let copy = parent.flows.update(place, { $0.next(at: now) }) {
                put(copy.header, copy.bodyBytes, to: place)
            }
            let sent = LinkCount(
                packets: UInt64(children[place].sentCount), bytes: sentBytes[place] ?? 0)
            if let time = parent.flows.update(place, { $0.takeQuestion(sent: sent, at: now) }) {
                say(.measure(time: time), to: place)
            }
            var runs: [ShedRun] = []
            parent.flows.update(place) { $0.takeShedRuns(into: &runs) }
            for run in runs { say(.shed(run), to: place) }
        }
    }

    private var sentBytes: [Int: UInt64] = [:]

    /// Puts a packet on the link.
    private mutating func put(_ header: MediaHeader, _ bodyBytes: Int, to child: Int) {
        children[child].sentCount += 1
        sentBytes[child, default: 0] += UInt64(bodyBytes + MediaHeader.bodyOffset)
        let bytes = bodyBytes + MediaHeader.bodyOffset + 28
        guard let arrival = pass(bytes, to: child) else { return }
        queue.add(.arrive(header, bodyBytes: bodyBytes, child: child), at: arrival)
    }

    private mutating func say(_ message: RateMessage, to child: Int) {
        children[child].questionCount += 1
        guard let arrival = pass(60, to: child) else { return }
        queue.add(.hear(message, child: child), at: arrival)
    }

    /// When a datagram arrives; `nil` if the link drops it.
    private mutating func pass(_ bytes: Int, to child: Int) -> Instant? {
        let state = children[child]
        let link = state.link
        guard generator.uniformFraction() >= link.loss else { return nil }
        guard let rate = link.rate else { return now + link.delay }
        let start = max(now, state.busyUntil)
        guard (start - now).seconds * rate + Double(bytes) <= link.buffer else {
            state.overflowCount += 1
            return nil
        }
        state.busyUntil = start + .nanoseconds(Int64(Double(bytes) / rate * 1e9))
        return (link.isPolicer ? now : state.busyUntil) + link.delay
    }

    private mutating func answer(_ request: RepairRequest, of child: Int) {
        let rest = parent.flows.update(child) { flow -> RepairRequest? in
            guard let rest = flow.unshed(of: request) else { return nil }
            flow.noteAsked(rest.bitmap.nonzeroBitCount, at: now)
            return rest
        }
        guard let rest else { return }
        var answers: [RepairAnswer] = []
        let place = parent.plane.children[child]
        let asker = asker(place, roundTrip: children[child].link.delay * 2)
        parent.plane.answer(rest, to: asker, at: now, into: &answers)
        for answer in answers {
            let priority = sources.first { $0.stream == request.stream }?.priority ?? 0
            send(answer.header, answer.slot, answer.bodyBytes, to: child, priority: priority)
        }
    }

    private func asker(_ place: ForwardingTable.Child, roundTrip: Duration) -> RepairAsker {
        RepairAsker(
            token: place.token, endpoint: place.endpoint, localToken: place.localToken,
            roundTrip: roundTrip)
    }

    // MARK: - Children

    private mutating func arrive(_ header: MediaHeader, _ bodyBytes: Int, at child: Int) {
        let state = children[child]
        state.count.packets += 1
        state.count.bytes += UInt64(bodyBytes + MediaHeader.bodyOffset)
        var plan = FanOutPlan()
        let isNew = state.plane.receive(
            header, bodyBytes: bodyBytes, packet: 0, at: now, into: &plan)
        if isNew, let sent = published[header.stream]?[Int(header.sequence)] {
            state.delays[header.stream, default: [:]][header.sequence] = now - sent.at
        }
        scheduleAsking(child)
    }

    private mutating func scheduleAsking(_ child: Int) {
        if let due = children[child].plane.nextWakeup {
            queue.add(.askDue(child: child), at: max(due, now))
        }
    }

    private mutating func ask(_ child: Int) {
        let state = children[child]
        guard let due = state.plane.nextWakeup, due <= now else { return }
        var wanted: [WantedRepair] = []
        state.plane.takeRepairRequests(at: now, into: &wanted)
        for want in wanted {
            state.askedCount += want.request.bitmap.nonzeroBitCount
            guard generator.uniformFraction() >= state.link.loss else { continue }
            queue.add(.asked(want.request, child: child), at: now + state.link.delay)
        }
        scheduleAsking(child)
    }

    private mutating func hear(_ message: RateMessage, at child: Int) {
        let state = children[child]
        switch message {
        case .measure(let time):
            // Its clock is another.
            let report = ReceivedReport(
                time: time, arrivedAt: UInt64(now.nanoseconds) + 1 << 50,
                packets: state.count.packets, bytes: state.count.bytes)
            guard generator.uniformFraction() >= state.link.loss else { return }
            queue.add(.answered(report, child: child), at: now + state.link.delay)
        case .shed(let run):
            state.plane.noteShed(run, at: now)
            scheduleAsking(child)
        case .received: break
        }
    }

    // MARK: - What came of it

    /// What became of the packets of a stream that were published within a span of time.
    struct Share {
        var published = 0
        var received = 0
        /// Within 500 ms.
        var inTime = 0
        var lost: Int { published - received }
        var share: Double { Double(inTime) / Double(max(1, published)) }
    }

    func share(
        of stream: StreamID, at child: Int, from start: Duration, until end: Duration
    ) -> Share {
        var share = Share()
        for packet in published[stream] ?? [] {
            guard packet.at >= .zero + start, packet.at < .zero + end else { continue }
            share.published += 1
            guard let delay = children[child].delays[stream]?[packet.sequence] else { continue }
            share.received += 1
            if delay <= .milliseconds(500) { share.inTime += 1 }
        }
        return share
    }

    func flow(_ child: Int) -> ChildFlow { parent.flows[child] }
    func overflows(_ child: Int) -> Int { children[child].overflowCount }
    func asked(_ child: Int) -> Int { children[child].askedCount }
    /// Questions and other words of the parent to the child.
    func words(_ child: Int) -> Int { children[child].questionCount }
    func repairs(_ child: Int) -> RepairCounts { children[child].plane.repairCounts }
}

/// Events in the order of their times, and of their arrival.
struct EventHeap<Event> {
    private var items: [(at: Instant, order: Int, event: Event)] = []
    private var order = 0

    mutating func add(_ event: Event, at instant: Instant) {
        order += 1
        items.append((instant, order, event))
        var child = items.count - 1
        while child > 0, isEarlier(child, (child - 1) / 2) {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next(until end: Instant) -> (Instant, Event)? {
        guard let first = items.first, first.at <= end else { return nil }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var place = 0
        while 2 * place + 1 < items.count {
            var least = 2 * place + 1
            if least + 1 < items.count, isEarlier(least + 1, least) { least += 1 }
            guard isEarlier(least, place) else { break }
            items.swapAt(place, least)
            place = least
        }
        return (first.at, first.event)
    }

    private func isEarlier(_ left: Int, _ right: Int) -> Bool {
        (items[left].at, items[left].order) < (items[right].at, items[right].order)
    }
}
