import Foundation
import Management
import Testing

extension LabTests {
    /// What the Wireshark script of `tools/wireshark` makes of a running conference.
    @Suite(.enabled(if: Capture.isPossible, Capture.comment))
    struct DissectorTests {
        /// A port that no other protocol has: the script is asked after those.
        private static let port = "[::]:50001"

        /// Datagrams of each type in a capture.
        private func counts(_ capture: Capture) throws -> [Int: Int] {
            var counts: [Int: Int] = [:]
            for line in try capture.show(["polycast.type"], where: "polycast") {
                counts[Int(line[0].dropFirst(2), radix: 16) ?? -1, default: 0] += 1
            }
            return counts
        }

        private func expectAllIsUnderstood(_ capture: Capture) throws {
            let strange = try capture.show(
                ["frame.number", "udp.payload"], where: "udp && !icmp && !icmpv6 && !polycast")
            #expect(strange.isEmpty, "\(strange.prefix(5))")
            let wrong = try capture.show(
                ["polycast.type", "polycast.malformed.reason", "_ws.lua.error", "udp.payload"],
                where: "polycast.malformed || polycast.cut || _ws.lua.error || _ws.malformed")
            #expect(wrong.isEmpty, "\(wrong.prefix(5))")
        }

        /// A flooded source of a public group, on links that lose nothing.
        @Test(.timeLimit(.minutes(2)), arguments: NetworkLab.Family.allCases)
        func captureAndSummaryAgree(family: NetworkLab.Family) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(family, lab: lab)
            try conference.startRendezvous()
            let capture = try await Capture(at: .b1, in: lab)
            let source = try conference.join(
                .a1, "--publish", "test:rate=2M,size=900", "--algorithm", "flood",
                "--bind", Self.port)
            let receiver = try conference.join(.b1, "--bind", Self.port)
            try conference.join(.a2, "--bind", Self.port)
            #expect(
                try await eventually(within: .seconds(20)) { receiver.received(from: "a1") > 1500 })

            let peer = try #require(source.status?.peer)
            let report = try #require(receiver.status?.streams.first)
            // The receiver leaves last, so all that was captured has been looked at.
            _ = try await source.leave()
            try await Task.sleep(for: .milliseconds(300))
            let summary = try await receiver.leave()
            _ = try await conference.end()
            try await capture.end()

            try expectAllIsUnderstood(capture)
            let counts = try counts(capture)
            for type in [0x01, 0x02, 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x22] {
                #expect(counts[type] ?? 0 > 0, "\(type): \(counts)")
            }
            #expect(counts[0x03] == nil && counts[0x04] == nil && counts[-1] == nil, "\(counts)")
            let stream = try #require(summary.streams.first)
            let isToUs = family == .ipv4 ? "ip.dst" : "ipv6.dst"
            let media = try capture.show(
                ["polycast.source", "polycast.stream_index", "polycast.sequence"],
                where: "polycast.type == 1 && \(isToUs) == \(lab.address(of: .b1, family))")
            #expect(Set(media.map { $0[0] }) == [peer])
            #expect(report.source == peer)
            #expect(Set(media.map { $0[1] }) == [String(stream.stream)])
            // A first packet may come before the link's or the source's turn, and is dropped.
            let captured = Set(media.map { $0[2] }).count
            let dropped = summary.drops.reduce(0) { $0 + $1.count }
            #expect((stream.received...stream.received + dropped).contains(captured))
            #expect(dropped < 10, "\(summary.drops)")
            #expect(stream.lost == 0)
        }

        /// A private group whose links lose packets: repairs, parity and long packets in parts.
        @Test(.timeLimit(.minutes(2)))
        func everyDatagramOfALossyConferenceIsUnderstood() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let conference = try Conference(.ipv4, lab: lab)
            try conference.makePrivate()
            try conference.startRendezvous()
            let captures = [
                try await Capture(at: .rendezvous, in: lab), try await Capture(at: .a1, in: lab),
                try await Capture(at: .b1, in: lab),
            ]
            try lab.lose(4, bursts: 0)
            let source = try conference.join(
                .a1, "--publish", "test:rate=2M,size=1300", "--parity", "--uplink", "20M", "--bind",
                Self.port)
            let receiver = try conference.join(
                .b1, "--parity", "--uplink", "20M", "--bind", Self.port)
            try conference.join(.a2, "--parity", "--uplink", "20M", "--bind", Self.port)
            #expect(
                try await eventually(within: .seconds(30)) {
                    receiver.received(from: "a1") > 2500
                })
            let peer = try #require(source.status?.peer)
            _ = try await conference.end()
            for capture in captures { try await capture.end() }

            for capture in captures { try expectAllIsUnderstood(capture) }
            let (server, sent, received) = (captures[0], captures[1], captures[2])
            let atServer = try counts(server)
            #expect(Set(atServer.keys) == [0x20, 0x21, 0x22], "\(atServer)")
            // Each member is challenged once or, when that is lost, again.
            #expect((3...12).contains(atServer[0x21] ?? 0), "\(atServer)")
            #expect(try server.count(where: "polycast.operation == 4") > 1)
            let atSource = try counts(sent)
            for type in [1, 2, 3, 4, 0x10, 0x11, 0x12, 0x13] {
                #expect(atSource[type] ?? 0 > 0, "\(type): \(atSource)")
            }
            #expect(try sent.count(where: "polycast.repair == 1") > 0)
            let shards = try received.show(
                ["polycast.source", "polycast.parity.base"], where: "polycast.type == 3")
            #expect(shards.allSatisfy { $0[0] == peer && (Int($0[1]) ?? 1) % 16 == 0 })
            #expect(!shards.isEmpty)
            print("at the rendezvous \(atServer), at the source \(atSource)")
        }
    }
}
