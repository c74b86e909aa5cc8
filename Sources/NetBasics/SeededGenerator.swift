/// Xoshiro256** (Blackman and Vigna, 2018), seeded through SplitMix64.
///
/// Its draws never change with the toolchain, so recorded runs stay valid. Not for secrets.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    package init(seed: UInt64) {
        var mixer = seed
        func next() -> UInt64 {
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var word = mixer
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        state = (next(), next(), next(), next())
    }

    package mutating func next() -> UInt64 {
        let result = rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, 45)
        return result
    }

    /// A generator of its own for one component, so that its draws shift nobody else's.
    package mutating func child() -> SeededGenerator { SeededGenerator(seed: next()) }

    /// A uniform draw from `0..<bound`, without modulo bias (Lemire, 2019).
    package mutating func uniform(below bound: Int) -> Int {
        precondition(bound > 0, "uniform(below: \(bound)) has no values")
        let limit = UInt64(bound)
        var product = next().multipliedFullWidth(by: limit)
        if product.low < limit {
            let threshold = (0 &- limit) % limit
            while product.low < threshold { product = next().multipliedFullWidth(by: limit) }
        }
        return Int(product.high)
    }

    /// A uniform draw from `0..<1`.
    package mutating func uniformFraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// `duration` scaled by a uniform factor from `1 - fraction` to `1 + fraction`; saturates.
    package mutating func jittered(_ duration: Duration, by fraction: Double) -> Duration {
        let factor = 1 + fraction * (2 * uniformFraction() - 1)
        let scaled = Double(duration.nanoseconds) * factor
        if scaled >= 0x1p63 { return .nanoseconds(Int64.max) }
        return .nanoseconds(scaled > -0x1p63 ? Int64(scaled) : Int64.min)
    }

    /// At most `count` elements, uniformly without replacement, in random order.
    package mutating func sample<Element>(_ count: Int, of elements: [Element]) -> [Element] {
        var pool = elements
        let taken = min(count, pool.count)
        for index in 0..<max(0, taken) {
            pool.swapAt(index, index + uniform(below: pool.count - index))
        }
        return Array(pool.prefix(max(0, taken)))
    }
}

private func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
    (word << count) | (word >> (64 - count))
}
