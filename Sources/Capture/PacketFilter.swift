import CPcap
import NetBasics
import PacketFormats

/// A filter in libpcap's language, for packets that come from a file (pcap-filter(7)).
package final class PacketFilter {
    private let text: String
    /// Compiled when the first packet of a link type comes.
    private var programs: [(type: LinkType, program: bpf_program)] = []

    /// Refuses what libpcap cannot compile for Ethernet.
    package init(_ text: String) throws(CaptureError) {
        self.text = text
        programs = [(.ethernet, try Self.compile(text, for: .ethernet))]
    }

    deinit {
        for (_, program) in programs {
            var program = program
            pcap_freecode(&program)
        }
    }

    /// Whether the packet passes; one of a type for which the filter means nothing does not.
    package func accepts(
        _ bytes: UnsafeRawBufferPointer, _ packet: CapturedPacket, _ type: LinkType?
    ) -> Bool {
        guard let type, var program = program(for: type), let start = bytes.baseAddress else {
            return false
        }
        var header = pcap_pkthdr()
        header.caplen = UInt32(truncatingIfNeeded: bytes.count)
        header.len = UInt32(truncatingIfNeeded: packet.wireByteCount)
        return pcap_offline_filter(
            &program, &header, start.assumingMemoryBound(to: UInt8.self)) != 0
    }

    private func program(for type: LinkType) -> bpf_program? {
        if let known = programs.first(where: { $0.type == type }) { return known.program }
        guard let program = try? Self.compile(text, for: type) else { return nil }
        programs.append((type, program))
        return program
    }

    private static func compile(
        _ text: String, for type: LinkType
    ) throws(CaptureError) -> bpf_program {
        guard let handle = pcap_open_dead(Int32(type.rawValue), 262_144) else {
            throw .failed(interface: "", reason: "out of memory")
        }
        defer { pcap_close(handle) }
        var program = bpf_program()
        guard pcap_compile(handle, &program, text, 1, PCAP_NETMASK_UNKNOWN) == 0 else {
            throw .badFilter(text, reason: String(cString: pcap_geterr(handle)))
        }
        return program
    }
}
