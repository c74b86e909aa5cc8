import Inspection
import NetBasics
import PacketFormats

/// A capture made packet by packet, as a link would show it.
struct TestCapture {
    private(set) var packets: [(frame: [UInt8], packet: CapturedPacket)] = []
    /// Of the next packet.
    var now = Instant(nanoseconds: 1_700_000_000_000_000_000)
    var interface = 0
    var linkType = LinkType.ethernet

    static let querier = "10.0.0.1"

    // MARK: - Frames

    mutating func add(_ frame: [UInt8]) {
        packets.append(
            (
                frame,
                CapturedPacket(
                    interface: interface, time: now, wireByteCount: frame.count,
                    range: 0..<frame.count)
            ))
    }

    mutating func pass(_ time: Duration) { now = now + time }

    /// An address of hardware that follows from an IPv4 address.
    static func hardware(_ address: String) -> [UInt8] { [2, 0] + ipv4(address) }

    static func ipv4(_ text: String) -> [UInt8] {
        text.split(separator: ".").map { UInt8($0) ?? 0 }
    }

    /// Ethernet and IPv4 around `payload`.
    mutating func addIPv4(
        _ payload: [UInt8], from source: String, to destination: String, transport: UInt8,
        hopLimit: UInt8 = 16, dscp: UInt8 = 0, hardware: [UInt8]? = nil, fragmentWord: UInt16 = 0,
        identification: UInt16 = 0, routerAlert: Bool = false
    ) {
        let options: [UInt8] = routerAlert ? [0x94, 4, 0, 0] : []
        let headerBytes = 20 + options.count
        var header: [UInt8] = [0x40 | UInt8(headerBytes / 4), dscp << 2]
        header += word(UInt16(headerBytes + payload.count)) + word(identification)
        header += word(fragmentWord) + [hopLimit, transport, 0, 0]
        header += Self.ipv4(source) + Self.ipv4(destination) + options
        header.replaceSubrange(10..<12, with: word(checksum(header)))
        let group = IPAddress(destination).flatMap { MACAddress(group: $0) }
        let target = group.map { bytes($0.rawValue) } ?? Self.hardware(destination)
        add(target + (hardware ?? Self.hardware(source)) + [0x08, 0x00] + header + payload)
    }

    mutating func addUDP(
        _ payload: [UInt8], from source: String, to destination: String, port: UInt16 = 5004,
        hopLimit: UInt8 = 16, dscp: UInt8 = 0, hardware: [UInt8]? = nil
    ) {
        let datagram = word(port) + word(port) + word(UInt16(8 + payload.count)) + [0, 0] + payload
        addIPv4(
            datagram, from: source, to: destination, transport: 17, hopLimit: hopLimit,
            dscp: dscp, hardware: hardware)
    }

    mutating func addRTP(
        _ sequence: UInt16, timestamp: UInt32, ssrc: UInt32 = 0x1234, payloadType: UInt8 = 33,
        payloadBytes: Int = 100, from source: String = "10.0.0.5",
        to destination: String = "239.1.2.3", port: UInt16 = 5004, hopLimit: UInt8 = 16,
        dscp: UInt8 = 0, hardware: [UInt8]? = nil
    ) {
        let header = [0x80, payloadType] + word(sequence) + long(timestamp) + long(ssrc)
        addUDP(
            header + [UInt8](repeating: 7, count: payloadBytes), from: source, to: destination,
            port: port, hopLimit: hopLimit, dscp: dscp, hardware: hardware)
    }

    /// An undisturbed stream of 90 kHz, a packet each 20 ms.
    mutating func addStream(
        packets count: Int, to destination: String = "239.1.2.3", from source: String = "10.0.0.5",
        first: UInt16 = 1, hopLimit: UInt8 = 16, hardware: [UInt8]? = nil,
        timestampStep: UInt32 = 1800
    ) {
        for index in 0..<count {
            addRTP(
                first &+ UInt16(truncatingIfNeeded: index),
                timestamp: UInt32(truncatingIfNeeded: index) &* timestampStep, from: source,
                to: destination, hopLimit: hopLimit, hardware: hardware)
            pass(.milliseconds(20))
        }
    }

    // MARK: - Membership

    mutating func addIGMP(_ message: [UInt8], from source: String, to destination: String) {
        var message = message
        message.replaceSubrange(2..<4, with: word(checksum(message)))
        addIPv4(
            message, from: source, to: destination, transport: 2, hopLimit: 1, routerAlert: true)
    }

    /// A general query of version 3: ten seconds to answer, an interval of 125 s.
    mutating func addQuery(from source: String = querier, version: UInt8 = 3) {
        let short: [UInt8] = [0x11, version == 1 ? 0 : 100, 0, 0, 0, 0, 0, 0]
        addIGMP(
            short + (version == 3 ? [2, 125, 0, 0] : []), from: source, to: "224.0.0.1")
    }

    /// A report of version 3 with one record: to exclude, or to include sources.
    mutating func addReport(
        of group: String, from host: String, including sources: [String] = []
    ) {
        let kind: UInt8 = sources.isEmpty ? 4 : 3
        var message: [UInt8] = [0x22, 0, 0, 0, 0, 0, 0, 1, kind, 0, 0, UInt8(sources.count)]
        message += Self.ipv4(group) + sources.flatMap(Self.ipv4)
        addIGMP(message, from: host, to: "224.0.0.22")
    }

    mutating func addOldReport(of group: String, from host: String) {
        addIGMP([0x16, 0, 0, 0] + Self.ipv4(group), from: host, to: group)
    }

    /// A hello with a holdtime of 105 s.
    mutating func addPIMHello(from router: String) {
        var message: [UInt8] = [0x20, 0, 0, 0, 0, 1, 0, 2, 0, 105]
        message.replaceSubrange(2..<4, with: word(checksum(message)))
        addIPv4(message, from: router, to: "224.0.0.13", transport: 103, hopLimit: 1)
    }

    /// An announcement of a session that sends RTP of type 96 to a group.
    mutating func addAnnouncement(
        _ name: String, session: Int, group: String, from source: String = "10.0.0.5"
    ) {
        let text = """
            v=0\r
            o=- \(session) 1 IN IP4 \(source)\r
            s=\(name)\r
            c=IN IP4 \(group)/16\r
            t=0 0\r
            m=video 5004 RTP/AVP 96\r
            a=rtpmap:96 H264/90000\r

            """
        let header: [UInt8] = [0x20, 0, 0x12, UInt8(session & 255)] + Self.ipv4(source)
        addUDP(
            header + Array("application/sdp".utf8) + [0] + Array(text.utf8), from: source,
            to: "239.255.255.255", port: 9875)
    }

    /// Keeps so many bytes of each packet, as a capture with a snapshot length does.
    mutating func cut(to count: Int) {
        for place in packets.indices {
            packets[place].frame = Array(packets[place].frame.prefix(count))
            packets[place].packet.range = 0..<packets[place].frame.count
        }
    }

    // MARK: - Results

    func inspected(_ settings: InspectionSettings = InspectionSettings()) -> Inspector {
        var inspector = Inspector(settings)
        for (frame, packet) in packets {
            inspector.see(frame.span.bytes, packet, linkType: linkType)
        }
        inspector.finish()
        return inspector
    }

    var findings: [Finding.Kind] { inspected().findings().map(\.kind) }
}

func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }

func long(_ value: UInt32) -> [UInt8] {
    word(UInt16(value >> 16)) + word(UInt16(value & 0xFFFF))
}

/// The six bytes of a hardware address.
func bytes(_ address: UInt64) -> [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: address >> UInt64(40 - 8 * $0)) }
}

private func checksum(_ bytes: [UInt8]) -> UInt16 {
    var sum = InternetChecksum()
    sum.add(bytes.span.bytes)
    return sum.complement
}
