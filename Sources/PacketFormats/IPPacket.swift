import NetBasics

/// The header of an IPv4 packet, or of an IPv6 packet with its extension headers.
///
/// What both have in common, which is all that most ask for; ``IPv4Header`` and ``IPv6Header`` have
/// the rest.
package struct IPPacket: Equatable, Sendable {
    package enum Transport {
        package static let icmp: UInt8 = 1
        package static let igmp: UInt8 = 2
        package static let udp: UInt8 = 17
        package static let icmpv6: UInt8 = 58
        package static let pim: UInt8 = 103
    }

    /// What makes a packet one part of another (RFC 791, section 3.2; RFC 8200, section 4.5).
    package struct Fragment: Equatable, Sendable {
        package var identification: UInt32
        /// Bytes before this part.
        package var offset: Int
        package var hasMore: Bool

        /// Whether it is all of the packet (RFC 6946).
        package var isWhole: Bool { offset == 0 && !hasMore }
    }

    package var source: IPAddress
    package var destination: IPAddress
    /// What follows all headers.
    package var transport: UInt8
    /// TTL or hop limit.
    package var hopLimit: UInt8
    /// The byte that was the type of service: DSCP (six bits) and ECN (RFC 2474).
    package var trafficClass: UInt8
    /// `nil` for a whole packet.
    package var fragment: Fragment?
    /// Whether the header asks routers to look closer: IGMP and MLD have to (RFC 2113, RFC 2711).
    package var hasRouterAlert = false
    /// From the packet's first byte.
    package var payloadOffset: Int
    /// Bytes behind the headers, by the header's own length; it may be more than was captured.
    package var payloadByteCount: Int

    package var dscp: UInt8 { trafficClass >> 2 }

    package init(_ header: IPv4Header) {
        source = .v4(header.source)
        destination = .v4(header.destination)
        transport = header.transport
        hopLimit = header.timeToLive
        trafficClass = header.typeOfService
        if header.fragmentWord & IPv4Header.fragmentMask != 0 {
            fragment = Fragment(
                identification: UInt32(header.identification),
                offset: 8 * Int(header.fragmentWord & IPv4Header.offsetMask),
                hasMore: header.fragmentWord & IPv4Header.moreFragments != 0)
        }
        hasRouterAlert = header.hasRouterAlert
        payloadOffset = header.byteCount
        payloadByteCount = header.totalByteCount - header.byteCount
    }

    package init(_ header: IPv6Header) {
        source = IPAddress(header.source)
        destination = IPAddress(header.destination)
        transport = header.transport
        hopLimit = header.hopLimit
        trafficClass = header.trafficClass
        fragment = header.fragment
        hasRouterAlert = header.hasRouterAlert
        payloadOffset = header.byteCount
        payloadByteCount = IPv6Header.fixedByteCount + header.payloadByteCount - header.byteCount
    }

    /// Reads either version, as the first byte tells.
    @inline(__always)
    package init(decoding bytes: RawSpan) throws(DecodeError) {
        var reader = ByteReader()
        let version = try reader.readUInt8(from: bytes) >> 4
        switch version {
        case 4: self.init(try IPv4Header(decoding: bytes))
        case 6: self.init(try IPv6Header(decoding: bytes))
        default: throw .unsupportedVersion(version)
        }
    }

    /// Where the captured part of the payload is; whatever pads the frame is not in it.
    package func payloadRange(in bytes: RawSpan) -> Range<Int> {
        let end = min(bytes.byteCount, payloadOffset + payloadByteCount)
        return min(payloadOffset, end)..<end
    }
}
