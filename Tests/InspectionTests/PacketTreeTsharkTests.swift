import Inspection
import NetBasics
import PacketFormats
import TestSupport
import Testing

/// Every field of every layer that has a name of Wireshark's has the value that tshark reads.
///
/// Differences that are explained are in docs/capture-fields.md.
@Suite(.enabled(if: Tshark.isInstalled, "tshark is not installed"))
struct PacketTreeTsharkTests {
    @Test func everyFieldOfEveryLayerHasTheValueThatTsharkReads() throws {
        let frames = SampleFrames.all
        let trees = Trees.read(frames)
        let names = Set(trees.flatMap { $0 }.flatMap(\.names)).sorted()

        let rows = try Tshark.values(
            of: names, in: SampleFrame.file(frames), options: Self.options)

        try #require(rows.count == frames.count)
        var found: Set<Difference> = []
        var valueCount = 0
        for (frame, (tree, row)) in zip(frames, zip(trees, rows)) {
            for name in Set(tree.flatMap(\.names)).sorted() {
                let ours = tree.flatMap { $0.values(named: name) }
                valueCount += ours.count
                guard !Tshark.agrees(ours, row[name] ?? []) else { continue }
                let difference = Difference(frame: frame.name, field: name)
                found.insert(difference)
                if Self.explained.contains(difference) { continue }
                let texts = ours.map(\.description)
                Issue.record("\(frame.name), \(name): \(texts), tshark: \(row[name] ?? [])")
            }
        }
        #expect(valueCount > 3000)
        #expect(Self.explained.subtracting(found) == [], "no difference any more")
    }

    /// What both take for a packet, they read alike, up to where its protocols begin.
    @Test func headersWithAChangedByteAreReadAlike() throws {
        let samples = SampleFrames.links + SampleFrames.networks
        let frames = samples.flatMap { $0.changed }
        let trees = frames.map { Trees.read([$0])[0] }
        let lower = trees.map { $0.filter { Self.lowerLayers.contains($0.name) } }
        let names = Set(lower.flatMap { $0 }.flatMap(\.names)).sorted()

        let rows = try Tshark.values(
            of: names + [Tshark.malformed], in: SampleFrame.file(frames), options: Self.options)

        try #require(rows.count == frames.count)
        var valueCount = 0
        for (frame, (layers, row)) in zip(frames, zip(lower, rows)) {
            if row[Tshark.malformed] != [] { continue }
            for name in Set(layers.flatMap(\.names)).subtracting(Self.explainedFields).sorted() {
                let ours = layers.flatMap { $0.values(named: name) }
                valueCount += ours.count
                if Tshark.agrees(ours, row[name] ?? []) { continue }
                let texts = ours.map(\.description)
                Issue.record("\(frame.name), \(name): \(texts), tshark: \(row[name] ?? [])")
            }
        }
        #expect(valueCount > 50_000)
    }

    private static let lowerLayers: Set = [
        "eth", "vlan", "ieee8021ad", "sll", "null", "radiotap", "wlan", "llc", "ip", "ipv6",
        "ipv6.hopopts", "ipv6.dstopts", "ipv6.routing", "ipv6.fraghdr", "ah", "udp",
    ]

    /// Where the samples differ already, and where a changed byte makes another difference.
    private static let explainedFields: Set<String> = [
        "ip.opt.type", "ip.opt.type.copy", "ip.opt.type.class", "ip.opt.type.number", "ip.opt.len",
        "ipv6.opt.padn",
        // What is no family it takes for other headers that such captures may have.
        "null.family",
        // It shows the addresses of each packet in a frame of several.
        "wlan.da", "wlan.sa",
    ]

    /// Checksums are verified, and parts put together, as here.
    private static let options = [
        "ip.check_checksum:TRUE", "udp.check_checksum:TRUE", "ip.defragment:TRUE",
        "ipv6.defragment:TRUE",
    ].flatMap { ["-o", $0] }

    private struct Difference: Hashable {
        var frame: String
        var field: String
    }

    /// As in PacketFormatsTests, and what layers below have.
    private static let explained: Set<Difference> = [
        Difference(frame: "PIM register, whole checksum", field: "pim.cksum.status"),
        Difference(frame: "RTCP description beyond ASCII", field: "rtcp.sdes.text"),
        Difference(frame: "RTCP unknown type", field: "rtcp.senderssrc"),
        Difference(frame: "mDNS response", field: "dns.resp.name"),
        Difference(frame: "mDNS response", field: "dns.resp.type"),
        // It leaves options out that it does not know.
        Difference(frame: "IPv4 options", field: "ip.opt.type"),
        Difference(frame: "IPv4 options", field: "ip.opt.type.copy"),
        Difference(frame: "IPv4 options", field: "ip.opt.type.class"),
        Difference(frame: "IPv4 options", field: "ip.opt.type.number"),
        Difference(frame: "IPv4 options", field: "ip.opt.len"),
        // It writes <none> for padding without bytes.
        Difference(frame: "every extension header", field: "ipv6.opt.padn"),
    ]
}

extension SampleFrame {
    /// The frame with each byte of its headers changed in two ways.
    fileprivate var changed: [SampleFrame] {
        bytes.indices.prefix(130).flatMap { index in
            ([0x01, 0x80] as [UInt8]).map { mask in
                var frame = self
                frame.bytes[index] ^= mask
                frame.name += ", byte \(index) changed by \(mask)"
                return frame
            }
        }
    }
}

/// The trees of frames that follow each other.
enum Trees {
    static func read(_ frames: [SampleFrame]) -> [[PacketField]] {
        var tree = PacketTree()
        return frames.enumerated().map { index, frame in
            var packet = frame.packet(at: SampleFrame.time(index))
            if index == 0 { packet.comment = "the first" }
            return tree.fields(
                of: frame.bytes.span.bytes, packet, linkType: frame.linkType,
                number: UInt64(index + 1), interfaceName: frame.linkType.name)
        }
    }
}
