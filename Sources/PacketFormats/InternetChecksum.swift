import NetBasics

/// The ones' complement sum of IP, UDP, IGMP, ICMPv6 and PIM (RFC 1071).
package struct InternetChecksum: Sendable {
    private var sum: UInt64 = 0

    package init() {}

    /// Adds bytes that begin at an even offset of what is summed; an odd last one is padded with zero.
    package mutating func add(_ bytes: RawSpan) {
        var offset = 0
        while offset + 1 < bytes.byteCount {
            // Within the bytes, by the condition above.
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
            sum &+= UInt64(UInt16(bigEndian: word))
            offset += 2
        }
        if offset < bytes.byteCount {
            sum &+= UInt64(bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)) << 8
        }
    }

    /// Adds the pseudo-header of an upper layer (RFC 768; RFC 8200, section 8.1).
    package mutating func add(
        from source: IPAddress, to destination: IPAddress, nextHeader: UInt8, byteCount: Int
    ) {
        for address in [source, destination] {
            switch address {
            case .v4(let address): add(UInt64(address.rawValue))
            case .v6(let address):
                add(address.high)
                add(address.low)
            }
        }
        add(UInt64(nextHeader))
        add(UInt64(truncatingIfNeeded: byteCount))
    }

    private mutating func add(_ word: UInt64) {
        for shift: UInt64 in [0, 16, 32, 48] { sum &+= word >> shift & 0xFFFF }
    }

    /// What belongs into the checksum field, if that was zero when it was added.
    package var complement: UInt16 {
        var folded = sum
        while folded >> 16 != 0 { folded = folded & 0xFFFF &+ folded >> 16 }
        return ~UInt16(truncatingIfNeeded: folded)
    }

    /// Whether what was added, its checksum field included, is whole.
    package var isValid: Bool { complement == 0 }
}
