import Foundation
import NetBasics
import PacketFormats
import TestSupport
import Testing

/// Every field that has a name of Wireshark's has the value that Wireshark's tshark reads.
///
/// Differences that are explained are in docs/capture-fields.md; they have no such name, or are
/// among ``explained``.
@Suite(.enabled(if: Tshark.isInstalled, "tshark is not installed"))
struct TsharkAgreementTests {
    @Test func everyFieldHasTheValueThatTsharkReads() throws {
        let comparison = try Comparison(of: ProtocolSamples.messages)

        #expect(comparison.valueCount > 1000)
        for difference in comparison.differences where !explained.contains(difference.key) {
            Issue.record("\(difference.key): \(difference.value)")
        }
        let found = Set(comparison.differences.keys)
        #expect(explained.subtracting(found) == [], "no difference any more")
    }

    /// What both take for a message, they read alike; tshark says what it cannot read to the end.
    @Test func messagesWithAChangedByteAreReadAlike() throws {
        let comparison = try Comparison(
            of: ProtocolSamples.messages.flatMap(\.changed), leavingOutMalformed: true)

        #expect(comparison.valueCount > 100_000)
        for difference in comparison.differences
        where !explainedFields.contains(difference.key.field) {
            Issue.record("\(difference.key): \(difference.value)")
        }
    }

    /// So that the test above compares all there is, not what decodes by luck.
    @Test func everyProtocolIsCompared() {
        let kinds = Set(ProtocolSamples.messages.map(\.kind))

        #expect(kinds.count == 10)
    }
}

private struct Difference: Hashable, CustomStringConvertible {
    var sample: String
    var field: String

    var description: String { "\(sample), \(field)" }
}

/// Fields of messages, as we read them and as tshark does.
private struct Comparison {
    /// What was compared; values.
    var valueCount = 0
    /// Both readings.
    var differences: [Difference: String] = [:]

    /// Leaves out what we refuse, and, if told so, what tshark calls malformed.
    init(of samples: [ProtocolSample], leavingOutMalformed: Bool = false) throws {
        let decoded = samples.compactMap { sample in
            (try? sample.fields).map { (sample: sample, fields: $0) }
        }
        let names = Set(decoded.flatMap(\.fields).flatMap(\.names)).sorted()
        let rows = try Tshark.values(
            of: names + [Tshark.malformed], in: ProtocolCapture.file(decoded.map(\.sample)))
        try #require(rows.count == decoded.count)
        for (message, row) in zip(decoded, rows) {
            if leavingOutMalformed, row[Tshark.malformed] != [] { continue }
            for name in Set(message.fields.flatMap(\.names)) {
                compare(
                    Difference(sample: message.sample.name, field: name),
                    message.fields.flatMap { $0.values(named: name) }, with: row[name] ?? [])
            }
        }
    }

    private mutating func compare(
        _ difference: Difference, _ ours: [PacketField.Value], with theirs: [String]
    ) {
        valueCount += ours.count
        guard !Tshark.agrees(ours, theirs) else { return }
        differences[difference] = "\(ours.map(\.description)), tshark: \(theirs)"
    }
}

extension ProtocolSample {
    /// The message with each byte changed in two ways, if it is not made of text.
    ///
    /// Names of DNS are text, and a transport stream is filled up behind 32 bytes.
    fileprivate var changed: [ProtocolSample] {
        switch kind {
        case .sap, .ssdp, .multicastDNS: return []
        case .igmp, .mld, .pim, .pimOnIPv6, .rtp, .rtcp, .transportStream: break
        }
        return bytes.indices.filter { kind != .transportStream || $0 % 188 < 32 }.flatMap { index in
            ([0x01, 0x80] as [UInt8]).map { mask in
                var sample = self
                sample.bytes[index] ^= mask
                sample.name += ", byte \(index) changed by \(mask)"
                return sample
            }
        }
    }
}

/// What Wireshark 4.0 reads differently, and why it may.
private let explained: Set<Difference> = [
    // It sums all of a register on IPv4; RFC 7761, section 4.9, sums eight bytes and allows this.
    Difference(sample: "PIM register, whole checksum", field: "pim.cksum.status"),
    // It reads descriptions as ASCII; RFC 3550, section 6.5, says UTF-8.
    Difference(sample: "RTCP description beyond ASCII", field: "rtcp.sdes.text"),
    // It knows extended reports (RFC 3611); here they are a type unknown, all bytes.
    Difference(sample: "RTCP unknown type", field: "rtcp.senderssrc"),
    // It cuts the name of a service (SRV) into parts, and names none of them so.
    Difference(sample: "mDNS response", field: "dns.resp.name"),
    // It gives the types that an NSEC record lists the same name; here they stay bytes.
    Difference(sample: "mDNS response", field: "dns.resp.type"),
]

/// Where a changed byte makes one of the differences above, or one of these.
private let explainedFields: Set<String> = [
    "rtcp.sdes.text", "rtcp.senderssrc",
    // It leaves out a name that is not ASCII.
    "rtcp.app.name",
    // It writes ::1.0.0.0, a form for a kind of address that RFC 4291, section 2.5.5.1, gives up.
    "icmpv6.mld.multicast_address",
    // It leaves out an empty element at the end of an extension.
    "rtp.ext.rfc5285.appbits", "rtp.ext.rfc5285.id", "rtp.ext.rfc5285.len",
]
