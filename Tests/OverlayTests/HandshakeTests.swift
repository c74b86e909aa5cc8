import NetBasics
import Testing
import Wire

@testable import Overlay

/// What a handshake tells about the length of a link.
@Suite struct HandshakeTests {
    private static let responder = PeerID(rawValue: 2)
    private static let endpoint = Endpoint(
        address: .v4(IPv4Address(rawValue: 0x0A00_0002)), port: 5000)

    /// A peer that asks for one link, and what it says.
    private struct Initiator: ~Copyable {
        var overlay: OverlayPeer
        var actions: [OverlayPeer.Action] = []
        private let start = Instant(nanoseconds: 1_000_000_000)

        init() {
            guard let name = MemberName("initiator") else { preconditionFailure("a name") }
            let configuration = OverlayConfiguration(
                group: SimulatedGroup.group, peer: PeerID(rawValue: 1), name: name,
                uplinkRate: 10_000)
            overlay = OverlayPeer(
                configuration: configuration, cookieSecret: [UInt8](repeating: 7, count: 32),
                generator: SeededGenerator(seed: 1))
        }

        mutating func handle(_ event: OverlayPeer.Event, after milliseconds: Int64) {
            actions.removeAll()
            overlay.handle(event, at: start + .milliseconds(milliseconds), into: &actions)
        }

        mutating func ask() {
            let contact = Contact(peer: responder, endpoint: endpoint)
            handle(.candidatesLearned([contact]), after: 0)
        }

        /// The tokens of the hellos that were just sent.
        var hellos: [LinkToken] {
            actions.compactMap { action in
                guard case .sendLink(.hello(let token), _) = action else { return nil }
                return token
            }
        }

        mutating func hear(_ message: LinkMessage, after milliseconds: Int64) {
            handle(.linkMessageReceived(message, from: endpoint), after: milliseconds)
        }

        mutating func hearAccept(_ token: LinkToken, after milliseconds: Int64) throws {
            let accept = LinkAccept(
                initiatorToken: token, peer: responder, token: LinkToken(rawValue: 9),
                name: try #require(MemberName("bob")))
            hear(.accept(accept), after: milliseconds)
        }

        var roundTrips: [Duration?] { overlay.view.neighbors.map(\.roundTrip) }
    }

    @Test func theSecondExchangeTellsTheRoundTrip() throws {
        var initiator = Initiator()
        initiator.ask()
        let first = try #require(initiator.hellos.first)
        initiator.hear(.challenge(token: first, cookie: Cookie(high: 1, low: 1)), after: 100)
        try initiator.hearAccept(first, after: 200)

        #expect(initiator.roundTrips == [.milliseconds(100)])
        // A queue is told from the way itself by the least, long before there is a second sample.
        #expect(initiator.overlay.links.map(\.leastRoundTrip) == [.milliseconds(100)])
    }

    /// A link of 210 ms: the request is repeated before the challenge comes, and the responder's
    /// cookies change between the two.
    @Test func aCookieThatChangesOnTheWayTellsNoRoundTrip() throws {
        var initiator = Initiator()
        initiator.ask()
        let first = try #require(initiator.hellos.first)
        initiator.handle(.wakeupReached, after: 190)
        #expect(initiator.hellos == [first])
        initiator.hear(.challenge(token: first, cookie: Cookie(high: 1, low: 1)), after: 210)
        initiator.hear(.challenge(token: first, cookie: Cookie(high: 2, low: 2)), after: 400)
        try initiator.hearAccept(first, after: 420)

        #expect(initiator.roundTrips == [nil], "20 ms after the second request is no answer to it")
    }
}
