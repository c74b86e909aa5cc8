import NetBasics
import Wire

/// One datagram as a value and as the bytes that docs/protocol.md draws, written by hand.
struct Sample: Sendable, CustomStringConvertible {
    var name: String
    var datagram: Datagram
    var bytes: [UInt8]
    /// Where a control datagram may end: behind its token and behind each record.
    var recordEnds: Set<Int> = []

    var description: String { name }

    init(_ name: String, _ datagram: Datagram, _ hex: String) {
        self.name = name
        self.datagram = datagram
        bytes = parseHex(hex)
    }

    /// A control datagram with one record.
    init(record name: String, _ message: ControlMessage, _ hex: String) {
        self.init(
            name, .control(ControlDatagram(token: token, messages: [message])),
            "b1020000 41424344" + hex)
        recordEnds = [8, bytes.count]
    }
}

func parseHex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
}

// MARK: - Values that the samples share

let transaction: UInt64 = 0x0102_0304_0506_0708
let group = GroupID(high: 0x1112_1314_1516_1718, low: 0x191A_1B1C_1D1E_1F20)
let peer = PeerID(rawValue: 0x2122_2324_2526_2728)
let cookie = Cookie(high: 0x3132_3334_3536_3738, low: 0x393A_3B3C_3D3E_3F40)
let key = (0x81...0xA0).map { UInt8($0) }
let alias: UInt64 = 0xA1A2_A3A4_A5A6_A7A8
let code = EntryCode(high: 0xB1B2_B3B4_B5B6_B7B8, low: 0xB9BA_BBBC_BDBE_BFC0)
let signature = (0xC1...0xFF).map { UInt8($0) } + [0]
let token = LinkToken(rawValue: 0x4142_4344)
let source = PeerID(rawValue: 0x5152_5354_5556_5758)

let near = Contact(
    peer: peer,
    endpoint: Endpoint(address: .v4(IPv4Address(rawValue: 0xC000_0201)), port: 7400))
let far = Contact(
    peer: source,
    endpoint: Endpoint(
        address: .v6(IPv6Address(high: 0x2001_0DB8_0000_0000, low: 0x5)), port: 65535))

private let coordinate = Coordinate(x: 0x0102, y: -2, z: 0x0304, height: 0x0506, error: 37)
private let coordinateHex = "0102 fffe 0304 0506 25"
private let codeHex = "b1b2b3b4b5b6b7b8b9babbbcbdbebfc0"
private let nearHex = "2122232425262728 04 c0000201 1ce8"
private let farHex = "5152535455565758 06 20010db8000000000000000000000005 ffff"

func name(_ text: String) -> MemberName {
    guard let name = MemberName(text) else { preconditionFailure("\(text) is no name") }
    return name
}

// MARK: - Samples

enum Samples {
    static let all =
        rendezvous + links + records + rates + [
            several,
            Sample(
                "empty control", .control(ControlDatagram(token: token, messages: [])),
                "b1020000 41424344"),
        ]

    static let rendezvous: [Sample] =
        [
            (RendezvousRequest.Operation.register, "01"), (.leave, "02"), (.lookUp, "03"),
            (.registerSource, "04"),
        ].map {
            operation, code in
            Sample(
                "request \(operation)",
                .rendezvous(.request(request(operation, signed: true))),
                """
                b1200000 0102030405060708 \(code)
                8182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0
                a1a2a3a4a5a6a7a8 2122232425262728 3132333435363738393a3b3c3d3e3f40 \(codeHex)
                c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0
                e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00
                """)
        } + [
            Sample(
                "unsigned request",
                .rendezvous(.request(request(.register, signed: false))),
                """
                b1200000 0102030405060708 01
                8182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0
                a1a2a3a4a5a6a7a8 2122232425262728 3132333435363738393a3b3c3d3e3f40
                \(String(repeating: "00", count: 16 + 64))
                """),
            Sample(
                "rendezvous challenge",
                .rendezvous(
                    .challenge(
                        transaction: transaction, cookie: cookie, observed: near.endpoint)),
                "b1210000 0102030405060708 3132333435363738393a3b3c3d3e3f40 04 c0000201 1ce8"),
            Sample(
                "reply",
                .rendezvous(
                    .reply(
                        RendezvousReply(
                            transaction: transaction, lease: .seconds(30), memberCount: 258,
                            sourceCount: 3, namesakeCount: 4, observed: near.endpoint,
                            peers: [
                                PeerEntry(contact: near, code: code),
                                PeerEntry(contact: far, code: .none),
                            ]))),
                """
                b1220000 0102030405060708 00007530 00000102 00000003 00000004 04 c0000201 1ce8
                02 \(nearHex) \(codeHex) \(farHex) 00000000000000000000000000000000
                """),
            Sample(
                "reply without peers",
                .rendezvous(
                    .reply(
                        RendezvousReply(
                            transaction: transaction, lease: .zero, memberCount: 0,
                            sourceCount: 0, namesakeCount: 0, observed: far.endpoint, peers: []))),
                """
                b1220000 0102030405060708 00000000 00000000 00000000 00000000
                06 20010db8000000000000000000000005 ffff 00
                """),
        ] + refusals

    private static func request(
        _ operation: RendezvousRequest.Operation, signed: Bool
    ) -> RendezvousRequest {
        var request = RendezvousRequest(
            transaction: transaction, operation: operation, key: key, alias: alias, peer: peer,
            cookie: cookie)
        if signed {
            request.code = code
            request.signature = signature
        }
        return request
    }

    private static let refusals = [
        (RendezvousRefusalReason.groupLimit, "01"), (.memberLimit, "02"),
        (.addressMemberLimit, "03"), (.requestRate, "04"), (.peerIDTaken, "05"),
        (.badSignature, "06"),
    ].map { reason, code in
        Sample(
            "refusal \(reason)",
            .rendezvous(.refusal(transaction: transaction, reason: reason)),
            "b1230000 0102030405060708 \(code)")
    }

    static let links = [
        Sample("link hello", .link(.hello(token: token)), "b1100000 41424344"),
        Sample(
            "link request",
            .link(
                .request(
                    LinkRequest(
                        group: group, peer: peer, token: token, cookie: cookie,
                        name: name("anna-1")))),
            """
            b1120000 41424344 3132333435363738393a3b3c3d3e3f40
            1112131415161718191a1b1c1d1e1f20 2122232425262728 06 616e6e612d31
            """),
        Sample(
            "link challenge", .link(.challenge(token: token, cookie: cookie)),
            "b1110000 41424344 3132333435363738393a3b3c3d3e3f40"),
        Sample(
            "link accept",
            .link(
                .accept(
                    LinkAccept(
                        initiatorToken: token, peer: peer,
                        token: LinkToken(rawValue: 0x6162_6364), name: name("b")))),
            "b1130000 41424344 2122232425262728 61626364 01 62"),
        Sample(
            "link refusal",
            .link(.refusal(token: token, reason: .full, referrals: [far, near])),
            "b1140000 41424344 01 02 \(farHex) \(nearHex)"),
        Sample(
            "bare link refusal",
            .link(.refusal(token: token, reason: .selfLink, referrals: [])),
            "b1140000 41424344 03 00"),
    ]

    static let records = [
        Sample(record: "ping", .ping(time: 0x7172_7374), "01 71727374"),
        Sample(record: "pong", .pong(time: 0x7172_7374), "02 71727374"),
        Sample(
            record: "route",
            .route(
                RouteAdvert(
                    source: source, seqno: 0x0A0B_0C0D, metric: 12_345, hops: 3, isGone: true,
                    freeRate: 4000, admitCost: 0x08_090A, sourceRate: 0x02_0304,
                    descriptionVersion: 0x1122, origin: coordinate)),
            """
            03 5152535455565758 0a0b0c0d 00003039 83 000fa0 08090a 020304 1122
            \(coordinateHex)
            """),
        Sample(
            record: "sequence number request",
            .seqnoRequest(source: source, seqno: 0x0A0B_0C0D, hopLimit: 16, isUrgent: true),
            "04 5152535455565758 0a0b0c0d 10 01"),
        Sample(record: "describe", .describe(source: source), "05 5152535455565758"),
        Sample(
            record: "description",
            .description(
                StreamDescription(
                    stream: StreamID(source: source, index: 1), version: 0x1122, streamCount: 2,
                    kind: .video, priority: 2, format: .rtp, rate: 1500, member: name("anna"),
                    mediaText: "m=v é")),
            """
            06 5152535455565758 01 1122 02 02 02 01 000005dc 04 616e6e61
            0006 6d3d7620c3a9
            """),
        Sample(
            record: "attach",
            .attach(
                AttachRequest(
                    source: source, freeRate: 4000, isInner: true, standing: .child, cost: 12_345)),
            "07 5152535455565758 00000fa0 01 02 00003039"),
        Sample(
            record: "attach accepted", .attachAccepted(source: source, isFed: true),
            "08 5152535455565758 01"),
        Sample(
            record: "attach refused",
            .attachRefused(source: source, reason: .noRoute, referrals: [near]),
            "09 5152535455565758 02 01 \(nearHex)"),
        Sample(record: "detach", .detach(source: source), "0a 5152535455565758"),
        Sample(
            record: "move", .move(source: peer, target: far),
            "0b 2122232425262728 01 \(farHex)"),
        Sample(
            record: "peers",
            .peers(
                [
                    Acquaintance(
                        contact: near, coordinate: coordinate, metric: 12_345, admitCost: 4000),
                    Acquaintance(contact: far, coordinate: .unknown),
                ], source: source),
            """
            0c 5152535455565758 02 \(nearHex) \(coordinateHex) 003039 000fa0
            \(farHex) 0000 0000 0000 0000 ff ffffff 000000
            """),
        Sample(record: "heartbeat", .heartbeat(next: 150), "14 0096"),
        Sample(record: "position", .position(coordinate), "15 \(coordinateHex)"),
        Sample(record: "close", .close, "0d"),
        Sample(
            record: "repair request",
            .repairRequest(
                RepairRequest(
                    stream: StreamID(source: source, index: 7), base: 0xFFFF_FFFE,
                    bitmap: 0x8000_0000_0000_0005)),
            "0e 5152535455565758 07 fffffffe 8000000000000005"),
        Sample(
            record: "heard up to",
            .heardUpTo(stream: StreamID(source: source, index: 15), highest: 0x0A0B_0C0D),
            "0f 5152535455565758 0f 0a0b0c0d"),
        Sample(
            record: "announce",
            .announce(
                SourceAnnouncement(
                    source: source, seqno: 0x0A0B_0C0D, metric: 12_345, hops: 3, isGone: true,
                    isUrgent: true, sourceRate: 0x0102_0304, descriptionVersion: 0x1122)),
            "10 5152535455565758 0a0b0c0d 00003039 03 05 01020304 1122"),
        Sample(
            record: "graft", .graft(source: source, seqno: 0x0A0B_0C0D, isLazy: true),
            "11 5152535455565758 0a0b0c0d 01"),
        Sample(record: "parity", .parity(source: source, rows: 3), "1a 5152535455565758 03"),
        Sample(record: "prune", .prune(source: source), "12 5152535455565758"),
        Sample(
            record: "have",
            .have(stream: StreamID(source: source, index: 15), sequence: 0x0A0B_0C0D),
            "13 5152535455565758 0f 0a0b0c0d"),
        Sample(
            record: "rekey", .rekey([UInt8](repeating: 0xA1, count: 96)),
            "16" + String(repeating: "a1", count: 96)),
        Sample(
            record: "rekeyed", .rekeyed([UInt8](repeating: 0xA2, count: 48)),
            "17" + String(repeating: "a2", count: 48)),
        Sample(
            record: "probe", .probe(nonce: 0x0102_0304_0506_0708, padding: 3),
            "18 0102030405060708 0003 000000"),
        Sample(
            record: "probed", .probed(nonce: 0x0102_0304_0506_0708), "1b 0102030405060708"),
    ]

    static let several: Sample = {
        var sample = Sample(
            "several records",
            .control(
                ControlDatagram(
                    token: token, messages: [.pong(time: 1), .close, .detach(source: source)])),
            """
            b1020000 41424344 02 00000001 0d 0a 5152535455565758
            """)
        sample.recordEnds = [8, 13, 14, 23]
        return sample
    }()
}

extension Datagram {
    /// All bytes, control messages in one datagram.
    var encoded: [UInt8] {
        switch self {
        case .control(let control):
            control.encodedDatagrams.count == 1
                ? control.encodedDatagrams[0] : []
        case .link(let message): message.encoded
        case .rendezvous(let message): message.encoded
        }
    }
}

func decode(_ bytes: [UInt8]) throws -> Datagram {
    try Datagram(decoding: bytes.span.bytes)
}
