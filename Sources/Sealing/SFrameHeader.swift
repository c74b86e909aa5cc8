/// The header of a sealed packet: which key, and which of its packets (RFC 9605, section 4.3).
///
///      0 1 2 3 4 5 6 7
///     +-+-+-+-+-+-+-+-+------------------+------------------+
///     |X|  K  |Y|  C  | KID, 0 to 8 bytes| CTR, 0 to 8 bytes|
///     +-+-+-+-+-+-+-+-+------------------+------------------+
///
/// Without X the three bits of K are the KID itself, with X they are its length less one; Y and
/// C are the same for CTR. Numbers are big-endian and as short as they can be.
package struct SFrameHeader: Equatable, Sendable {
    /// Longest header.
    package static let byteLimit = 17

    package var keyID: UInt64
    package var counter: UInt64

    package init(keyID: UInt64, counter: UInt64) {
        self.keyID = keyID
        self.counter = counter
    }

    /// Reads the header that `bytes` begin with; refuses numbers written longer than needed.
    package init(
        decoding bytes: UnsafeRawBufferPointer
    ) throws(SealingError) {
        guard let first = bytes.first else { throw .truncated(needed: 1, available: 0) }
        var offset = 1
        keyID = try readNumber(nibble: first >> 4, at: &offset, of: bytes)
        counter = try readNumber(nibble: first & 0x0F, at: &offset, of: bytes)
    }

    /// 1 to ``byteLimit``.
    package var byteCount: Int { 1 + extraBytes(of: keyID) + extraBytes(of: counter) }

    /// Writes the header; `start` has room for ``byteCount`` bytes.
    package func write(to start: UnsafeMutableRawPointer) {
        var offset = 1
        let high = writeNumber(keyID, to: start, at: &offset)
        let low = writeNumber(counter, to: start, at: &offset)
        start.storeBytes(of: high << 4 | low, as: UInt8.self)
    }
}

/// Below this a number stands in the first byte.
private let inlineLimit: UInt64 = 8
private let isExtended: UInt8 = 0b1000

private func extraBytes(of number: UInt64) -> Int {
    number < inlineLimit ? 0 : (71 - number.leadingZeroBitCount) / 8
}

private func readNumber(
    nibble: UInt8, at offset: inout Int, of bytes: UnsafeRawBufferPointer
) throws(SealingError) -> UInt64 {
    guard nibble & isExtended != 0 else { return UInt64(nibble) }
    let count = Int(nibble & 0b0111) + 1
    guard count <= bytes.count - offset else {
        throw .truncated(needed: offset + count, available: bytes.count)
    }
    var number: UInt64 = 0
    for index in offset..<offset + count { number = number << 8 | UInt64(bytes[index]) }
    guard extraBytes(of: number) == count else { throw .malformed }
    offset += count
    return number
}

/// Writes what does not fit in the first byte and returns the nibble that does.
private func writeNumber(
    _ number: UInt64, to start: UnsafeMutableRawPointer, at offset: inout Int
) -> UInt8 {
    let count = extraBytes(of: number)
    guard count > 0 else { return UInt8(truncatingIfNeeded: number) }
    for index in 0..<count {
        let byte = UInt8(truncatingIfNeeded: number >> UInt64(8 * (count - 1 - index)))
        start.storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
    }
    offset += count
    return isExtended | UInt8(count - 1)
}
