import Foundation
import Testing

extension LabTests {
    /// The instruments themselves: what they must see, and what they must not.
    @Suite struct HarnessTests {
        @Test(arguments: NetworkLab.Family.allCases)
        func theRouterCountsOnlyMediaDatagramsPerDirection(family: NetworkLab.Family) async throws {
            let lab = try NetworkLab()
            defer { lab.down() }

            try await lab.send("b101", 7, from: .a1, to: .b1, family)
            try await lab.send("b101", 3, from: .b2, to: .a3, family)
            try await lab.send("b102", 5, from: .a1, to: .b1, family)
            try await lab.send("b101", 2, from: .a1, to: .a2, family)

            let router = try lab.routerCounters()
            #expect(router.aToB == 7)
            #expect(router.bToA == 3)
            #expect(router.toRendezvous == 0)
            let source = try lab.counters(of: .a1)
            #expect(source.mediaOut == 9)
            #expect(try lab.counters(of: .b1).mediaIn == 7)
        }

        @Test(.enabled(if: MediaTools.isInstalled, MediaTools.comment))
        func anUndisturbedPathDecodesBitForBit() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let clip = try Clip(seconds: 3, in: lab.directory)

            let reception = try await lab.sendDirectly(clip, from: .a1, to: .b1)

            #expect(clip.frames.count == 90)
            #expect(Set(clip.frames).count == clip.frames.count)
            #expect(Set(clip.audio).count == clip.audio.count)
            #expect(reception.frames == clip.frames, "\(reception.errors)")
            #expect(reception.audio == clip.audio)
            #expect(reception.share(of: clip) == 1)
        }

        @Test(.enabled(if: MediaTools.isInstalled, MediaTools.comment))
        func oneLostDatagramIsNoticed() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let clip = try Clip(seconds: 3, in: lab.directory)
            try lab.filter(
                on: nil, "insert", "rule", "inet", "lab", "forward", "udp", "dport", "6000",
                "numgen", "inc", "mod", "100000", "100", "drop")

            let reception = try await lab.sendDirectly(clip, from: .a1, to: .b1)

            #expect(reception.share(of: clip) < 0.999)
            #expect(reception.share(of: clip) > 0.5)
            #expect(reception.audio == clip.audio)
        }

        @Test func aLabTakesItsProcessesAlong() async throws {
            let lab = try NetworkLab()
            let sleeper = try lab.start(["sleep", "1000"], in: .b2, name: "sleeper")
            #expect(sleeper.isRunning)

            lab.down()

            #expect(try await sleeper.ends(within: .seconds(2)))
            #expect(sleeper.termination == .signal(SIGKILL))
        }
    }
}

extension NetworkLab {
    /// Sends `count` datagrams that begin with the two bytes of `first`, in hexadecimal.
    func send(_ first: String, _ count: Int, from: Host, to: Host, _ family: Family) async throws {
        // Nobody listens, and an answer by ICMP would make every other write fail.
        try filter(on: to, "add", "rule", "inet", "lab", "input", "udp", "dport", "7000", "drop")
        let script = """
            exec 3<>/dev/udp/\(address(of: to, family))/7000
            for ((i = 0; i < \(count); i++)); do
                printf '\\x\(first.prefix(2))\\x\(first.suffix(2))and more than enough' >&3
                sleep 0.01
            done
            """
        let program = try start(["bash", "-c", script], in: from, name: "send-\(from)-\(to)")
        #expect(try await program.ends(within: .seconds(5)), "\(program.errors)")
    }

    /// RTP by plain unicast through the router, no Polycast between.
    func sendDirectly(_ clip: Clip, from: Host, to: Host) async throws -> Reception {
        let address = address(of: to, .ipv4)
        let file = try clip.describe(port: 6000, in: directory)
        let camera = try String(contentsOf: file, encoding: .utf8)
        let session = directory.appending(path: "direct.sdp")
        try camera.replacing("127.0.0.1", with: address)
            .write(to: session, atomically: true, encoding: .utf8)
        let decoder = try Decoder(session: session, in: to, of: self, name: "decoder")
        #expect(try await decoder.listens(on: mediaPorts(in: session)))

        let sender = try start(clip.sender(to: address, port: 6000), in: from, name: "sender")
        #expect(try await sender.ends(within: .seconds(clip.seconds + 5)), "\(sender.errors)")

        return try await decoder.finish()
    }
}
