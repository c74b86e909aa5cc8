import Management
import NetBasics
import Overlay
import Rendezvous
import Sockets
import Wire

// Control datagrams in, the rendezvous client, and what the cores report.

/// What is known about the rendezvous, for people.
struct RendezvousView {
    var state = PeerStatus.RendezvousState.State.connecting
    var detail = ""
    var lastReply: Instant?
    var observed: Endpoint?
    /// What its last reply says of the group.
    var namesakeCount = 0
    /// The peers of its last reply; ordered as received.
    var peers: [Contact] = []
    /// Whether the user was told that the invite may be the wrong one.
    var hasWarned = false
}

extension PeerDaemon {
    func start() {
        console.log("\(name) joins \(configuration.invite) from \(socket.local)", level: 1)
        startPublishing(at: startedAt)
        handleRendezvous(.started, at: Clocks.now)
    }

    // MARK: - Datagrams

    func receive(_ datagram: UnsafeRawBufferPointer, from sender: Endpoint, at now: Instant) {
        do throws(DecodeError) {
            let kind = try DatagramHeader.kind(of: datagram.bytes)
            if kind == .mediaPiece {
                let link = try media.receivePiece(
                    datagram, at: now, wallNanoseconds: Clocks.wallNanoseconds, on: socket)
                return noteMedia(on: link, from: sender, at: now)
            }
            guard kind.isRendezvous else {
                return try receiveSealed(datagram, from: sender, at: now)
            }
            guard case .rendezvous(let message) = try Datagram(decoding: datagram.bytes) else {
                return
            }
            if case .request = message { return drop("rendezvous_request") }
            if answeringServer == nil, server.contains(sender) { answeringServer = sender }
            handleRendezvous(.messageReceived(message), at: now)
        } catch {
            drop(error.reason)
        }
    }

    private func drop(_ reason: String) { drops[reason, default: 0] &+= 1 }

    // MARK: - Rendezvous

    func handleRendezvous(_ event: RendezvousClient.Event, at now: Instant) {
        var actions: [RendezvousClient.Action] = []
        rendezvous.handle(event, at: now, into: &actions)
        for action in actions {
            switch action {
            case .send(let request):
                let datagram = RendezvousMessage.request(request).encoded
                for target in serverTargets { socket.send(datagram, to: target) }
            case .report(let occurrence):
                note(occurrence, at: now)
            case .left:
                hasLeftRendezvous = true
            }
        }
    }

    /// The server's address that answered; before one has, and while it is mute, all of a few.
    private var serverTargets: [Endpoint] {
        if let answering = answeringServer { return [answering] }
        return Array(server.prefix(Self.serverAddressLimit))
    }

    private static let serverAddressLimit = 4

    private func note(_ occurrence: RendezvousClient.Occurrence, at now: Instant) {
        switch occurrence {
        case .registered(let listing):
            noteRegistration(listing, at: now)
            handle(.observed(at: listing.observed), at: now)
            handle(.membersCounted(listing.memberCount, sources: listing.sourceCount), at: now)
            handle(.candidatesLearned(listing.peers), at: now)
        case .unreachable:
            answeringServer = nil
            if rendezvousView.state == .registered {
                console.log(
                    "the rendezvous \(configuration.invite.server) does not answer; "
                        + "the conference goes on")
            }
            rendezvousView.state = .unreachable
            rendezvousView.detail = "no answer"
        case .refused(let reason):
            rendezvousView.state = .refused
            rendezvousView.detail = reason.name
            console.log("the rendezvous \(configuration.invite.server) refused: \(reason.name)")
        case .reachableAgain:
            console.log("the rendezvous \(configuration.invite.server) is back")
        }
    }

    private func noteRegistration(_ listing: RendezvousListing, at now: Instant) {
        if joinedAt == nil {
            joinedAt = now
            console.log(
                "registered as \(listing.observed) at \(configuration.invite.server), "
                    + "\(listing.memberCount) in the group", level: 1)
            if configuration.invite.secret == nil, !listing.hasOnlyNamesakes {
                console.log(
                    "\(quoted(configuration.invite.group)) is public: "
                        + "whoever knows its name can take part")
            }
        }
        if listing.forgedCount > 0 {
            drops["forged_peer_entry", default: 0] &+= UInt64(listing.forgedCount)
        }
        rendezvousView.state = .registered
        rendezvousView.detail = listing.detail(for: configuration.invite)
        rendezvousView.lastReply = now
        rendezvousView.observed = listing.observed
        rendezvousView.namesakeCount = listing.namesakeCount
        rendezvousView.peers = listing.peers
        if listing.hasOnlyNamesakes, !rendezvousView.hasWarned {
            rendezvousView.hasWarned = true
            console.log(rendezvousView.detail)
        }
    }

    /// Fails a join that never reached its rendezvous.
    func checkRendezvous() throws(Failure) {
        guard joinedAt == nil, ending == nil,
            Clocks.now - startedAt >= configuration.rendezvousTimeout
        else { return }
        console.clearStatus()
        if rendezvousView.state == .refused {
            throw Failure(
                .rendezvousUnreachable,
                "the rendezvous \(configuration.invite.server) refused: \(rendezvousView.detail)",
                advice: "try again later, or raise the limit where 'polycast rendezvous' runs")
        }
        let addresses = server.map { "\($0)" }.joined(separator: ", ")
        throw Failure(
            .rendezvousUnreachable,
            "no answer from the rendezvous \(configuration.invite.server) (\(addresses)) within "
                + "\(configuration.rendezvousTimeout.milliseconds / 1000) s",
            advice: "check that 'polycast rendezvous' runs there and that its UDP port is open")
    }

    // MARK: - Occurrences

    func note(_ occurrence: OverlayPeer.Occurrence) {
        switch occurrence {
        case .dropped(let reason):
            drops[reason.rawValue, default: 0] &+= 1
        case .linkUp(_, let name, let endpoint):
            console.log("link with \(name) at \(endpoint)", level: 1)
        case .linkDown(let peer, let end):
            console.log("link with \(label(peer)) ended: \(end)", level: 1)
        case .linkRefused(let endpoint, let reason):
            console.log("\(endpoint) refused a link: \(reason)", level: 1)
        case .attached(let source, let parent):
            console.log("\(label(source)) comes from \(label(parent)) now", level: 1)
        case .orphaned(let source):
            console.log("nobody feeds \(label(source)) now", level: 1)
        case .childAdmitted(let source, let child):
            console.log("feeding \(label(source)) to \(label(child))", level: 2)
        case .childGone(let source, let child):
            console.log("no longer feeding \(label(source)) to \(label(child))", level: 2)
        case .childRefused(let source, let child):
            console.log("no room for \(label(child)) in the tree of \(label(source))", level: 2)
        case .childMoved(let source, let child, let target):
            console.log(
                "asked \(label(child)) to take \(label(source)) from \(label(target))", level: 2)
        }
    }

    /// A peer's name if it is known, else the first digits of its id.
    func label(_ peer: PeerID) -> String { memberName(of: peer) ?? peer.short }

    func memberName(of peer: PeerID) -> String? {
        if peer == self.peer { return name.description }
        if let link = overlay.view.neighbors.first(where: { $0.peer == peer }) {
            return link.name.description
        }
        return sources[peer]?.first?.member.description
    }
}
