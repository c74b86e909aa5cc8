import NetBasics
import PacketFormats

/// Who listens to which group, and who asks, as IGMP and MLD on the wire tell it.
struct GroupTable: Sendable {
    /// What is remembered at most; more is counted.
    static let groupLimit = 4096
    static let memberLimit = 256
    static let querierLimit = 64
    /// Sources of a member's filter that are kept.
    static let sourceLimit = 64

    private(set) var groups: [GroupMembership] = []
    private(set) var queriers: [Querier] = []
    /// Messages for whose group, member or querier there was no room.
    private(set) var untracked: UInt64 = 0
    private var places: [Place: Int] = [:]

    /// A group on one link.
    struct Place: Hashable {
        var group: IPAddress
        var interface: UInt16
        var vlan: UInt16
    }

    /// A message, who sent it and where it is in the capture.
    struct Message: Sendable {
        var number: UInt64
        var time: Instant
        var sender: IPAddress
        var hardware: MACAddress?
        var interface: UInt16
        var vlan: UInt16
        /// Of IGMP, 1 to 3, or of MLD, 1 or 2.
        var version: UInt8
        var content: MembershipMessage
    }

    mutating func record(_ message: Message) {
        switch message.content {
        case .query(let query): recordQuery(query, message)
        case .report(let group): change(group, message) { $0.mode = .exclude }
        case .leave(let group): change(group, message) { $0.leave(at: message.time) }
        case .records(let records):
            for record in records {
                change(record.group, message) { $0.apply(record, at: message.time) }
            }
        }
    }

    private mutating func recordQuery(_ query: MembershipQuery, _ message: Message) {
        let known = queriers.firstIndex {
            $0.address == message.sender && $0.interface == message.interface
                && $0.vlan == message.vlan
        }
        if let known {
            queriers[known].ask(query, message)
        } else if queriers.count < Self.querierLimit {
            queriers.append(Querier(query, message))
        } else {
            untracked &+= 1
        }
    }

    private mutating func change(
        _ group: IPAddress, _ message: Message, _ change: (inout GroupMember) -> Void
    ) {
        guard group.isMulticast, let place = place(of: group, message) else {
            untracked &+= 1
            return
        }
        let member = groups[place].members.firstIndex { $0.address == message.sender }
        guard let member = member ?? groups[place].add(message) else {
            untracked &+= 1
            return
        }
        groups[place].members[member].note(message)
        change(&groups[place].members[member])
    }

    private mutating func place(of group: IPAddress, _ message: Message) -> Int? {
        let key = Place(group: group, interface: message.interface, vlan: message.vlan)
        if let place = places[key] { return place }
        guard groups.count < Self.groupLimit else { return nil }
        places[key] = groups.count
        groups.append(
            GroupMembership(group: group, interface: message.interface, vlan: message.vlan))
        return groups.count - 1
    }

    /// What is known of a group's members on a link.
    func membership(
        of group: IPAddress, interface: UInt16, vlan: UInt16
    ) -> GroupMembership? {
        places[Place(group: group, interface: interface, vlan: vlan)].map { groups[$0] }
    }
}

/// The members of a group on one link.
package struct GroupMembership: Equatable, Sendable {
    package let group: IPAddress
    package let interface: UInt16
    package let vlan: UInt16
    package fileprivate(set) var members: [GroupMember] = []

    fileprivate mutating func add(_ message: GroupTable.Message) -> Int? {
        guard members.count < GroupTable.memberLimit else { return nil }
        members.append(GroupMember(message))
        return members.count - 1
    }

    /// Those that have not left.
    package var presentMembers: [GroupMember] { members.filter { $0.leftAt == nil } }
}

/// A host that reported a group.
package struct GroupMember: Equatable, Sendable {
    package enum Mode: String, Sendable {
        /// Only the sources.
        case include
        /// All but the sources.
        case exclude
    }

    package let address: IPAddress
    package let hardware: MACAddress?
    /// Of its last report.
    package private(set) var version: UInt8
    package internal(set) var mode = Mode.exclude
    package private(set) var sources: [IPAddress] = []
    package private(set) var firstSeen: Instant
    package private(set) var lastSeen: Instant
    package private(set) var reports: UInt64 = 0
    /// The packets with its first and last report.
    package private(set) var firstNumber: UInt64
    package private(set) var lastNumber: UInt64
    package private(set) var leftAt: Instant?

    fileprivate init(_ message: GroupTable.Message) {
        address = message.sender
        hardware = message.hardware
        version = message.version
        firstSeen = message.time
        lastSeen = message.time
        firstNumber = message.number
        lastNumber = message.number
    }

    fileprivate mutating func note(_ message: GroupTable.Message) {
        version = message.version
        lastSeen = max(lastSeen, message.time)
        lastNumber = message.number
        reports &+= 1
        leftAt = nil
    }

    fileprivate mutating func leave(at now: Instant) { leftAt = now }

    /// Follows a record (RFC 9776, section 4.2.12).
    fileprivate mutating func apply(_ record: GroupRecord, at now: Instant) {
        switch record.kind {
        case .modeIsInclude, .changeToInclude:
            mode = .include
            sources = Self.kept(record.sources)
        case .modeIsExclude, .changeToExclude:
            mode = .exclude
            sources = Self.kept(record.sources)
        case .allowNewSources: allow(record.sources)
        case .blockOldSources: block(record.sources)
        default: break
        }
        // Who includes nothing listens to nothing.
        if mode == .include, sources.isEmpty { leftAt = now }
    }

    private mutating func allow(_ more: [IPAddress]) {
        // Somebody who was not known before says what it has added, which is all there is to go by.
        if reports == 1 { mode = .include }
        sources =
            mode == .include
            ? Self.kept(sources + more.filter { !sources.contains($0) })
            : sources.filter { !more.contains($0) }
    }

    private mutating func block(_ less: [IPAddress]) {
        sources =
            mode == .exclude
            ? Self.kept(sources + less.filter { !sources.contains($0) })
            : sources.filter { !less.contains($0) }
    }

    private static func kept(_ sources: [IPAddress]) -> [IPAddress] {
        Array(sources.prefix(GroupTable.sourceLimit))
    }
}
