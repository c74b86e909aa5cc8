import Demo
import NetBasics
import Testing

@testable import polycast

@Suite struct DemoPlanTests {
    private func plan(usesPattern: Bool) -> DemoPlan {
        var plan = DemoPlan(
            usesPattern: usesPattern, privateDirectory: "/tmp/p", lifetimeSeconds: 100)
        plan.rendezvousPort = 7401
        if !usesPattern {
            for index in plan.members.indices { plan.members[index].deliverPort = 6000 }
            plan.members[0].inputPort = 5000
            plan.members[3].inputPort = 5000
        }
        return plan
    }

    @Test func fivePeersAreOnTwoSubnets() {
        let plan = plan(usesPattern: true)

        let subnets = plan.members.map { IPAddress($0.address)?.subnet }
        #expect(plan.members.map(\.name) == ["alice", "bob", "carol", "dave", "erin"])
        #expect(Set(subnets[..<3]).count == 1)
        #expect(Set(subnets[3...]).count == 1)
        #expect(subnets[0] != subnets[3])
        #expect(plan.members.map(\.lan) == ["LAN A", "LAN A", "LAN A", "LAN B", "LAN B"])
        #expect(plan.sources.map(\.name) == ["alice", "dave"])
    }

    @Test func thePatternNeedsNoFiles() {
        let plan = plan(usesPattern: true)

        #expect(
            plan.joinArguments(of: plan.members[0]) == [
                "join", "polycast://127.0.0.1:7401/demo", "--name", "alice",
                "--bind", "127.0.1.1:0", "--fanout", "2", "--uplink", "16M",
                "--duration", "100s", "--socket", "/tmp/p/alice.sock", "--json",
                "--publish", "test:rate=2M,size=1200",
            ])
        #expect(!plan.joinArguments(of: plan.members[1]).contains("--publish"))
        #expect(plan.members.allSatisfy { plan.encoderArguments(of: $0) == nil })
    }

    @Test func videoIsPublishedFromAFileAndDeliveredToPorts() {
        let plan = plan(usesPattern: false)

        let dave = plan.joinArguments(of: plan.members[3])

        #expect(
            dave.suffix(6) == [
                "--publish", "/tmp/p/dave-input.sdp", "--deliver", "rtp://127.0.2.1:6000",
                "--sdp-dir", "/tmp/p/dave",
            ])
    }

    @Test(arguments: [true, false])
    func theProgramAcceptsTheArguments(usesPattern: Bool) throws {
        let plan = plan(usesPattern: usesPattern)

        for member in plan.members {
            let command = try CommandTable.polycast.parse(plan.joinArguments(of: member))
            guard case .join(let configuration) = command else {
                Issue.record("\(command)")
                continue
            }
            #expect(configuration.name == member.name)
            #expect(configuration.bind == Endpoint("\(member.address):0"))
            #expect(configuration.fanout == 2)
            #expect(configuration.duration == .seconds(100))
        }
        guard case .rendezvous = try CommandTable.polycast.parse(plan.rendezvousArguments) else {
            Issue.record("no rendezvous")
            return
        }
    }

    @Test func ffmpegSendsSmallPacketsToTwoPortPairs() throws {
        let plan = plan(usesPattern: false)

        let arguments = try #require(plan.encoderArguments(of: plan.members[0]))

        #expect(arguments.contains("testsrc2=size=640x360:rate=30"))
        let targets = arguments.filter { $0.hasPrefix("rtp://") }
        #expect(
            targets == [
                "rtp://127.0.1.1:5000?pkt_size=1200", "rtp://127.0.1.1:5002?pkt_size=1200",
            ])
        #expect(arguments.suffix(2) == ["-sdp_file", "/tmp/p/alice-input.sdp"])
        #expect(plan.encoderArguments(of: plan.members[1]) == nil)
    }

    @Test func aFrameIsDecodedFromTheFileOfTheSource() {
        let plan = plan(usesPattern: false)

        let arguments = plan.decoderArguments(
            of: plan.members[4], source: "alice", output: "out/frame.png")

        #expect(arguments.contains("/tmp/p/erin/alice.sdp"))
        #expect(arguments.last == "out/frame.png")
    }
}
