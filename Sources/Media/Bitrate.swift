/// A positive bit rate; 1 bit/s to 1 Tbit/s.
package struct Bitrate: Hashable, Comparable, Sendable, CustomStringConvertible {
    package static let bitsPerSecondLimit: Int64 = 1_000_000_000_000

    package let bitsPerSecond: Int64

    package init?(bitsPerSecond: some BinaryInteger) {
        guard let bits = Int64(exactly: bitsPerSecond),
            (1...Self.bitsPerSecondLimit).contains(bits)
        else { return nil }
        self.bitsPerSecond = bits
    }

    /// Parses `4M`, `800k`, `2.5M` or `1500000`; base 1000, in either case of the letter.
    ///
    /// What is left below one bit per second is cut off.
    package init(parsing text: some StringProtocol) throws(MediaError) {
        guard let bits = Self.bits(in: Array(text.utf8)), let rate = Bitrate(bitsPerSecond: bits)
        else {
            throw MediaError(
                .usage, "no bit rate: '\(shown(text))'",
                advice: "write 4M, 800k, 2.5M or 1500000, above 0 and at most 1000G")
        }
        self = rate
    }

    /// In kbit/s, rounded up, as descriptions carry it.
    package var kilobitsPerSecond: UInt32 { UInt32(clamping: (bitsPerSecond + 999) / 1000) }

    package static func < (left: Self, right: Self) -> Bool {
        left.bitsPerSecond < right.bitsPerSecond
    }

    /// The shortest form without a fraction that parses back to the same rate.
    package var description: String {
        for (unit, letter) in [(1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")] as [(Int64, _)]
        where bitsPerSecond % unit == 0 {
            return "\(bitsPerSecond / unit)\(letter)"
        }
        return "\(bitsPerSecond)"
    }

    private static func bits(in text: [UInt8]) -> Int64? {
        var digits = text[...]
        let unit = multiplier(digits.last)
        if unit != nil { digits.removeLast() }
        let parts = digits.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ (1...13).contains($0.count) })
        else { return nil }
        var scale = unit ?? 1
        guard let whole = decimal(parts[0]), whole <= bitsPerSecondLimit / scale else { return nil }
        var total = whole * scale
        guard parts.count == 2 else { return total }
        for digit in parts[1] {
            guard let value = decimal([digit]) else { return nil }
            scale /= 10
            total += value * scale
        }
        return total
    }

    private static func multiplier(_ letter: UInt8?) -> Int64? {
        switch letter {
        case UInt8(ascii: "k"), UInt8(ascii: "K"): 1000
        case UInt8(ascii: "m"), UInt8(ascii: "M"): 1_000_000
        case UInt8(ascii: "g"), UInt8(ascii: "G"): 1_000_000_000
        default: nil
        }
    }

    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int64? {
        digits.reduce(0) { sum, byte in
            guard let sum, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
                return nil
            }
            return sum * 10 + Int64(byte - UInt8(ascii: "0"))
        }
    }
}

/// User text for a message: cut to 60 characters and free of control characters.
func shown(_ text: some StringProtocol) -> String {
    let scalars = text.unicodeScalars.prefix(60).map { scalar -> Unicode.Scalar in
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "?" : scalar
    }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
}
