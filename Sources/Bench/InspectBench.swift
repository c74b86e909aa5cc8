import CPcap
import Capture
import Glibc
import Inspection
import Management
import NetBasics
import PacketFormats
import Sockets

/// Inspection of a large capture file, turn by turn with a plain libpcap loop that counts RTP.
///
/// The file has 237,000 packets of 1,266 bytes, 300 MB, of eight streams to groups; it is made anew, and
/// removed unless it is to be kept.
struct InspectBench: ~Copyable {
    private static let packetCount = 237_000
    private static let groupCount = 8
    private static let headerBytes = 14 + 20 + 8 + 12
    private static let frameBytes = headerBytes + 1212

    private let configuration: BenchConfiguration
    private let path: String

    init(_ configuration: BenchConfiguration) throws(SystemError) {
        self.configuration = configuration
        let descriptor: Int32
        if let path = configuration.keptFile {
            self.path = path
            descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        } else {
            let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var template = Array("\(directory)/polycast-bench-XXXXXX".utf8CString)
            descriptor = mkstemp(&template)
            path = String(
                decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        guard descriptor >= 0 else { throw SystemError(call: "open", subject: path) }
        defer { close(descriptor) }
        try Self.write(to: descriptor, path)
    }

    deinit { if configuration.keptFile == nil { unlink(path) } }

    /// Packets per second of time, from a file that is in the page cache.
    func measure() throws -> BenchResult {
        var result = BenchResult(name: "inspect", unit: "packets per second", isMoreBetter: true)
        for round in 0...configuration.rounds {
            let limit = rate { bareLoop() }
            let own = try rate { try inspection() }
            // The first round warms up.
            if round > 0 { result.add(limit: limit, polycast: own) }
        }
        return result
    }

    private func rate(_ work: () throws -> Int) rethrows -> Double {
        let start = Clocks.now
        let count = try work()
        precondition(count == Self.packetCount, "\(count) packets of \(Self.packetCount)")
        return Double(count) / (Clocks.now - start).seconds
    }

    private func inspection() throws -> Int {
        var reader = try CaptureFileReader(path: path)
        var inspector = Inspector()
        reader.read(into: &inspector)
        inspector.finish()
        precondition(inspector.findings() == [])
        return Int(inspector.streams.reduce(0) { $0 + $1.packets })
    }

    // MARK: - The bare loop

    private struct Stream {
        var packets = 0
        var highest: UInt16 = 0
        var lost = 0
        var jitter = 0.0
        var transit = 0.0
    }

    /// Reads each packet, and counts loss and jitter of eight streams at places that it knows.
    private func bareLoop() -> Int {
        var error = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard let handle = pcap_open_offline(path, &error) else { return 0 }
        defer { pcap_close(handle) }
        var streams = [Stream](repeating: Stream(), count: Self.groupCount)
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        while pcap_next_ex(handle, &header, &data) == 1 {
            guard let header, let data, header.pointee.caplen >= Self.headerBytes,
                data[12] == 8, data[13] == 0, data[14] == 0x45, data[23] == 17,
                data[42] >> 6 == 2
            else { continue }
            let place = Int(data[33]) % Self.groupCount
            let sequence = UInt16(data[44]) << 8 | UInt16(data[45])
            let stamp = (46..<50).reduce(0 as UInt32) { $0 << 8 | UInt32(data[$1]) }
            let time =
                Double(header.pointee.ts.tv_sec) + Double(header.pointee.ts.tv_usec) * 1e-6
            let transit = time * 90_000 - Double(stamp)
            if streams[place].packets > 0 {
                streams[place].lost += Int(sequence &- streams[place].highest) - 1
                let difference = abs(transit - streams[place].transit)
                streams[place].jitter += (difference - streams[place].jitter) / 16
            }
            streams[place].packets += 1
            streams[place].highest = sequence
            streams[place].transit = transit
        }
        return streams.reduce(0) { $0 + $1.packets }
    }

    // MARK: - The file

    /// Writes pcap with microseconds, as tcpdump does.
    private static func write(to descriptor: Int32, _ path: String) throws(SystemError) {
        var bytes: [UInt8] = []
        func append(_ word: UInt32) {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for word in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 262_144, 1] as [UInt32] { append(word) }
        for index in 0..<packetCount {
            let time = 40 * index
            append(1_700_000_000 + UInt32(time / 1_000_000))
            append(UInt32(time % 1_000_000))
            append(UInt32(frameBytes))
            append(UInt32(frameBytes))
            bytes += frame(UInt8(index % groupCount), index / groupCount)
            guard bytes.count > 1 << 20 || index == packetCount - 1 else { continue }
            guard bytes.withUnsafeBytes({ writeBytes($0, to: descriptor) }) else {
                throw SystemError(call: "write", subject: path)
            }
            bytes.removeAll(keepingCapacity: true)
        }
    }

    private static func frame(_ group: UInt8, _ number: Int) -> [UInt8] {
        func half(_ word: Int) -> [UInt8] {
            [UInt8(truncatingIfNeeded: word >> 8), UInt8(truncatingIfNeeded: word)]
        }
        let stamp = 29 * number
        return [1, 0, 0x5E, 1, 1, group, 2, 0, 0, 0, 0, group, 8, 0]
            + [0x45, 0] + half(frameBytes - 14) + half(number) + [0x40, 0, 16, 17, 0, 0]
            + [10, 0, 0, group, 239, 1, 1, group]
            + [0x13, 0x8C, 0x13, 0x8C] + half(frameBytes - 34) + [0, 0]
            + [0x80, 33] + half(number) + half(stamp >> 16) + half(stamp) + [0, 0, 0, group]
            + [UInt8](repeating: 0xA5, count: frameBytes - headerBytes)
    }
}
