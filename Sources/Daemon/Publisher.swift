import Media
import NetBasics
import Wire

/// One stream that this peer publishes, with the edge or the generator that feeds it.
struct Publisher {
    let description: StreamDescription
    /// The sockets that packets come in on; `nil` for the test pattern.
    let edge: PublishEdge?
    var pattern: TestPatternSender?

    /// When the test pattern's next packet is due.
    var nextDue: Instant? { pattern?.nextDue }

    /// Binds what `stream` needs; `index` is its place among the peer's streams.
    init(
        _ stream: PublishedStream, index: Int, source: PeerID, member: MemberName, at now: Instant
    ) throws(MediaError) {
        description = StreamDescription(
            stream: StreamID(source: source, index: UInt8(index)), version: 1, streamCount: 1,
            kind: stream.kind, priority: stream.priority, format: stream.format,
            rate: Self.nominalRate(of: stream), member: member, mediaText: stream.mediaText)
        if case .test(let test) = stream.input {
            edge = nil
            pattern = TestPatternSender(test, startingAt: now)
        } else {
            edge = try PublishEdge(stream)
            pattern = nil
        }
    }

    /// What to reckon with until media flows: the declared rate, or a usual one of its kind; kbit/s.
    var expectedRate: UInt32 {
        if description.rate > 0 { return description.rate }
        return description.kind == .audio ? 96 : 1000
    }

    /// kbit/s on the wire, zero if nobody said.
    ///
    /// SDP's bandwidth counts IP and UDP headers already (RFC 8866, section 5.8).
    private static func nominalRate(of stream: PublishedStream) -> UInt32 {
        guard case .test(let test) = stream.input else {
            return stream.rate?.kilobitsPerSecond ?? 0
        }
        let payload = Int64(test.payloadByteCount)
        let wire = payload + Int64(PeerDaemon.packetOverhead)
        return UInt32(clamping: (test.rate.bitsPerSecond / 1000 + 1) * wire / payload)
    }
}

/// Bytes for the test packets of one burst; they stay in place until they are sent.
struct PatternBuffers: ~Copyable {
    static let count = 64
    private let bytes: UnsafeMutableRawBufferPointer

    init() {
        bytes = .allocate(
            byteCount: Self.count * TestPattern.payloadByteRange.upperBound, alignment: 16)
    }

    deinit { bytes.deallocate() }

    func buffer(at index: Int, byteCount: Int) -> UnsafeMutableRawBufferPointer {
        let start = index * TestPattern.payloadByteRange.upperBound
        return UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + byteCount])
    }
}
