import Analysis
import Inspection
import NetBasics
import PacketFormats

// Whole captures: files as they are read, and frames as an interface gives them.

/// The bytes are a capture file.
func inspectCapture(_ bytes: [UInt8]) {
    var parser = CaptureParser()
    var inspector = Inspector(InspectionSettings(drainRate: 1e6, keepsTimelines: true))
    var offset = 0
    while case .some(let step) = try? parser.step(bytes.span.bytes, from: offset) {
        switch step {
        case .needsBytes: return report(inspector, parser.interfaces)
        case .skip(let next): offset = min(next, bytes.count)
        case .packet(let packet, let next):
            offset = next
            let type = LinkType(rawValue: parser.interfaces[packet.interface].linkType)
            inspector.see(
                bytes.span.bytes.extracting(packet.range), packet, linkType: type)
        }
        if offset >= bytes.count { break }
    }
    report(inspector, parser.interfaces)
}

/// The first byte chooses the link type and the settings; then frames follow, each behind a byte of time
/// and two of length.
func inspectFrames(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let type = LinkType.allCases[Int(first & 0x0F) % LinkType.allCases.count]
    var inspector = Inspector(
        InspectionSettings(
            drainRate: first & 0x20 != 0 ? 1e6 : nil, includesUnicast: first & 0x40 != 0,
            keepsTimelines: first & 0x80 != 0))
    var printers = [PacketOutput.tree, .ndjson, .csv].map {
        PacketPrinter($0, interfaces: [CaptureInterface(linkType: type.rawValue)])
    }
    var number: UInt64 = 0
    var now = Instant(nanoseconds: 1_700_000_000_000_000_000)
    var offset = 1
    while offset + 3 <= bytes.count {
        // Backwards too, and a great deal forwards.
        let step = Int64(Int8(bitPattern: bytes[offset]))
        now = now + .nanoseconds(step * step * step * 1_000_000)
        let length = Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
        let start = offset + 3
        let end = min(bytes.count, start + length)
        let packet = CapturedPacket(time: now, wireByteCount: length, range: start..<end)
        inspector.see(bytes.span.bytes.extracting(start..<end), packet, linkType: type)
        number += 1
        for index in printers.indices {
            let line = printers[index].line(
                bytes.span.bytes.extracting(start..<end), packet, number: number)
            if line.unicodeScalars.contains(where: isControl) {
                fatalError("a control character in \(line)")
            }
        }
        offset = end
    }
    report(inspector, [])
}

/// Everything that is made of what was seen; its text must be nothing but text.
private func report(_ inspector: Inspector, _ interfaces: [CaptureInterface]) {
    var inspector = inspector
    inspector.finish()
    for stream in inspector.streams where stream.duplicates > stream.packets {
        fatalError("\(stream.duplicates) duplicates of \(stream.packets) packets")
    }
    let report = InspectionReport(
        inspector, subject: "fuzzed", interfaces: interfaces, groups: [], trouble: nil)
    for text in [report.text, report.csv, report.json.description]
    where text.unicodeScalars.contains(where: isControl) {
        fatalError("a control character in \(text)")
    }
    for (_, plot) in report.plots where plot.svg.isEmpty { fatalError("an empty picture") }
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    (scalar.value < 0x20 && scalar != "\n" && scalar != "\r")
        || (0x7F...0x9F).contains(scalar.value)
}

/// RTP packets and Polycast's own, alone and several captured as one, and the samples of protocols in
/// IPv4 and Ethernet.
var frameSeeds: [[UInt8]] {
    let ethernet: [UInt8] = [1, 0, 0x5E, 1, 2, 3, 2, 0, 0, 0, 0, 1, 8, 0]
    let group: [UInt8] = [239, 1, 2, 3]
    func seed(
        _ transport: UInt8, _ payloads: [[UInt8]], to target: [UInt8] = group
    ) -> [UInt8] {
        payloads.reduce([1]) { bytes, payload in
            let length = 20 + payload.count
            let header: [UInt8] = [0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0, 0, 0, 0]
            let frame =
                ethernet + header + [1, transport, 0, 0, 10, 0, 0, 1] + target + payload
            return bytes + [5, UInt8(frame.count >> 8), UInt8(frame.count & 255)] + frame
        }
    }
    func datagram(_ payload: [UInt8], port: UInt16) -> [UInt8] {
        let length = UInt16(8 + payload.count)
        return [0x13, 0x8C, UInt8(port >> 8), UInt8(port & 255)]
            + [UInt8(length >> 8), UInt8(length & 255), 0, 0] + payload
    }
    let rtp = (0..<4).map { index -> [UInt8] in
        [0x80, 33, 0, UInt8(index), 0, 0, 0, UInt8(index), 0, 0, 0, 7] + [1, 2, 3, 4]
    }
    let joined = Array(rtp.joined())
    let media = [UInt8](repeating: 9, count: 92)
    let own = [0xB1, 1, 0, 1, 0, 0, 0, 7] + media + [0xB1, 3, 0, 1, 0, 0, 0, 7] + media
    let samples = ProtocolSamples.all.map(\.bytes)
    return [seed(17, rtp.map { datagram($0, port: 5004) })]
        + [seed(17, [datagram(joined, port: 5004), datagram(joined, port: 5004)])]
        + [seed(17, [datagram(own, port: 7400)], to: [10, 0, 0, 2])]
        + samples.map { seed(2, [$0]) } + samples.map { seed(103, [$0]) }
        + samples.map { seed(17, [datagram($0, port: 9875), datagram($0, port: 5005)]) }
}
