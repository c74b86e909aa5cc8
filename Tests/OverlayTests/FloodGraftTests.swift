import NetBasics
import Overlay
import Testing
import Wire

/// What one peer asks of neighbors that we play: who is to feed it, and who to send digests.
@Suite struct FloodGraftTests {
    private static let source = PeerID(rawValue: 99)

    /// A member and its neighbors, which answer pings after 20 ms and say nothing else by
    /// themselves.
    private struct Member: ~Copyable {
        var overlay: OverlayPeer
        var now = Instant(nanoseconds: 1_000_000_000)
        /// All that it has said since it was last looked at, in order.
        var said: [(to: Int, message: ControlMessage)] = []
        private var tokens: [Int: LinkToken] = [:]
        private var pongs: [(at: Instant, from: Int, time: UInt32)] = []

        init(neighbors: ClosedRange<Int>) {
            guard let name = MemberName("member") else { preconditionFailure("a name") }
            let configuration = OverlayConfiguration(
                group: SimulatedGroup.group, peer: PeerID(rawValue: 50), name: name,
                uplinkRate: 10_000)
            overlay = OverlayPeer(
                configuration: configuration, cookieSecret: [UInt8](repeating: 7, count: 32),
                generator: SeededGenerator(seed: 1))
            for neighbor in neighbors { connect(neighbor, name) }
        }

        private mutating func connect(_ neighbor: Int, _ name: MemberName) {
            var request = LinkRequest(
                group: SimulatedGroup.group, peer: FloodGraftTests.peer(neighbor),
                token: LinkToken(rawValue: UInt32(neighbor)), cookie: .none, name: name)
            let sender = endpoint(neighbor)
            for case .sendLink(.challenge(_, let cookie), _) in handle(
                .linkMessageReceived(.request(request), from: sender))
            {
                request.cookie = cookie
            }
            for case .sendLink(.accept(let accept), _) in handle(
                .linkMessageReceived(.request(request), from: sender))
            {
                tokens[neighbor] = accept.token
            }
        }

        private func endpoint(_ neighbor: Int) -> Endpoint {
            Endpoint(
                address: .v4(IPv4Address(rawValue: 0x0A00_0000 + UInt32(neighbor) << 8)),
                port: UInt16(1000 + neighbor))
        }

        @discardableResult
        mutating func handle(_ event: OverlayPeer.Event) -> [OverlayPeer.Action] {
            var actions: [OverlayPeer.Action] = []
            overlay.handle(event, at: now, into: &actions)
            for action in actions {
                switch action {
                case .sendControl(let datagram, let target):
                    for message in datagram.messages {
                        let neighbor = Int(target.port) - 1000
                        said.append((neighbor, message))
                        guard case .ping(let time) = message else { continue }
                        pongs.append((now + .milliseconds(20), neighbor, time))
                    }
                case .reportProgress: handle(.mediaAdvanced([]))
                default: break
                }
            }
            return actions
        }

        mutating func hear(_ message: ControlMessage, from neighbor: Int) {
            let datagram = ControlDatagram(
                token: tokens[neighbor] ?? LinkToken(rawValue: 0), messages: [message])
            handle(.controlReceived(datagram, from: endpoint(neighbor)))
        }

        mutating func hearAnnouncement(
            _ seqno: UInt32, metric: UInt32, isFull: Bool = false, from neighbor: Int
        ) {
            hear(
                .announce(
                    SourceAnnouncement(
                        source: FloodGraftTests.source, seqno: seqno, metric: metric, hops: 1,
                        isFull: isFull, isUrgent: false, sourceRate: 100, descriptionVersion: 0)),
                from: neighbor)
        }

        mutating func run(for time: Duration) {
            let end = now + time
            while true {
                let pong = pongs.first?.at ?? .distantFuture
                let next = min(overlay.nextWakeup ?? .distantFuture, pong)
                guard next <= end else { break }
                now = max(now, next)
                if pong <= now {
                    let answer = pongs.removeFirst()
                    hear(.pong(time: answer.time), from: answer.from)
                } else {
                    handle(.wakeupReached)
                }
            }
            now = end
        }

        /// What it asked of a neighbor since the last look, without repetitions.
        mutating func takeRequests(to neighbor: Int) -> [String] {
            var requests: [String] = []
            for (target, message) in said where target == neighbor {
                switch message {
                case .graft(_, _, let isLazy): requests.append(isLazy ? "digests" : "copies")
                case .prune: requests.append("nothing")
                default: break
                }
            }
            said.removeAll { $0.to == neighbor }
            return requests.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        }
    }

    private static func peer(_ neighbor: Int) -> PeerID { PeerID(rawValue: UInt64(neighbor)) }
    private static let accepted = ControlMessage.attachAccepted(source: source, isFed: true)
    private static let refused = ControlMessage.attachRefused(
        source: source, reason: .full, referrals: [])

    /// A member that neighbor 1 feeds; 2 to 4 have ways as long, and some of them send digests.
    private static func makeFedMember() -> Member {
        var member = Member(neighbors: 1...4)
        member.run(for: .seconds(20))
        member.hearAnnouncement(1, metric: 50_000, from: 1)
        member.hear(accepted, from: 1)
        for neighbor in 2...4 {
            member.hearAnnouncement(1, metric: 50_000 + UInt32(neighbor), from: neighbor)
        }
        member.run(for: .seconds(10))
        return member
    }

    @Test func digestsComeFromTheNearestOtherNeighbors() {
        var member = Self.makeFedMember()

        let requests = (1...4).map { member.takeRequests(to: $0) }

        #expect(requests == [["copies"], ["digests"], ["digests"], []])
    }

    /// A prune or a wish for digests, sent after the wish for copies, would end what was asked.
    @Test(arguments: 2...4)
    func whoIsAskedForCopiesIsAskedForNothingElseUntilItAnswers(neighbor: Int) {
        var member = Self.makeFedMember()
        for neighbor in 1...4 { _ = member.takeRequests(to: neighbor) }

        // Digests are chosen anew half a second after an announcement, while the graft is under way.
        member.hearAnnouncement(2, metric: 50_000, from: 1)
        member.run(for: .milliseconds(480))
        member.hearAnnouncement(2, metric: 1000, from: neighbor)
        member.run(for: .milliseconds(60))
        let asked = member.takeRequests(to: neighbor)
        member.hear(Self.accepted, from: neighbor)
        member.run(for: .seconds(1))

        #expect(asked == ["copies"])
        #expect(member.takeRequests(to: neighbor) == [])
        #expect(member.overlay.view.sources.first?.parent == Self.peer(neighbor))
    }

    /// The upstream lives, and no longer knows that it should feed us.
    @Test func anUpstreamThatNoLongerFeedsUsIsAskedAgainAndThenReplaced() {
        var member = Self.makeFedMember()
        for neighbor in 1...4 { _ = member.takeRequests(to: neighbor) }

        // 2 has what never comes, and has no room itself; 1 is heard, but not with media.
        for sequence in 1...4 as ClosedRange<UInt32> {
            let stream = StreamID(source: Self.source, index: 0)
            member.hear(.have(stream: stream, sequence: sequence * 10), from: 2)
            member.hear(.heartbeat(next: 1000), from: 1)
            member.run(for: .milliseconds(500))
        }
        let asked = [member.takeRequests(to: 1), member.takeRequests(to: 2)]
        member.hear(Self.refused, from: 1)
        member.hear(Self.refused, from: 2)
        member.run(for: .milliseconds(10))

        #expect(asked[0].contains("copies"))
        #expect(asked[1].contains("copies"))
        #expect(member.takeRequests(to: 3).contains("copies"))
    }
}
