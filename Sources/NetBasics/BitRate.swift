/// A positive number of bits per second, as people write it: `800k`, `2.5M`, `10M`.
///
/// Suffixes are powers of 1000, as in iperf3; at most ``limit``.
package struct BitRate: Hashable, Comparable, Sendable {
    /// 1 Tbit/s; more than any host sends, and far from the end of `Int64`.
    package static let limit: Int64 = 1_000_000_000_000

    package let bitsPerSecond: Int64

    package init?(bitsPerSecond: Int64) {
        guard (1...Self.limit).contains(bitsPerSecond) else { return nil }
        self.bitsPerSecond = bitsPerSecond
    }

    /// The nearest rate within the limits.
    package init(clamping bitsPerSecond: Int64) {
        self.bitsPerSecond = min(max(bitsPerSecond, 1), Self.limit)
    }

    /// Parses digits, an optional fraction and an optional `k`, `M` or `G` in either case.
    ///
    /// A fraction of one bit per second is cut off; zero and negative rates are refused.
    package init?(_ text: some StringProtocol) {
        var digits = Array(text.utf8)
        let unit = digits.last.flatMap(unitOfSuffix)
        if unit != nil { digits.removeLast() }
        guard let bits = scaled(digits, by: unit ?? 1) else { return nil }
        self.init(bitsPerSecond: bits)
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.bitsPerSecond < right.bitsPerSecond
    }
}

extension BitRate: CustomStringConvertible {
    /// The shortest text that parses to the same rate: `2.5M`, `800k`, `999`.
    package var description: String {
        for (unit, suffix) in [(Int64(1_000_000_000), "G"), (1_000_000, "M"), (1_000, "k")]
        where bitsPerSecond >= unit && bitsPerSecond % (unit / 1000) == 0 {
            var fraction = String(1000 + bitsPerSecond % unit / (unit / 1000)).dropFirst()
            while fraction.last == "0" { fraction.removeLast() }
            return "\(bitsPerSecond / unit)" + (fraction.isEmpty ? "" : ".\(fraction)") + suffix
        }
        return "\(bitsPerSecond)"
    }
}

private func unitOfSuffix(_ byte: UInt8) -> Int64? {
    switch byte {
    case UInt8(ascii: "k"), UInt8(ascii: "K"): 1_000
    case UInt8(ascii: "m"), UInt8(ascii: "M"): 1_000_000
    case UInt8(ascii: "g"), UInt8(ascii: "G"): 1_000_000_000
    default: nil
    }
}

/// The decimal number times `unit`, rounded down; `nil` if ill-formed or above the limit.
private func scaled(_ digits: [UInt8], by unit: Int64) -> Int64? {
    let point = digits.firstIndex(of: UInt8(ascii: ".")) ?? digits.endIndex
    let fraction = digits[point...].dropFirst()
    guard point > 0, point == digits.endIndex || !fraction.isEmpty else { return nil }
    var total: Int64 = 0
    for byte in digits[..<point] {
        guard let digit = decimalDigit(byte) else { return nil }
        total = total * 10 + digit
        // Keeps every later product below 1e13 * 1e9.
        guard total <= BitRate.limit else { return nil }
    }
    guard total <= BitRate.limit / unit else { return nil }
    total *= unit
    var place = unit
    for byte in fraction {
        guard let digit = decimalDigit(byte) else { return nil }
        place /= 10
        total += digit * place
    }
    return total
}

private func decimalDigit(_ byte: UInt8) -> Int64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        ? Int64(byte - UInt8(ascii: "0")) : nil
}
