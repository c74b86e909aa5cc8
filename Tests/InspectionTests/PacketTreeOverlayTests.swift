import Foundation
import Inspection
import NetBasics
import PacketFormats
import TestSupport
import Testing
import Wire

/// Polycast's own datagrams are shown as its Wireshark script shows them.
@Suite struct PacketTreeOverlayTests {
    @Test(.enabled(if: Tshark.isInstalled, "tshark is not installed"))
    func fieldsHaveTheValuesThatTheScriptReads() throws {
        let frames = Self.samples.map { Self.frame($0.name, $0.bytes) }
        let trees = Trees.read(frames).map { tree in tree.filter { $0.name == "polycast" } }
        let names = Set(trees.flatMap { $0 }.flatMap(\.allNames)).subtracting(Self.ours).sorted()

        let rows = try Tshark.values(
            of: names, in: SampleFrame.file(frames),
            options: ["-X", "lua_script:\(Self.script.path)"])

        try #require(rows.count == frames.count)
        for (frame, (tree, row)) in zip(frames, zip(trees, rows)) {
            #expect(tree.count == 1, "\(frame)")
            for name in names {
                let ours = tree.flatMap { $0.values(named: name) }
                let theirs = (row[name] ?? []).map { $0 == "True" ? "1" : $0 }
                #expect(
                    Tshark.agrees(ours, theirs),
                    "\(frame), \(name): \(ours.map(\.description)), tshark: \(theirs)")
            }
        }
    }

    @Test(arguments: samples.indices)
    func everyTruncationIsMalformed(index: Int) {
        let bytes = Self.samples[index].bytes
        for count in 2..<bytes.count {
            let frame = Self.frame("cut", Array(bytes.prefix(count)))
            let names = Trees.read([frame])[0].map(\.name)
            // Parts of media may have any length, and so may what is sealed.
            #expect(names.last == "malformed" || names.last == "polycast", "\(count)")
        }
    }

    @Test func everyKindIsShown() {
        let kinds = Set(Self.samples.map { $0.bytes[1] })

        #expect(kinds == Set(DatagramHeader.Kind.allCases.map(\.rawValue)))
    }

    /// Those that the script has no field for: sizes of what it shows as bytes.
    private static let ours: Set = [
        "polycast.parity.shard_bytes", "polycast.part.data_bytes",
    ]

    private static let script = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "tools/wireshark/polycast.lua")

    private static func frame(_ name: String, _ bytes: [UInt8]) -> SampleFrame {
        let udp = Packets.udp(
            bytes, from: .v4(Packets.source4), to: .v4(Packets.host4), sourcePort: 40_000,
            port: 7400)
        return SampleFrame(
            name, Frames.ethernet(0x0800, Packets.ipv4(17, udp, to: Packets.host4)))
    }

    // MARK: - Samples

    private static let samples: [(name: String, bytes: [UInt8])] = forwarding + links + rendezvous

    private static func filled(_ count: Int, _ byte: UInt8 = 0xA5) -> [UInt8] {
        [UInt8](repeating: byte, count: count)
    }

    private static let token: [UInt8] = [0x0A, 0x0B, 0x0C, 0x0D]
    private static let peer: [UInt8] = [0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58]

    private static let forwarding: [(name: String, bytes: [UInt8])] = {
        let media = [0xB1, 1, 0x8B, 3] + token + peer + [0, 0, 1, 0] + filled(16)
        let parity = [0xB1, 3, 0x82, 3] + token + peer + [0, 0, 1, 0x10] + filled(16)
        let piece = MediaPieceHeader(
            keyPhase: 1, index: 1, last: 2, token: LinkToken(rawValue: 7), number: 9)
        return [
            ("media", media + [0x19, 0x40] + filled(30)),
            ("media, small numbers", media + [0x23] + filled(16)),
            ("media, long numbers", media + [0x9A, 0x01, 0x02, 0x01, 0x02, 0x03] + filled(20)),
            ("parity", parity + filled(40, 1) + filled(16, 2)),
            ("part", piece.encoded + filled(16) + filled(100, 3)),
            ("control", [0xB1, 2] + token + [0x80, 5] + filled(9) + filled(16, 4)),
        ]
    }()

    private static let links: [(name: String, bytes: [UInt8])] = [
        ("hello", [0xB1, 0x10, 0, 0] + token + filled(48, 0) + filled(16)),
        ("challenge", [0xB1, 0x11, 0, 0] + token + filled(16) + filled(32, 1) + filled(16, 2)),
        (
            "request",
            [0xB1, 0x12, 0, 0] + token + filled(16) + filled(32, 1) + filled(48, 2)
                + filled(30, 3) + filled(16, 4)
        ),
        ("accept", [0xB1, 0x13, 0, 0] + token + filled(32, 1) + filled(40, 3)),
        ("refusal", [0xB1, 0x14, 0, 0] + token + filled(32, 1) + filled(30, 3)),
    ]

    private static let rendezvous: [(name: String, bytes: [UInt8])] = {
        let v4 = Endpoint(address: .v4(Packets.host4), port: 4000)
        let v6 = Endpoint(address: .v6(Packets.source6), port: 4001)
        let entries = [v4, v6].map {
            PeerEntry(
                contact: Contact(peer: PeerID(rawValue: 9), endpoint: $0),
                code: EntryCode(high: 1, low: 2))
        }
        let messages: [(String, RendezvousMessage)] = [
            (
                "request",
                .request(
                    RendezvousRequest(
                        transaction: 5, operation: .registerSource, key: filled(32), alias: 6,
                        peer: PeerID(rawValue: 7), cookie: .none))
            ),
            (
                "challenge",
                .challenge(transaction: 5, cookie: Cookie(high: 1, low: 2), observed: v6)
            ),
            (
                "reply",
                .reply(
                    RendezvousReply(
                        transaction: 5, lease: .seconds(60), memberCount: 3, sourceCount: 2,
                        namesakeCount: 1, observed: v4, peers: entries))
            ),
            ("refusal", .refusal(transaction: 5, reason: .memberLimit)),
        ]
        return messages.map { ("rendezvous \($0.0)", $0.1.encoded) }
    }()
}

extension PacketField {
    /// Here and below.
    fileprivate var allNames: [String] { [name] + children.flatMap(\.allNames) }
}
