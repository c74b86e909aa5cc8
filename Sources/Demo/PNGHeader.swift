/// The size that a PNG file says it has (PNG specification, section 11.2.2).
package struct PNGHeader: Equatable, Sendable {
    package var width: UInt32
    package var height: UInt32

    /// Signature, length and type of the first chunk, and its first two fields.
    package static let byteCount = 24

    private static let start: [UInt8] = [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52,
    ]

    /// Reads the start of a file; `nil` if it is no PNG, is cut off, or has no pixels.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.byteCount, bytes.starts(with: Self.start) else { return nil }
        func word(at offset: Int) -> UInt32 {
            bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
        }
        width = word(at: 16)
        height = word(at: 20)
        guard width > 0, height > 0 else { return nil }
    }
}
