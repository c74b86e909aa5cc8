import NetBasics
import Sealing
import Wire

/// The rendezvous as a value: who is a member of which group, for as long as a lease lasts.
///
/// One request gives at most one answer, so there are no actions: ``handle(_:from:at:)`` returns
/// the datagram for the sender. docs/protocol.md, "Rendezvous", lists the rules.
package struct RendezvousServer: Sendable {
    private let configuration: RendezvousConfiguration
    private let addressCookie: AddressCookie
    private var generator: SeededGenerator
    private var members = MemberTable()
    private var rates: RateLimiter
    private var counts = RendezvousCounters()

    /// An empty server; `cookieSecret` (32 bytes) proves addresses, the generator picks peers.
    package init(
        configuration: RendezvousConfiguration, cookieSecret: [UInt8], generator: SeededGenerator
    ) {
        configuration.expectInRange()
        self.configuration = configuration
        self.generator = generator
        addressCookie = AddressCookie(secret: cookieSecret)
        rates = RateLimiter(
            perSecond: configuration.requestRate, burst: configuration.requestBurst,
            tableLimit: configuration.rateTableLimit)
    }

    /// Answers one request; `nil` is silence.
    ///
    /// Before the sender has proved its address by a cookie, nothing is kept of it and the
    /// answer is smaller than the request.
    package mutating func handle(
        _ request: RendezvousRequest, from sender: Endpoint, at now: Instant
    ) -> RendezvousMessage? {
        expire(at: now)
        guard sender.address.isUnicast, sender.port != 0 else {
            counts.ignored += 1
            return nil
        }
        let cookie = request.cookie
        guard addressCookie.verifies(cookie.high, cookie.low, for: sender, at: now) else {
            return challenge(request, from: sender, at: now)
        }
        guard rates.admits(sender.address.limitKey, at: now) else {
            return refuse(request, .requestRate)
        }
        switch request.operation {
        case .register, .registerSource: return register(request, from: sender, at: now)
        case .leave: return leave(request, from: sender)
        case .lookUp: return lookUp(request, from: sender)
        }
    }

    /// When the next lease runs out; `nil` while nobody is registered.
    package var nextWakeup: Instant? { members.earliestDeadline }

    /// Forgets members whose lease has run out; `handle` does so first of all.
    package mutating func expire(at now: Instant) {
        counts.expired += members.removeExpired(at: now)
    }

    package var counters: RendezvousCounters {
        var counters = counts
        counters.groups = members.groupCount
        counters.members = members.count
        return counters
    }

    // MARK: - Operations

    private mutating func register(
        _ request: RendezvousRequest, from sender: Endpoint, at now: Instant
    ) -> RendezvousMessage {
        let deadline = now + configuration.lease
        let isSource = request.operation == .registerSource
        if let slot = members.slot(of: request.peer, in: request.group) {
            guard members[slot].contact.endpoint == sender else {
                return refuse(request, .peerIDTaken)
            }
            members.refresh(slot, isSource: isSource, until: deadline)
            counts.refreshed += 1
        } else {
            replaceMember(at: sender, in: request.group)
            if let reason = reasonToRefuse(sender, in: request.group) {
                return refuse(request, reason)
            }
            let contact = Contact(peer: request.peer, endpoint: sender)
            members.insert(contact, isSource: isSource, in: request.group, until: deadline)
            counts.registered += 1
        }
        return reply(to: request, from: sender, lease: configuration.lease, listsPeers: true)
    }

    /// Frees the place of a peer that restarted with a new id: one endpoint is one member.
    private mutating func replaceMember(at endpoint: Endpoint, in group: GroupID) {
        guard let slot = members.slot(at: endpoint, in: group) else { return }
        members.remove(slot)
        counts.replaced += 1
    }

    private func reasonToRefuse(
        _ sender: Endpoint, in group: GroupID
    ) -> RendezvousRefusalReason? {
        let groupCount = members.count(in: group)
        if groupCount == 0, members.groupCount >= configuration.groupLimit { return .groupLimit }
        if groupCount >= configuration.groupMemberLimit { return .memberLimit }
        if members.count >= configuration.memberLimit { return .memberLimit }
        if members.count(at: sender.address) >= configuration.addressMemberLimit {
            return .addressMemberLimit
        }
        return nil
    }

    /// Answers the same whether or not there was anything to leave, so that a repetition does.
    private mutating func leave(
        _ request: RendezvousRequest, from sender: Endpoint
    ) -> RendezvousMessage {
        if let slot = members.slot(of: request.peer, in: request.group),
            members[slot].contact.endpoint == sender
        {
            members.remove(slot)
            counts.left += 1
        }
        return reply(to: request, from: sender, lease: .zero, listsPeers: false)
    }

    private mutating func lookUp(
        _ request: RendezvousRequest, from sender: Endpoint
    ) -> RendezvousMessage {
        counts.lookups += 1
        return reply(to: request, from: sender, lease: .zero, listsPeers: true)
    }

    // MARK: - Answers

    private mutating func reply(
        to request: RendezvousRequest, from sender: Endpoint, lease: Duration, listsPeers: Bool
    ) -> RendezvousMessage {
        let peers =
            listsPeers ? members.peers(for: sender, in: request.group, using: &generator) : []
        return .reply(
            RendezvousReply(
                transaction: request.transaction, lease: lease,
                memberCount: members.count(in: request.group),
                sourceCount: members.sourceCount(in: request.group), observed: sender,
                peers: peers))
    }

    private mutating func challenge(
        _ request: RendezvousRequest, from sender: Endpoint, at now: Instant
    ) -> RendezvousMessage {
        counts.challenges += 1
        let (high, low) = addressCookie.word(for: sender, at: now)
        return .challenge(
            transaction: request.transaction, cookie: Cookie(high: high, low: low))
    }

    private mutating func refuse(
        _ request: RendezvousRequest, _ reason: RendezvousRefusalReason
    ) -> RendezvousMessage {
        counts.countRefusal(reason)
        return .refusal(transaction: request.transaction, reason: reason)
    }
}

extension RendezvousConfiguration {
    fileprivate func expectInRange() {
        precondition(lease >= .seconds(1) && lease <= .seconds(3600), "lease of \(lease)")
        precondition(groupLimit >= 1, "group limit of \(groupLimit)")
        precondition(groupMemberLimit >= 1, "group member limit of \(groupMemberLimit)")
        precondition(memberLimit >= 1, "member limit of \(memberLimit)")
        precondition(addressMemberLimit >= 1, "address member limit of \(addressMemberLimit)")
    }
}
