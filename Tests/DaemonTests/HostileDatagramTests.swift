import Foundation
import Management
import NetBasics
import Sockets
import Testing
import Wire

/// What strangers can do to the ports of a peer and of a rendezvous: nothing.
@Suite struct HostileDatagramTests {
    private let random = SeededGenerator(seed: 7)

    /// Whole messages of every kind, as a stranger could send them.
    private static var samples: [[UInt8]] {
        let group = GroupID(high: 1, low: 2)
        let key = [UInt8](repeating: 7, count: RendezvousRequest.keyBytes)
        let peer = PeerID(rawValue: 3)
        let token = LinkToken(rawValue: 4)
        let cookie = Cookie(high: 5, low: 6)
        guard let name = MemberName("mallory") else { preconditionFailure("a name") }
        let contact = Contact(peer: peer, endpoint: loopback(1, port: 9))
        let links: [LinkMessage] = [
            .request(.init(group: group, peer: peer, token: token, cookie: cookie, name: name)),
            .challenge(token: token, cookie: cookie),
            .accept(.init(initiatorToken: token, peer: peer, token: token, name: name)),
            .refusal(token: token, reason: .full, referrals: [contact]),
        ]
        let rendezvous: [RendezvousMessage] = [
            .request(
                .init(
                    transaction: 1, operation: .register, key: key, alias: 8, peer: peer,
                    cookie: cookie)),
            .request(
                .init(
                    transaction: 1, operation: .lookUp, key: key, alias: 8, peer: peer,
                    cookie: .none)),
            .challenge(transaction: 1, cookie: cookie, observed: contact.endpoint),
            .reply(
                .init(
                    transaction: 1, lease: .seconds(1), memberCount: 1, sourceCount: 0,
                    namesakeCount: 1, observed: contact.endpoint,
                    peers: [.init(contact: contact, code: .none)])),
            .refusal(transaction: 1, reason: .groupLimit),
        ]
        let control = ControlDatagram(
            token: token, messages: [.ping(time: 1), .detach(source: peer), .close])
        // As long as a true one, with a code that only the group's members could make.
        let hello =
            LinkMessage.hello(token: token).encoded
            + [UInt8](repeating: 0, count: LinkMessage.openingBytes - 8)
        return links.map(\.encoded) + rendezvous.map(\.encoded) + control.encodedDatagrams + [hello]
    }

    /// Every truncation, wrong versions, single flips, random and oversized datagrams.
    private static func attack(_ generator: inout SeededGenerator) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        for sample in samples {
            for length in 0...sample.count { datagrams.append(Array(sample[..<length])) }
            var wrongVersion = sample
            wrongVersion[0] = 0xB7
            datagrams.append(wrongVersion)
            for _ in 0..<50 {
                var flipped = sample
                flipped[generator.uniform(below: flipped.count)] ^=
                    1 << UInt8(generator.uniform(below: 8))
                datagrams.append(flipped)
            }
        }
        for length in [1, 3, 4, 24, 100, 1200, 1201, 9000, 65_507] {
            datagrams.append((0..<length).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
            // Media of no link.
            datagrams.append([0xB1, 0x01] + [UInt8](repeating: 1, count: min(length, 65_000)))
            datagrams.append([0xB1, 0x02] + [UInt8](repeating: 1, count: min(length, 65_000)))
            datagrams.append([0xB1, 0x12] + [UInt8](repeating: 1, count: min(length, 65_000)))
        }
        return datagrams
    }

    /// Sends each datagram alone and returns what came back for it.
    private func bombard(_ target: Endpoint) throws -> [(sent: Int, received: [Int])] {
        var generator = random
        let probe = try Probe()
        var results: [(sent: Int, received: [Int])] = []
        for datagram in Self.attack(&generator) {
            probe.send(datagram, to: target)
            let replies = try probe.receiveAll(silence: .milliseconds(2))
            results.append((datagram.count, replies.map(\.count)))
        }
        return results
    }

    /// Never more bytes or datagrams out than in so far, and no answer beyond a whole request.
    ///
    /// A slow answer may come after the next datagram was sent, so single pairs say nothing.
    private func expectNoAmplification(_ results: [(sent: Int, received: [Int])]) {
        var balance = (bytes: 0, datagrams: 0)
        for (sent, received) in results {
            balance.bytes += sent - received.reduce(0, +)
            balance.datagrams += 1 - received.count
            #expect(balance.bytes >= 0 && balance.datagrams >= 0)
            #expect(received.allSatisfy { $0 <= Self.smallestRequestBytes })
        }
    }

    /// A hello; requests to a rendezvous are longer.
    private static let smallestRequestBytes = LinkMessage.openingBytes

    @Test func aRendezvousSurvivesAndNeverAnswersWithMore() throws {
        let port = try freePort()
        let server = try PolycastProcess(
            "rendezvous", "--listen", "127.0.0.1:\(port)", "--json", "-q")
        usleep(300_000)

        let results = try bombard(loopback(1, port: port))

        #expect(server.isRunning)
        expectNoAmplification(results)
        #expect(results.contains { !$0.received.isEmpty }, "whole requests get their challenge")
        server.send(SIGTERM)
        #expect(server.exitCode(within: 5) == 143)
        for reason in ["truncated", "unsupported_version", "oversized", "not_polycast"] {
            #expect(server.outputText.contains("\"\(reason)\""), "\(server.outputText)")
        }
        #expect(server.outputText.contains("\"registered\":0"))
    }

    @Test func aPeerSurvivesAndNeverAnswersWithMore() throws {
        let scratch = try ScratchDirectory()
        let (port, peerPort) = (try freePort(), try freePort())
        let server = try PolycastProcess("rendezvous", "--listen", "127.0.0.1:\(port)", "-q")
        let peer = try PolycastProcess(
            "join", "polycast://127.0.0.1:\(port)/g", "--bind", "127.0.0.1:\(peerPort)", "--json",
            "--socket", scratch.file("peer.sock"), "-q")
        #expect(
            eventually(within: 5) {
                status(at: scratch.file("peer.sock"))?.rendezvous.state == .registered
            })

        let results = try bombard(loopback(1, port: peerPort))

        #expect(peer.isRunning)
        #expect(results.allSatisfy { $0.received.isEmpty }, "strangers get no answer")
        let report = try #require(status(at: scratch.file("peer.sock")))
        #expect(report.links.isEmpty)
        let reasons = Set(report.drops.map(\.reason))
        for reason in [
            "truncated", "unsupported_version", "oversized", "not_polycast", "unknown_link",
            "control_unknown_link", "unexpected_answer", "rendezvous_request", "wrong_secret",
        ] {
            #expect(reasons.contains(reason), "\(reasons)")
        }
        peer.send(SIGINT)
        #expect(peer.exitCode(within: 5) == 130)
        #expect(peer.summary != nil)
        server.send(SIGTERM)
        _ = server.exitCode(within: 5)
    }
}
