import Foundation
import Management
import NetBasics
import Sealing
import Sockets
import TestSupport
import Testing
import Wire

/// What floods and hostile members do to those who only want to see the lecture: nothing.
@Suite struct FloodTests {
    /// A lecture on loopback with one listener, who is then attacked.
    private final class Lecture {
        let scratch: ScratchDirectory
        let server: PolycastProcess
        let source: PolycastProcess
        let listener: PolycastProcess
        let listenerPort: UInt16
        let sourcePort: UInt16

        init() throws {
            scratch = try ScratchDirectory()
            let port = try freePort()
            listenerPort = try freePort()
            sourcePort = try freePort()
            server = try PolycastProcess("rendezvous", "--listen", "127.0.0.1:\(port)", "-q")
            let invite = "polycast://127.0.0.1:\(port)/g"
            source = try PolycastProcess(
                "join", invite, "--bind", "127.0.0.1:\(sourcePort)", "--publish",
                "test:rate=4M,size=1000",
                "--name", "anna", "--socket", scratch.file("anna.sock"), "--uplink", "20M",
                "--json", "-q")
            listener = try PolycastProcess(
                "join", invite, "--bind", "127.0.0.1:\(listenerPort)", "--name", "bob",
                "--socket", scratch.file("bob.sock"), "--uplink", "2M", "--json", "-q")
        }

        var target: Endpoint { loopback(1, port: listenerPort) }
        var lecturer: Endpoint { loopback(1, port: sourcePort) }
        var stateOfLecturer: PeerStatus? { status(at: scratch.file("anna.sock")) }
        var state: PeerStatus? { status(at: scratch.file("bob.sock")) }
        var received: Int { state?.streams.first?.received ?? 0 }

        /// Resident memory of the listener; KiB.
        var memory: Int {
            let text =
                (try? String(contentsOfFile: "/proc/\(listener.number)/status", encoding: .utf8))
                ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
        }

        func sourcePeer() throws -> PeerID {
            let source = try #require(state?.streams.first?.source)
            return PeerID(rawValue: try #require(UInt64(source, radix: 16)))
        }

        func begins() -> Bool { eventually(within: 8) { received > 200 } }

        func end() {
            for process in [listener, source, server] {
                process.send(SIGTERM)
                _ = process.exitCode(within: 5)
            }
        }
    }

    /// During the attack the listener got everything, and its memory stays where it was.
    private func expectUnharmed(
        _ lecture: Lecture, by attack: () throws -> Void
    ) throws {
        #expect(lecture.begins())
        let before = try #require(lecture.state?.streams.first)
        let memory = lecture.memory
        let start = Clocks.now
        try attack()
        let seconds = Double((Clocks.now - start).milliseconds) / 1000
        usleep(700_000)
        #expect(lecture.listener.isRunning)
        let after = try #require(lecture.state?.streams.first)

        #expect(after.lost == before.lost, "lost \(after.lost - before.lost)")
        #expect(after.duplicates == before.duplicates)
        // 4 Mbit/s in packets of 1000 bytes, which need no longer path than any has.
        #expect(Double(after.received - before.received) >= 500 * seconds * 0.95)
        if !Sanitizer.isOn {
            #expect(lecture.memory - memory < 8 << 10, "\(memory) KiB, then \(lecture.memory)")
        }
    }

    /// A thousand addresses, each with hellos of a member, of a stranger and with garbage.
    @Test func aThousandAddressesThatAskForLinksHarmNobody() throws {
        let lecture = try Lecture()
        defer { lecture.end() }
        var answered = 0
        var sent = 0
        try expectUnharmed(lecture) {
            for number in 0..<1000 {
                let address = IPAddress.v4(
                    IPv4Address(rawValue: 0x7F01_0000 + UInt32(number)))
                let member = try HostileMember(
                    "g", target: lecture.target, from: Endpoint(address: address, port: 0))
                let stranger = try HostileMember("other", target: lecture.target)
                for datagram in [member.hello, stranger.hello, randomBytes(1200), member.hello] {
                    member.probe.send(datagram, to: lecture.target)
                    sent += datagram.count
                }
                let answers = try member.probe.receiveAll(
                    silence: .milliseconds(2), patience: .milliseconds(500))
                answered += answers.reduce(0) { $0 + $1.count }
            }
        }
        #expect(answered <= sent)
        #expect(answered >= 1000 * 72, "members get their challenge: \(answered)")
        #expect(lecture.state?.links.count == 1, "and nothing is kept of them")
        #expect(
            lecture.state?.drops.contains { $0.reason == "wrong_secret" && $0.count >= 900 } == true
        )
    }

    /// A child of the lecturer that asks for the last 1024 packets again and again.
    @Test func whoAsksForRepairOfEverythingGetsNoMoreThanItsShare() throws {
        let lecture = try Lecture()
        defer { lecture.end() }
        #expect(lecture.begins())
        let hostile = try HostileMember("g", target: lecture.lecturer)
        #expect(try hostile.link())
        let source = try lecture.sourcePeer()
        hostile.attach(to: source)
        var newest: MediaHeader?
        var copies = 0
        var repairBytes = 0
        try expectUnharmed(lecture) {
            let start = Clocks.now
            while Clocks.now - start < .seconds(3) {
                for bytes in try hostile.probe.receiveAll(silence: .milliseconds(1)) {
                    guard let header = try? MediaHeader(decoding: bytes.span.bytes) else {
                        continue
                    }
                    if header.isRepair { repairBytes += bytes.count; continue }
                    newest = header
                    copies += 1
                }
                guard let newest else { continue }
                hostile.say(
                    (1...16).map { step in
                        let base = newest.sequence &- UInt32(step) &* 64
                        let request = RepairRequest(
                            stream: newest.stream, base: base, bitmap: .max)
                        return .repairRequest(request)
                    })
            }
        }
        #expect(copies > 1000, "it is a child, and fed")
        // What passed meanwhile, and 512 KiB; within a second nothing more often than six times.
        #expect(repairBytes > 512 << 10, "it asks for what there is: \(repairBytes)")
        #expect(repairBytes < 4 * 4_000_000 / 8 + 512 << 10, "\(repairBytes)")
        #expect(lecture.stateOfLecturer?.repair.refused ?? 0 > 100_000)
    }

    /// Media of a neighbor that is no parent: true packets and altered ones, before their time and after.
    @Test func mediaOfWhoIsNoParentHarmsNobody() throws {
        let lecture = try Lecture()
        defer { lecture.end() }
        #expect(lecture.begins())
        let spy = try HostileMember("g", target: lecture.lecturer)
        let hostile = try HostileMember("g", target: lecture.target)
        #expect(try spy.link() && hostile.link())
        spy.attach(to: try lecture.sourcePeer())
        var sent = 0
        try expectUnharmed(lecture) {
            let start = Clocks.now
            while Clocks.now - start < .seconds(3) {
                for bytes in try spy.probe.receiveAll(silence: .milliseconds(1)) {
                    guard let header = try? MediaHeader(decoding: bytes.span.bytes) else {
                        continue
                    }
                    var altered = Array(bytes[MediaHeader.bodyOffset...])
                    altered[altered.count / 2] ^= 1
                    for ahead in [0, 1, 5, 3000] as [UInt32] {
                        var claim = header
                        claim.sequence &+= ahead
                        hostile.forward(claim, body: altered)
                        claim.isRepair = true
                        hostile.forward(claim, body: altered)
                        sent += 2
                    }
                    // As they came, shortened, and with the token of a link that they are not of.
                    hostile.probe.send(bytes, to: lecture.target)
                    hostile.probe.send(Array(bytes.prefix(40)), to: lecture.target)
                }
            }
        }
        #expect(sent > 5000)
        let drops = Set((lecture.state?.drops ?? []).map(\.reason))
        let expected: Set = ["not_from_parent", "unwanted_repair", "unknown_link"]
        #expect(drops.isSuperset(of: expected), "\(drops)")
    }

    @Test func aNeighborThatSaysGarbageIsCountedAndHarmsNobody() throws {
        let lecture = try Lecture()
        defer { lecture.end() }
        #expect(lecture.begins())
        let hostile = try HostileMember("g", target: lecture.target)
        #expect(try hostile.link())
        let own = PeerID(rawValue: randomUInt64())
        try expectUnharmed(lecture) {
            for round in 0..<2000 as Range<UInt32> {
                hostile.say([
                    .pong(time: round &* 77_777),
                    .route(
                        RouteAdvert(
                            source: PeerID(rawValue: randomUInt64()), seqno: round, metric: 1,
                            hops: 1, freeRate: .max, sourceRate: 1, descriptionVersion: 1)),
                    .attach(
                        AttachRequest(
                            source: own, freeRate: .max, isInner: true, standing: .orphan, cost: 0)),
                    .rekey(randomBytes(96)), .rekeyed(randomBytes(48)),
                    .probed(nonce: randomUInt64()),
                    .move(
                        source: own,
                        target: Contact(peer: own, endpoint: loopback(1, port: 9))),
                ])
                if round % 20 == 0 { usleep(10_000) }
            }
        }
        let drops = Set((lecture.state?.drops ?? []).map(\.reason))
        #expect(drops.contains("not_authentic") || drops.contains("handshake_rate"), "\(drops)")
    }
}
