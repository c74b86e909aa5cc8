/// A partition of `0..<count` whose sets only merge: which routers are connected.
struct DisjointSets {
    private var parents: [Int32]
    private(set) var setCount: Int

    init(count: Int) {
        parents = (0..<Int32(count)).map(\.self)
        setCount = count
    }

    mutating func root(of element: Int) -> Int {
        var place = element
        while Int(parents[place]) != place {
            parents[place] = parents[Int(parents[place])]
            place = Int(parents[place])
        }
        return place
    }

    /// Merges the sets of both; `false` if they were one already.
    @discardableResult
    mutating func join(_ left: Int, _ right: Int) -> Bool {
        let (a, b) = (root(of: left), root(of: right))
        guard a != b else { return false }
        parents[max(a, b)] = Int32(min(a, b))
        setCount -= 1
        return true
    }
}
