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
    private var verifications: TokenBucket
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
        verifications = TokenBucket(perSecond: configuration.verificationRate)
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
        guard let key = try? GroupPublicKey(request.key) else {
            return refuse(request, .badSignature)
        }
        let group = GroupID(key)
        let registration = MemberTable.Registration(request, from: sender)
        if !request.operation.isRegistration || !isListed(registration, in: group) {
            guard mayVerify(for: sender, in: group, at: now) else {
                counts.unverified += 1
                return nil
            }
            guard isSigned(request, by: key, from: sender, at: now) else {
                return refuse(request, .badSignature)
            }
        }
        switch request.operation {
        case .register, .registerSource:
            return register(request, registration, in: group, at: now)
        case .leave: return leave(request, from: sender, in: group)
        case .lookUp: return lookUp(request, from: sender, in: group)
        }
    }

    /// Whether a registration only repeats what was verified: verifying costs as much as all the rest
    /// several times over.
    private func isListed(_ registration: MemberTable.Registration, in group: GroupID) -> Bool {
        members.slot(of: registration.contact.peer, in: group).map {
            members[$0].registration == registration
        } ?? false
    }

    /// Whether there is time to verify a signature; the last quarter is for members.
    private mutating func mayVerify(
        for sender: Endpoint, in group: GroupID, at now: Instant
    ) -> Bool {
        let isMember = members.slot(at: sender, in: group) != nil
        return verifications.admits(leaving: isMember ? 0 : 0.25, at: now)
    }

    /// Verifies a signature; a wrong one costs its address a second's worth of requests.
    private mutating func isSigned(
        _ request: RendezvousRequest, by key: GroupPublicKey, from sender: Endpoint,
        at now: Instant
    ) -> Bool {
        counts.verifications += 1
        let isGood = key.verifies(
            request.signature, of: request.signedBytes(from: sender), for: .registration)
        if !isGood {
            rates.charge(configuration.requestRate, to: sender.address.limitKey, at: now)
        }
        return isGood
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
        _ request: RendezvousRequest, _ registration: MemberTable.Registration,
        in group: GroupID, at now: Instant
    ) -> RendezvousMessage {
        let deadline = now + configuration.lease
        let sender = registration.contact.endpoint
        if let slot = members.slot(of: request.peer, in: group) {
            guard members[slot].registration.contact.endpoint == sender else {
                return refuse(request, .peerIDTaken)
            }
            members.refresh(slot, with: registration, until: deadline)
            counts.refreshed += 1
        } else {
            replaceMember(at: sender, in: group)
            if let reason = reasonToRefuse(sender, in: group) {
                return refuse(request, reason)
            }
            members.insert(registration, in: group, until: deadline)
            counts.registered += 1
        }
        let peers = members.peers(for: sender, in: group, using: &generator)
        return reply(
            to: request, from: sender, in: group, lease: configuration.lease, peers: peers)
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
        _ request: RendezvousRequest, from sender: Endpoint, in group: GroupID
    ) -> RendezvousMessage {
        if let slot = members.slot(of: request.peer, in: group),
            members[slot].registration.contact.endpoint == sender
        {
            members.remove(slot)
            counts.left += 1
        }
        return reply(to: request, from: sender, in: group)
    }

    private mutating func lookUp(
        _ request: RendezvousRequest, from sender: Endpoint, in group: GroupID
    ) -> RendezvousMessage {
        counts.lookups += 1
        let peers = members.peers(for: sender, in: group, using: &generator)
        return reply(to: request, from: sender, in: group, peers: peers)
    }

    // MARK: - Answers

    private func reply(
        to request: RendezvousRequest, from sender: Endpoint, in group: GroupID,
        lease: Duration = .zero, peers: [PeerEntry] = []
    ) -> RendezvousMessage {
        .reply(
            RendezvousReply(
                transaction: request.transaction, lease: lease,
                memberCount: members.count(in: group),
                sourceCount: members.sourceCount(in: group),
                namesakeCount: members.namesakeCount(of: request.alias, besides: group),
                observed: sender, peers: peers))
    }

    private mutating func challenge(
        _ request: RendezvousRequest, from sender: Endpoint, at now: Instant
    ) -> RendezvousMessage {
        counts.challenges += 1
        let (high, low) = addressCookie.word(for: sender, at: now)
        return .challenge(
            transaction: request.transaction, cookie: Cookie(high: high, low: low),
            observed: sender)
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
