/// A 48-bit link-layer address (IEEE 802), in the low bits of a word.
package struct MACAddress: Hashable, Comparable, Sendable {
    package static let byteCount = 6
    package static let broadcast = MACAddress(rawValue: 0xFFFF_FFFF_FFFF)

    package let rawValue: UInt64

    /// Keeps the low 48 bits.
    package init(rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF_FFFF }

    /// Whether it names a set of hosts.
    package var isGroup: Bool { rawValue >> 40 & 1 != 0 }

    /// What frames to a group are sent to; `nil` for unicast.
    ///
    /// It has 23 bits of an IPv4 group (RFC 1112, section 6.4), so 32 groups share one, or 32 bits of
    /// an IPv6 group (RFC 2464, section 7).
    package init?(group: IPAddress) {
        guard group.isMulticast else { return nil }
        switch group {
        case .v4(let address):
            self.init(rawValue: 0x0100_5E00_0000 | UInt64(address.rawValue & 0x7F_FFFF))
        case .v6(let address):
            self.init(rawValue: 0x3333_0000_0000 | address.low & 0xFFFF_FFFF)
        }
    }

    package static func < (left: MACAddress, right: MACAddress) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension MACAddress: CustomStringConvertible {
    package var description: String {
        (0..<Self.byteCount).map { index in
            let byte = rawValue >> UInt64(40 - 8 * index) & 0xFF
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined(separator: ":")
    }
}
