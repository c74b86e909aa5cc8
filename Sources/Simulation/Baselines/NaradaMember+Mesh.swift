import NetBasics

// Links come and go: joining, the improvement of the mesh (section 3.4 of the paper).

extension NaradaMember {
    private static var tries: Int { 3 }

    // MARK: - Making links

    mutating func request(
        _ host: Int32, isStranded: Bool, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        guard host != own, place(of: host) == nil, !requests.contains(where: { $0.host == host })
        else { return }
        requests.append(
            Request(
                host: host, isStranded: isStranded, sentAt: now,
                deadline: now + parameters.answerTimeout, triesLeft: Self.tries - 1))
        send(.linkRequest(isStranded: isStranded), to: host, into: &outbox)
    }

    /// Members without neighbors, and partitions, are let in above the limit.
    mutating func receiveRequest(
        _ isStranded: Bool, from sender: Int32, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        let isKnown = place(of: sender) != nil
        let isAccepted =
            isKnown || neighbors.count < parameters.degreeLimit + (isStranded ? 2 : 0)
        send(.linkReply(isAccepted: isAccepted), to: sender, into: &outbox)
        guard isAccepted, !isKnown else { return }
        addNeighbor(sender, delay: nil, at: now, into: &outbox)
        send(.ping(sentAt: now), to: sender, into: &outbox)
    }

    mutating func receiveReply(
        _ isAccepted: Bool, from sender: Int32, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        guard let place = requests.firstIndex(where: { $0.host == sender }) else { return }
        let request = requests.remove(at: place)
        // A refusal shows that the member lives.
        if !isAccepted {
            silent.removeAll { $0.host == sender }
            records[Int(sender)].heardAt = now
            return seekContact(at: now, into: &outbox)
        }
        guard self.place(of: sender) == nil else { return }
        let isFirstTry = request.triesLeft == Self.tries - 1
        let delay = isFirstTry ? Self.milliseconds(halfOf: now - request.sentAt) : nil
        addNeighbor(sender, delay: delay, at: now, into: &outbox)
        if delay == nil { send(.ping(sentAt: now), to: sender, into: &outbox) }
    }

    private mutating func addNeighbor(
        _ host: Int32, delay: Float?, at now: Instant, into outbox: inout Outbox<Message>
    ) {
        let adverts = ContiguousArray(repeating: Route(), count: routes.count)
        neighbors.append(
            Neighbor(host: host, delay: delay, heardAt: now, since: now, adverts: adverts))
        if records[Int(host)].state != .alive { groupSize += 1 }
        records[Int(host)].state = .alive
        records[Int(host)].heardAt = now
        silent.removeAll { $0.host == host }
        if delay != nil { updateAllRoutes() }
        send(completeUpdate(), to: host, into: &outbox)
    }

    mutating func removeNeighbor(_ host: Int32) {
        guard let place = place(of: host) else { return }
        neighbors.remove(at: place)
        for member in routes.indices where routes[member].path.first == host {
            updateRoute(to: member)
        }
    }

    /// A member with too few neighbors asks another contact, or any member it knows.
    private mutating func seekContact(at now: Instant, into outbox: inout Outbox<Message>) {
        guard neighbors.count + requests.count < parameters.degreeMinimum else { return }
        let isStranded = neighbors.isEmpty
        let hosts = contacts.filter { place(of: $0) == nil && records[Int($0)].state != .dead }
        guard !hosts.isEmpty else { return }
        let host = hosts[generator.uniform(below: hosts.count)]
        request(host, isStranded: isStranded, at: now, into: &outbox)
    }

    mutating func expireRequests(at now: Instant, into outbox: inout Outbox<Message>) {
        var place = 0
        while place < requests.count {
            guard requests[place].deadline <= now else {
                place += 1
                continue
            }
            let request = requests[place]
            if request.triesLeft > 0 {
                requests[place].triesLeft -= 1
                requests[place].deadline = now + parameters.answerTimeout
                send(.linkRequest(isStranded: request.isStranded), to: request.host, into: &outbox)
                place += 1
            } else {
                requests.remove(at: place)
                bury(request.host)
                seekContact(at: now, into: &outbox)
            }
        }
    }

    // MARK: - Improving the mesh

    mutating func improve(at now: Instant, into outbox: inout Outbox<Message>) {
        if dropLeast(at: now, into: &outbox) { return }
        guard let host = randomStranger() else {
            return seekContact(at: now, into: &outbox)
        }
        if neighbors.count + requests.count < parameters.degreeMinimum {
            request(host, isStranded: neighbors.isEmpty, at: now, into: &outbox)
        } else if neighbors.count < parameters.degreeLimit {
            send(.probe(sentAt: now), to: host, into: &outbox)
        }
    }

    private mutating func randomStranger() -> Int32? {
        let strangers = groupSize - 1 - neighbors.count
        guard strangers > 0 else { return nil }
        // Most members are strangers: a few draws find one.
        for _ in 0..<(8 * records.count) {
            let host = generator.uniform(below: records.count)
            if host != Int(own), records[host].state == .alive, place(of: Int32(host)) == nil {
                return Int32(host)
            }
        }
        return nil
    }

    func answerProbe(_ sentAt: Instant, from sender: Int32, into outbox: inout Outbox<Message>) {
        let costs = ContiguousArray(routes.map { $0.cost })
        let reply = NaradaMessage.probeReply(
            sentAt: sentAt, degree: Int32(neighbors.count), costs: costs, count: Int32(groupSize))
        send(reply, to: sender, into: &outbox)
    }

    /// Adds a link to `host` if its utility is high enough for both members' degrees.
    mutating func evaluate(
        _ host: Int32, delay: Float, degree: Int, costs: ContiguousArray<Float>, at now: Instant,
        into outbox: inout Outbox<Message>
    ) {
        guard place(of: host) == nil, max(degree, neighbors.count) < parameters.degreeLimit,
            costs.count == routes.count
        else { return }
        var utility: Float = 0
        for member in routes.indices where member != Int(own) {
            let current = routes[member].cost
            let offered = delay + (member == Int(host) ? 0 : costs[member])
            guard offered < current else { continue }
            utility += current.isFinite ? (current - offered) / current : 1
        }
        let crowding = self.crowding(max(degree, neighbors.count))
        let threshold = parameters.addShare * Double(groupSize) * (1 + crowding)
        if Double(utility) > threshold {
            request(host, isStranded: false, at: now, into: &outbox)
        }
    }

    /// Where `degree` lies between the least degree (0) and the limit (1).
    private func crowding(_ degree: Int) -> Double {
        let width = max(1, parameters.degreeLimit - parameters.degreeMinimum)
        return min(1, max(0, Double(degree - parameters.degreeMinimum) / Double(width)))
    }

    /// Drops the link of least consensus cost if that is low, or if there are too many.
    private mutating func dropLeast(at now: Instant, into outbox: inout Outbox<Message>) -> Bool {
        var least = Int.max
        var chosen = -1
        for place in neighbors.indices {
            let neighbor = neighbors[place]
            guard neighbor.degree > parameters.degreeMinimum,
                now - neighbor.since >= parameters.linkRest
            else { continue }
            let cost = consensusCost(place)
            if cost < least {
                least = cost
                chosen = place
            }
        }
        guard chosen >= 0, neighbors.count > parameters.degreeMinimum else { return false }
        let crowding = self.crowding(max(neighbors.count, neighbors[chosen].degree))
        let threshold = parameters.dropShare * Double(groupSize) * crowding
        guard neighbors.count > parameters.degreeLimit || Double(least) < threshold else {
            return false
        }
        let host = neighbors[chosen].host
        send(.linkDropped, to: host, into: &outbox)
        removeNeighbor(host)
        return true
    }

    /// Members to which either end reaches over the other; the larger of the two.
    private func consensusCost(_ place: Int) -> Int {
        let host = neighbors[place].host
        let there = routes.count { $0.path.first == host }
        let back = neighbors[place].adverts.count { $0.path.first == own }
        return max(there, back)
    }
}
