import NetBasics

/// Counts what a simulation delivers, from outside of the protocol.
package struct Measurements: Sendable {
    /// What one host received of one source.
    struct Reception: Sendable {
        var source: Int32
        /// Numbers below it are not expected: the host had not joined.
        var firstNumber: Int32
        var received = 0
        /// A bit per packet from `firstNumber` on.
        var seen: ContiguousArray<UInt64> = []
        var last: Instant
        var lastHops: UInt8
        var lastFrom: Int32
        var lastDelay: Duration
    }

    struct Host: Sendable {
        var startedAt: Instant?
        var endedAt: Instant?
        var hasReceived = false
        var receptions: [Reception] = []
        var controlBytes = 0
        /// Media that it sent, own and forwarded, headers included.
        var mediaBytes = 0
        /// Since when control bytes are counted.
        var countedFrom: Instant = .zero
    }

    struct Source: Sendable {
        var firstNumber: Int32 = 0
        /// When each packet was sent, from `firstNumber` on.
        var sentAt: ContiguousArray<Instant> = []
        var interval: Duration
    }

    /// A gap that is this many packet intervals wide, and wider than `outageMinimum`, is an outage.
    static let outageIntervals = 2.5
    /// Packets sent so shortly before a host's end are not expected to have reached it.
    static let grace: Duration = .seconds(2)

    var hosts: ContiguousArray<Host>
    var sources: [Int32: Source] = [:]
    /// Since when there has been media to receive.
    var publishingSince: Instant = .distantFuture
    /// Packets sent before are not counted.
    var measuredFrom: Instant = .zero
    /// Deliveries later than this count as late.
    var deadline: Duration = .seconds(1)

    package private(set) var payloadsSent = 0
    package private(set) var payloadBytes = 0
    package private(set) var deliveries = 0
    package private(set) var duplicates = 0
    package private(set) var late = 0
    package private(set) var lastHop = 0
    package private(set) var controlDatagrams = 0
    /// Control datagrams by the kind that members gave them.
    package private(set) var controlByKind = ContiguousArray(repeating: 0, count: kindLimit)
    static let kindLimit = 16
    package private(set) var latency = Histogram()
    package private(set) var outages = Histogram()
    package private(set) var joins = Histogram()
    var paths = PathSamples()

    init(hostCount: Int) {
        hosts = ContiguousArray(repeating: Host(), count: hostCount)
    }

    // MARK: - Life of hosts

    mutating func start(_ host: Int, at now: Instant) {
        hosts[host] = Host(startedAt: now, controlBytes: 0, countedFrom: now)
    }

    mutating func end(_ host: Int, at now: Instant) { hosts[host].endedAt = now }

    mutating func startMeasuring(at now: Instant) {
        measuredFrom = now
        payloadsSent = 0
        payloadBytes = 0
        controlDatagrams = 0
        controlByKind = ContiguousArray(repeating: 0, count: Self.kindLimit)
        outages = Histogram()
        for host in hosts.indices where hosts[host].startedAt != nil {
            hosts[host].controlBytes = 0
            hosts[host].mediaBytes = 0
            hosts[host].countedFrom = now
        }
    }

    // MARK: - Traffic

    mutating func publish(_ packet: MediaPacket, interval: Duration, at now: Instant) {
        publishingSince = min(publishingSince, now)
        sources[packet.source, default: Source(firstNumber: packet.number, interval: interval)]
            .sentAt.append(now)
    }

    /// When the packet was sent; `nil` if it was before anything was measured.
    func sentAt(_ packet: MediaPacket) -> Instant? {
        guard let source = sources[packet.source] else { return nil }
        let place = Int(packet.number) - Int(source.firstNumber)
        guard source.sentAt.indices.contains(place) else { return nil }
        return source.sentAt[place]
    }

    private func isMeasured(_ packet: MediaPacket) -> Bool {
        sentAt(packet).map { $0 >= measuredFrom } ?? false
    }

    mutating func count(control bytes: Int, kind: UInt8, from host: Int) {
        hosts[host].controlBytes += bytes + Network.headerBytes
        controlDatagrams += 1
        controlByKind[Int(kind) % Self.kindLimit] += 1
    }

    mutating func count(media packet: MediaPacket, bytes: Int, from host: Int) {
        hosts[host].mediaBytes += bytes + Network.headerBytes
        guard isMeasured(packet) else { return }
        payloadsSent += 1
        payloadBytes += bytes + Network.headerBytes
    }

    /// A host hands the packet, which came from `sender` over `hops`, to its user.
    mutating func deliver(
        _ packet: MediaPacket, to host: Int, from sender: Int, hops: UInt8, at now: Instant
    ) {
        guard let sentAt = sentAt(packet), let source = sources[packet.source] else { return }
        if !hosts[host].hasReceived, let startedAt = hosts[host].startedAt {
            hosts[host].hasReceived = true
            if startedAt >= publishingSince { joins.add((now - startedAt).milliseconds) }
        }
        let index: Int
        if let known = hosts[host].receptions.firstIndex(where: { $0.source == packet.source }) {
            index = known
            noteOutage(hosts[host].receptions[index].last, source.interval, now)
        } else {
            index = hosts[host].receptions.count
            hosts[host].receptions.append(
                Reception(
                    source: packet.source, firstNumber: packet.number, last: now,
                    lastHops: hops, lastFrom: Int32(sender), lastDelay: now - sentAt))
        }
        guard let isNew = Self.mark(packet.number, &hosts[host].receptions[index]) else { return }
        guard isNew else {
            duplicates += 1
            return
        }
        hosts[host].receptions[index].last = now
        hosts[host].receptions[index].lastHops = hops
        hosts[host].receptions[index].lastFrom = Int32(sender)
        hosts[host].receptions[index].lastDelay = now - sentAt
        guard sentAt >= measuredFrom else { return }
        deliveries += 1
        lastHop = max(lastHop, Int(hops))
        latency.add(max(0, (now - sentAt).milliseconds * 1000))
        if now - sentAt > deadline { late += 1 }
    }

    /// Notes the number as received; `false` for a repetition, `nil` if it is from before the first.
    private static func mark(_ number: Int32, _ reception: inout Reception) -> Bool? {
        let place = Int(number) - Int(reception.firstNumber)
        guard place >= 0 else { return nil }
        let word = place / 64
        if word >= reception.seen.count {
            reception.seen.append(
                contentsOf: repeatElement(0, count: word + 1 - reception.seen.count))
        }
        let bit = UInt64(1) << UInt64(place % 64)
        guard reception.seen[word] & bit == 0 else { return false }
        reception.seen[word] |= bit
        reception.received += 1
        return true
    }

    private mutating func noteOutage(_ last: Instant, _ interval: Duration, _ now: Instant) {
        let gap = now - last
        guard last >= measuredFrom, gap > interval * Self.outageIntervals else { return }
        outages.add((gap - interval).milliseconds)
    }
}
