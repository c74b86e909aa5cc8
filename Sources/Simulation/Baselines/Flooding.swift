import NetBasics

/// A router that forwards every new message to its peers: the baseline with the least delay and the
/// most copies.
package struct FloodingMember: SimulatedMember {
    /// Whom a message does not go to.
    package enum Rule: Sendable {
        /// Nobody but the peer that it came from.
        case naive
        /// Floodsub's: nor its source (libp2p specifications, gossipsub v1.0, "In the beginning").
        case floodSub
    }

    private let host: Int32
    private let rule: Rule
    private let bodyBytes: Int
    private var generator: SeededGenerator
    private var peers = FloodPeers()
    private var order: ContiguousArray<Int32> = []

    package typealias Message = GossipSubMessage

    package init(host: Int, rule: Rule, bodyBytes: Int, generator: inout SeededGenerator) {
        self.host = Int32(host)
        self.rule = rule
        self.bodyBytes = bodyBytes
        self.generator = generator.child()
    }

    package var nextWakeup: Instant? { nil }

    package mutating func handle(
        _ event: MemberEvent<Message>, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        switch event {
        case .started(let contacts):
            peers.dial(contacts.lazy.map { Int32($0) }, at: now, into: &outbox)
        case .packetDue(let packet):
            _ = peers.see(packet)
            flood(packet, except: host, into: &outbox)
        case .received(.payload(let packet), let sender):
            guard peers.see(packet) else { return }
            outbox.deliver(packet)
            flood(packet, except: Int32(sender), into: &outbox)
        case .received(.connect, let sender):
            peers.insert(Int32(sender), at: now)
        case .received(.disconnect, let sender):
            peers.remove(Int32(sender))
        case .leaveRequested:
            peers.close(into: &outbox)
        case .received, .publishingStarted, .wakeupReached:
            break
        }
    }

    private mutating func flood(
        _ packet: MediaPacket, except sender: Int32, into outbox: inout Outbox<Message>
    ) {
        order.removeAll(keepingCapacity: true)
        for peer in peers.connected where peer != sender {
            if rule == .naive || peer != packet.source { order.append(peer) }
        }
        generator.shuffle(&order)
        for peer in order {
            outbox.sendMedia(
                .payload(packet), packet, bytes: GossipSubBytes.payload + bodyBytes, to: Int(peer))
        }
    }
}
