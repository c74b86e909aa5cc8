import Forwarding
import NetBasics
import Parity
import Wire

/// A parent and a child with real forwarding planes, bodies and parity, and a link between them that
/// loses datagrams either way, by themselves and in runs of five.
final class LossyLink {
    struct Figures {
        var sent = 0
        var sentBytes = 0
        var timely = 0
        /// Bytes of media datagrams lost: copies, repairs and parity.
        var lostBytes = 0
        /// Bytes of repairs and parity sent.
        var extraBytes = 0
        var requests = 0
        var delays: [Int64] = []

        var price: Double { Double(extraBytes) / Double(max(1, lostBytes)) }
        func delay(_ share: Double) -> Int64 {
            delays.isEmpty
                ? 0 : delays.sorted()[min(delays.count - 1, Int(Double(delays.count) * share))]
        }
    }

    private enum Datagram {
        case media(MediaHeader, [UInt8])
        case parity(ParityHeader, [UInt8])
        case request(RepairRequest)
        case wish(ParityWish)
    }

    private static let source = PeerID(rawValue: 1)
    private static let stream = StreamID(source: source, index: 0)
    private static let token = LinkToken(rawValue: 7)
    private static let child = endpoint(2)

    private let delay: Duration
    private let loss: Double
    private let burst: Double
    private var generator: SeededGenerator
    private var isBad = (down: false, up: false)
    private var parent: Forwarder
    private var receiver: Forwarder
    private var plan = FanOutPlan()
    /// Bodies by slot, on either side.
    private var sentBodies: [[UInt8]] = []
    private var bodies: [[UInt8]] = []
    private var shards: [UInt32: [Int: [UInt8]]] = [:]
    private var sentAt: [UInt32: Instant] = [:]
    private var toChild: [(at: Instant, datagram: Datagram)] = []
    private var toParent: [(at: Instant, datagram: Datagram)] = []
    private(set) var figures = Figures()
    var counts: RepairCounts { receiver.repairCounts }

    private static func endpoint(_ number: UInt16) -> Endpoint {
        Endpoint(address: .v4(IPv4Address(rawValue: 0xC000_0200)), port: number)
    }

    init(delay: Duration, loss: Double, burst: Double, rows: Int, seed: UInt64) {
        self.delay = delay
        self.loss = loss
        self.burst = burst
        generator = SeededGenerator(seed: seed)
        var configuration = RepairConfiguration()
        configuration.parityRows = rows
        receiver = Forwarder(repair: configuration)
        configuration.parityRows = ParityHeader.rowLimit
        parent = Forwarder(repair: configuration)
        let lane = ForwardingTable.Child(
            token: Self.token, endpoint: Self.child, localToken: Self.token)
        parent.install(
            ForwardingTable(
                routes: [.init(source: Self.source, upstreams: [], children: [lane])],
                links: [Self.token]))
        receiver.install(
            ForwardingTable(
                routes: [
                    .init(
                        source: Self.source, upstreams: [Self.token], children: [],
                        repairRetry: delay * 2 * 5 / 4 + .milliseconds(15))
                ], links: [Self.token]))
    }

    /// Sends `seconds` of a stream with a packet each 2.4 ms, in steps of 0.6 ms, and waits a second.
    func run(seconds: Int64) {
        let step = Duration.microseconds(600)
        var now = Instant.zero
        let end = now + .seconds(seconds)
        var ticks = 0
        while now < end + .seconds(1) {
            if ticks % 4 == 0, now < end { publish(at: now) }
            if ticks % 3333 == 3332 { wish(at: now) }
            deliver(at: now)
            var wanted: [WantedRepair] = []
            receiver.takeRepairRequests(at: now, into: &wanted)
            figures.requests += wanted.count
            for repair in wanted { send(.request(repair.request), up: true, at: now) }
            ticks += 1
            now = now + step
        }
    }

    private func publish(at now: Instant) {
        plan.removeAll()
        let body = (0..<200 + generator.uniform(below: 1000)).map { UInt8(truncatingIfNeeded: $0) }
        guard
            let header = parent.originate(
                Self.stream, isControlFlow: false, bodyBytes: body.count, packet: 0, into: &plan)
        else { return }
        sentBodies.append(body)
        parent.keep(header, slot: sentBodies.count - 1, bodyBytes: body.count, at: now)
        sentAt[header.sequence] = now
        figures.sent += 1
        figures.sentBytes += body.count
        var copy = header
        copy.token = Self.token
        send(.media(copy, body), up: false, at: now)
        if let parity = parent.parityPlan(completedBy: header, at: now),
            let child = parity.children.first, parent.grantParity(child.rows, of: parity, at: now)
        {
            sendParity(parity, at: now)
        }
    }

    private func sendParity(_ parity: ParityPlan, at now: Instant) {
        let longest = parity.packets.map(\.bodyBytes).max() ?? 0
        guard var block = ParityBlock(width: longest + ParityBlock.prefixBytes) else { return }
        for (index, packet) in parity.packets.enumerated() {
            _ = sentBodies[packet.slot].withUnsafeBytes {
                block.add($0, isControlFlow: packet.isControlFlow, at: index)
            }
        }
        block.encode()
        for row in 0..<(parity.children.first?.rows ?? 0) {
            let header = ParityHeader(
                token: Self.token, stream: parity.stream, row: UInt8(row), base: parity.base)
            let shard = Array(block.parity(row: row))
            figures.extraBytes += shard.count
            send(.parity(header, shard), up: false, at: now)
        }
    }

    private func wish(at now: Instant) {
        var wishes: [ParityWish] = []
        receiver.takeParityWishes(into: &wishes)
        for wish in wishes { send(.wish(wish), up: true, at: now) }
    }

    private func send(_ datagram: Datagram, up: Bool, at now: Instant) {
        if isLost(up: up) {
            switch datagram {
            case .media(_, let body), .parity(_, let body): figures.lostBytes += body.count
            case .request, .wish: break
            }
            return
        }
        if up {
            toParent.append((now + delay, datagram))
        } else {
            toChild.append((now + delay, datagram))
        }
    }

    private func isLost(up: Bool) -> Bool {
        var bad = up ? isBad.up : isBad.down
        if generator.uniformFraction() < burst / 5 / (1 - burst) { bad = true }
        let isInRun = bad
        if bad, generator.uniformFraction() < 0.2 { bad = false }
        if up { isBad.up = bad } else { isBad.down = bad }
        return isInRun || generator.uniformFraction() < loss
    }

    private func deliver(at now: Instant) {
        while let next = toParent.first, next.at <= now {
            toParent.removeFirst()
            let asker = RepairAsker(
                token: Self.token, endpoint: Self.child, localToken: Self.token,
                roundTrip: delay * 2)
            switch next.datagram {
            case .request(let request):
                var answers: [RepairAnswer] = []
                parent.answer(request, to: asker, at: now, into: &answers)
                for answer in answers {
                    figures.extraBytes += answer.bodyBytes
                    send(.media(answer.header, sentBodies[answer.slot]), up: false, at: now)
                }
            case .wish(let wish): parent.noteParityWish(wish, by: asker, at: now)
            case .media, .parity: break
            }
        }
        while let next = toChild.first, next.at <= now {
            toChild.removeFirst()
            switch next.datagram {
            case .media(let header, let body): receive(header, body, at: now)
            case .parity(let header, let shard):
                guard receiver.judgeParity(header, at: now) == .needed else { continue }
                shards[header.base, default: [:]][Int(header.row)] = shard
                restore(header.base, at: now)
                receiver.spareRequests(
                    of: Self.stream, from: header.base, rows: shards[header.base]?.count ?? 0,
                    at: now)
            case .request, .wish: break
            }
        }
    }

    private func receive(_ header: MediaHeader, _ body: [UInt8], at now: Instant) {
        plan.removeAll()
        guard receiver.receive(header, bodyBytes: body.count, packet: 0, at: now, into: &plan)
        else {
            return
        }
        take(header, body, at: now)
        restore(ParityHeader.base(of: header.sequence), at: now)
    }

    private func take(_ header: MediaHeader, _ body: [UInt8], at now: Instant) {
        bodies.append(body)
        receiver.keep(header, slot: bodies.count - 1, bodyBytes: body.count, at: now)
        guard let sent = sentAt[header.sequence] else { return }
        let taken = now - sent
        figures.delays.append((taken - delay).nanoseconds / 1_000_000)
        // The way itself is part of the budget.
        if taken <= .milliseconds(500) { figures.timely += 1 }
    }

    private func restore(_ base: UInt32, at now: Instant) {
        guard let rows = shards[base], let width = rows.values.first?.count,
            var block = ParityBlock(width: width)
        else { return }
        for offset in 0..<UInt32(16) {
            guard let slot = receiver.cached(Self.stream, base &+ offset, at: now) else { continue }
            _ = bodies[slot].withUnsafeBytes {
                block.add($0, isControlFlow: false, at: Int(offset))
            }
        }
        for (row, shard) in rows { _ = shard.withUnsafeBytes { block.add(parity: $0, row: row) } }
        let missing = block.missing
        guard missing != 0 else {
            shards[base] = nil
            return
        }
        guard block.isEnough, block.restore() else { return }
        shards[base] = nil
        for index in 0..<16 where missing >> UInt16(index) & 1 == 1 {
            guard let packet = block.packet(at: index) else { continue }
            plan.removeAll()
            if let restored = receiver.receiveRestored(
                Self.stream, base &+ UInt32(index), isControlFlow: packet.isControlFlow,
                bodyBytes: packet.body.count, at: now)
            {
                take(restored.0, Array(packet.body), at: now)
            }
        }
    }
}
