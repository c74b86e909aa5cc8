import NetBasics

/// What a scenario does to hosts.
package enum SimulationStep: Sendable {
    case start(host: Int, contacts: [Int])
    case crash(host: Int)
    case leave(host: Int)
    /// Packets every `interval`, until the host ends or `until`.
    case publish(host: Int, interval: Duration, until: Instant)
    /// One packet from whoever publishes, now.
    case burst(host: Int)
    case startMeasuring
}

/// Drives members of one protocol over a simulated network in virtual time.
///
/// Everything comes from the seed of its generator: the same members, steps and seed give the
/// same run. Costs grow with the number of events; a host that is not up costs nothing.
package struct Simulator<Member: SimulatedMember> {
    enum Event {
        case datagram(Member.Message, from: Int32, to: Int32, packet: MediaPacket?, hops: UInt8)
        case wakeup(Int32)
        case packetDue(Int32, interval: Duration, until: Instant)
        case step(SimulationStep)
    }

    /// What the simulator keeps of a host besides its member.
    struct Host {
        var isUp = false
        /// How often it was started.
        var lives = 0
        /// When it is to be woken, as far as is scheduled.
        var wakeup: Instant = .distantFuture
        var nextNumber: Int32 = 0
        /// How much faster than virtual time its clock runs.
        var drift = 0.0
    }

    package private(set) var now = Instant.zero
    package private(set) var members: ContiguousArray<Member?>
    private(set) var hosts: ContiguousArray<Host>
    var network: Network
    package var measurements: Measurements
    package private(set) var violations: [String] = []
    /// Checks the protocol's invariants after every event that is no media.
    package var checksInvariants = false
    package private(set) var eventCount = 0
    /// Finds packets that are forwarded twice to one child; `nil`: nobody looks.
    var ledger: ForwardingLedger?

    private var queue = EventQueue<Event>()
    private var outbox = Outbox<Member.Message>()
    private let makeMember: (Int, inout SeededGenerator) -> Member
    private var generator: SeededGenerator
    static var violationLimit: Int { 20 }
    /// The interval of who sends when told to; no silence counts as an outage.
    private static var irregular: Duration { .seconds(1_000_000) }

    /// Hosts without processes; `makeMember` makes the process that a host starts.
    package init(
        underlay: Underlay, faults: Faults, generator: inout SeededGenerator,
        makeMember: @escaping (Int, inout SeededGenerator) -> Member
    ) {
        let hostCount = underlay.hostCount
        network = Network(underlay: underlay, faults: faults, generator: generator.child())
        self.generator = generator.child()
        self.makeMember = makeMember
        members = ContiguousArray(repeating: nil, count: hostCount)
        hosts = ContiguousArray(repeating: Host(), count: hostCount)
        measurements = Measurements(hostCount: hostCount)
        guard faults.clockDrift > 0 else { return }
        for index in hosts.indices {
            hosts[index].drift = faults.clockDrift * (2 * self.generator.uniformFraction() - 1)
        }
    }

    package func isUp(_ host: Int) -> Bool { hosts[host].isUp }

    package mutating func schedule(_ step: SimulationStep, at instant: Instant) {
        queue.insert(.step(step), at: instant)
    }

    // MARK: - Running

    /// Lets everything happen that is due up to `end`; `shouldStop`, which is told the moment, is
    /// asked now and then.
    package mutating func run(
        until end: Instant, shouldStop: (Instant) -> Bool = { _ in false }
    ) {
        var sinceAsked = 0
        while let next = queue.nextInstant, next <= end, let entry = queue.popFirst() {
            now = entry.at
            eventCount += 1
            perform(entry.event)
            sinceAsked += 1
            if sinceAsked == 512 {
                sinceAsked = 0
                if shouldStop(now) { return }
            }
        }
        now = end
    }

    private mutating func perform(_ event: Event) {
        switch event {
        case .datagram(let message, let from, let to, let packet, let hops):
            guard hosts[Int(to)].isUp else { return }
            handle(
                .received(message, from: Int(from)), on: Int(to), from: Int(from), packet: packet,
                hops: hops)
        case .wakeup(let index):
            let host = Int(index)
            guard hosts[host].isUp, hosts[host].wakeup <= now else { return }
            hosts[host].wakeup = .distantFuture
            handle(.wakeupReached, on: host)
        case .packetDue(let index, let interval, let until):
            publishNext(Int(index), interval: interval, until: until)
        case .step(let step):
            perform(step)
        }
    }

    private mutating func perform(_ step: SimulationStep) {
        switch step {
        case .start(let host, let contacts):
            guard !hosts[host].isUp else { return }
            hosts[host].isUp = true
            hosts[host].lives += 1
            members[host] = makeMember(host, &generator)
            measurements.start(host, at: now)
            handle(.started(contacts: contacts), on: host)
        case .crash(let host):
            end(host)
        case .leave(let host):
            if hosts[host].isUp { handle(.leaveRequested, on: host) }
        case .publish(let host, let interval, let until):
            guard hosts[host].isUp else { return }
            handle(.publishingStarted, on: host)
            // Sources do not send in step with each other.
            let shift = Double(interval.nanoseconds) * generator.uniformFraction()
            queue.insert(
                .packetDue(Int32(host), interval: interval, until: until),
                at: now + .nanoseconds(Int64(shift)))
        case .burst(let host):
            publishOne(host, interval: Self.irregular)
        case .startMeasuring:
            measurements.startMeasuring(at: now)
        }
    }

    private mutating func end(_ host: Int) {
        guard hosts[host].isUp else { return }
        hosts[host].isUp = false
        hosts[host].wakeup = .distantFuture
        members[host] = nil
        measurements.end(host, at: now)
    }

    private mutating func publishNext(_ host: Int, interval: Duration, until: Instant) {
        guard hosts[host].isUp, now < until else { return }
        publishOne(host, interval: interval)
        queue.insert(
            .packetDue(Int32(host), interval: interval, until: until), at: now + interval)
    }

    private mutating func publishOne(_ host: Int, interval: Duration) {
        guard hosts[host].isUp else { return }
        let packet = MediaPacket(source: Int32(host), number: hosts[host].nextNumber)
        hosts[host].nextNumber += 1
        measurements.publish(packet, interval: interval, at: now)
        if now >= measurements.measuredFrom { measurements.paths.publish(packet) }
        handle(.packetDue(packet), on: host, packet: packet)
    }

    // MARK: - Members

    private mutating func handle(
        _ event: MemberEvent<Member.Message>, on host: Int, from sender: Int = -1,
        packet: MediaPacket? = nil, hops: UInt8 = 0
    ) {
        outbox.removeAll()
        let time = localTime(of: host)
        members[host]?.handle(event, at: time, into: &outbox)
        for packet in outbox.deliveries { deliver(packet, to: host, from: sender, hops: hops) }
        for index in outbox.datagrams.indices {
            // A packet that comes from a cache has the hops that it had on the way here.
            transmit(outbox.datagrams[index], from: host, arrived: packet, hops: hops)
        }
        let isMediaOnly = packet != nil && sender >= 0
        if checksInvariants, !isMediaOnly { check(host, after: event, at: time) }
        if outbox.hasLeft { return end(host) }
        scheduleWakeup(of: host)
    }

    private mutating func deliver(
        _ packet: MediaPacket, to host: Int, from sender: Int, hops: UInt8
    ) {
        if let sample = measurements.paths.follows(packet), let sentAt = measurements.sentAt(packet)
        {
            measurements.paths.deliver(sample, to: host, delay: now - sentAt)
        }
        measurements.deliver(packet, to: host, from: sender, hops: hops, at: now)
    }

    private mutating func transmit(
        _ datagram: Outbox<Member.Message>.Datagram, from host: Int, arrived: MediaPacket?,
        hops: UInt8
    ) {
        var nextHops: UInt8 = 0
        if let packet = datagram.packet {
            measurements.count(media: packet, bytes: datagram.payloadBytes, from: host)
            nextHops = (arrived == packet ? hops : 0) &+ 1
            note(packet, from: host, to: datagram.to, link: datagram.link)
            if let sample = measurements.paths.follows(packet) {
                measurements.paths.copy(sample, over: &network, from: host, to: datagram.to)
            }
        } else {
            measurements.count(
                control: datagram.payloadBytes, kind: datagram.kind, from: host)
        }
        guard hosts.indices.contains(datagram.to), datagram.to != host else { return }
        let transit = network.transmit(
            from: host, to: datagram.to, bytes: datagram.payloadBytes, at: now)
        for arrival in [transit.first, transit.second] {
            guard let arrival else { continue }
            queue.insert(
                .datagram(
                    datagram.message, from: Int32(host), to: Int32(datagram.to),
                    packet: datagram.packet, hops: nextHops),
                at: arrival)
        }
    }

    private mutating func scheduleWakeup(of host: Int) {
        guard let next = members[host]?.nextWakeup else { return }
        let due = max(globalTime(next, of: host), now + .nanoseconds(1))
        guard due < hosts[host].wakeup else { return }
        hosts[host].wakeup = due
        queue.insert(.wakeup(Int32(host)), at: due)
    }

    // MARK: - Clocks

    private func localTime(of host: Int) -> Instant {
        let drift = hosts[host].drift
        guard drift != 0 else { return now }
        return Instant(nanoseconds: Int64(Double(now.nanoseconds) * (1 + drift)))
    }

    private func globalTime(_ local: Instant, of host: Int) -> Instant {
        let drift = hosts[host].drift
        // Far futures are no more exact than a floating-point number, and may not fit again.
        guard drift != 0, local.nanoseconds.magnitude < 1 << 60 else { return local }
        return Instant(nanoseconds: Int64(Double(local.nanoseconds) / (1 + drift)) + 1)
    }

    // MARK: - Checking

    private mutating func note(_ packet: MediaPacket, from: Int, to: Int, link: UInt64?) {
        guard ledger != nil, let link else { return }
        let life = hosts[from].lives
        let isFirst = ledger?.note(packet, from: from, to: to, life: life, link: link) ?? true
        guard !isFirst, violations.count < Self.violationLimit else { return }
        violations.append(
            "\(now.nanoseconds / 1_000_000) ms: host \(from) forwards packet \(packet.number) of "
                + "host \(packet.source) to host \(to) again")
    }

    private mutating func check(
        _ host: Int, after event: MemberEvent<Member.Message>, at time: Instant
    ) {
        guard violations.count < Self.violationLimit else { return }
        var isLate = false
        if case .wakeupReached = event, let next = members[host]?.nextWakeup {
            isLate = next < time
        }
        let violation =
            isLate
            ? "it was woken, and its work is still due"
            : Member.violation(of: host, among: members)
        guard let violation else { return }
        violations.append("\(now.nanoseconds / 1_000_000) ms: host \(host): \(violation)")
    }
}
