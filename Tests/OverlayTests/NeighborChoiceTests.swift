import NetBasics
import Overlay
import Testing
import Wire

/// With whom a newcomer links, of those that the rendezvous named.
@Suite struct NeighborChoiceTests {
    /// The address 10.a.b.c.
    private static func endpoint(_ a: UInt32, _ b: UInt32, _ c: UInt32) -> Endpoint {
        Endpoint(address: .v4(IPv4Address(rawValue: 10 << 24 | a << 16 | b << 8 | c)), port: 7000)
    }

    /// Where a member at 10.1.1.1 sends requests when it hears of `endpoints`.
    private static func asked(
        _ endpoints: [Endpoint], isBehindNAT: Bool, seed: UInt64
    ) throws -> [Endpoint] {
        let own = endpoint(1, 1, 1)
        var configuration = OverlayConfiguration(
            group: SimulatedGroup.group, peer: PeerID(rawValue: 1),
            name: try #require(MemberName("newcomer")), uplinkRate: 10_000)
        if !isBehindNAT { configuration.localSubnets = [own.address.subnet] }
        var peer = OverlayPeer(
            configuration: configuration, cookieSecret: [UInt8](repeating: 7, count: 32),
            generator: SeededGenerator(seed: seed))
        var actions: [OverlayPeer.Action] = []
        let now = Instant(nanoseconds: 1_000_000_000)
        if isBehindNAT { peer.handle(.observed(at: own), at: now, into: &actions) }
        let contacts = endpoints.enumerated().map {
            Contact(peer: PeerID(rawValue: UInt64(10 + $0.offset)), endpoint: $0.element)
        }
        peer.handle(.candidatesLearned(contacts), at: now, into: &actions)
        return actions.compactMap { action in
            guard case .sendLink(.hello, let target) = action else { return nil }
            return target
        }
    }

    private static let strangers = (0..<30).map { endpoint(100 + UInt32($0) * 4, 0, 1) }
    /// Of the same /20, /16 and /12.
    private static let akin = [
        endpoint(1, 2, 1), endpoint(1, 3, 1), endpoint(1, 77, 1), endpoint(2, 0, 1),
        endpoint(3, 0, 1), endpoint(4, 0, 1),
    ]

    /// Two strangers first, then those of the smallest blocks for half of all links, then strangers.
    @Test(arguments: [1, 2, 3, 4] as [UInt64], [false, true])
    func theSmallestSharedBlocksFillHalf(seed: UInt64, isBehindNAT: Bool) throws {
        let asked = try Self.asked(
            Self.strangers + Self.akin, isBehindNAT: isBehindNAT, seed: seed)
        let chosen = asked.filter { Self.akin.contains($0) }

        #expect(asked.count == 8)
        #expect(chosen.count == 4)
        #expect(chosen.filter { Self.akin.prefix(3).contains($0) }.count == 3)
    }

    @Test func whoIsOnTheSubnetComesBeforeThem() throws {
        let near = (2...20).map { Self.endpoint(1, 1, $0) }

        let asked = try Self.asked(
            Self.strangers + Self.akin + near, isBehindNAT: false, seed: 1)

        #expect(asked.filter { near.contains($0) }.count == 6)
    }
}
