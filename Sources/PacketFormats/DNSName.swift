import NetBasics

/// A domain name (RFC 1035, sections 3.1 and 4.1.4), without compression.
///
///      0                   1
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
///     +---+-----------+---------------+
///     |0 0|  length   | label ...     |  labels, the last of which is empty
///     +---+-----------+---------------+
///     |1 1|    offset of the rest     |  a pointer, which ends the name
///     +---+---------------------------+
///
package struct DNSName: Hashable, Sendable {
    /// Longest name; bytes (RFC 1035, section 2.3.4).
    package static let byteLimit = 255

    /// Each label with its length before it, and the empty one last.
    package var bytes: [UInt8]

    /// Reads a name, which may continue anywhere before its start, and moves behind it.
    ///
    /// Pointers must lead back, further each time, so none is followed twice. With 255 bytes a name
    /// has 128 labels at most, the empty one included.
    init(decoding message: RawSpan, with reader: inout ByteReader) throws(DecodeError) {
        bytes = []
        var cursor = reader
        var partStart = reader.offset
        var hasJumped = false
        while true {
            let first = try cursor.readUInt8(from: message)
            switch first >> 6 {
            case 0:
                try appendLabel(first, from: message, with: &cursor)
                guard first == 0 else { continue }
                if !hasJumped { reader = cursor }
                return
            case 3:
                let target = Int(first & 0x3F) << 8 | Int(try cursor.readUInt8(from: message))
                guard target < partStart else { throw .invalidField("pointer") }
                if !hasJumped { reader = cursor }
                hasJumped = true
                partStart = target
                cursor = ByteReader()
                try cursor.skip(target, in: message)
            default: throw .invalidField("label")
            }
        }
    }

    private mutating func appendLabel(
        _ length: UInt8, from message: RawSpan, with cursor: inout ByteReader
    ) throws(DecodeError) {
        let count = bytes.count + 1 + Int(length)
        // What is not the empty label needs room for that behind it.
        guard count + (length == 0 ? 0 : 1) <= Self.byteLimit else {
            throw .oversized(limit: Self.byteLimit, actual: count + 1)
        }
        bytes.append(length)
        for _ in 0..<length { bytes.append(try cursor.readUInt8(from: message)) }
    }

    /// Without the empty one.
    package var labels: [[UInt8]] {
        var labels: [[UInt8]] = []
        var rest = bytes[...]
        while let length = rest.popFirst(), length > 0 {
            labels.append(Array(rest.prefix(Int(length))))
            rest = rest.dropFirst(Int(length))
        }
        return labels
    }
}

extension DNSName: CustomStringConvertible {
    /// With dots between labels, as Wireshark writes it: a dot inside a label is not marked.
    package var description: String {
        bytes.count > 1
            ? labels.map { String(received: $0) }.joined(separator: ".") : "<Root>"
    }
}
