import NetBasics

/// Puts fragments of IP packets together, in bounded memory (RFC 791, section 3.2; RFC 8200, 4.5).
///
/// Fragments that overlap are never honest: their packet is given up, as RFC 5722 demands for IPv6.
package struct FragmentTable: Sendable {
    /// Packets that lack fragments at most; the oldest one makes room.
    package static let packetLimit = 256
    /// Longest payload that fragments can make; bytes.
    package static let payloadByteLimit = 65_535
    /// A packet that is not whole after so long is given up.
    ///
    /// RFC 1122, section 3.3.2, has 60 to 120 s; Linux 30 s.
    package static let lifetime = Duration.seconds(30)

    package struct Counts: Equatable, Sendable {
        /// Fragments seen.
        package var fragments: UInt64 = 0
        package var completed: UInt64 = 0
        /// Packets given up since fragments overlapped, or did not fit together.
        package var contradictory: UInt64 = 0
        /// Packets given up since fragments were missing after ``lifetime``, or room was.
        package var incomplete: UInt64 = 0
    }

    private struct Key: Equatable, Sendable {
        var source: IPAddress
        var destination: IPAddress
        var transport: UInt8
        var identification: UInt32
    }

    private struct Partial: Sendable {
        var key: Key
        var since: Instant
        /// In order, without overlap.
        var parts: [(range: Range<Int>, bytes: [UInt8])] = []
        /// Known with the last fragment.
        var byteCount: Int?

        var isComplete: Bool {
            guard let byteCount else { return false }
            return parts.reduce(0) { $0 + $1.range.count } == byteCount
        }
    }

    private var partials: [Partial] = []
    package private(set) var counts = Counts()

    package init() {}

    /// Packets that are not whole yet.
    package var pendingCount: Int { partials.count }

    /// Adds a fragment; returns the payload of the packet that it completes.
    ///
    /// `payload`: what is captured of the fragment's.
    package mutating func add(
        _ packet: IPPacket, payload: RawSpan, at now: Instant
    ) -> [UInt8]? {
        guard let fragment = packet.fragment else { return nil }
        counts.fragments &+= 1
        forget(before: now)
        let key = Key(
            source: packet.source, destination: packet.destination, transport: packet.transport,
            identification: fragment.identification)
        let index = partials.firstIndex { $0.key == key } ?? begin(key, at: now)
        guard let range = range(of: fragment, packet, payload),
            insert(range, payload, isLast: !fragment.hasMore, into: index)
        else {
            partials.remove(at: index)
            counts.contradictory &+= 1
            return nil
        }
        guard partials[index].isComplete else { return nil }
        counts.completed &+= 1
        return partials.remove(at: index).parts.flatMap(\.bytes)
    }

    private mutating func begin(_ key: Key, at now: Instant) -> Int {
        if partials.count == Self.packetLimit {
            partials.removeFirst()
            counts.incomplete &+= 1
        }
        partials.append(Partial(key: key, since: now))
        return partials.count - 1
    }

    /// They are in the order in which they began.
    private mutating func forget(before now: Instant) {
        let old = partials.prefix { now - $0.since > Self.lifetime }.count
        guard old > 0 else { return }
        partials.removeFirst(old)
        counts.incomplete &+= UInt64(old)
    }

    /// `nil` if it cannot be part of a packet, or was not captured whole.
    private func range(
        of fragment: IPPacket.Fragment, _ packet: IPPacket, _ payload: RawSpan
    ) -> Range<Int>? {
        let count = payload.byteCount
        guard count > 0, count == packet.payloadByteCount,
            fragment.offset + count <= Self.payloadByteLimit,
            !fragment.hasMore || count % 8 == 0
        else { return nil }
        return fragment.offset..<fragment.offset + count
    }

    /// `false` if it contradicts what is there.
    private mutating func insert(
        _ range: Range<Int>, _ payload: RawSpan, isLast: Bool, into index: Int
    ) -> Bool {
        let parts = partials[index].parts
        // The same fragment again is a duplicate, not an overlap.
        if parts.contains(where: { $0.range == range }) { return true }
        guard !parts.contains(where: { $0.range.overlaps(range) }) else { return false }
        if isLast {
            let end = parts.last?.range.upperBound ?? 0
            guard partials[index].byteCount == nil, end <= range.lowerBound else { return false }
            partials[index].byteCount = range.upperBound
        } else if let end = partials[index].byteCount, range.upperBound > end {
            return false
        }
        let bytes = (0..<payload.byteCount).map {
            payload.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
        }
        let place = parts.firstIndex { $0.range.lowerBound > range.lowerBound } ?? parts.count
        partials[index].parts.insert((range, bytes), at: place)
        return true
    }
}
