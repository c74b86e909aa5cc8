/// An IPv4 or IPv6 address; IPv4-mapped IPv6 addresses are always held as IPv4.
@usableFromInline package enum IPAddress: Hashable, Sendable, Comparable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    @inlinable package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.v4(let left), .v4(let right)): left == right
        case (.v6(let left), .v6(let right)): left == right
        default: false
        }
    }

    /// Parses `192.0.2.1` or `2001:db8::1` (RFC 4291, section 2.2; no zone).
    package init?(_ text: some StringProtocol) {
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            self = IPAddress(address)
        } else {
            return nil
        }
    }

    /// Unwraps IPv4-mapped addresses (RFC 4291, section 2.5.5.2).
    package init(_ address: IPv6Address) {
        if address.high == 0, address.low >> 32 == 0xFFFF {
            self = .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address.low)))
        } else {
            self = .v6(address)
        }
    }

    /// Whether one host can be meant: neither unspecified, broadcast nor multicast.
    package var isUnicast: Bool {
        switch self {
        case .v4(let address):
            address.rawValue != 0 && address.rawValue < 0xE000_0000
        case .v6(let address):
            (address.high | address.low) != 0 && address.high >> 56 != 0xFF
        }
    }

    /// Whether the address names a group (224.0.0.0/4, ff00::/8).
    package var isMulticast: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 28 == 0xE
        case .v6(let address): address.high >> 56 == 0xFF
        }
    }

    /// The address that limits per address count by: whoever has one IPv6 address has its /64.
    package var limitKey: IPAddress {
        switch self {
        case .v4: self
        case .v6(let address): .v6(IPv6Address(high: address.high, low: 0))
        }
    }

    /// The LAN that the address is taken to belong to: its /24 or /64.
    package var subnet: Subnet {
        switch self {
        case .v4(let address): Subnet(family: 4, prefix: UInt64(address.rawValue >> 8))
        case .v6(let address): Subnet(family: 6, prefix: address.high)
        }
    }
}

/// A subnet key: addresses with equal keys are taken to share a LAN.
package struct Subnet: Hashable, Sendable {
    package let family: UInt8
    package let prefix: UInt64

    /// The ever larger blocks of addresses that it lies in, the smallest first: /20, /16 and /12, or
    /// /56, /48 and /32 of IPv6.
    ///
    /// Providers hand out addresses in such blocks, so members that share one are probably close.
    package var blocks: [AddressBlock] {
        let shifts: [UInt8] = family == 4 ? [4, 8, 12] : [8, 16, 32]
        return shifts.map { AddressBlock(family: family, shift: $0, prefix: prefix >> $0) }
    }
}

/// A block of addresses: subnets whose prefixes agree but for the last `shift` bits.
package struct AddressBlock: Hashable, Sendable {
    let family: UInt8
    let shift: UInt8
    let prefix: UInt64
}

/// A 32-bit IPv4 address in host order.
@usableFromInline package struct IPv4Address: Hashable, Sendable, Comparable {
    @usableFromInline package let rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Parses four decimal octets without leading zeros.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var word: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy(isDigit),
                part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0"),
                let octet = UInt8(part)
            else { return nil }
            word = word << 8 | UInt32(octet)
        }
        rawValue = word
    }

    @inlinable package static func == (left: Self, right: Self) -> Bool {
        left.rawValue == right.rawValue
    }

    @inlinable package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A 128-bit IPv6 address as two host-order halves.
@usableFromInline package struct IPv6Address: Hashable, Sendable, Comparable {
    @usableFromInline package let high: UInt64
    @usableFromInline package let low: UInt64

    @inlinable package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Parses every form of RFC 4291, section 2.2, without a zone.
    package init?(_ text: some StringProtocol) {
        var tail: [UInt16] = []
        var words: [UInt16] = []
        let halves = splitAtDoubleColon(text)
        guard let first = halves.first, halves.count <= 2,
            parseWords(first, into: &words, mayEndInIPv4: halves.count == 1)
        else { return nil }
        if halves.count == 2 {
            guard parseWords(halves[1], into: &tail, mayEndInIPv4: true),
                words.count + tail.count < 8
            else { return nil }
            words += Array(repeating: 0, count: 8 - words.count - tail.count) + tail
        }
        guard words.count == 8 else { return nil }
        high = words[0..<4].reduce(0) { $0 << 16 | UInt64($1) }
        low = words[4..<8].reduce(0) { $0 << 16 | UInt64($1) }
    }

    @inlinable package static func == (left: Self, right: Self) -> Bool {
        left.high == right.high && left.low == right.low
    }

    @inlinable package static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

// MARK: - Text

extension IPAddress: CustomStringConvertible {
    @usableFromInline package var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}

extension IPv4Address: CustomStringConvertible {
    @usableFromInline package var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 255).\(rawValue >> 8 & 255).\(rawValue & 255)"
    }
}

extension IPv6Address: CustomStringConvertible {
    /// The canonical form of RFC 5952.
    @usableFromInline package var description: String {
        let words = (0..<8).map { index -> UInt16 in
            let half = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: half >> (48 - 16 * UInt64(index % 4)))
        }
        let zeros = longestZeroRun(words)
        func hex(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard zeros.count > 1 else { return hex(words[...]) }
        return hex(words[..<zeros.lowerBound]) + "::" + hex(words[zeros.upperBound...])
    }
}

private func longestZeroRun(_ words: [UInt16]) -> Range<Int> {
    var best = 0..<0
    var start = 0
    for index in 0...words.count where index == words.count || words[index] != 0 {
        if index - start > best.count { best = start..<index }
        start = index + 1
    }
    return best
}

private func splitAtDoubleColon(_ text: some StringProtocol) -> [Substring] {
    let characters = Array(text.utf8)
    guard
        let index = characters.indices.dropLast().first(where: {
            characters[$0] == UInt8(ascii: ":") && characters[$0 + 1] == UInt8(ascii: ":")
        })
    else { return [Substring(text)] }
    let string = String(text)
    let cut = string.utf8.index(string.startIndex, offsetBy: index)
    return [string[..<cut], string[string.utf8.index(cut, offsetBy: 2)...]]
}

private func parseWords(
    _ text: Substring, into words: inout [UInt16], mayEndInIPv4: Bool
) -> Bool {
    if text.isEmpty { return true }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
        if mayEndInIPv4, index == parts.count - 1, let last = IPv4Address(part) {
            words += [UInt16(last.rawValue >> 16), UInt16(last.rawValue & 0xFFFF)]
        } else if (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit),
            let word = UInt16(part, radix: 16)
        {
            words.append(word)
        } else {
            return false
        }
    }
    return words.count <= 8
}

private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
}
