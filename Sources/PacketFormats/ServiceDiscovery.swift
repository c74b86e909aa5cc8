import NetBasics

/// How hosts find services in a LAN: the two protocols that fill its groups, told apart by port.
package enum ServiceDiscovery: Equatable, Sendable {
    case multicastDNS(MulticastDNSMessage)
    case ssdp(SSDPMessage)

    /// Reads the payload of a UDP datagram to or from a port; `nil` for ports of neither.
    package init?(decoding bytes: RawSpan, port: UInt16) throws(DecodeError) {
        switch port {
        case MulticastDNSMessage.port:
            self = .multicastDNS(try MulticastDNSMessage(decoding: bytes))
        case SSDPMessage.port: self = .ssdp(try SSDPMessage(decoding: bytes))
        default: return nil
        }
    }

    package var field: PacketField {
        switch self {
        case .multicastDNS(let message): message.field
        case .ssdp(let message): message.field
        }
    }
}
