import Sealing

/// The bytes of hexadecimal text; the tests' own samples only.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(digits.count == text.count && digits.count % 2 == 0, "\(text) is not hexadecimal")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// What a test may see of a secret.
func hex(_ secret: SecretBytes) -> String { secret.withBytes { hex(Array($0)) } }

func secret(_ text: String) -> SecretBytes { SecretBytes(hex(text)) }

/// Every one of the bytes' bits turned, one at a time.
func flipped(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.indices.flatMap { index in
        (0..<8).map { bit in
            var copy = bytes
            copy[index] ^= 1 << UInt8(bit)
            return copy
        }
    }
}
