import Wire

/// Port pairs for remote streams: from a base upward, the lowest free one first.
package struct DeliveryPorts: Sendable {
    package let base: UInt16
    /// Pairs between the base and the end.
    package let pairCount: Int

    private var pairs: [StreamID: Int] = [:]
    private var taken: [Bool] = []

    /// Hands out pairs from `base`; the last starts at `last` or below, 65534 at most.
    ///
    /// Pairs with a port of `reserved` are never handed out.
    package init(base: UInt16, last: UInt16 = 65_534, reserved: [UInt16] = []) {
        self.base = base
        let end = min(last, 65_534)
        pairCount = end < base ? 0 : Int(end - base) / 2 + 1
        for port in reserved where port >= base && Int(port - base) / 2 < pairCount {
            let pair = Int(port - base) / 2
            while taken.count <= pair { taken.append(false) }
            taken[pair] = true
        }
    }

    /// The first port of the stream's pair, new or as before; `nil` when none is left.
    package mutating func allocate(for stream: StreamID) -> UInt16? {
        if let port = port(of: stream) { return port }
        let pair = taken.firstIndex(of: false) ?? taken.count
        guard pair < pairCount else { return nil }
        if pair == taken.count { taken.append(true) } else { taken[pair] = true }
        pairs[stream] = pair
        return base + UInt16(2 * pair)
    }

    package func port(of stream: StreamID) -> UInt16? {
        pairs[stream].map { base + UInt16(2 * $0) }
    }

    package mutating func release(_ stream: StreamID) {
        guard let pair = pairs.removeValue(forKey: stream) else { return }
        taken[pair] = false
    }
}
