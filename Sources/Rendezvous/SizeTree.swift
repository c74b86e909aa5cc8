/// Sizes of parts that lie one behind the other, and which part a position is in.
///
/// A binary indexed tree (Fenwick, 1994): every operation takes time logarithmic in the number
/// of parts.
struct SizeTree: Equatable, Sendable {
    /// Node `i` holds the sum of the `lowestBit(i + 1)` sizes that end with size `i`.
    private var nodes: [Int] = []

    var count: Int { nodes.count }

    /// Adds a part of size zero behind the others.
    mutating func append() {
        let rank = nodes.count + 1
        var sum = 0
        var child = rank - 1
        while child > rank - lowestBit(rank) {
            sum += nodes[child - 1]
            child -= lowestBit(child)
        }
        nodes.append(sum)
    }

    mutating func removeLast() { nodes.removeLast() }

    /// Changes the size of a part by `difference`.
    mutating func add(_ difference: Int, at index: Int) {
        var rank = index + 1
        while rank <= nodes.count {
            nodes[rank - 1] += difference
            rank += lowestBit(rank)
        }
    }

    /// Where the part at `index` starts: the sum of the sizes before it.
    func start(of index: Int) -> Int {
        var sum = 0
        var rank = index
        while rank > 0 {
            sum += nodes[rank - 1]
            rank -= lowestBit(rank)
        }
        return sum
    }

    /// The part that holds `position`, and the place in it; `position` is below the total.
    func locate(_ position: Int) -> (index: Int, offset: Int) {
        var index = 0
        var offset = position
        var step = nodes.count == 0 ? 0 : 1 << (Int.bitWidth - 1 - nodes.count.leadingZeroBitCount)
        while step > 0 {
            if index + step <= nodes.count, nodes[index + step - 1] <= offset {
                index += step
                offset -= nodes[index - 1]
            }
            step >>= 1
        }
        return (index, offset)
    }
}

private func lowestBit(_ rank: Int) -> Int { rank & -rank }
