import NetBasics
import Wire

/// All registrations, found by peer id, by endpoint, by subnet and by age.
///
/// Members live in numbered slots. Since every lease is equally long, the order of refreshment
/// is the order of expiry: a list through the slots, from the oldest to the newest.
struct MemberTable: Sendable {
    struct Member: Sendable {
        var group: GroupID
        var contact: Contact
        var deadline: Instant
        fileprivate(set) var isSource: Bool
        /// Its place in the roster, among the members of its subnet.
        fileprivate var place: Int
        fileprivate var older: Int?
        fileprivate var newer: Int?
    }

    private struct PeerKey: Hashable, Sendable {
        var group: GroupID
        var peer: PeerID
    }

    private struct EndpointKey: Hashable, Sendable {
        var group: GroupID
        var endpoint: Endpoint
    }

    private var slots: [Member] = []
    private var freeSlots: [Int] = []
    private var oldest: Int?
    private var newest: Int?
    private var rosters: [GroupID: Roster] = [:]
    private var slotOfPeer: [PeerKey: Int] = [:]
    private var slotOfEndpoint: [EndpointKey: Int] = [:]
    private var countOfAddress: [IPAddress: Int] = [:]
    private var sourceCounts: [GroupID: Int] = [:]

    // MARK: - Questions

    var count: Int { slots.count - freeSlots.count }
    var groupCount: Int { rosters.count }

    func count(in group: GroupID) -> Int { rosters[group]?.count ?? 0 }
    func sourceCount(in group: GroupID) -> Int { sourceCounts[group] ?? 0 }
    func count(at address: IPAddress) -> Int { countOfAddress[address.limitKey] ?? 0 }

    func slot(of peer: PeerID, in group: GroupID) -> Int? {
        slotOfPeer[PeerKey(group: group, peer: peer)]
    }

    func slot(at endpoint: Endpoint, in group: GroupID) -> Int? {
        slotOfEndpoint[EndpointKey(group: group, endpoint: endpoint)]
    }

    subscript(slot: Int) -> Member { slots[slot] }

    var earliestDeadline: Instant? { oldest.map { slots[$0].deadline } }

    /// A fresh choice of members for whoever asks from `endpoint`, itself left out.
    func peers(
        for endpoint: Endpoint, in group: GroupID, using generator: inout SeededGenerator
    ) -> [Contact] {
        guard let roster = rosters[group] else { return [] }
        let place = slot(at: endpoint, in: group).map { slots[$0].place }
        let chosen = roster.choose(
            RendezvousMessage.peerLimit, near: endpoint.address.subnet, without: place,
            using: &generator)
        return chosen.map { slots[$0].contact }
    }

    // MARK: - Changes

    /// Adds a member whose peer id and endpoint are new to the group.
    mutating func insert(
        _ contact: Contact, isSource: Bool, in group: GroupID, until deadline: Instant
    ) {
        let slot = freeSlots.popLast() ?? slots.count
        let subnet = contact.endpoint.address.subnet
        let place = rosters[group, default: Roster()].insert(slot, in: subnet)
        let member = Member(
            group: group, contact: contact, deadline: deadline, isSource: false, place: place)
        if slot == slots.count {
            slots.append(member)
        } else {
            slots[slot] = member
        }
        linkAsNewest(slot)
        slotOfPeer[PeerKey(group: group, peer: contact.peer)] = slot
        slotOfEndpoint[EndpointKey(group: group, endpoint: contact.endpoint)] = slot
        countOfAddress[contact.endpoint.address.limitKey, default: 0] += 1
        mark(slot, isSource: isSource)
    }

    mutating func refresh(_ slot: Int, isSource: Bool, until deadline: Instant) {
        unlink(slot)
        slots[slot].deadline = deadline
        linkAsNewest(slot)
        mark(slot, isSource: isSource)
    }

    private mutating func mark(_ slot: Int, isSource: Bool) {
        guard slots[slot].isSource != isSource else { return }
        slots[slot].isSource = isSource
        let group = slots[slot].group
        let count = sourceCount(in: group) + (isSource ? 1 : -1)
        sourceCounts[group] = count > 0 ? count : nil
    }

    mutating func remove(_ slot: Int) {
        let member = slots[slot]
        let endpoint = member.contact.endpoint
        mark(slot, isSource: false)
        unlink(slot)
        freeSlots.append(slot)
        let moved = rosters[member.group]?.remove(
            at: member.place, in: endpoint.address.subnet)
        if let moved { slots[moved].place = member.place }
        if rosters[member.group]?.count == 0 { rosters[member.group] = nil }
        slotOfPeer[PeerKey(group: member.group, peer: member.contact.peer)] = nil
        slotOfEndpoint[EndpointKey(group: member.group, endpoint: endpoint)] = nil
        let left = count(at: endpoint.address) - 1
        countOfAddress[endpoint.address.limitKey] = left > 0 ? left : nil
    }

    /// Removes all whose deadline has come, and says how many.
    mutating func removeExpired(at now: Instant) -> Int {
        var removed = 0
        while let slot = oldest, slots[slot].deadline <= now {
            remove(slot)
            removed += 1
        }
        return removed
    }

    // MARK: - Order of expiry

    private mutating func linkAsNewest(_ slot: Int) {
        slots[slot].older = newest
        slots[slot].newer = nil
        if let newest { slots[newest].newer = slot }
        newest = slot
        if oldest == nil { oldest = slot }
    }

    private mutating func unlink(_ slot: Int) {
        let (older, newer) = (slots[slot].older, slots[slot].newer)
        if let older { slots[older].newer = newer } else { oldest = newer }
        if let newer { slots[newer].older = older } else { newest = older }
    }
}
