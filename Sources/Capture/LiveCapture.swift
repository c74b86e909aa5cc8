import CPcap
import Glibc
import NetBasics
import PacketFormats
import Sockets

/// Why an interface cannot be captured, or can no longer.
package enum CaptureError: Error, Equatable, Sendable {
    /// The process lacks CAP_NET_RAW.
    case notPermitted(interface: String)
    case noSuchInterface(String)
    case interfaceDown(String)
    /// The text is libpcap's.
    case badFilter(String, reason: String)
    case failed(interface: String, reason: String)
}

/// How an interface is captured.
package struct LiveCaptureSettings: Equatable, Sendable {
    /// In libpcap's language (pcap-filter(7)); empty: everything.
    package var filter: String
    /// Longest captured part; bytes.
    package var snapByteCount: Int
    /// The kernel's buffer; bytes.
    package var bufferByteCount: Int
    /// Whether frames for others are captured, too.
    package var isPromiscuous: Bool

    package init(
        filter: String = "", snapByteCount: Int = 262_144, bufferByteCount: Int = 32 << 20,
        isPromiscuous: Bool = true
    ) {
        self.filter = filter
        self.snapByteCount = snapByteCount
        self.bufferByteCount = bufferByteCount
        self.isPromiscuous = isPromiscuous
    }
}

/// Packets of one interface, as libpcap gets them from the kernel's ring.
package struct LiveCapture: ~Copyable {
    /// How long the kernel gathers packets before it wakes the reader.
    private static let gatherMilliseconds: Int32 = 50

    package let name: String
    package let interface: CaptureInterface
    private let handle: OpaquePointer
    private var nanosecondsPerUnit: Int64
    package private(set) var packetCount: UInt64 = 0

    /// Opens and starts a capture; needs CAP_NET_RAW.
    package init(_ name: String, _ settings: LiveCaptureSettings) throws(CaptureError) {
        var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard let handle = pcap_create(name, &text) else {
            throw .failed(interface: name, reason: string(text))
        }
        var isStarted = false
        defer { if !isStarted { pcap_close(handle) } }
        pcap_set_snaplen(handle, Int32(settings.snapByteCount))
        pcap_set_promisc(handle, settings.isPromiscuous ? 1 : 0)
        pcap_set_timeout(handle, Self.gatherMilliseconds)
        pcap_set_buffer_size(handle, Int32(settings.bufferByteCount))
        let isPrecise = pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO) == 0
        try Self.activate(handle, name)
        // Of `any` the second form of the header, which names each packet's interface.
        if pcap_datalink(handle) == Int32(LinkType.linuxSLL.rawValue) {
            pcap_set_datalink(handle, Int32(LinkType.linuxSLL2.rawValue))
        }
        try Self.install(settings.filter, handle, name)
        guard pcap_setnonblock(handle, 1, &text) == 0 else {
            throw .failed(interface: name, reason: string(text))
        }
        isStarted = true
        self.name = name
        self.handle = handle
        nanosecondsPerUnit = isPrecise ? 1 : 1000
        interface = CaptureInterface(
            linkType: Self.linkType(handle), name: name,
            snapByteCount: UInt32(clamping: pcap_snapshot(handle)))
    }

    deinit { pcap_close(handle) }

    private static func activate(
        _ handle: OpaquePointer, _ name: String
    ) throws(CaptureError) {
        let code = pcap_activate(handle)
        // Positive codes are warnings.
        guard code < 0 else { return }
        switch code {
        case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
            throw .notPermitted(interface: name)
        case PCAP_ERROR_NO_SUCH_DEVICE: throw .noSuchInterface(name)
        case PCAP_ERROR_IFACE_NOT_UP: throw .interfaceDown(name)
        default:
            throw .failed(interface: name, reason: String(cString: pcap_geterr(handle)))
        }
    }

    private static func install(
        _ filter: String, _ handle: OpaquePointer, _ name: String
    ) throws(CaptureError) {
        guard !filter.isEmpty else { return }
        var program = bpf_program()
        guard pcap_compile(handle, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0 else {
            throw .badFilter(filter, reason: String(cString: pcap_geterr(handle)))
        }
        defer { pcap_freecode(&program) }
        guard pcap_setfilter(handle, &program) == 0 else {
            throw .failed(interface: name, reason: String(cString: pcap_geterr(handle)))
        }
    }

    /// As files number it: libpcap's own number differs for raw IP.
    private static func linkType(_ handle: OpaquePointer) -> UInt16 {
        let type = UInt16(truncatingIfNeeded: pcap_datalink(handle))
        return type == LinkType.rawByLibpcap.rawValue ? LinkType.rawIP.rawValue : type
    }

    /// The address of the interface's hardware; `nil` where it has none.
    package var hardware: MACAddress? { Self.hardware(name) }

    private static func hardware(_ name: String) -> MACAddress? {
        guard let file = fopen("/sys/class/net/\(name)/address", "r") else { return nil }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 64)
        guard fgets(&text, Int32(text.count), file) != nil else { return nil }
        let digits = string(text).split(whereSeparator: { ":\n".contains($0) })
        let bytes = digits.compactMap { UInt64($0, radix: 16) }
        guard bytes.count == MACAddress.byteCount else { return nil }
        let value = bytes.reduce(0) { $0 << 8 | $1 & 0xFF }
        return value == 0 ? nil : MACAddress(rawValue: value)
    }

    /// To be polled for reading.
    package var descriptor: Int32 { pcap_get_selectable_fd(handle) }

    /// Hands over packets that have arrived, `limit` at most; returns how many.
    ///
    /// Their bytes are valid during the call only.
    package mutating func read(
        limit: Int, _ body: (UnsafeRawBufferPointer, CapturedPacket) -> Void
    ) throws(CaptureError) -> Int {
        var count = 0
        while count < limit {
            var header: UnsafeMutablePointer<pcap_pkthdr>?
            var data: UnsafePointer<UInt8>?
            let code = pcap_next_ex(handle, &header, &data)
            guard code != 0 else { break }
            guard code == 1, let header, let data else {
                throw .failed(interface: name, reason: String(cString: pcap_geterr(handle)))
            }
            let captured = Int(header.pointee.caplen)
            let time =
                Int64(header.pointee.ts.tv_sec) &* 1_000_000_000
                &+ Int64(header.pointee.ts.tv_usec) &* nanosecondsPerUnit
            body(
                UnsafeRawBufferPointer(start: data, count: captured),
                CapturedPacket(
                    time: Instant(nanoseconds: time), wireByteCount: Int(header.pointee.len),
                    range: 0..<captured))
            count += 1
        }
        packetCount &+= UInt64(count)
        return count
    }

    /// What the kernel counted since the capture began; `nil` where it cannot say.
    package var counts: CaptureCounts? {
        var statistics = pcap_stat()
        guard pcap_stats(handle, &statistics) == 0 else { return nil }
        return CaptureCounts(
            received: UInt64(statistics.ps_recv), kernelDropped: UInt64(statistics.ps_drop),
            interfaceDropped: UInt64(statistics.ps_ifdrop))
    }
}

private func string(_ text: [CChar]) -> String {
    String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
