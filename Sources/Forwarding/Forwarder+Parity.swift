import NetBasics
import Wire

// Parity, hop by hop: a child whose link loses packets asks its parent for shards beside each block of
// 16 packets; whatever shards arrive spare as many requests. Bodies, and the code, are the driver's.

extension Forwarder {
    /// Whether this peer asks for parity and gives it; if not, it does nothing of what is here.
    package var usesParity: Bool { configuration.parityRows > 0 }

    // MARK: - The parent's side

    /// Whether a neighbor may want parity.
    package var givesParity: Bool { !parityAskers.isEmpty }

    /// Gives a neighbor `rows` parity shards with every block of `source`, until it stops to ask.
    package mutating func noteParityWish(
        _ wish: ParityWish, by neighbor: RepairAsker, at now: Instant
    ) {
        guard usesParity else { return }
        parityAskers.removeAll {
            $0.until <= now
                || ($0.wish.source == wish.source && $0.neighbor.endpoint == neighbor.endpoint)
        }
        guard parityAskers.count < configuration.askerLimit, wish.rows > 0 else { return }
        parityAskers.append(
            .init(wish: wish, neighbor: neighbor, until: now + ParityWish.lifetime))
    }

    /// What to send now that the driver has ``keep(_:slot:bodyBytes:at:)`` the packet: `nil` unless
    /// it completes a block of which a child wants parity.
    ///
    /// Each child's shards are to be granted first (``grantParity(_:of:at:)``). Who lacks a packet sends no parity before it has it; if that takes too long, none at all.
    package func parityPlan(
        completedBy header: MediaHeader, at now: Instant
    ) -> ParityPlan? {
        let base = ParityHeader.base(of: header.sequence)
        let last = base &+ UInt32(ParityHeader.blockPackets - 1)
        guard !parityAskers.isEmpty, cachedPacket(header.stream, last, at: now) != nil else {
            return nil
        }
        let askers = parityAskers.filter {
            $0.wish.source == header.stream.source && $0.until > now
                && isChild($0.neighbor, for: header.stream.source)
        }
        let newest = highest(of: header.stream) ?? header.sequence
        guard !askers.isEmpty, newest &- base < UInt32(4 * ParityHeader.blockPackets) else {
            return nil
        }
        var plan = ParityPlan(stream: header.stream, base: base)
        for offset in 0..<UInt32(ParityHeader.blockPackets) {
            guard let packet = cachedPacket(header.stream, base &+ offset, at: now) else {
                return nil
            }
            plan.packets.append(packet)
        }
        plan.children = askers.map { ($0.neighbor, $0.wish.rows) }
        return plan
    }

    /// Whether repairs leave room in the uplink for one child's shards, which it takes.
    package mutating func grantParity(_ rows: Int, of plan: ParityPlan, at now: Instant) -> Bool {
        repairBucket.fill(rate: table.repairRate, at: now)
        let bytes = rows * (plan.longestBody + ParityHeader.byteCount)
        guard repairBucket.credit >= bytes else {
            repairCounts.refused &+= UInt64(rows)
            return false
        }
        repairBucket.spend(bytes)
        repairCounts.parity &+= UInt64(rows)
        return true
    }

    // MARK: - The child's side

    /// Appends how much parity each source should come with, by what was lost since the last call.
    ///
    /// Call it every ``ParityWish/interval``.
    package mutating func takeParityWishes(into wishes: inout [ParityWish]) {
        guard configuration.parityRows > 0 else { return }
        for slot in streams.indices where streams[slot].route >= 0 {
            let route = table.routes[Int(streams[slot].route)]
            let rows = streams[slot].parity.rows(
                passed: streams[slot].count.packets, awaited: streams[slot].missing.awaitedCount,
                limit: min(configuration.parityRows, ParityHeader.rowLimit))
            guard rows > 0, !route.isLocal, !route.isFlooded else { continue }
            let source = streams[slot].stream.source
            if let known = wishes.firstIndex(where: { $0.source == source }) {
                wishes[known].rows = max(wishes[known].rows, rows)
            } else {
                wishes.append(ParityWish(source: source, rows: rows))
            }
        }
    }

    /// Judges a shard by its header.
    package mutating func judgeParity(_ header: ParityHeader, at now: Instant) -> ParityUse {
        guard let route = routeIndices[header.stream.source], !table.routes[route].isLocal,
            table.routes[route].upstreams.contains(header.token),
            let slot = slot(of: header.stream), streams[slot].hasBegun
        else { return .unexpected }
        let last = header.base &+ UInt32(ParityHeader.blockPackets - 1)
        // The block has been sent, so that losses at its end show, too.
        if Int32(bitPattern: last &- streams[slot].edge) <= Int32(ParityHeader.blockPackets) {
            noteHighest(header.stream, last, at: now)
        }
        guard Int32(bitPattern: streams[slot].edge &- last) >= 0,
            streams[slot].edge &- last < UInt32(SequenceWindow.size / 2)
        else { return .unexpected }
        streams[slot].parity.noteBlock(header.base, at: now.nanoseconds)
        return missingCount(of: header.stream, from: header.base) > 0 ? .needed : .unneeded
    }

    /// Packets of a block that have not arrived.
    package func missingCount(of stream: StreamID, from base: UInt32) -> Int {
        guard let slot = slot(of: stream) else { return 0 }
        return streams[slot].missing.count(from: base, span: ParityHeader.blockPackets)
    }

    /// Of a block with `rows` shards only what is missing beyond as many has to be asked for: the
    /// others wait for twice the usual time.
    package mutating func spareRequests(
        of stream: StreamID, from base: UInt32, rows: Int, at now: Instant
    ) {
        guard let slot = slot(of: stream), streams[slot].route >= 0 else { return }
        streams[slot].missing.spare(
            rows, from: base, span: ParityHeader.blockPackets,
            until: now.nanoseconds &+ paces[Int(streams[slot].route)].retry &* 2)
    }

    /// Where the driver has a recent packet; `nil` if it is not remembered.
    package func cachedPacket(
        _ stream: StreamID, _ sequence: UInt32, at now: Instant
    ) -> ParityPlan.Packet? {
        guard let place = slot(of: stream),
            let entry = streams[place].cache.entry(
                sequence, at: Self.cacheTime(now), age: times.cacheAge)
        else { return nil }
        return .init(
            slot: entry.slot, bodyBytes: Int(entry.bodyBytes), isControlFlow: entry.isControlFlow)
    }

    /// Judges a packet that was computed from parity, as ``receive(_:bodyBytes:packet:at:into:)``.
    package mutating func receiveRestored(
        _ stream: StreamID, _ sequence: UInt32, isControlFlow: Bool, bodyBytes: Int,
        at now: Instant
    ) -> (MediaHeader, Passage)? {
        guard let slot = slot(of: stream), streams[slot].route >= 0,
            streams[slot].missing.contains(sequence),
            let token = table.routes[Int(streams[slot].route)].upstreams.first
        else { return nil }
        let header = MediaHeader(
            token: token, stream: stream, isControlFlow: isControlFlow, isRepair: true,
            sequence: sequence)
        streams[slot].missing.allow(sequence)
        guard let passage = receive(header, bodyBytes: bodyBytes, at: now) else { return nil }
        repairCounts.repaired &-= 1
        repairCounts.restored &+= 1
        return (header, passage)
    }
}

/// How many parity shards a child wants with every block of a source.
package struct ParityWish: Equatable, Sendable {
    /// How often it is repeated, and how long it holds.
    package static let interval: Duration = .seconds(2)
    package static let lifetime: Duration = .seconds(5)

    package var source: PeerID
    package var rows: Int

    package init(source: PeerID, rows: Int) {
        self.source = source
        self.rows = rows
    }
}

/// What a shard that came is good for.
package enum ParityUse: Sendable {
    /// Its block, a recent one, lacks a packet.
    case needed
    case unneeded
    /// No parent sent it, or it is of no recent block.
    case unexpected
}

/// A neighbor that wants parity.
struct ParityAsker: Sendable {
    var wish: ParityWish
    var neighbor: RepairAsker
    var until: Instant
}

/// The parity of one block that is to be computed and sent.
package struct ParityPlan: Sendable {
    package struct Packet: Sendable {
        package var slot: Int
        package var bodyBytes: Int
        package var isControlFlow: Bool
    }

    package var stream: StreamID
    package var base: UInt32
    package var packets: [Packet] = []
    package var children: [(neighbor: RepairAsker, rows: Int)] = []

    init(stream: StreamID, base: UInt32) {
        self.stream = stream
        self.base = base
    }

    package var longestBody: Int { packets.reduce(0) { max($0, $1.bodyBytes) } }
}

/// Of one stream: how much is lost on the way from the parent, and when parity comes.
struct ParityState: Sendable {
    /// Share of losses below which parity is not worth it; 1/64.
    private static let leastShare: UInt64 = 64
    /// Time after which no more parity is expected; nanoseconds.
    private static let memory: Int64 = 1_000_000_000
    /// Longest that a request waits for parity; nanoseconds.
    private static let longestWait: Int64 = 100_000_000

    /// Packets that were missed so far.
    var missed: UInt64 = 0
    private var seen: (passed: UInt64, missed: UInt64) = (0, 0)
    private var lastBase: UInt32 = 0
    private var lastAt: Int64 = .min
    /// Time between two blocks; nanoseconds, zero before it is known.
    private var interval: Int64 = 0

    /// Shards a block needs for what is usually lost of it on this link.
    ///
    /// The mean: shards beyond what is lost are wasted, and what is lost beyond the shards is asked for.
    mutating func rows(passed: UInt64, awaited: UInt64, limit: Int) -> Int {
        let lost = missed &- min(awaited, missed)
        defer { seen = (passed, lost) }
        let packets = passed &- seen.passed
        let misses = lost > seen.missed ? lost &- seen.missed : 0
        guard packets >= 64, misses &* Self.leastShare >= packets else { return 0 }
        let share = Double(misses) / Double(packets)
        let mean = share * Double(ParityHeader.blockPackets)
        return min(max(1, Int(mean)), limit)
    }

    mutating func noteBlock(_ base: UInt32, at now: Int64) {
        let blocks = Int64(Int32(bitPattern: base &- lastBase)) / Int64(ParityHeader.blockPackets)
        guard lastAt == .min || blocks != 0 else { return }
        if lastAt > .min, blocks > 0, blocks < 16, now - lastAt < Self.memory {
            let sample = (now - lastAt) / blocks
            interval = interval == 0 ? sample : (interval * 7 + sample) / 8
        }
        lastBase = base
        lastAt = now
    }

    /// How long a packet right before `sequence` waits for the parity of its block.
    func wait(before sequence: UInt32, at now: Int64) -> Int64 {
        guard interval > 0, now - lastAt < Self.memory else { return 0 }
        let left = Int64(ParityHeader.blockPackets) - Int64(sequence % 16)
        return min(interval * left / Int64(ParityHeader.blockPackets), Self.longestWait)
    }
}
