/// Datagrams as they are on the wire, sealed, written by hand from docs/protocol.md.
struct WireSample: Sendable, CustomStringConvertible {
    var name: String
    var bytes: [UInt8]
    /// What is to be shown beside the header.
    var shown: Tshark.Shown
    /// Whether it may end earlier, its last field being as long as what is left.
    var leastBytes: Int

    var description: String { name }

    init(_ name: String, _ hex: String, leastBytes: Int? = nil, _ shown: [String: String]) {
        self.name = name
        bytes = parseHex(hex)
        self.leastBytes = leastBytes ?? bytes.count
        self.shown = [:]
        for (field, value) in shown { self.shown["polycast.\(field)"] = [value] }
    }
}

private func run(_ byte: String, _ count: Int) -> String { String(repeating: byte, count: count) }

private let sourceHex = "5152535455565758"
private let cookieHex = "3132333435363738393a3b3c3d3e3f40"
private let tag = run("a7", 16)

extension WireSample {
    static let all = media + [parity, control] + links

    /// A body with epoch 3 and counter 5 in one byte, five bytes of packet and the seal.
    static let media = [
        WireSample(
            "media",
            "b1010007 41424344 \(sourceHex) fffffffe \(tag) 35 0102030405 \(run("5e", 16))",
            leastBytes: 53,
            [
                "key_phase": "0", "lacks": "0x00", "repair": "0", "control_flow": "0",
                "stream_index": "7", "token": "0x41424344", "source": sourceHex,
                "sequence": "4294967294", "tag": tag, "body": "350102030405" + run("5e", 16),
                "sframe.kid": "3", "sframe.ctr": "5", "sframe.packet": "0102030405",
                "sealed_length": "5", "sframe.tag": run("5e", 16),
            ]),
        WireSample(
            "repaired report",
            "b101d70f 41424344 \(sourceHex) 00000001 \(tag)"
                + "99 1234 abcd 77 \(run("5e", 16))", leastBytes: 57,
            [
                "key_phase": "1", "lacks": "0x15", "repair": "1", "control_flow": "1",
                "stream_index": "15", "token": "0x41424344", "source": sourceHex,
                "sequence": "1", "tag": tag, "body": "991234abcd77" + run("5e", 16),
                "sframe.kid": "4660", "sframe.ctr": "43981", "sframe.packet": "77",
                "sealed_length": "1", "sframe.tag": run("5e", 16),
            ]),
        WireSample(
            "part", "b1048102 41424344 0a0b0c0d \(tag) 0102", leastBytes: 29,
            [
                "key_phase": "1", "part.index": "1", "part.last_index": "2",
                "token": "0x41424344", "part.number": "168496141", "tag": tag,
                "part.data": "0102",
            ]),
    ]

    static let parity = WireSample(
        "parity", "b1038201 41424344 \(sourceHex) fffffff0 \(tag) 000102 \(run("d1", 16))",
        [
            "key_phase": "1", "parity.row": "2", "stream_index": "1", "token": "0x41424344",
            "source": sourceHex, "parity.base": "4294967280", "tag": tag,
            "parity.shard": "000102", "parity.digest": run("d1", 16),
        ])

    static let control = WireSample(
        "control", "b102 41424344 8102 0a0b0c \(run("c7", 16))", leastBytes: 24,
        [
            "token": "0x41424344", "key_phase": "1", "counter": "258",
            "control.records": "0a0b0c", "sealed_length": "3", "control.tag": run("c7", 16),
        ])

    private static let ephemeral = run("e9", 32)
    private static let code = run("c0", 16)

    static let links: [WireSample] = [
        WireSample(
            "hello", "b1100000 41424344 \(run("00", 48)) \(code)",
            ["token": "0x41424344", "hello.zero": run("00", 48), "code": code]),
        WireSample(
            "challenge", "b1110000 41424344 \(cookieHex) \(run("b5", 32)) \(code)",
            [
                "token": "0x41424344", "cookie": cookieHex, "challenge.key": run("b5", 32),
                "code": code,
            ]),
        WireSample(
            "accept", "b1130000 41424344 \(ephemeral) \(run("f0", 31))", leastBytes: 71,
            [
                "token": "0x41424344", "noise.ephemeral": ephemeral,
                "noise.payload": run("f0", 31), "sealed_length": "31",
            ]),
        WireSample(
            "refusal", "b1140000 41424344 \(ephemeral) \(run("f0", 19))", leastBytes: 59,
            [
                "token": "0x41424344", "noise.ephemeral": ephemeral,
                "noise.payload": run("f0", 19), "sealed_length": "19",
            ]),
        {
            var request = WireSample(
                "request",
                "b1120000 41424344 \(cookieHex) \(ephemeral) \(run("57", 48))"
                    + run("f0", 26) + code,
                leastBytes: 146,
                [
                    "token": "0x41424344", "cookie": cookieHex, "noise.ephemeral": ephemeral,
                    "noise.static": run("57", 48), "noise.payload": run("f0", 26), "code": code,
                ])
            request.shown["polycast.sealed_length"] = ["48", "26"]
            return request
        }(),
    ]
}
