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
    var memberCount = 0
    /// The peers of its last reply; ordered as received.
    var peers: [Contact] = []
}

extension PeerDaemon {
    func start() {
        console.log("\(name) joins \(configuration.invite) from \(socket.local)", level: 1)
        startPublishing(at: startedAt)
        handleRendezvous(.started, at: Clocks.now)
    }

    // MARK: - Datagrams

    func receive(_ datagram: UnsafeRawBufferPointer, from sender: Endpoint, at now: Instant) {
        let decoded: Datagram
        do {
            decoded = try Datagram(decoding: datagram.bytes)
        } catch {
            drops[error.reason, default: 0] &+= 1
            return
        }
        switch decoded {
        case .control(let control):
            handle(.controlReceived(control, from: sender), at: now)
        case .link(let message):
            handle(.linkMessageReceived(message, from: sender), at: now)
        case .rendezvous(.request):
            drops["rendezvous_request", default: 0] &+= 1
        case .rendezvous(let message):
            if answeringServer == nil, server.contains(sender) { answeringServer = sender }
            handleRendezvous(.messageReceived(message), at: now)
        }
    }

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
        case .registered(let observed, let peers, let memberCount, let sourceCount):
            noteRegistration(observed, peers, memberCount, at: now)
            handle(.observed(at: observed), at: now)
            handle(.membersCounted(memberCount, sources: sourceCount), at: now)
            handle(.candidatesLearned(peers), at: now)
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

    private func noteRegistration(
        _ observed: Endpoint, _ peers: [Contact], _ memberCount: Int, at now: Instant
    ) {
        if joinedAt == nil {
            joinedAt = now
            console.log(
                "registered as \(observed) at \(configuration.invite.server), "
                    + "\(memberCount) in the group", level: 1)
        }
        rendezvousView.state = .registered
        rendezvousView.detail = ""
        rendezvousView.lastReply = now
        rendezvousView.observed = observed
        rendezvousView.memberCount = memberCount
        rendezvousView.peers = peers
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
