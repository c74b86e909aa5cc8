import NetBasics
import PacketFormats

/// Flows, and the streams in them, in bounded memory; found by address in a few nanoseconds.
struct FlowTable: Sendable {
    /// Flows and streams at most; what more there is goes uncounted but for their number.
    static let flowLimit = 16_384
    static let streamLimit = 4096
    /// Streams of one flow at most: who invents source identifiers gets no more.
    static let streamLimitOfFlow = 256
    /// Packets that might be RTP and wait for one more of their source.
    static let heldLimit = 8

    struct Flow: Sendable {
        let key: FlowKey
        /// Of RTP, by source identifier.
        var streams: [Int32] = []
        /// The one that the last packet belonged to.
        var latest: Int32 = -1
        /// Everything that is not RTP.
        var other: Int32 = -1
        var held: [Held] = []
        var joined = JoinedSearch()
        /// Packets of which nothing is kept, as tables were full.
        var untracked: UInt64 = 0
    }

    /// A packet that may be the first of an RTP stream.
    struct Held: Sendable {
        var ssrc: UInt32
        var packet: StreamPacket
    }

    private(set) var flows: [Flow] = []
    var streams: [StreamMeasure] = []
    /// Packets of flows or streams that found no room.
    private(set) var untracked: UInt64 = 0
    private(set) var announcements = Announcements()
    private let settings: InspectionSettings
    private var places: [FlowKey: Int32] = [:]
    /// A flow for each value of the quick hash; most packets are found by it.
    private var recent = [Int32](repeating: -1, count: recentCount)
    private static let recentCount = 1024

    init(_ settings: InspectionSettings) { self.settings = settings }

    /// The flow of that key; `nil` if there is no room for it.
    @inline(__always)
    mutating func flow(_ key: FlowKey) -> Int? {
        let hash = key.quickHash & (Self.recentCount - 1)
        let known = Int(recent[hash])
        if known >= 0, flows[known].key == key { return known }
        return find(key, hash)
    }

    private mutating func find(_ key: FlowKey, _ hash: Int) -> Int? {
        if let place = places[key] {
            recent[hash] = place
            return Int(place)
        }
        guard flows.count < Self.flowLimit else {
            untracked &+= 1
            return nil
        }
        let place = Int32(flows.count)
        flows.append(Flow(key: key))
        places[key] = place
        recent[hash] = place
        return Int(place)
    }

    /// Counts a packet that is not RTP.
    mutating func recordOther(_ packet: StreamPacket, kind: PayloadKind, in flow: Int) {
        if flows[flow].other < 0 {
            guard let place = begin(nil, packet, in: flow) else { return }
            flows[flow].other = place
        }
        let place = Int(flows[flow].other)
        streams[place].record(packet)
        if streams[place].kind == .unknown { streams[place].kind = kind }
    }

    /// Length of all but the last, if `payload` is several RTP packets from that number on.
    @inline(__always)
    mutating func joinedByteCount(_ payload: RawSpan, number: UInt16, in flow: Int) -> Int? {
        flows[flow].joined.byteCount(in: payload, number: number)
    }

    /// Counts a packet that looks like RTP; a new source needs two packets that follow each other.
    @inline(__always)
    mutating func recordRTP(_ packet: StreamPacket, ssrc: UInt32, in flow: Int) {
        let latest = Int(flows[flow].latest)
        if latest >= 0, streams[latest].ssrc == ssrc {
            streams[latest].record(packet)
        } else {
            recordRTPOfAnother(packet, ssrc, in: flow)
        }
    }

    private mutating func recordRTPOfAnother(
        _ packet: StreamPacket, _ ssrc: UInt32, in flow: Int
    ) {
        if let place = flows[flow].streams.first(where: { streams[Int($0)].ssrc == ssrc }) {
            flows[flow].latest = place
            streams[Int(place)].record(packet)
            return
        }
        let isConfirmed = flows[flow].held.contains {
            $0.ssrc == ssrc && (1...3000).contains(packet.sequence &- $0.packet.sequence)
        }
        guard isConfirmed else {
            hold(Held(ssrc: ssrc, packet: packet), in: flow)
            return
        }
        guard let place = begin(ssrc, packet, in: flow) else { return }
        flows[flow].streams.append(place)
        flows[flow].latest = place
        for held in flows[flow].held where held.ssrc == ssrc {
            streams[Int(place)].record(held.packet)
        }
        flows[flow].held.removeAll { $0.ssrc == ssrc }
        streams[Int(place)].record(packet)
    }

    private mutating func hold(_ held: Held, in flow: Int) {
        if flows[flow].held.count == Self.heldLimit {
            let oldest = flows[flow].held.removeFirst()
            recordOther(oldest.packet, kind: .unknown, in: flow)
        }
        flows[flow].held.append(held)
    }

    private mutating func begin(
        _ ssrc: UInt32?, _ packet: StreamPacket, in flow: Int
    ) -> Int32? {
        guard streams.count < Self.streamLimit,
            flows[flow].streams.count < Self.streamLimitOfFlow
        else {
            flows[flow].untracked &+= 1
            untracked &+= 1
            return nil
        }
        let known = StaticPayloadType.entry(packet.payloadType)
        let clock = settings.clockRates[packet.payloadType] ?? known?.clockRate
        var stream = StreamMeasure(
            flows[flow].key, ssrc: ssrc, payloadType: packet.payloadType,
            clockRate: ssrc == nil ? nil : clock, settings)
        if ssrc != nil { stream.kind = known.map { .media($0.name) } ?? .rtp }
        Self.describe(&stream, by: announcements)
        streams.append(stream)
        return Int32(streams.count - 1)
    }

    /// Follows the transport stream in a datagram that was counted by ``recordOther(_:kind:in:)``.
    mutating func recordTransportStream(_ payload: RawSpan, in flow: Int) {
        let place = Int(flows[flow].other)
        guard place >= 0 else { return }
        if streams[place].transportStream == nil { streams[place].transportStream = .init() }
        streams[place].transportStream?.record(payload)
    }

    /// Gives a sender report to its stream, whose port is the same or the one below (RFC 3550, 11).
    mutating func record(_ report: RTCPSenderReport, _ key: FlowKey, at now: Instant) {
        let sent = Instant(nanoseconds: report.time.nanosecondsSince1970)
        for sourcePort in [key.sourcePort, key.sourcePort &- 1] {
            for port in [key.destinationPort, key.destinationPort &- 1] {
                var media = key
                (media.sourcePort, media.destinationPort) = (sourcePort, port)
                guard let flow = places[media],
                    let place = flows[Int(flow)].streams.first(where: {
                        streams[Int($0)].ssrc == report.source
                    })
                else { continue }
                streams[Int(place)].reports.record(
                    sent: sent, packets: report.packetCount, at: now)
                return
            }
        }
    }

    /// Reads an announcement, and what it tells of streams that are already there.
    mutating func recordAnnouncement(_ payload: RawSpan, at now: Instant, number: UInt64) {
        guard announcements.record(payload, at: now, number: number) else { return }
        for place in streams.indices { Self.describe(&streams[place], by: announcements) }
    }

    private static func describe(
        _ stream: inout StreamMeasure, by announcements: Announcements
    ) {
        guard stream.ssrc != nil,
            let format = announcements.format(
                stream.key.destination, stream.key.destinationPort,
                payloadType: stream.payloadType)
        else { return }
        stream.learn(clockRate: format.clockRate)
        stream.kind = .media(format.name)
    }

    /// No packet comes any more: what still waits was no RTP, or too little of it to tell.
    mutating func finish() {
        for flow in flows.indices {
            for held in flows[flow].held { recordOther(held.packet, kind: .unknown, in: flow) }
            flows[flow].held = []
        }
        for place in streams.indices {
            Self.describe(&streams[place], by: announcements)
            streams[place].finish()
        }
    }
}
