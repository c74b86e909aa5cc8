/// The packets of a block as shards of one length: what parity is computed from.
///
/// A shard is a byte of flags (1: control flow), the body's length in two bytes, the body, and zeros.
package struct ParityBlock: Sendable {
    /// Packets of a block.
    package static let packetCount = 16
    /// Parity shards of a block, at most.
    package static let rowLimit = 4
    /// What a shard has besides the body.
    package static let prefixBytes = 3
    /// Longer bodies have no parity.
    package static let bodyLimit = 1500

    private static let code = ReedSolomon(dataCount: packetCount, parityCount: rowLimit)

    /// Bytes of a shard.
    package let width: Int
    /// Bit i: shard i was entered; those of parity follow the packets.
    private var present: UInt64 = 0
    private var bytes: [UInt8]

    /// A block whose shards have `width` bytes; `nil` if that is too many, or too few.
    package init?(width: Int) {
        guard (Self.prefixBytes...Self.prefixBytes + Self.bodyLimit).contains(width) else {
            return nil
        }
        self.width = width
        bytes = [UInt8](repeating: 0, count: (Self.packetCount + Self.rowLimit) * width)
    }

    /// Enters the packet at `index`; returns `false` if it is too long.
    package mutating func add(
        _ body: UnsafeRawBufferPointer, isControlFlow: Bool, at index: Int
    ) -> Bool {
        guard body.count <= width - Self.prefixBytes, 0..<Self.packetCount ~= index else {
            return false
        }
        let start = index * width
        bytes[start] = isControlFlow ? 1 : 0
        bytes[start + 1] = UInt8(truncatingIfNeeded: body.count >> 8)
        bytes[start + 2] = UInt8(truncatingIfNeeded: body.count)
        enter(body, at: start + Self.prefixBytes)
        present |= 1 << UInt64(index)
        return true
    }

    /// Enters the parity shard of `row`; returns `false` if it has another length.
    package mutating func add(parity: UnsafeRawBufferPointer, row: Int) -> Bool {
        guard parity.count == width, 0..<Self.rowLimit ~= row else { return false }
        enter(parity, at: (Self.packetCount + row) * width)
        present |= 1 << UInt64(Self.packetCount + row)
        return true
    }

    private mutating func enter(_ source: UnsafeRawBufferPointer, at start: Int) {
        guard !source.isEmpty else { return }
        bytes.withUnsafeMutableBytes { target in
            UnsafeMutableRawBufferPointer(rebasing: target[start...]).copyMemory(from: source)
        }
    }

    /// Computes all parity shards; every packet was entered.
    package mutating func encode() {
        precondition(missing == 0, "packets are missing: \(missing)")
        bytes.withUnsafeMutableBytes { Self.code.encode($0, width: width) }
    }

    /// Computes the missing packets; `false` if too few shards were entered.
    package mutating func restore() -> Bool {
        bytes.withUnsafeMutableBytes { Self.code.restore($0, width: width, present: present) }
    }

    /// Bit i: packet i was not entered.
    package var missing: UInt16 { ~UInt16(truncatingIfNeeded: present) }
    /// Whether the missing packets can be computed.
    package var isEnough: Bool { present.nonzeroBitCount >= Self.packetCount }

    package func parity(row: Int) -> ArraySlice<UInt8> {
        let start = (Self.packetCount + row) * width
        return bytes[start..<start + width]
    }

    /// A packet that was restored; `nil` if its shard makes no sense, since somebody sent garbage.
    package func packet(at index: Int) -> (body: ArraySlice<UInt8>, isControlFlow: Bool)? {
        let start = index * width
        let length = Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
        guard bytes[start] <= 1, length <= width - Self.prefixBytes else { return nil }
        let body = start + Self.prefixBytes
        return (bytes[body..<body + length], bytes[start] == 1)
    }
}
