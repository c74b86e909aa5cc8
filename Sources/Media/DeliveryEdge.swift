import NetBasics
import Sockets
import Wire

/// Sends remote streams to local players and tools; never blocks, allocates nothing per packet.
///
/// The driver calls ``deliver(_:of:isControlFlow:)`` for each packet of a received batch, and
/// ``flush()`` before it receives the next.
package struct DeliveryEdge: ~Copyable {
    /// Streams at most; those beyond are refused.
    package static let streamLimit = 4096

    package let specs: [DeliverSpec]
    private var ports: [DeliveryPorts]
    private var slots: [StreamID: Int] = [:]
    private var freeSlots: [Int] = []
    /// For each slot one place per specification.
    private var targets: [Target?] = []
    private var ipv4: DeliveryLane?
    private var ipv6: DeliveryLane?

    private struct Target {
        let isIPv6: Bool
        let data: SocketAddress
        let control: SocketAddress
    }

    /// Opens a socket per address family in use; `reserved` are the endpoints that are published
    /// from, so that nothing is delivered into them.
    package init(_ specs: [DeliverSpec], reserved: [Endpoint] = []) throws(MediaError) {
        self.specs = specs
        ports = []
        for spec in specs {
            ports.append(try Self.ports(for: spec, among: specs, reserved: reserved))
        }
        if specs.contains(where: { !$0.endpoint.address.isIPv6 }) {
            ipv4 = try DeliveryLane(.v4(IPv4Address(rawValue: 0)))
        }
        if specs.contains(where: { $0.endpoint.address.isIPv6 }) {
            ipv6 = try DeliveryLane(.v6(IPv6Address(high: 0, low: 0)))
        }
    }

    // MARK: - Streams

    /// Gives a stream its ports; `false` if an endpoint that takes it has none left.
    ///
    /// Repeating it changes nothing.
    package mutating func add(_ stream: StreamID, format: StreamFormat) -> Bool {
        if slots[stream] != nil { return true }
        guard slots.count < Self.streamLimit else { return false }
        let slot = freeSlot()
        slots[stream] = slot
        var isComplete = true
        for (index, spec) in specs.enumerated() where spec.accepts(format) {
            guard let port = ports[index].allocate(for: stream) else {
                isComplete = false
                continue
            }
            targets[slot * specs.count + index] = target(spec.endpoint.address, port)
        }
        return isComplete
    }

    /// Frees the ports of all streams of a source that has gone.
    package mutating func removeAll(of source: PeerID) {
        flush()
        for index in 0..<UInt8(StreamDescription.streamLimit) {
            let stream = StreamID(source: source, index: index)
            guard let slot = slots.removeValue(forKey: stream) else { continue }
            for place in specs.indices {
                targets[slot * specs.count + place] = nil
                ports[place].release(stream)
            }
            freeSlots.append(slot)
        }
    }

    /// Where the data flow of a stream goes, in the order of the specifications.
    package func endpoints(of stream: StreamID) -> [Endpoint] {
        specs.indices.compactMap { index in
            ports[index].port(of: stream).map {
                Endpoint(address: specs[index].endpoint.address, port: $0)
            }
        }
    }

    // MARK: - Packets

    /// Queues one packet for every endpoint that takes its stream; `body` must stay in place
    /// until ``flush()``.
    package mutating func deliver(
        _ body: UnsafeRawBufferPointer, of stream: StreamID, isControlFlow: Bool
    ) {
        guard let slot = slots[stream] else { return }
        for place in slot * specs.count..<(slot + 1) * specs.count {
            guard let target = targets[place] else { continue }
            let address = isControlFlow ? target.control : target.data
            if target.isIPv6 {
                ipv6?.append(body, to: address)
            } else {
                ipv4?.append(body, to: address)
            }
        }
    }

    package mutating func flush() {
        ipv4?.flush()
        ipv6?.flush()
    }

    /// Packets that the kernel took, over all endpoints.
    package var sentCount: UInt64 { counts.sent }

    /// Packets that the kernel did not take, by reason.
    package var refusals: [(name: String, count: UInt64)] { counts.refusals.reasons }

    private var counts: (sent: UInt64, refusals: SendRefusals) {
        var sum: (sent: UInt64, refusals: SendRefusals) = (0, SendRefusals())
        switch ipv4 {
        case .some(let lane): lane.addCounts(to: &sum)
        case .none: break
        }
        switch ipv6 {
        case .some(let lane): lane.addCounts(to: &sum)
        case .none: break
        }
        return sum
    }

    // MARK: - Helpers

    private mutating func freeSlot() -> Int {
        if let slot = freeSlots.popLast() { return slot }
        targets.append(contentsOf: repeatElement(nil, count: specs.count))
        return slots.count
    }

    private func target(_ address: IPAddress, _ port: UInt16) -> Target {
        let family: AddressFamily = address.isIPv6 ? .v6 : .v4
        return Target(
            isIPv6: address.isIPv6,
            data: SocketAddress(Endpoint(address: address, port: port), family: family),
            control: SocketAddress(Endpoint(address: address, port: port + 1), family: family))
    }

    /// The pairs from the specification's port up to the next specification at that address.
    private static func ports(
        for spec: DeliverSpec, among specs: [DeliverSpec], reserved: [Endpoint]
    ) throws(MediaError) -> DeliveryPorts {
        let base = spec.endpoint.port
        let rivals = specs.filter { $0.endpoint.address == spec.endpoint.address && $0 != spec }
        guard specs.count(where: { $0 == spec }) == 1,
            !rivals.contains(where: { abs(Int($0.endpoint.port) - Int(base)) < 2 })
        else {
            throw MediaError(
                .usage, "two deliveries share ports at \(spec)",
                advice: "leave room between their ports, such as 6000 and 7000")
        }
        let next = rivals.map(\.endpoint.port).filter { $0 > base }.min()
        let blocked = reserved.filter {
            $0.address == spec.endpoint.address || !$0.address.isUnicast
        }
        return DeliveryPorts(
            base: base, last: next.map { $0 - 2 } ?? 65_534, reserved: blocked.map(\.port))
    }
}

/// One socket with its queue.
private struct DeliveryLane: ~Copyable {
    private let socket: UDPSocket
    private var batch = SendBatch()

    /// Opens an unconnected socket on `any` address and a port of the kernel's choice.
    init(_ any: IPAddress) throws(MediaError) {
        do {
            socket = try UDPSocket(binding: Endpoint(address: any, port: 0))
        } catch {
            throw MediaError(
                .system, "cannot open a socket to deliver media: \(error)",
                advice: "deliver to an address of a family that this host has")
        }
    }

    mutating func append(_ body: UnsafeRawBufferPointer, to address: SocketAddress) {
        if batch.isFull { flush() }
        _ = batch.append(headerBytes: 0, body: body, to: address)
    }

    mutating func flush() {
        guard batch.count > 0 else { return }
        _ = batch.flush(on: socket)
    }

    func addCounts(to sum: inout (sent: UInt64, refusals: SendRefusals)) {
        sum.sent &+= batch.sentCount
        sum.refusals.add(batch.refusals)
    }
}

extension IPAddress {
    fileprivate var isIPv6: Bool {
        switch self {
        case .v4: false
        case .v6: true
        }
    }
}
