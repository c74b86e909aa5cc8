import Forwarding
import NetBasics
import Parity
import Sealing
import Sockets
import Wire

// Parity: shards for children that asked for them, and packets computed from those that came.

extension MediaPlane {
    // MARK: - The parent's side

    /// Sends parity of the block that this packet completed, if a child wants it.
    mutating func sendParity(
        after header: MediaHeader, at now: Instant, on socket: borrowing UDPSocket
    ) {
        guard let plan = forwarder.parityPlan(completedBy: header, at: now),
            var block = ParityBlock(width: ParityBlock.prefixBytes + plan.longestBody)
        else { return }
        var children: [(neighbor: RepairAsker, rows: Int)] = []
        for child in plan.children
        where carries(shardBytes: block.width, to: child.neighbor)
            && forwarder.grantParity(child.rows, of: plan, at: now)
        {
            children.append(child)
        }
        guard !children.isEmpty else { return }
        for (index, packet) in plan.packets.enumerated() {
            guard let body = bodies.body(at: packet.slot, byteCount: packet.bodyBytes),
                block.add(body, isControlFlow: packet.isControlFlow, at: index)
            else { return }
        }
        block.encode()
        // Parity follows the packets that it is of.
        fanOut(on: socket)
        let rows = children.reduce(0) { max($0, $1.rows) }
        for row in 0..<min(rows, ParityHeader.rowLimit) {
            let shard = sealed(block.parity(row: row), on: socket)
            for child in children where row < child.rows {
                send(shard, UInt8(row), of: plan, to: child.neighbor, on: socket)
            }
        }
    }

    /// Whether a shard reaches a child in one datagram, over a link that has rate to spare.
    private mutating func carries(shardBytes: Int, to neighbor: RepairAsker) -> Bool {
        guard let keys = tags.keys[neighbor.localToken] else { return false }
        if let flow = rates.flows.place(of: neighbor.endpoint), rates.flows.isLimited(flow) {
            return false
        }
        let count = MediaHeader.bodyOffset + shardBytes + ShardDigest.byteCount
        guard count > keys.datagramLimit else { return true }
        pieces.longLinks.insert(neighbor.localToken)
        return false
    }

    /// A shard and its digest, where they stay until ``flush(on:)``.
    private mutating func sealed(
        _ shard: ArraySlice<UInt8>, on socket: borrowing UDPSocket
    ) -> UnsafeRawBufferPointer {
        makeRoom(for: shard.count + ShardDigest.byteCount, on: socket)
        let place = bodies.reserve(shard.count + ShardDigest.byteCount).bytes
        shard.withUnsafeBytes { source in
            place.copyMemory(from: source)
            let digest = UnsafeMutableRawBufferPointer(rebasing: place[source.count...])
            ShardDigest.write(of: source, into: digest)
        }
        return UnsafeRawBufferPointer(place)
    }

    private mutating func send(
        _ shard: UnsafeRawBufferPointer, _ row: UInt8, of plan: ParityPlan,
        to neighbor: RepairAsker, on socket: borrowing UDPSocket
    ) {
        guard let keys = tags.keys[neighbor.localToken] else { return }
        if outgoing.isFull { outgoing.makeRoom(on: socket) }
        let header = ParityHeader(
            token: neighbor.token, stream: plan.stream, row: row, base: plan.base,
            keyPhase: keys.sendPhase)
        let place = outgoing.append(
            headerBytes: MediaHeader.bodyOffset, body: shard,
            to: SocketAddress(neighbor.endpoint, family: socket.family))
        header.words.store(into: place)
        guard let start = shard.baseAddress else { return }
        keys.send.tag(
            header: UnsafeRawBufferPointer(start: place, count: MediaHeader.byteCount),
            seal: start + (shard.count - ShardDigest.byteCount)
        ).write(to: place + MediaHeader.byteCount)
    }

    // MARK: - The child's side

    /// Takes in a parity datagram, and what can be computed with it; as ``receive(_:at:wallNanoseconds:on:)``.
    package mutating func receiveParity(
        _ datagram: UnsafeRawBufferPointer, at now: Instant, wallNanoseconds: UInt64,
        on socket: borrowing UDPSocket
    ) {
        guard forwarder.usesParity else { return drop(Self.unexpectedParity) }
        guard let header = authenticParity(datagram) else { return }
        let end = datagram.count - ShardDigest.byteCount
        let shard = UnsafeRawBufferPointer(rebasing: datagram[MediaHeader.bodyOffset..<end])
        switch forwarder.judgeParity(header, at: now) {
        case .unneeded: return
        case .unexpected: return drop(Self.unexpectedParity)
        case .needed: break
        }
        guard shard.count <= ParityBlock.prefixBytes + ParityBlock.bodyLimit,
            parity.add(shard, header)
        else { return drop(Self.unexpectedParity) }
        restore(header.stream, header.base, at: now, wallNanoseconds: wallNanoseconds, on: socket)
        if let block = parity.block(header.stream, header.base) {
            forwarder.spareRequests(
                of: header.stream, from: header.base, rows: block.rowCount, at: now)
        }
    }

    private static var unexpectedParity: String { "unexpected_parity" }

    private mutating func authenticParity(_ datagram: UnsafeRawBufferPointer) -> ParityHeader? {
        let needed = MediaHeader.bodyOffset + ParityBlock.prefixBytes + ShardDigest.byteCount
        do throws(DecodeError) {
            let header = try ParityHeader(decoding: datagram.bytes)
            guard let start = datagram.baseAddress, datagram.count >= needed else {
                throw .truncated(needed: needed, available: datagram.count)
            }
            let digest = datagram.count - ShardDigest.byteCount
            let verdict = tags.judge(
                header.words, header.token, keyPhase: header.keyPhase, seal: start + digest,
                at: start)
            guard verdict == .authentic,
                ShardDigest.matches(
                    UnsafeRawBufferPointer(rebasing: datagram[digest...]),
                    UnsafeRawBufferPointer(rebasing: datagram[MediaHeader.bodyOffset..<digest]))
            else {
                drop(verdict == .unknownLink ? "unknown_link" : "not_from_neighbor")
                return nil
            }
            return header
        } catch {
            drop(error.reason)
            return nil
        }
    }

    /// Computes what a block lacks, if its packets and shards suffice.
    mutating func restore(
        _ stream: StreamID, _ base: UInt32, at now: Instant, wallNanoseconds: UInt64,
        on socket: borrowing UDPSocket
    ) {
        guard let known = parity.block(stream, base), var block = ParityBlock(width: known.width)
        else { return }
        for index in 0..<ParityBlock.packetCount {
            guard let entry = forwarder.cachedPacket(stream, base &+ UInt32(index), at: now),
                let body = bodies.body(at: entry.slot, byteCount: entry.bodyBytes)
            else { continue }
            _ = block.add(body, isControlFlow: entry.isControlFlow, at: index)
        }
        for (row, shard) in known.rows.enumerated() where !shard.isEmpty {
            _ = shard.withUnsafeBytes { block.add(parity: $0, row: row) }
        }
        let missing = block.missing
        guard missing == 0 || (block.isEnough && block.restore()) else { return }
        parity.remove(stream, base)
        for index in 0..<ParityBlock.packetCount where missing >> UInt16(index) & 1 == 1 {
            guard let packet = block.packet(at: index) else {
                drop(Self.unexpectedParity)
                continue
            }
            pass(
                packet.body, isControlFlow: packet.isControlFlow,
                stream, base &+ UInt32(index), at: now, wallNanoseconds, on: socket)
        }
    }

    /// Forwards and delivers a packet that was computed, as one that came.
    private mutating func pass(
        _ restored: ArraySlice<UInt8>, isControlFlow: Bool, _ stream: StreamID, _ sequence: UInt32,
        at now: Instant, _ wallNanoseconds: UInt64, on socket: borrowing UDPSocket
    ) {
        guard restored.count >= MediaTagKey.sealBytes else { return }
        let judged = forwarder.receiveRestored(
            stream, sequence, isControlFlow: isControlFlow, bodyBytes: restored.count, at: now)
        guard let (header, passage) = judged else { return }
        makeRoom(for: restored.count, on: socket)
        let place = bodies.reserve(restored.count)
        restored.withUnsafeBytes { place.bytes.copyMemory(from: $0) }
        forwarder.keep(
            header, slot: place.slot, oldest: bodies.oldest, bodyBytes: restored.count, at: now)
        if rates.flows.isAnyLimited {
            queue(header, passage, place.slot, restored.count, at: now)
        }
        let body = UnsafeRawBufferPointer(place.bytes)
        append(header.words, passage, body, on: socket)
        deliver(body, of: header, at: now, wallNanoseconds: wallNanoseconds, on: socket)
        sendParity(after: header, at: now, on: socket)
    }
}
