import NetBasics
import Wire

// Hop-by-hop repair: which packets are missing, when to ask for them, and what to answer.
//
// The driver stores packets that passed and tells where (`keep`), wakes the forwarder at
// `nextWakeup`, hands `takeRepairRequests` to the control plane, and sends what `answer` grants.

extension Forwarder {
    // MARK: - Asking

    /// Earliest moment at which a packet may have to be asked for; `nil` while nothing is missing.
    ///
    /// It can be early: what was missing may have come.
    package var nextWakeup: Instant? {
        repairDue == .max ? nil : Instant(nanoseconds: repairDue)
    }

    /// Appends what is to be asked for now, and gives up what comes too late.
    package mutating func takeRepairRequests(at now: Instant, into wanted: inout [WantedRepair]) {
        guard repairDue <= now.nanoseconds else { return }
        repairDue = .max
        for slot in streams.indices
        where !streams[slot].missing.isEmpty || streams[slot].pullDue < .max {
            let route = Int(streams[slot].route)
            guard route >= 0 else { continue }
            pull(slot, at: now, into: &wanted)
            let due = streams[slot].missing.ask(
                for: streams[slot].stream, at: now.nanoseconds, pace: paces[route],
                budget: times.budget, tryLimit: configuration.tryLimit, counts: &repairCounts,
                into: &wanted)
            repairDue = min(repairDue, due)
        }
    }

    // While nobody sends a source, neighbors are asked again and again, each in turn, for whatever
    // came after the last packet.

    /// Begins or ends to ask for what comes next.
    mutating func notePulling(of slot: Int, isStarving: Bool) {
        let isPulling = isStarving && streams[slot].hasBegun && configuration.tryLimit > 0
        guard isPulling != (streams[slot].pullDue < .max) else { return }
        streams[slot].pullDue = isPulling ? .min : .max
        streams[slot].pulls = 0
        if isPulling { repairDue = .min }
    }

    private mutating func pull(_ slot: Int, at now: Instant, into wanted: inout [WantedRepair]) {
        if streams[slot].pullDue <= now.nanoseconds {
            let first = paces[Int(streams[slot].route)].first ?? times.defaultRetry
            let wait = max(first, times.defaultRetry / 2)
            streams[slot].pullDue = now.nanoseconds &+ wait
            streams[slot].pulls += 1
            let next = RepairRequest(
                stream: streams[slot].stream, base: streams[slot].edge &+ 1, bitmap: .max)
            wanted.append(
                WantedRepair(request: next, attempt: streams[slot].pulls, isAwaited: true))
        }
        repairDue = min(repairDue, streams[slot].pullDue)
    }

    /// Whether a packet is one of those that were asked for unseen.
    func isPulled(_ sequence: UInt32, slot: Int) -> Bool {
        let ahead = Int32(bitPattern: sequence &- streams[slot].edge)
        return streams[slot].pullDue < .max && ahead > 0 && ahead <= RepairRequest.span
    }

    /// Learns from a parent that it has sent `sequence`: what lacks before it, and it, is missing.
    ///
    /// A number far ahead of all that arrived is not believed.
    package mutating func noteHighest(_ stream: StreamID, _ sequence: UInt32, at now: Instant) {
        guard let route = routeIndices[stream.source], !table.routes[route].isLocal,
            stream.index < StreamDescription.streamLimit
        else { return }
        if table.routes[route].isFlooded { beginStream(stream, before: sequence, route: route) }
        guard let slot = slot(of: stream), streams[slot].hasBegun else { return }
        let ahead = Int32(bitPattern: sequence &- streams[slot].edge)
        let newest = streams[slot].window.latest ?? streams[slot].edge
        guard ahead > 0, Int(sequence &- newest) <= missingLimit else { return }
        noteGap(before: sequence &+ 1, route: route, slot: slot, at: now)
        streams[slot].edge = sequence
    }

    /// Of a source that floods even the first packet of a stream can be known to have been lost.
    private mutating func beginStream(_ stream: StreamID, before sequence: UInt32, route: Int) {
        let slot = makeSlot(of: stream, route: route)
        guard !streams[slot].hasBegun else { return }
        streams[slot].hasBegun = true
        streams[slot].edge = sequence &- 1
    }

    /// The highest number of `stream` that passed here; `nil` before the first.
    package func highest(of stream: StreamID) -> UInt32? {
        guard let slot = slot(of: stream), streams[slot].count.packets > 0 else { return nil }
        let isLocal = routeIndices[stream.source].map { table.routes[$0].upstreams.isEmpty }
        return isLocal == true ? streams[slot].nextSequence &- 1 : streams[slot].window.highest
    }

    /// A new packet that is not the one right after the newest: it leaves, or fills, a gap.
    mutating func noteIrregular(_ sequence: UInt32, route: Int, slot: Int, at now: Instant) {
        guard streams[slot].hasBegun else {
            streams[slot].hasBegun = true
            streams[slot].edge = sequence
            return
        }
        guard Int32(bitPattern: sequence &- streams[slot].edge) > 0 else {
            streams[slot].missing.remove(sequence)
            return
        }
        noteGap(before: sequence, route: route, slot: slot, at: now)
        streams[slot].edge = sequence
    }

    private mutating func noteGap(before end: UInt32, route: Int, slot: Int, at now: Instant) {
        guard configuration.tryLimit > 0 else { return }
        let isChanging = table.routes[route].upstreams.count > 1
        let due =
            now.nanoseconds &+ (isChanging ? times.changeTolerance : times.reorderTolerance)
            &+ streams[slot].parity.wait(before: end, at: now.nanoseconds)
        streams[slot].parity.missed &+= UInt64(end &- streams[slot].edge &- 1)
        let dropped = streams[slot].missing.add(
            after: streams[slot].edge, before: end, noticed: now.nanoseconds, due: due,
            limit: missingLimit)
        repairCounts.gaveUp &+= UInt64(dropped)
        repairDue = min(repairDue, due)
    }

    /// Learns from a packet of the parent what the parent lacks, too, and sends when it has it.
    mutating func noteLacks(_ header: MediaHeader, route: Int, slot: Int, at now: Instant) {
        guard table.routes[route].upstreams.first == header.token else { return }
        let due = streams[slot].missing.note(
            lacks: header.lacks, before: header.sequence, at: now.nanoseconds,
            patience: paces[route].patience, tolerance: times.reorderTolerance)
        repairDue = min(repairDue, due)
    }

    // MARK: - Answering

    /// Remembers that the driver has the body of a packet that passed in its `slot`.
    ///
    /// `oldest`: the slot before which it has none any more.
    package mutating func keep(
        _ header: MediaHeader, of passage: Passage? = nil, slot: Int, oldest: Int = 0,
        bodyBytes: Int, at now: Instant
    ) {
        guard let place = passage?.slot ?? self.slot(of: header.stream) else { return }
        let entry = PacketCache.Entry(
            sequence: header.sequence, time: Self.cacheTime(now), slot: slot,
            bodyBytes: UInt32(clamping: bodyBytes), isControlFlow: header.isControlFlow,
            isUsed: true)
        streams[place].cache.keep(
            entry, .init(age: times.cacheAge, slot: oldest), limit: configuration.cacheLimit)
    }

    /// Where the driver has a recent packet; `nil` if it is not remembered.
    package func cached(_ stream: StreamID, _ sequence: UInt32, at now: Instant) -> Int? {
        guard let place = slot(of: stream) else { return nil }
        return streams[place].cache.entry(
            sequence, at: Self.cacheTime(now), age: times.cacheAge)?.slot
    }

    /// Whether a neighbor's request is worth a look: it does not ask for everything, again and again.
    ///
    /// Call it once, and first.
    package mutating func mayAsk(
        _ request: RepairRequest, _ neighbor: RepairAsker, at now: Instant
    ) -> Bool {
        let asker = ledger.open(
            neighbor.endpoint, passedBytes: passedBytes, at: now, configuration: configuration)
        let count = request.bitmap.nonzeroBitCount
        let isAllowed = ledger.mayAsk(count, at: asker, limit: configuration.askLimit)
        if !isAllowed { repairCounts.refused &+= UInt64(count) }
        return isAllowed
    }

    /// Decides what a neighbor gets of what it asked for, which arrived on a link of ours.
    ///
    /// What is not remembered is passed over: if it arrives, it is forwarded anyway. So is what a
    /// child was sent less than a round trip ago: its request was on the way already.
    package mutating func answer(
        _ request: RepairRequest, to neighbor: RepairAsker, at now: Instant,
        into answers: inout [RepairAnswer]
    ) {
        guard let slot = slot(of: request.stream) else { return }
        let crossingTime = isChild(neighbor, for: request.stream.source) ? neighbor.crossingTime : 0
        let time = Self.cacheTime(now)
        let asker = ledger.open(
            neighbor.endpoint, passedBytes: passedBytes, at: now, configuration: configuration)
        repairBucket.fill(rate: table.repairRate, at: now)
        var bitmap = request.bitmap
        while bitmap != 0 {
            let sequence = request.base &+ UInt32(bitmap.trailingZeroBitCount)
            bitmap &= bitmap &- 1
            guard let entry = streams[slot].cache.entry(sequence, at: time, age: times.cacheAge)
            else { continue }
            guard time &- entry.time >= crossingTime else { continue }
            let bytes = Int(entry.bodyBytes) + MediaHeader.byteCount
            let key = AnswerLedger.Key(
                source: request.stream.source.rawValue, index: request.stream.index,
                sequence: sequence)
            guard repairBucket.credit >= bytes,
                ledger.grant(key, bytes: bytes, to: asker, limit: configuration.answerLimit)
            else {
                repairCounts.refused &+= 1
                continue
            }
            repairBucket.spend(bytes)
            repairCounts.answered &+= 1
            let header = MediaHeader(
                token: neighbor.token, stream: request.stream,
                isControlFlow: entry.isControlFlow, isRepair: true, sequence: sequence)
            answers.append(
                RepairAnswer(
                    header: header, slot: entry.slot, bodyBytes: Int(entry.bodyBytes)))
        }
    }

    func isChild(_ neighbor: RepairAsker, for source: PeerID) -> Bool {
        guard let route = routeIndices[source] else { return false }
        return table.routes[route].children.contains {
            $0.token == neighbor.token && $0.endpoint == neighbor.endpoint
        }
    }

    static func cacheTime(_ now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
    }
}

/// A neighbor that asks for repair: where, and with which token, answers go.
package struct RepairAsker: Equatable, Sendable {
    package var token: LinkToken
    package var endpoint: Endpoint
    /// Our own token of its link, which names the link's keys.
    package var localToken: LinkToken
    /// Smoothed round trip; `nil` if it is not known.
    package var roundTrip: Duration?

    package init(
        token: LinkToken, endpoint: Endpoint, localToken: LinkToken, roundTrip: Duration?
    ) {
        self.token = token
        self.endpoint = endpoint
        self.localToken = localToken
        self.roundTrip = roundTrip
    }

    /// Milliseconds in which a packet and a request for it can pass each other; rounded up, and
    /// less than the tolerance that went by before anybody asks.
    var crossingTime: UInt32 {
        roundTrip.map { UInt32(clamping: min($0.nanoseconds / 1_000_000 + 2, 1000)) } ?? 0
    }
}

/// A packet that a neighbor asked for: the header to write, and where the driver has the body.
package struct RepairAnswer: Equatable, Sendable {
    package var header: MediaHeader
    package var slot: Int
    package var bodyBytes: Int
}

/// The times of a ``RepairConfiguration`` as the forwarder computes with them.
struct RepairTimes: Sendable {
    /// Nanoseconds.
    let reorderTolerance: Int64
    let changeTolerance: Int64
    let defaultRetry: Int64
    let budget: Int64
    /// Milliseconds.
    let cacheAge: UInt32

    init(_ configuration: RepairConfiguration) {
        reorderTolerance = Self.bounded(configuration.reorderTolerance)
        changeTolerance = Self.bounded(configuration.changeTolerance)
        defaultRetry = Self.bounded(configuration.defaultRetry)
        budget = Self.bounded(configuration.delayBudget)
        cacheAge = UInt32(clamping: configuration.cacheAge.nanoseconds / 1_000_000)
    }

    /// Nanoseconds from zero to a minute.
    static func bounded(_ duration: Duration) -> Int64 {
        min(max(duration.nanoseconds, 0), 60_000_000_000)
    }
}
