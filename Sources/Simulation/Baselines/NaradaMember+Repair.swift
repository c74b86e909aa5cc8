import NetBasics

// Members that fall silent: failures and partitions (sections 3.2 and 3.3 of the paper).

extension NaradaMember {
    mutating func pingNeighbors(at now: Instant, into outbox: inout Outbox<Message>) {
        for host in neighborHosts {
            guard let place = place(of: host) else { continue }
            if now - neighbors[place].heardAt >= parameters.neighborTimeout {
                removeNeighbor(host)
                announceGone(host, at: now, into: &outbox)
            } else {
                send(.ping(sentAt: now), to: host, into: &outbox)
            }
        }
    }

    private mutating func announceGone(
        _ host: Int32, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        let notice = NaradaMessage.gone(host: host, sequence: records[Int(host)].sequence)
        bury(host)
        // It may only be cut off: it is asked again later.
        silent.append((host, now))
        for neighbor in neighbors { send(notice, to: neighbor.host, into: &outbox) }
    }

    /// Takes the member for dead until a later sequence number of it appears.
    mutating func bury(_ host: Int32) {
        silent.removeAll { $0.host == host }
        if records[Int(host)].state == .alive { groupSize -= 1 }
        records[Int(host)].state = .dead
        updateRoute(to: Int(host))
    }

    mutating func receiveGone(
        _ host: Int32, _ sequence: UInt32, from sender: Int32, at now: Instant,
        into outbox: inout Outbox<Message>
    ) {
        guard records.indices.contains(Int(host)) else { return }
        if host == own {
            // Not so: the next number says it.
            records[Int(own)].sequence = max(records[Int(own)].sequence, sequence) + 1
            return
        }
        guard records[Int(host)].state == .alive, sequence >= records[Int(host)].sequence else {
            return
        }
        records[Int(host)].sequence = sequence
        // Who is heard oneself is not dead; who says so of itself leaves.
        if place(of: host) != nil, sender != host { return }
        bury(host)
        removeNeighbor(host)
        let notice = NaradaMessage.gone(host: host, sequence: sequence)
        for neighbor in neighbors where neighbor.host != sender {
            send(notice, to: neighbor.host, into: &outbox)
        }
    }

    /// Asks silent members for a link: those long in the queue at once, others by chance, so that
    /// the whole of a partition does not ask at the same time.
    mutating func repairPartitions(at now: Instant, into outbox: inout Outbox<Message>) {
        updateSilent(at: now)
        while let first = silent.first, now - first.since >= parameters.memberTimeout {
            silent.removeFirst()
            request(first.host, isStranded: true, at: now, into: &outbox)
        }
        guard let first = silent.first else { return }
        let chance = Double(silent.count) / Double(max(1, groupSize))
        if generator.uniformFraction() < chance {
            silent.removeFirst()
            request(first.host, isStranded: true, at: now, into: &outbox)
        }
    }

    private mutating func updateSilent(at now: Instant) {
        let limit = parameters.memberTimeout
        silent.removeAll { entry in
            let record = records[Int(entry.host)]
            return record.state == .alive && now - record.heardAt < limit
        }
        for host in records.indices where records[host].state == .alive && host != Int(own) {
            guard now - records[host].heardAt >= limit, place(of: Int32(host)) == nil,
                !silent.contains(where: { $0.host == Int32(host) }),
                !requests.contains(where: { $0.host == Int32(host) })
            else { continue }
            silent.append((Int32(host), now))
        }
    }
}
