import NetBasics

/// Wallclock time of NTP: 32 bits of seconds since 1900 and 32 of their fraction (RFC 3550, section 4).
package struct NTPTimestamp: Equatable, Sendable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// From nanoseconds since 1970, which wrap around in 2036 as NTP does.
    package init(nanosecondsSince1970 nanoseconds: Int64) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let isEarly = rest < 0
        let whole = seconds &- (isEarly ? 1 : 0) &+ Self.secondsFrom1900To1970
        let fraction = UInt64(isEarly ? rest + 1_000_000_000 : rest)
        rawValue =
            UInt64(truncatingIfNeeded: whole) << 32 | (fraction << 32) / 1_000_000_000
    }

    package var seconds: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
    package var fraction: UInt32 { UInt32(truncatingIfNeeded: rawValue) }

    /// The middle 32 bits, in 1/65,536 s; what a report repeats as its last SR.
    package var middle32: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 16) }

    /// Nanoseconds since 1970; before 1968 it is taken for a time from 2036 on.
    package var nanosecondsSince1970: Int64 {
        let era: Int64 = seconds & 0x8000_0000 == 0 ? 1 << 32 : 0
        let whole = Int64(seconds) + era - Self.secondsFrom1900To1970
        return whole * 1_000_000_000 + Int64((UInt64(fraction) * 1_000_000_000) >> 32)
    }

    private static let secondsFrom1900To1970: Int64 = 2_208_988_800

    /// A difference in 1/65,536 s as a duration.
    package static func duration(ofMiddle32 units: UInt32) -> Duration {
        .nanoseconds(Int64((UInt64(units) * 1_000_000_000) >> 16))
    }
}
