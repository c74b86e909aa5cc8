import NetBasics

/// One packet of media in a simulation: the `number`th, from zero, that a host published.
package struct MediaPacket: Hashable, Comparable, Sendable {
    package var source: Int32
    package var number: Int32

    package init(source: Int32, number: Int32) {
        self.source = source
        self.number = number
    }

    package static func < (left: MediaPacket, right: MediaPacket) -> Bool {
        (left.source, left.number) < (right.source, right.number)
    }
}

/// What happens to a simulated member.
package enum MemberEvent<Message> {
    /// The process starts; `contacts` are hosts of members that a directory named.
    case started(contacts: [Int])
    case received(Message, from: Int)
    /// From now on the host has media; before its first packet.
    case publishingStarted
    /// The host's own next packet is to go to the group.
    case packetDue(MediaPacket)
    case wakeupReached
    case leaveRequested
}

/// What a member answers with: datagrams, and packets handed to its user.
package struct Outbox<Message> {
    package struct Datagram {
        package var to: Int
        package var message: Message
        /// Without the headers of IP and UDP.
        package var payloadBytes: Int
        /// The packet of media it carries; `nil`: control traffic.
        package var packet: MediaPacket?
        /// Which of its protocol's control messages it is; below ``Measurements/kindLimit``.
        package var kind: UInt8 = 0
        /// Tells several links to one host apart, as to a process and the one before it; `nil`:
        /// a repair, which was asked for.
        package var link: UInt64? = 0
    }

    package private(set) var datagrams: ContiguousArray<Datagram> = []
    package private(set) var deliveries: ContiguousArray<MediaPacket> = []
    /// Set by a member that has left by itself.
    package var hasLeft = false

    package init() {}

    package mutating func send(_ message: Message, bytes: Int, to host: Int, kind: UInt8 = 0) {
        datagrams.append(
            .init(to: host, message: message, payloadBytes: bytes, packet: nil, kind: kind))
    }

    package mutating func sendMedia(
        _ message: Message, _ packet: MediaPacket, bytes: Int, to host: Int, link: UInt64? = 0
    ) {
        datagrams.append(
            .init(to: host, message: message, payloadBytes: bytes, packet: packet, link: link))
    }

    package mutating func deliver(_ packet: MediaPacket) { deliveries.append(packet) }

    mutating func removeAll() {
        datagrams.removeAll(keepingCapacity: true)
        deliveries.removeAll(keepingCapacity: true)
        hasLeft = false
    }
}

/// A protocol's member as the simulator drives it: Polycast's own, or a baseline's.
///
/// It is told what happened and when, by its own clock, and answers through the outbox. Hosts are
/// named by their index.
package protocol SimulatedMember {
    associatedtype Message

    mutating func handle(
        _ event: MemberEvent<Message>, at now: Instant, into outbox: inout Outbox<Message>)

    /// Earliest moment, by the member's clock, at which it has work of its own.
    var nextWakeup: Instant? { get }

    /// What is wrong with the member at `index`, which has just changed; checkers outside of the
    /// protocol's own code. `nil`: nothing.
    static func violation(of index: Int, among members: ContiguousArray<Self?>) -> String?
}

extension SimulatedMember {
    package static func violation(of index: Int, among members: ContiguousArray<Self?>) -> String? {
        nil
    }
}
