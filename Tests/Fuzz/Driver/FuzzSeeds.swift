import Diagnosis
import Glibc
import Management
import NetBasics
import Wire

// What a run begins with: what the tests read and write, in the form that a target takes.

extension FuzzTarget {
    var seeds: [[UInt8]] {
        switch self {
        case .datagram: Samples.all.map(\.bytes)
        case .media: [mediaSeed]
        case .rtp: rtpSeeds
        case .rtcp: [parseHex("80c90001 739e56e4"), parseHex("81ca0002 739e56e4 01016100")]
        case .sdp: FFmpegSample.all.map { Array($0.utf8) }
        case .json: jsonSeeds.map { Array($0.utf8) }
        case .topology: [Array(topologySeed.utf8)]
        case .text: textSeeds.map { Array($0.utf8) }
        case .overlay: overlaySeeds
        case .rendezvous: rendezvousSeeds
        case .links: linksSeeds
        case .protocols: ProtocolSamples.all.map(\.bytes)
        case .capture: CaptureFiles.all
        case .frames: frameSeeds
        case .pair: pairSeeds
        default: []
        }
    }

    /// Writes each seed to a file of the directory; says whether all could be written.
    func writeSeeds(to directory: String) -> Bool {
        seeds.enumerated().allSatisfy { index, seed in
            guard let file = fopen("\(directory)/seed-\(index)", "w") else { return false }
            let count = fwrite(seed, 1, seed.count, file)
            return fclose(file) == 0 && count == seed.count
        }
    }
}

// MARK: - Formats

private var pairSeeds: [[UInt8]] {
    let group = IPAddress.v4(IPv4Address(rawValue: 0xEF01_0203))
    let own = Endpoint(address: .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: 1)), port: 5)
    let bodies: [PairMessage.Body] = [
        .hello(group: group, port: 7402, isSourceSpecific: true), .challenge,
        .ready(observed: own, failed: CheckNames(bits: 5)), .refusal(.busy),
        .probe(sequence: 1, replyBytes: 1472, sentAt: 2),
        .echo(sequence: 1, sentAt: 2, hops: 63, probes: 1, wall: 3),
        .sendGroup(count: 5, ttl: 16), .groupPacket(sequence: 1, ttl: 1), .askGroup,
        .groupReport(received: 5, hops: 1), .tooLong(sequence: 1),
    ]
    return bodies.map { PairMessage(token: 1, cookie: PairCookie(high: 2, low: 3), $0).encoded() }
}

private var mediaSeed: [UInt8] {
    let header = MediaHeader(
        token: token, stream: StreamID(source: source, index: 7), isControlFlow: false,
        sequence: 0xFFFF_FFFE)
    var bytes = [UInt8](repeating: 3, count: MediaHeader.byteCount + 20)
    bytes.withUnsafeMutableBytes { buffer in
        if let start = buffer.baseAddress { header.store(into: start) }
    }
    return bytes
}

/// Those of `RTPHeaderTests`: of ffmpeg, and with everything that a header may have.
private var rtpSeeds: [[UInt8]] {
    [
        parseHex("80e0065732eab76a739e56e4 90808008f1020000101000180025c02f"),
        parseHex("b26ffffe00000007deadbeef 0000000100000002 bede000110aa0000 01020304 00000004"),
    ]
}

private var jsonSeeds: [String] {
    let member = MemberList.Member(
        party: Party(peer: "00000000000000a1", name: "ada"), endpoint: "192.0.2.7:40000",
        isSource: true, origin: .link, roundTripMilliseconds: 0.75)
    let list = MemberList(group: "standup", members: [member], namesakes: 3, detail: "é\u{1}\"")
    let tree = TreeView(group: "standup", party: member.party, sources: [])
    return [list.json.description, tree.json.description, topologySeed]
        + ManagementRequest.allCases.map(\.json.description)
}

private let topologySeed = """
    {"routers": 2, "links": [{"a": 0, "b": 1, "delay_ms": 2.5, "rate_mbps": 1000, "loss": 0.01}],
     "hosts": [{"name": "h0", "router": 0, "access_ms": 0.5, "uplink_mbps": 4},
               {"name": "h1", "router": 1}]}
    """

private let textSeeds = [
    "polycast://[2001:db8::1]:7401/caf%c3%a9",
    "polycast://192.0.2.1/g#000g40r40m30e209185gr38e1zzqac0n",
    "polycast://h/g#relay-rfz7c9hvgeefw37ct22c75hrkfczvkzj4zc3zcxd2nr4b9fm31f471rb",
    "test:rate=2M,size=1200", "rtp://127.0.0.1:6000", "udp://[::1]:5000?rate=1M",
    "transit-stub:200", "pairwise:10-150", "[2001:db8::1%25eth0]:7000", "m.a-b_c",
]

// MARK: - State machines

/// A piece as ``pieces(of:)`` reads it.
private func piece(_ first: UInt8, _ bytes: some Collection<UInt8>) -> [UInt8] {
    let cut = bytes.prefix(254)
    return [UInt8(cut.count + 1), first] + cut
}

/// Each record on the link, all one after the other with pauses, and the messages of links.
private var overlaySeeds: [[UInt8]] {
    let records = Samples.records.map { piece(0, $0.bytes.dropFirst($0.recordEnds.min() ?? 0)) }
    return records + [records.flatMap { $0 + [0] }] + Samples.links.map { piece(1, $0.bytes) }
}

/// What strangers and a hostile neighbor may send, altered datagrams and handshakes, repetitions, and
/// time.
private var linksSeeds: [[UInt8]] {
    let strangers = (Samples.links + Samples.records).map { piece(0, $0.bytes) }
    let records = Samples.records.map { piece(2, $0.bytes.dropFirst(8)) }
    let altered = [piece(1, [0, 0, 0, 0, 0, 0, 0, 1]), piece(4, [0, 0, 0, 0, 1]), piece(4, [])]
    return [strangers.flatMap { $0 }, records.flatMap { $0 + [0] }]
        + (strangers + records + altered).map { $0 + [2, 3, 2, 3, 9] + [0, 0, 0] }
}

/// Each request, proven and signed, signed only, and neither; and all from three addresses.
private var rendezvousSeeds: [[UInt8]] {
    let requests = Samples.rendezvous.filter { $0.name.contains("request") }.map(\.bytes)
    let proven = requests.flatMap { bytes in (0xC1...0xC3).map { piece($0, bytes) } }
    return proven + requests.flatMap { [piece(0x41, $0), piece(1, $0)] }
        + [proven.flatMap { $0 }, proven.flatMap { $0 + [0, 0, 0] }]
}
