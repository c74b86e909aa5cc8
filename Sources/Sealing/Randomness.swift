/// Unpredictable bytes from the system, for drivers only: cores get seeded generators.
package func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, count))
    Sodium.fillRandomly(&bytes)
    return bytes
}

/// 64 unpredictable bits from the system, for drivers only: seeds and identifiers.
package func randomUInt64() -> UInt64 {
    randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
}
