/// Appends big-endian fields to a byte array; the counterpart of ``ByteReader``.
@usableFromInline package struct ByteWriter: Sendable {
    @usableFromInline package internal(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    @inlinable package mutating func write(_ word: some FixedWidthInteger & BitwiseCopyable) {
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }

    @inlinable package mutating func write(_ raw: some Sequence<UInt8>) {
        bytes.append(contentsOf: raw)
    }
}
