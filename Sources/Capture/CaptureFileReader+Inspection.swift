import Inspection
import PacketFormats

extension CaptureFileReader {
    /// Shows all packets to an inspector that pass the filter, up to so many.
    package mutating func read(
        into inspector: inout Inspector, filter: PacketFilter? = nil, limit: UInt64 = .max
    ) {
        var types: [LinkType?] = []
        while inspector.counts.packets < limit, let packet = next() {
            while types.count <= packet.interface {
                types.append(LinkType(rawValue: parser.interfaces[types.count].linkType))
            }
            let type = types[packet.interface]
            let bytes = bytes(of: packet)
            if let filter, !filter.accepts(bytes, packet, type) { continue }
            inspector.see(bytes.bytes, packet, linkType: type)
        }
    }
}
