import Parity
import Wire

/// Parity shards of blocks that still lack packets; the oldest block makes way for a new one.
struct ParityStore {
    struct Block {
        var stream: StreamID
        var base: UInt32
        /// By row, all of one length; empty where none has come.
        var rows: [[UInt8]]

        var rowCount: Int { rows.count { !$0.isEmpty } }
        var width: Int { rows.lazy.map(\.count).max() ?? 0 }
    }

    private static let blockLimit = 32
    private(set) var blocks: [Block] = []

    var isEmpty: Bool { blocks.isEmpty }

    func block(_ stream: StreamID, _ base: UInt32) -> Block? {
        blocks.first { $0.base == base && $0.stream == stream }
    }

    /// Keeps a shard; `false` if it has another length than those of its block.
    mutating func add(_ shard: UnsafeRawBufferPointer, _ header: ParityHeader) -> Bool {
        var place = blocks.firstIndex { $0.base == header.base && $0.stream == header.stream }
        if place == nil {
            if blocks.count >= Self.blockLimit { blocks.removeFirst() }
            blocks.append(
                Block(
                    stream: header.stream, base: header.base,
                    rows: .init(repeating: [], count: ParityHeader.rowLimit)))
            place = blocks.count - 1
        }
        guard let place, blocks[place].width == 0 || blocks[place].width == shard.count else {
            return false
        }
        blocks[place].rows[Int(header.row)] = Array(shard)
        return true
    }

    mutating func remove(_ stream: StreamID, _ base: UInt32) {
        blocks.removeAll { $0.base == base && $0.stream == stream }
    }
}
