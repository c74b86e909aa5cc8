import NetBasics

/// Proves that a sender receives at its address, without any memory of it.
///
/// A cookie is keyed BLAKE2b-128 over address, port and a period of 60 s. It is valid in its
/// own period and in the next, so for 60 to 120 s. A restart with another secret voids all.
package struct AddressCookie: Sendable {
    package static let secretByteCount = 32
    /// How long one period lasts.
    package static let period: Duration = .seconds(60)

    private let secret: [UInt8]

    /// `secret` is ``secretByteCount`` random bytes that nobody else knows.
    package init(secret: [UInt8]) {
        precondition(
            secret.count == Self.secretByteCount, "cookie secret of \(secret.count) bytes")
        self.secret = secret
    }

    /// The two words of the cookie for `endpoint` in the period of `now`; never both zero.
    package func word(for endpoint: Endpoint, at now: Instant) -> (high: UInt64, low: UInt64) {
        word(for: endpoint, period: Self.periodIndex(of: now))
    }

    /// Whether the words are the cookie for `endpoint` of this period or the one before.
    ///
    /// Takes the same time for every wrong guess. Zero, which asks for a cookie, is always wrong.
    package func verifies(
        _ high: UInt64, _ low: UInt64, for endpoint: Endpoint, at now: Instant
    ) -> Bool {
        guard high | low != 0 else { return false }
        let index = Self.periodIndex(of: now)
        let current = word(for: endpoint, period: index)
        let previous = word(for: endpoint, period: index &- 1)
        let isCurrent = (current.high ^ high) | (current.low ^ low) == 0
        let isPrevious = (previous.high ^ high) | (previous.low ^ low) == 0
        return isCurrent || isPrevious
    }

    private func word(for endpoint: Endpoint, period: Int64) -> (high: UInt64, low: UInt64) {
        var message = ByteWriter(capacity: 48)
        message.write(Self.domain)
        switch endpoint.address {
        case .v4(let address):
            message.write(UInt8(4))
            message.write(address.rawValue)
        case .v6(let address):
            message.write(UInt8(6))
            message.write(address.high)
            message.write(address.low)
        }
        message.write(endpoint.port)
        message.write(period)
        let words = Sodium.hash128(message.bytes, key: secret)
        // One digest in 2^128 is zero, which would ask for a cookie instead of being one.
        return words.high | words.low == 0 ? (0, 1) : words
    }

    /// Rounds down, also before the origin of the clock.
    private static func periodIndex(of now: Instant) -> Int64 {
        let length = period.nanoseconds
        let index = now.nanoseconds / length
        return now.nanoseconds % length < 0 ? index - 1 : index
    }

    private static let domain = Array("polycast cookie 1".utf8)
}
