import Foundation
import Management
import NetBasics
import Sockets
import Testing

/// Whole processes on loopback: rendezvous, peers, media in and out.
@Suite(.serialized) struct ConferenceOnLoopbackTests {
    private let scratch: ScratchDirectory
    private let port: UInt16
    private let server: PolycastProcess

    init() throws {
        scratch = try ScratchDirectory()
        port = try freePort()
        server = try PolycastProcess(
            "rendezvous", "--listen", "127.0.0.1:\(port)", "--lease", "3s", "-q")
    }

    private func join(_ name: String, _ address: String, _ rest: String...) throws
        -> PolycastProcess
    {
        try PolycastProcess(
            list: [
                "join", "polycast://127.0.0.1:\(port)/standup", "--name", name, "--bind",
                "\(address):0", "--socket", socket(name), "--json", "-q",
            ] + rest)
    }

    private func socket(_ name: String) -> String { scratch.file("\(name).sock") }

    private func received(_ name: String, _ stream: Int = 0) -> Int {
        status(at: socket(name))?.streams.first { $0.stream == stream }?.received ?? 0
    }

    @Test func fivePeersReceiveATestStreamWithoutLossOrRepetition() throws {
        let source = try join(
            "alice", "127.0.1.1", "--publish", "test:rate=1M,size=1200", "--uplink", "2.5M")
        let others = try [
            ("bob", "127.0.1.2"), ("carol", "127.0.1.3"), ("dave", "127.0.2.1"),
            ("erin", "127.0.2.2"),
        ]
        .map { try join($0.0, $0.1, "--uplink", "2.5M", "--duration", "4s") }

        let codes = others.map { $0.exitCode(within: 15) }

        #expect(codes == [0, 0, 0, 0])
        for peer in others {
            let summary = try #require(peer.summary)
            let stream = try #require(summary.streams.first)
            #expect(summary.group == "standup")
            #expect(stream.member == "alice" && stream.format == "test")
            #expect(stream.received > 200)
            #expect(stream.lost == 0 && stream.duplicates == 0 && stream.corrupted == 0)
            #expect(try #require(stream.latency).p50 >= 0)
            #expect(try #require(summary.joinedMilliseconds) < 2000)
            #expect(try #require(summary.firstPacketMilliseconds) < 2000)
        }
        source.send(SIGTERM)
        #expect(source.exitCode(within: 5) == 143)
        let sent = try #require(source.summary?.sent.first)
        #expect(sent.copies <= 2 * sent.packets, "an uplink of two copies carries no more")
        #expect(source.summary?.streams.isEmpty == true)
    }

    @Test func fivePeersReceiveAFloodedStreamWithoutLossOrRepetition() throws {
        let source = try join(
            "alice", "127.0.1.1", "--publish", "test:rate=1M,size=1200", "--uplink", "4.5M",
            "--algorithm", "flood")
        let others = try [
            ("bob", "127.0.1.2"), ("carol", "127.0.1.3"), ("dave", "127.0.2.1"),
            ("erin", "127.0.2.2"),
        ]
        .map { try join($0.0, $0.1, "--uplink", "4.5M", "--duration", "5s") }
        #expect(
            eventually(within: 5) {
                guard case .tree(let tree) = ask(.tree, at: socket("bob")),
                    let place = tree.sources.first
                else { return false }
                return place.algorithm == "flood" && place.state == .attached
                    && place.streamCount == 1
            })

        let codes = others.map { $0.exitCode(within: 15) }

        #expect(codes == [0, 0, 0, 0])
        for peer in others {
            let stream = try #require(peer.summary?.streams.first)
            #expect(stream.member == "alice" && stream.received > 200)
            #expect(stream.lost == 0 && stream.duplicates == 0 && stream.corrupted == 0)
        }
        source.send(SIGTERM)
        #expect(source.exitCode(within: 5) == 143)
    }

    @Test func automaticPublishesAsATreeInASmallGroup() throws {
        let alice = try join(
            "alice", "127.0.1.1", "--publish", "test:rate=500k,size=500", "--algorithm", "auto")
        let bob = try join("bob", "127.0.1.2")
        #expect(eventually(within: 6) { received("bob") > 20 })

        guard case .tree(let tree) = ask(.tree, at: socket("bob")) else {
            Issue.record("no tree")
            return
        }
        #expect(tree.sources.first?.algorithm == "spt")
        _ = (alice, bob)
    }

    @Test func rtpAndRTCPPassBitForBitAndADescriptionIsWritten() throws {
        let (mediaPort, deliverPort) = (try evenPort(), try evenPort())
        let sdp = """
            v=0\r
            o=- 1 1 IN IP4 127.0.0.1\r
            s=camera\r
            c=IN IP4 127.0.0.1\r
            t=0 0\r
            m=video \(mediaPort) RTP/AVP 96\r
            b=AS:500\r
            a=rtpmap:96 VP8/90000\r

            """
        try sdp.write(toFile: scratch.file("cam.sdp"), atomically: true, encoding: .utf8)
        let data = try Probe(loopback(1, port: deliverPort))
        let control = try Probe(loopback(1, port: deliverPort + 1))
        let alice = try join("alice", "127.0.1.1", "--publish", scratch.file("cam.sdp"))
        let bob = try join(
            "bob", "127.0.1.2", "--deliver", "rtp://127.0.0.1:\(deliverPort)", "--sdp-dir",
            scratch.file("sdp"))
        #expect(
            eventually(within: 5) {
                FileManager.default.fileExists(atPath: scratch.file("sdp/alice.sdp"))
            })
        #expect(
            eventually(within: 5) {
                if case .tree(let tree) = ask(.tree, at: socket("bob")) {
                    tree.sources.first?.state == .attached
                } else {
                    false
                }
            })
        // Marker, padding, contributing sources and an extension must all pass as they are.
        let packets: [[UInt8]] = (0..<20).map { index in
            [0xB1, 0xE0, 0, UInt8(index), 0, 0, 0, 9, 1, 2, 3, 4, 9, 9, 9, 9]
                + [0xBE, 0xDE, 0, 1, 0x10, 0xFF, 0, 0] + Array(repeating: UInt8(index), count: 700)
                + [0, 0, 0, 4]
        }
        let report: [UInt8] = [0x80, 200, 0, 6, 1, 2, 3, 4] + [UInt8](repeating: 7, count: 20)
        let sender = try Probe()

        for packet in packets { sender.send(packet, to: loopback(1, port: mediaPort)) }
        sender.send(report, to: loopback(1, port: mediaPort + 1))

        #expect(try data.receiveAll(silence: .milliseconds(300)) == packets)
        #expect(try control.receiveAll(silence: .milliseconds(300)) == [report])
        let written = try String(contentsOfFile: scratch.file("sdp/alice.sdp"), encoding: .utf8)
        #expect(written.contains("m=video \(deliverPort) RTP/AVP 96\r\n"))
        #expect(written.contains("a=rtpmap:96 VP8/90000\r\n"))
        for peer in [alice, bob] {
            peer.send(SIGTERM)
            #expect(peer.exitCode(within: 5) == 143)
        }
        #expect(!FileManager.default.fileExists(atPath: scratch.file("sdp/alice.sdp")))
    }

    @Test func opaqueDatagramsReachUDPEndpoints() throws {
        let (mediaPort, deliverPort) = (try evenPort(), try evenPort())
        let player = try Probe(loopback(1, port: deliverPort))
        let alice = try join(
            "alice", "127.0.1.1", "--publish", "udp://127.0.0.1:\(mediaPort)?rate=1M")
        let bob = try join("bob", "127.0.1.2", "--deliver", "udp://127.0.0.1:\(deliverPort)")
        #expect(eventually(within: 5) { status(at: socket("bob"))?.streams.isEmpty == false })
        #expect(
            eventually(within: 5) {
                (status(at: socket("alice"))?.uplink.reservedBitsPerSecond ?? 0) > 0
            })
        let sender = try Probe()
        let datagrams = (0..<10).map { [UInt8](repeating: UInt8($0), count: 1316) }

        for datagram in datagrams { sender.send(datagram, to: loopback(1, port: mediaPort)) }

        #expect(try player.receiveAll(silence: .milliseconds(300)) == datagrams)
        _ = (alice, bob)
    }

    @Test func theConferenceOutlivesItsRendezvous() throws {
        let alice = try join("alice", "127.0.1.1", "--publish", "test:rate=500k,size=500")
        let bob = try join("bob", "127.0.1.2")
        #expect(eventually(within: 5) { received("bob") > 20 })

        server.send(SIGKILL)
        _ = server.exitCode(within: 5)
        let before = received("bob")
        #expect(
            eventually(within: 20) { status(at: socket("bob"))?.rendezvous.state == .unreachable })
        #expect(received("bob") > before + 50)
        let second = try PolycastProcess(
            "rendezvous", "--listen", "127.0.0.1:\(port)", "--lease", "30s", "-q")

        // All are listed again within one lease, and a new member can join.
        let invite = "polycast://127.0.0.1:\(port)/standup"
        #expect(
            eventually(within: 30) {
                guard let lookup = try? PolycastProcess("members", invite, "--json"),
                    lookup.exitCode(within: 5) == 0,
                    let json = try? JSONValue(parsing: Array(lookup.outputText.utf8)),
                    let list = try? MemberList(json: json)
                else { return false }
                return list.members.count == 2
            })
        let carol = try join("carol", "127.0.1.3")
        #expect(eventually(within: 5) { received("carol") > 20 })
        let report = try #require(status(at: socket("bob"))?.streams.first)
        #expect(report.lost == 0 && report.duplicates == 0)
        _ = (alice, bob, carol, second)
    }

    @Test func theManagementSocketAnswersItsOwnerAndRefusesNonsense() throws {
        let alice = try join("alice", "127.0.1.1", "--publish", "test:rate=100k,size=200")
        #expect(
            eventually(within: 5) { status(at: socket("alice"))?.rendezvous.state == .registered })

        let mode = try FileManager.default.attributesOfItem(atPath: socket("alice"))[
            .posixPermissions]
        #expect(mode as? Int == 0o600)
        for nonsense in ["", "{}", "[[[[[[[[", "{\"command\":\"fly\"}", "\u{0}"] {
            let answer = try UnixClient.ask(nonsense, at: socket("alice"), timeout: .seconds(2))
            #expect(answer.contains("\"error\""), "\(nonsense): \(answer)")
        }
        let second = try join("alice", "127.0.1.1")
        #expect(second.exitCode(within: 5) == 1)
        #expect(second.errorText.contains("--name"))
        let tree = try PolycastProcess("tree", "--socket", socket("alice"))
        #expect(tree.exitCode(within: 5) == 0)
        #expect(tree.outputText.contains("alice"))
        let leave = try PolycastProcess("leave", "--socket", socket("alice"))
        #expect(leave.exitCode(within: 5) == 0)
        #expect(alice.exitCode(within: 5) == 0)
        #expect(alice.summary?.sent.count == 1)
        #expect(!FileManager.default.fileExists(atPath: socket("alice")))
    }

    /// An even port whose odd neighbor is free too.
    private func evenPort() throws -> UInt16 {
        for _ in 0..<50 {
            let port = try freePort() & ~1
            if (try? UDPSocket(binding: loopback(1, port: port))) != nil,
                (try? UDPSocket(binding: loopback(1, port: port + 1))) != nil
            {
                return port
            }
        }
        throw SystemError(code: EADDRINUSE, call: "bind", subject: "a pair of ports")
    }
}
