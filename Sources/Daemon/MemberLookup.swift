import Management
import NetBasics
import Rendezvous
import Sealing
import Sockets
import Wire

/// Asks a rendezvous who is in a group, without joining it.
func lookUpMembers(_ invite: Invite) throws(Failure) -> MemberList {
    var lastFailure: Failure?
    for server in try PeerParts.serverEndpoints(invite) {
        do {
            return try lookUpMembers(invite, at: server)
        } catch {
            lastFailure = error
        }
    }
    throw lastFailure ?? unreachable(invite)
}

private func lookUpMembers(_ invite: Invite, at server: Endpoint) throws(Failure) -> MemberList {
    var lookup = RendezvousLookup(
        keys: try GroupKeys(invite: invite), groupName: invite.group,
        generator: SeededGenerator(seed: randomUInt64()))
    do {
        let any = IPAddress.v6(IPv6Address(high: 0, low: 0))
        let socket = try UDPSocket(binding: Endpoint(address: any, port: 0))
        var loop = try EventLoop()
        try loop.watch(socket.number, key: 0)
        var batch = PacketBatch()
        var ready: [Int] = []
        var outcome = perform(.started, on: &lookup, socket, server)
        while outcome == nil {
            loop.wait(until: lookup.nextWakeup, ready: &ready)
            try socket.receive(into: &batch)
            for index in 0..<batch.count where outcome == nil {
                guard let message = rendezvousMessage(batch.datagram(at: index)) else { continue }
                outcome = perform(.messageReceived(message), on: &lookup, socket, server)
            }
            if outcome == nil { outcome = perform(.wakeupReached, on: &lookup, socket, server) }
        }
        return try list(outcome, invite)
    } catch let failure as Failure {
        throw failure
    } catch {
        throw Failure(.runtimeFailure, "\(error)")
    }
}

/// Sends what the lookup orders; returns how it ended, once it has.
private func perform(
    _ event: RendezvousLookup.Event, on lookup: inout RendezvousLookup,
    _ socket: borrowing UDPSocket, _ server: Endpoint
) -> RendezvousLookup.Outcome? {
    var actions: [RendezvousLookup.Action] = []
    lookup.handle(event, at: Clocks.now, into: &actions)
    for action in actions {
        switch action {
        case .send(let request):
            socket.send(RendezvousMessage.request(request).encoded, to: server)
        case .finish(let outcome):
            return outcome
        }
    }
    return nil
}

/// The rendezvous message in `datagram`; anything else is not for a lookup.
private func rendezvousMessage(_ datagram: UnsafeRawBufferPointer) -> RendezvousMessage? {
    do {
        guard case .rendezvous(let message) = try Datagram(decoding: datagram.bytes) else {
            return nil
        }
        return message
    } catch {
        return nil
    }
}

private func list(
    _ outcome: RendezvousLookup.Outcome?, _ invite: Invite
) throws(Failure) -> MemberList {
    switch outcome {
    case .found(let listing):
        let members = listing.peers.sorted().map { contact in
            MemberList.Member(
                party: Party(peer: contact.peer.description, name: ""),
                endpoint: "\(contact.endpoint)", isSource: false, origin: .rendezvous)
        }
        return MemberList(
            group: invite.group, members: members, namesakes: listing.namesakeCount,
            detail: listing.detail(for: invite))
    case .refused(let reason):
        throw Failure(
            .rendezvousUnreachable, "the rendezvous \(invite.server) refused: \(reason.name)",
            advice: "try again later")
    case .unreachable, nil:
        throw unreachable(invite)
    }
}

private func unreachable(_ invite: Invite) -> Failure {
    Failure(
        .rendezvousUnreachable, "no answer from the rendezvous \(invite.server)",
        advice: "check that 'polycast rendezvous' runs there and that its UDP port is open")
}
