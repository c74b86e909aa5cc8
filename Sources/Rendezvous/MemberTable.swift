import NetBasics
import Wire

/// All registrations, found by peer id, by endpoint, by subnet and by age.
///
/// Members live in numbered slots. Since every lease is equally long, the order of refreshment
/// is the order of expiry: a list through the slots, from the oldest to the newest.
struct MemberTable: Sendable {
    struct Member: Sendable {
        let group: GroupID
        fileprivate(set) var registration: Registration
        fileprivate(set) var deadline: Instant
        /// Its place in the roster, among the members of its subnet.
        fileprivate var place: Int
        fileprivate var older: Int?
        fileprivate var newer: Int?
    }

    /// What a member registered, and the signature that was found good for it.
    struct Registration: Equatable, Sendable {
        let contact: Contact
        let isSource: Bool
        let alias: UInt64
        let code: EntryCode
        let signature: [UInt8]

        init(_ request: RendezvousRequest, from sender: Endpoint) {
            contact = Contact(peer: request.peer, endpoint: sender)
            isSource = request.operation == .registerSource
            alias = request.alias
            code = request.code
            signature = request.signature
        }
    }

    private struct PeerKey: Hashable, Sendable {
        var group: GroupID
        var peer: PeerID
    }

    private struct EndpointKey: Hashable, Sendable {
        var group: GroupID
        var endpoint: Endpoint
    }

    private struct AliasKey: Hashable, Sendable {
        var group: GroupID
        var alias: UInt64
    }

    private var slots: [Member] = []
    private var freeSlots: [Int] = []
    private var oldest: Int?
    private var newest: Int?
    private var rosters: [GroupID: Roster] = [:]
    private var slotOfPeer: [PeerKey: Int] = [:]
    private var slotOfEndpoint: [EndpointKey: Int] = [:]
    private var countOfAddress: [IPAddress: Int] = [:]
    // Of live members, so that no table is larger than that of the members.
    private var sourceCounts: [GroupID: Int] = [:]
    private var countOfAlias: [UInt64: Int] = [:]
    private var countOfGroupAlias: [AliasKey: Int] = [:]

    // MARK: - Questions

    var count: Int { slots.count - freeSlots.count }
    var groupCount: Int { rosters.count }

    func count(in group: GroupID) -> Int { rosters[group]?.count ?? 0 }
    func sourceCount(in group: GroupID) -> Int { sourceCounts[group] ?? 0 }
    func count(at address: IPAddress) -> Int { countOfAddress[address.limitKey] ?? 0 }

    /// Members of other groups that have the alias.
    func namesakeCount(of alias: UInt64, besides group: GroupID) -> Int {
        let own = countOfGroupAlias[AliasKey(group: group, alias: alias)] ?? 0
        return (countOfAlias[alias] ?? 0) - own
    }

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
    ) -> [PeerEntry] {
        guard let roster = rosters[group] else { return [] }
        let place = slot(at: endpoint, in: group).map { slots[$0].place }
        let chosen = roster.choose(
            RendezvousMessage.peerLimit, near: endpoint.address.subnet, without: place,
            using: &generator)
        return chosen.map { slot in
            let registration = slots[slot].registration
            return PeerEntry(contact: registration.contact, code: registration.code)
        }
    }

    // MARK: - Changes

    /// Adds a member whose peer id and endpoint are new to the group.
    mutating func insert(
        _ registration: Registration, in group: GroupID, until deadline: Instant
    ) {
        let slot = freeSlots.popLast() ?? slots.count
        let contact = registration.contact
        let subnet = contact.endpoint.address.subnet
        let place = rosters[group, default: Roster()].insert(slot, in: subnet)
        let member = Member(
            group: group, registration: registration, deadline: deadline, place: place)
        if slot == slots.count {
            slots.append(member)
        } else {
            slots[slot] = member
        }
        linkAsNewest(slot)
        slotOfPeer[PeerKey(group: group, peer: contact.peer)] = slot
        slotOfEndpoint[EndpointKey(group: group, endpoint: contact.endpoint)] = slot
        add(1, to: &countOfAddress[contact.endpoint.address.limitKey])
        tally(member, by: 1)
    }

    /// Prolongs a lease; the registration has the member's peer id and endpoint.
    mutating func refresh(_ slot: Int, with registration: Registration, until deadline: Instant) {
        unlink(slot)
        slots[slot].deadline = deadline
        linkAsNewest(slot)
        guard slots[slot].registration != registration else { return }
        tally(slots[slot], by: -1)
        slots[slot].registration = registration
        tally(slots[slot], by: 1)
    }

    /// Counts a member in or out, as a source and by its alias.
    private mutating func tally(_ member: Member, by difference: Int) {
        let (group, alias) = (member.group, member.registration.alias)
        add(difference, to: &countOfAlias[alias])
        add(difference, to: &countOfGroupAlias[AliasKey(group: group, alias: alias)])
        if member.registration.isSource { add(difference, to: &sourceCounts[group]) }
    }

    mutating func remove(_ slot: Int) {
        let member = slots[slot]
        let contact = member.registration.contact
        let endpoint = contact.endpoint
        tally(member, by: -1)
        unlink(slot)
        freeSlots.append(slot)
        let moved = rosters[member.group]?.remove(
            at: member.place, in: endpoint.address.subnet)
        if let moved { slots[moved].place = member.place }
        if rosters[member.group]?.count == 0 { rosters[member.group] = nil }
        slotOfPeer[PeerKey(group: member.group, peer: contact.peer)] = nil
        slotOfEndpoint[EndpointKey(group: member.group, endpoint: endpoint)] = nil
        add(-1, to: &countOfAddress[endpoint.address.limitKey])
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

/// Changes a count of a table, where zero has no entry.
private func add(_ difference: Int, to count: inout Int?) {
    let sum = (count ?? 0) + difference
    count = sum > 0 ? sum : nil
}
