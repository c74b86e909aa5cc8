import NetBasics

// What is left to be reckoned when a simulation ends.

extension Measurements {
    /// Packets that hosts should have received and did not; for hosts that never received
    /// anything, all of those sent while they were there (after five seconds).
    func missed(until end: Instant) -> Int {
        let ordered = sources.keys.sorted()
        return hosts.indices.reduce(0) { sum, host in
            ordered.reduce(sum) { $0 + missed(by: host, of: Int($1), until: end) }
        }
    }

    /// The same of one host and one source.
    func missed(by host: Int, of index: Int, until end: Instant) -> Int {
        let state = hosts[host]
        guard host != index, let startedAt = state.startedAt, let source = sources[Int32(index)]
        else { return 0 }
        let leftAt = state.endedAt.map { $0 + (.zero - Self.grace) } ?? .distantFuture
        let reception = state.receptions.first { $0.source == Int32(index) }
        let from =
            reception?.firstNumber
            ?? Self.firstNumber(of: source, after: startedAt + .seconds(5))
        return missed(reception, of: source, from: from, until: min(end, leftAt))
    }

    private static func firstNumber(of source: Source, after instant: Instant) -> Int32 {
        source.firstNumber + Int32(source.sentAt.count { $0 < instant })
    }

    private func missed(
        _ reception: Reception?, of source: Source, from first: Int32, until end: Instant
    ) -> Int {
        var missed = 0
        for (place, sentAt) in source.sentAt.enumerated()
        where sentAt >= measuredFrom && sentAt < end {
            let number = source.firstNumber + Int32(place)
            guard number >= first else { continue }
            if reception?.holds(Int(number - first)) != true { missed += 1 }
        }
        return missed
    }

    /// Pairs of a host that is up and a source that sends, where the host had nothing of the
    /// source since `instant`.
    func unreached(since instant: Instant) -> Int {
        let sending = sources.filter { ($0.value.sentAt.last ?? .zero) >= instant }.keys.sorted()
        var count = 0
        for (host, state) in hosts.enumerated() where state.startedAt != nil && state.endedAt == nil
        {
            for source in sending where source != Int32(host) {
                let last = state.receptions.first { $0.source == source }?.last ?? .zero
                if last < instant { count += 1 }
            }
        }
        return count
    }

    /// Traffic that each host but `left` sent, headers included; bit/s.
    func rates(
        until end: Instant, without left: Int?, of bytes: (Host) -> Int
    ) -> Histogram {
        var rates = Histogram()
        for (index, host) in hosts.enumerated() where index != left && host.startedAt != nil {
            let seconds = ((host.endedAt ?? end) - host.countedFrom).seconds
            if seconds >= 1 { rates.add(Double(bytes(host) * 8) / seconds) }
        }
        return rates
    }

    /// The largest share of its uplink that any host's media took; `nil`: no uplink is limited.
    func uplinkUse(until end: Instant, uplinks: ContiguousArray<UInt32?>) -> Double? {
        var largest: Double?
        for (host, uplink) in zip(hosts, uplinks) where host.startedAt != nil {
            guard let uplink else { continue }
            let seconds = ((host.endedAt ?? end) - host.countedFrom).seconds
            guard seconds >= 1 else { continue }
            let share = Double(host.mediaBytes * 8) / seconds / (1000 * Double(max(1, uplink)))
            largest = max(largest ?? 0, share)
        }
        return largest
    }

    /// Who feeds whom, as of the last packets; receivers without any since `instant` are left out.
    func trees(since instant: Instant) -> [DeliveredTree] {
        sources.keys.sorted().map { source in
            var tree = DeliveredTree(source: Int(source), receivers: [])
            for (host, state) in hosts.enumerated()
            where state.startedAt != nil && state.endedAt == nil && Int32(host) != source {
                guard let reception = state.receptions.first(where: { $0.source == source }),
                    reception.last >= instant
                else { continue }
                tree.receivers.append(
                    .init(
                        host: host, parent: Int(reception.lastFrom), delay: reception.lastDelay))
            }
            return tree
        }
    }
}

extension Measurements.Reception {
    fileprivate func holds(_ offset: Int) -> Bool {
        offset / 64 < seen.count && seen[offset / 64] >> UInt64(offset % 64) & 1 == 1
    }
}

/// Who fed whom with the last packets of a source.
package struct DeliveredTree: Equatable, Sendable {
    package struct Receiver: Equatable, Sendable {
        package var host: Int
        package var parent: Int
        /// From the source.
        package var delay: Duration
    }

    package var source: Int
    package var receivers: [Receiver]
}
