import NetBasics

// The distance vector: paths make loops visible (section 3.5 of the paper); lines carry sequence
// numbers, so that the same messages refresh the membership (section 3.1).

extension NaradaMember {
    /// Costs that differ by less than this share are not worth an update.
    private static var costTolerance: Float { 0.05 }

    // MARK: - Sending

    mutating func refresh(at now: Instant, into outbox: inout Outbox<Message>) {
        records[Int(own)].sequence += 1
        records[Int(own)].heardAt = now
        let message = completeUpdate()
        for neighbor in neighbors { send(message, to: neighbor.host, into: &outbox) }
    }

    func completeUpdate() -> NaradaMessage {
        var entries: ContiguousArray<NaradaMessage.Entry> = []
        entries.reserveCapacity(groupSize)
        for host in records.indices where records[host].state == .alive {
            entries.append(entry(of: host))
        }
        return .update(entries, degree: Int32(neighbors.count), isComplete: true)
    }

    private func entry(of host: Int) -> NaradaMessage.Entry {
        .init(
            host: Int32(host), sequence: records[host].sequence, cost: routes[host].cost,
            path: routes[host].path)
    }

    mutating func tellChanges(at now: Instant, into outbox: inout Outbox<Message>) {
        schedule.update = .distantFuture
        toldAt = now
        guard !changed.isEmpty else { return }
        var entries: ContiguousArray<NaradaMessage.Entry> = []
        for host in changed {
            isChanged[Int(host)] = false
            entries.append(entry(of: Int(host)))
        }
        changed.removeAll(keepingCapacity: true)
        let message = NaradaMessage.update(
            entries, degree: Int32(neighbors.count), isComplete: false)
        for neighbor in neighbors { send(message, to: neighbor.host, into: &outbox) }
    }

    // MARK: - Receiving

    mutating func receive(
        _ entries: ContiguousArray<NaradaMessage.Entry>, degree: Int, from sender: Int32,
        at now: Instant
    ) {
        guard let place = place(of: sender) else { return }
        neighbors[place].degree = degree
        for entry in entries {
            guard records.indices.contains(Int(entry.host)) else { continue }
            neighbors[place].adverts[Int(entry.host)] = Route(cost: entry.cost, path: entry.path)
            guard entry.host != own else { continue }
            hear(of: entry.host, sequence: entry.sequence, at: now)
            updateRoute(to: Int(entry.host))
        }
    }

    func hearsNothingNew(of host: Int32, sequence: UInt32) -> Bool {
        sequence <= records[Int(host)].sequence
    }

    mutating func hear(of host: Int32, sequence: UInt32, at now: Instant) {
        guard host != own, !hearsNothingNew(of: host, sequence: sequence) else { return }
        if records[Int(host)].state != .alive { groupSize += 1 }
        records[Int(host)] = Record(state: .alive, sequence: sequence, heardAt: now)
    }

    mutating func measured(_ host: Int32, roundTrip: Duration) {
        guard let place = place(of: host) else { return }
        let sample = Self.milliseconds(halfOf: roundTrip)
        guard let known = neighbors[place].delay else {
            neighbors[place].delay = sample
            return updateAllRoutes()
        }
        neighbors[place].delay = 0.8 * known + 0.2 * sample
        if abs(sample - known) > Self.costTolerance * known { updateAllRoutes() }
    }

    // MARK: - Routes

    mutating func updateAllRoutes() {
        for host in routes.indices where host != Int(own) { updateRoute(to: host) }
    }

    /// Chooses the neighbor over which `host` is nearest, and notes what that changes.
    mutating func updateRoute(to host: Int) {
        var best = Float.infinity
        var via = -1
        // Without it, the members would try ever longer paths to the dead one.
        let isDead = records[host].state == .dead
        for place in neighbors.indices where !isDead {
            guard let delay = neighbors[place].delay else { continue }
            let isDirect = neighbors[place].host == Int32(host)
            let cost = isDirect ? delay : delay + neighbors[place].adverts[host].cost
            guard cost < best else { continue }
            if !isDirect, neighbors[place].adverts[host].path.contains(own) { continue }
            best = cost
            via = place
        }
        guard via >= 0 else {
            if routes[host].cost.isFinite { replaceRoute(to: host, with: Route()) }
            return
        }
        install(via, to: host, cost: best)
    }

    private mutating func install(_ via: Int, to host: Int, cost: Float) {
        let isDirect = neighbors[via].host == Int32(host)
        let isSame =
            routes[host].path.first == neighbors[via].host
            && (isDirect
                ? routes[host].path.count == 1
                : routes[host].path.dropFirst().elementsEqual(neighbors[via].adverts[host].path))
        if isSame, abs(cost - routes[host].cost) <= Self.costTolerance * routes[host].cost {
            routes[host].cost = cost
            return
        }
        var path: ContiguousArray<Int32> = [neighbors[via].host]
        if !isDirect { path.append(contentsOf: neighbors[via].adverts[host].path) }
        replaceRoute(to: host, with: Route(cost: cost, path: path))
    }

    private mutating func replaceRoute(to host: Int, with route: Route) {
        routes[host] = route
        guard !isChanged[host] else { return }
        isChanged[host] = true
        changed.append(Int32(host))
    }
}
