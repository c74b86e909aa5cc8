import NetBasics

/// The members of one group by subnet, as slot numbers of ``MemberTable``.
///
/// The subnets lie one behind the other, so a member is also a position in the whole group, and
/// "everybody outside of this subnet" is two ranges of positions. Each block of addresses knows
/// its subnets. Nothing here takes time proportional to the size of the group.
struct Roster: Sendable {
    private struct Part: Sendable {
        var subnet: Subnet
        var slots: [Int] = []
        /// Its place among the subnets of each of its blocks.
        var places: [Int] = []
    }

    private(set) var count = 0
    private var parts: [Part] = []
    private var sizes = SizeTree()
    private var partOfSubnet: [Subnet: Int] = [:]
    private var subnetsOfBlock: [AddressBlock: [Subnet]] = [:]

    /// Adds a slot and returns its place in its subnet.
    mutating func insert(_ slot: Int, in subnet: Subnet) -> Int {
        let index = partOfSubnet[subnet] ?? appendPart(subnet)
        parts[index].slots.append(slot)
        sizes.add(1, at: index)
        count += 1
        return parts[index].slots.count - 1
    }

    /// Removes the slot at `place` of its subnet and returns the slot that took the place.
    mutating func remove(at place: Int, in subnet: Subnet) -> Int? {
        guard let index = partOfSubnet[subnet] else { return nil }
        let last = parts[index].slots.removeLast()
        let isLast = place == parts[index].slots.count
        if !isLast { parts[index].slots[place] = last }
        sizes.add(-1, at: index)
        count -= 1
        if parts[index].slots.isEmpty { removePart(at: index) }
        return isLast ? nil : last
    }

    private mutating func appendPart(_ subnet: Subnet) -> Int {
        var part = Part(subnet: subnet)
        for block in subnet.blocks {
            part.places.append(subnetsOfBlock[block]?.count ?? 0)
            subnetsOfBlock[block, default: []].append(subnet)
        }
        parts.append(part)
        sizes.append()
        partOfSubnet[subnet] = parts.count - 1
        return parts.count - 1
    }

    private mutating func leaveBlocks(_ part: Part) {
        for (level, block) in part.subnet.blocks.enumerated() {
            guard let last = subnetsOfBlock[block]?.popLast() else { continue }
            if last != part.subnet, let index = partOfSubnet[last] {
                subnetsOfBlock[block]?[part.places[level]] = last
                parts[index].places[level] = part.places[level]
            }
            if subnetsOfBlock[block]?.isEmpty == true { subnetsOfBlock[block] = nil }
        }
    }

    /// Moves the last part to the place of an empty one.
    private mutating func removePart(at index: Int) {
        leaveBlocks(parts[index])
        partOfSubnet[parts[index].subnet] = nil
        let last = parts.removeLast()
        sizes.removeLast()
        guard index < parts.count else { return }
        parts[index] = last
        partOfSubnet[last.subnet] = index
        sizes.add(last.slots.count, at: index)
    }

    // MARK: - Choice

    /// Slots for a member of `subnet`: near ones first, then a uniform sample of the others.
    ///
    /// Near are those of the subnet and, where it has few, one of each subnet of the smallest blocks
    /// around it. At most half of `limit` are near, unless there are too few others to fill the
    /// rest. `place` is the caller's own in the subnet, which is left out.
    func choose(
        _ limit: Int, near subnet: Subnet, without place: Int?,
        using generator: inout SeededGenerator
    ) -> [Int] {
        let part = partOfSubnet[subnet]
        let nearSlots = part.map { parts[$0].slots } ?? []
        let nearCount = nearSlots.count - (place == nil ? 0 : 1)
        // In random order, so that every prefix is a uniform sample too.
        let near = drawDistinct(limit, below: nearCount, using: &generator).map { draw in
            nearSlots[place.map { draw >= $0 ? draw + 1 : draw } ?? draw]
        }

        let start = part.map { sizes.start(of: $0) } ?? 0
        let farRoom = limit - min(near.count, limit / 2)
        let akin = chooseAkin(max(0, limit / 2 - near.count), to: subnet, using: &generator)
        let farCount = count - nearSlots.count
        let far = drawDistinct(farRoom, below: farCount, using: &generator).map { draw in
            slot(at: draw >= start ? draw + nearSlots.count : draw)
        }
        let others = Array((akin + far.filter { !akin.contains($0) }).prefix(farRoom))
        return near.prefix(limit - others.count) + others
    }

    /// At most `limit` slots of other subnets, those that share the smallest block first.
    private func chooseAkin(
        _ limit: Int, to subnet: Subnet, using generator: inout SeededGenerator
    ) -> [Int] {
        var chosen: [Subnet] = []
        for block in subnet.blocks where chosen.count < limit {
            let subnets = subnetsOfBlock[block] ?? []
            // Enough that those of smaller blocks, which are in this one, too, can be left out.
            let drawn = drawDistinct(
                limit + 1, below: subnets.count, using: &generator
            ).map { subnets[$0] }
            chosen += drawn.filter { $0 != subnet && !chosen.contains($0) }
                .prefix(limit - chosen.count)
        }
        return chosen.compactMap { subnet in
            partOfSubnet[subnet].flatMap { index in
                let slots = parts[index].slots
                return slots[generator.uniform(below: slots.count)]
            }
        }
    }

    private func slot(at position: Int) -> Int {
        let (index, offset) = sizes.locate(position)
        return parts[index].slots[offset]
    }
}

/// At most `count` different numbers from `0..<bound`, uniformly, in random order.
///
/// The first steps of a Fisher-Yates shuffle of an array that is never made: only the places
/// that were exchanged are remembered.
private func drawDistinct(
    _ count: Int, below bound: Int, using generator: inout SeededGenerator
) -> [Int] {
    var exchanged: [Int: Int] = [:]
    var drawn: [Int] = []
    for place in 0..<max(0, min(count, bound)) {
        let other = place + generator.uniform(below: bound - place)
        drawn.append(exchanged[other] ?? other)
        exchanged[other] = exchanged[place] ?? place
    }
    return drawn
}
