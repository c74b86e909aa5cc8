/// Why bytes from the network or a file were refused; edges count them by `reason` and drop.
package enum DecodeError: Error, Equatable, Sendable {
    /// Fewer bytes than the field needs; both counts in bytes.
    case truncated(needed: Int, available: Int)
    /// More bytes than the format allows.
    case oversized(limit: Int, actual: Int)
    /// The first byte is not ours.
    case unknownMagic
    case unsupportedVersion(UInt8)
    case unknownType(UInt8)
    /// A field with a value outside its range; the name is the one in the format's drawing.
    case invalidField(String)
    /// Bytes left over behind a complete message.
    case trailingBytes(Int)

    /// A short stable name for counters.
    package var reason: String {
        switch self {
        case .truncated: "truncated"
        case .oversized: "oversized"
        case .unknownMagic: "not_polycast"
        case .unsupportedVersion: "unsupported_version"
        case .unknownType: "unknown_type"
        case .invalidField: "invalid_field"
        case .trailingBytes: "trailing_bytes"
        }
    }
}
