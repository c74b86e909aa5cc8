import CISAL

/// A Reed–Solomon code over GF(2^8): any `dataCount` of a block's shards tell all others.
///
/// Systematic. Parity row r of a block of k is the row of the Cauchy matrix 1 / ((k + r) ^ column)
/// (ISA-L, `gf_gen_cauchy1_matrix`; polynomial 0x11D): every square part of it can be inverted,
/// which is not so of ISA-L's Vandermonde matrix.
package struct ReedSolomon: Sendable {
    /// Shards of a block, at most; a bit of a word each.
    package static let shardLimit = 64

    package let dataCount: Int
    package let parityCount: Int
    /// One row of `dataCount` coefficients for each shard.
    private let matrix: [UInt8]

    /// Both counts are at least 1, and at most ``shardLimit`` together.
    package init(dataCount: Int, parityCount: Int) {
        let shards = dataCount + parityCount
        precondition(
            dataCount > 0 && parityCount > 0 && shards <= Self.shardLimit,
            "no code has \(dataCount) + \(parityCount) shards")
        self.dataCount = dataCount
        self.parityCount = parityCount
        var matrix = [UInt8](repeating: 0, count: shards * dataCount)
        gf_gen_cauchy1_matrix(&matrix, Int32(shards), Int32(dataCount))
        self.matrix = matrix
    }

    /// Computes the parity shards of a block, which lie behind its data; `width` bytes each.
    package func encode(_ block: UnsafeMutableRawBufferPointer, width: Int) {
        let shards = pointers(into: block, width: width)
        Self.multiply(
            Array(matrix[(dataCount * dataCount)...]), Array(shards[..<dataCount]),
            into: Array(shards[dataCount...]), width: width)
    }

    /// Computes the data shards that are missing; bit i of `present` stands for shard i.
    ///
    /// Returns `false`, and changes nothing, if fewer than ``dataCount`` are present.
    package func restore(
        _ block: UnsafeMutableRawBufferPointer, width: Int, present: UInt64
    ) -> Bool {
        let used = (0..<dataCount + parityCount).filter { present >> UInt64($0) & 1 == 1 }
            .prefix(dataCount)
        let missing = (0..<dataCount).filter { present >> UInt64($0) & 1 == 0 }
        guard used.count == dataCount else { return false }
        guard !missing.isEmpty else { return true }
        var square = used.flatMap { row in matrix[(row * dataCount)..<(row + 1) * dataCount] }
        var inverse = [UInt8](repeating: 0, count: square.count)
        guard gf_invert_matrix(&square, &inverse, Int32(dataCount)) == 0 else { return false }
        let shards = pointers(into: block, width: width)
        Self.multiply(
            missing.flatMap { row in inverse[(row * dataCount)..<(row + 1) * dataCount] },
            used.map { shards[$0] }, into: missing.map { shards[$0] }, width: width)
        return true
    }

    private typealias Shard = UnsafeMutablePointer<UInt8>?

    private func pointers(into block: UnsafeMutableRawBufferPointer, width: Int) -> [Shard] {
        let count = dataCount + parityCount
        precondition(
            width > 0 && block.count >= count * width,
            "\(block.count) bytes do not hold \(count) shards of \(width)")
        let start = block.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return (0..<count).map { shard in start.map { $0 + shard * width } }
    }

    /// `target` = `rows` x `source`, byte by byte.
    private static func multiply(
        _ rows: [UInt8], _ source: [Shard], into target: [Shard], width: Int
    ) {
        var rows = rows
        var source = source
        var target = target
        var tables = [UInt8](repeating: 0, count: 32 * source.count * target.count)
        let dataCount = Int32(source.count)
        let rowCount = Int32(target.count)
        ec_init_tables(dataCount, rowCount, &rows, &tables)
        ec_encode_data(Int32(width), dataCount, rowCount, &tables, &source, &target)
    }
}
