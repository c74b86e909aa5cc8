/// A reading position in big-endian bytes; holds an offset and nothing else.
///
/// Every load is bounds-checked here, once, before it happens.
package struct ByteReader: Sendable {
    package private(set) var offset = 0

    package init() {}

    package func remaining(in bytes: RawSpan) -> Int { bytes.byteCount - offset }

    package mutating func readUInt8(from bytes: RawSpan) throws(DecodeError) -> UInt8 {
        try read(UInt8.self, from: bytes)
    }

    package mutating func readUInt16(from bytes: RawSpan) throws(DecodeError) -> UInt16 {
        try read(UInt16.self, from: bytes)
    }

    package mutating func readUInt32(from bytes: RawSpan) throws(DecodeError) -> UInt32 {
        try read(UInt32.self, from: bytes)
    }

    package mutating func readUInt64(from bytes: RawSpan) throws(DecodeError) -> UInt64 {
        try read(UInt64.self, from: bytes)
    }

    /// Copies `count` bytes out.
    package mutating func readBytes(
        _ count: Int, from bytes: RawSpan
    ) throws(DecodeError) -> [UInt8] {
        let start = try advance(count, in: bytes)
        // The standard library writes the count into the empty array too, which all threads share.
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count {
                buffer[index] = bytes.unsafeLoad(fromByteOffset: start + index, as: UInt8.self)
            }
            initialized = count
        }
    }

    /// Reads a UTF-8 string of `count` bytes; refuses ill-formed text.
    package mutating func readText(
        _ count: Int, field: String, from bytes: RawSpan
    ) throws(DecodeError) -> String {
        let raw = try readBytes(count, from: bytes)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .invalidField(field)
        }
        return text
    }

    package mutating func skip(_ count: Int, in bytes: RawSpan) throws(DecodeError) {
        _ = try advance(count, in: bytes)
    }

    /// Refuses bytes behind the end of a complete message.
    package func expectEnd(of bytes: RawSpan) throws(DecodeError) {
        guard offset == bytes.byteCount else { throw .trailingBytes(bytes.byteCount - offset) }
    }

    private mutating func read<Word: FixedWidthInteger & BitwiseCopyable>(
        _: Word.Type, from bytes: RawSpan
    ) throws(DecodeError) -> Word {
        let start = try advance(MemoryLayout<Word>.size, in: bytes)
        // Checked by `advance` above.
        return Word(
            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: Word.self))
    }

    private mutating func advance(_ count: Int, in bytes: RawSpan) throws(DecodeError) -> Int {
        guard count >= 0, count <= bytes.byteCount - offset else {
            throw .truncated(needed: offset &+ max(count, 0), available: bytes.byteCount)
        }
        defer { offset += count }
        return offset
    }
}
