import Forwarding
import NetBasics

/// What routers of publish-and-subscribe have in common: connections, and which messages they saw.
struct FloodPeers: Sendable {
    /// Hosts that are connected, in no meaningful order.
    private(set) var connected: ContiguousArray<Int32> = []
    /// When each of them was last heard of.
    private var heardAt: ContiguousArray<Instant> = []
    private var seen: [(source: Int32, numbers: SequenceWindow)] = []

    /// Connects to the hosts that are not connected yet.
    mutating func dial(
        _ hosts: some Sequence<Int32>, at now: Instant, into outbox: inout Outbox<GossipSubMessage>
    ) {
        for host in hosts where insert(host, at: now) {
            outbox.send(
                .connect, bytes: GossipSubBytes.subscription, to: Int(host),
                kind: GossipSubControl.connect.rawValue)
        }
    }

    /// Whether the host was not connected before.
    @discardableResult
    mutating func insert(_ host: Int32, at now: Instant) -> Bool {
        if connected.contains(host) { return false }
        connected.append(host)
        heardAt.append(now)
        return true
    }

    mutating func remove(_ host: Int32) {
        guard let place = connected.firstIndex(of: host) else { return }
        connected.remove(at: place)
        heardAt.remove(at: place)
    }

    mutating func hear(_ host: Int32, at now: Instant) {
        if let place = connected.firstIndex(of: host) { heardAt[place] = now }
    }

    /// The hosts that were last heard of before `instant`.
    func silent(since instant: Instant) -> [Int32] {
        connected.indices.filter { heardAt[$0] < instant }.map { connected[$0] }
    }

    /// Tells everybody that this host goes.
    func close(into outbox: inout Outbox<GossipSubMessage>) {
        for host in connected {
            outbox.send(
                .disconnect, bytes: GossipSubBytes.fixed, to: Int(host),
                kind: GossipSubControl.disconnect.rawValue)
        }
        outbox.hasLeft = true
    }

    /// Records a message; `false` if it had been seen, or is too old to tell.
    mutating func see(_ packet: MediaPacket) -> Bool {
        let number = UInt32(bitPattern: packet.number)
        if let place = seen.firstIndex(where: { $0.source == packet.source }) {
            return seen[place].numbers.insert(number) == .new
        }
        seen.append((packet.source, SequenceWindow()))
        return seen[seen.count - 1].numbers.insert(number) == .new
    }

    func hasSeen(_ packet: MediaPacket) -> Bool {
        seen.first { $0.source == packet.source }?
            .numbers.contains(UInt32(bitPattern: packet.number)) ?? false
    }
}

extension SeededGenerator {
    /// Puts the hosts in random order (Fisher and Yates).
    mutating func shuffle(_ hosts: inout ContiguousArray<Int32>) {
        guard hosts.count > 1 else { return }
        for index in 0..<(hosts.count - 1) {
            hosts.swapAt(index, index + uniform(below: hosts.count - index))
        }
    }
}
