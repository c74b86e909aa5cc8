import Foundation
import Testing

extension LabTests {
    /// Findings of `polycast inspect` in networks that have what they are about, and none but those.
    @Suite(.enabled(if: Traffic.isPossible, "python3 is installed (tools/setup installs it)"))
    struct InspectFindingTests {
        private static let hasForwarder = Files.has("smcrouted")

        @Test(.timeLimit(.minutes(1)))
        func mistakesOfAddressesAndVersionsAreFound() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            try lab.on(
                .b1, "sh", "-c", "echo 3 > /proc/sys/net/ipv4/conf/eth0/force_igmp_version")
            try lab.on(.a3, "ip", "link", "add", "other", "type", "bridge")
            try lab.on(.a3, "ip", "address", "add", "10.9.9.9/24", "dev", "other")
            try lab.on(.a3, "ip", "link", "set", "other", "up")
            let capture = try await lab.startCapture(
                "inspect", "-i", "lana", "-i", "lanb", "--duration", "6s", "--json",
                interfaces: 2)
            try lab.snoop("lana", usesAddress: false)
            try lab.snoop("lanb", igmp: 2, mld: 2)
            _ = try await lab.joinGroup(.b1, "group=239.1.2.1")
            _ = try await lab.joinGroup(.a2, "group=232.1.2.3")
            _ = try await lab.joinGroup(.a3, "group=239.1.2.9")
            try await lab.sendGroup(.a1, "group=239.1.2.4", "count=50")
            try await lab.sendGroup(.a1, "group=239.129.2.4", "count=50")
            try await lab.sendGroup(.a1, "group=239.1.2.5", "count=20", "size=4000", "plain=1")
            try await lab.sendGroup(.a3, "group=239.1.2.6", "count=50", "source=10.9.9.9")
            #expect(try await capture.ends(within: .seconds(10)))
            let report = try capture.inspection()

            #expect(
                report.kinds == [
                    "querier_without_address", "old_querier", "ssm_without_source", "shared_mac",
                    "fragments", "foreign_source_address",
                ], "\(report.findings)")
            #expect(report.findings.allSatisfy { !$0.evidence.isEmpty })
            let cut = report.streams.first { $0.group == "239.1.2.5" }
            #expect(cut?.packets == 20)
            #expect(cut?.fragmented == 20)
            #expect(text(report, "foreign_source_address").contains("is 192.0.2.13 on this LAN"))
            #expect(text(report, "ssm_without_source").contains("192.0.2.12 joins 232.1.2.3"))
            #expect(text(report, "old_querier").contains("querier 198.51.100.1"))
        }

        private func text(_ report: Inspection, _ kind: String) -> String {
            report.findings.filter { $0.kind == kind }.map(\.text).joined(separator: "\n")
        }

        @Test(.timeLimit(.minutes(1)), .enabled(if: hasForwarder, "smcrouted is installed"))
        func twoForwardersOntoOneLinkAreFound() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            try lab.addSecondRouter()
            for (name, runner) in [("r", lab.routerRunner), ("rdv", lab.runner(.rendezvous))] {
                try await lab.forward("239.6.6.6", by: name, runner)
            }
            let capture = try await lab.startCapture(
                "inspect", "-i", "eth0", "--duration", "3s", "--json", on: .b1)
            try await lab.sendGroup(.a1, "group=239.6.6.6", "count=300")
            #expect(try await capture.ends(within: .seconds(10)))
            let report = try capture.inspection()

            let stream = try #require(report.streams.first { $0.group == "239.6.6.6" })
            #expect(stream.packets == 600)
            #expect(stream.duplicates == 300)
            #expect(stream.lost == 0)
            #expect(stream.ttlMin == 7)
            #expect(report.kinds == ["two_forwarders"], "\(report.findings)")
        }

        /// A router sees a packet at each of its interfaces.
        @Test(.timeLimit(.minutes(1)), .enabled(if: hasForwarder, "smcrouted is installed"))
        func onAnyForwardingIsNoLoop() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            try await lab.forward("239.6.6.6", by: "r", lab.routerRunner)
            let capture = try await lab.startCapture(
                "inspect", "-i", "any", "--duration", "3s", "--json")
            _ = try await lab.joinGroup(.b1, "group=239.6.6.6")
            try await lab.sendGroup(.a1, "group=239.6.6.6", "count=200")
            #expect(try await capture.ends(within: .seconds(6)))
            let report = try capture.inspection()

            let streams = report.streams.filter { $0.group == "239.6.6.6" && $0.packets > 0 }
            let members = report.groups.first { $0.group == "239.6.6.6" }?.members
            #expect(members?.filter { $0.address == "198.51.100.11" }.count == 1)
            #expect(streams.allSatisfy { $0.packets == 200 && $0.duplicates == 0 })
            #expect(
                Set(streams.map(\.interface)) == [
                    "lana", "a1", "a2", "a3", "a4", "lanb", "b1", "b2", "b3", "b4",
                ])
            #expect(report.kinds.isEmpty, "\(report.findings)")
        }

        /// A switch that snoops shows the reports of others to routers only.
        @Test(.timeLimit(.minutes(1)))
        func whoSendsIsNotFlooded() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            try lab.snoop("lana")
            let capture = try await lab.startCapture(
                "inspect", "-i", "eth0", "--duration", "8500ms", "--json", on: .a1)
            _ = try await lab.joinGroup(.a2, "group=239.9.9.1")
            try await lab.sendGroup(.a1, "group=239.9.9.1", "count=1500", "interval=5")
            #expect(try await capture.ends(within: .seconds(12)))
            let report = try capture.inspection()

            #expect(report.queriers.contains { $0.address == "192.0.2.1" })
            #expect(report.streams.contains { $0.group == "239.9.9.1" && $0.packets == 1500 })
            #expect(report.kinds.isEmpty, "\(report.findings)")
        }

        /// A link without hardware never cuts them apart: they are captured as one at both ends.
        @Test(.timeLimit(.minutes(1)))
        func datagramsSentTogetherAreNoLoss() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            try lab.snoop("lana")
            // The lab's links take no bunches, so that what loses packets loses single ones.
            try lab.on(.a1, "ip", "link", "set", "eth0", "gso_max_segs", "64")
            _ = try await lab.joinGroup(.a2, "group=239.9.9.1")
            let captures = [
                try await lab.startCapture(
                    "inspect", "-i", "eth0", "--duration", "6s", "--json", on: .a1),
                try await lab.startCapture(
                    "inspect", "-i", "eth0", "--duration", "6s", "--json", on: .a2),
            ]
            try await lab.sendGroup(
                .a1, "group=239.9.9.1", "count=1500", "bunch=20", "skip=701,702,703")
            for (place, capture) in captures.enumerated() {
                #expect(try await capture.ends(within: .seconds(12)))
                let report = try capture.inspection()
                let stream = try #require(report.streams.first { $0.group == "239.9.9.1" })

                #expect(stream.packets == 1497, "capture \(place)")
                #expect(stream.lost == 3, "capture \(place)")
                #expect(report.kinds == ["loss"], "capture \(place): \(report.findings)")
                #expect(report.capture.joinedPackets >= 70, "capture \(place)")
            }
        }

        @Test(.timeLimit(.minutes(1)), .enabled(if: PIMRouter.path != nil, PIMRouter.comment))
        func aHopLimitOfOneBesideARouterIsFound() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let capture = try await lab.startCapture(
                "inspect", "-i", "eth0", "--duration", "4s", "--json", on: .a2)
            try PIMRouter.start(in: lab)
            try await lab.sendGroup(.a1, "group=239.3.3.3", "count=100", "ttl=1")
            try await lab.sendGroup(.a1, "group=239.3.3.4", "count=100", "ttl=3")
            #expect(try await capture.ends(within: .seconds(10)))
            let report = try capture.inspection()

            // General queries of pimd 2.3.2 have wrong checksums, as tshark says, too.
            #expect(
                report.kinds.subtracting(["bad_checksum"]) == ["hop_limit_one"],
                "\(report.findings)")
            #expect(report.findings.map(\.text).joined().contains("192.0.2.11 to 239.3.3.3:5004"))
        }

        /// A switch that does not snoop, behind it another one that asks.
        @Test(.timeLimit(.minutes(1)))
        func unregisteredMulticastIsFoundToBeFlooded() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            let capture = try await lab.startCapture(
                "inspect", "-i", "eth0", "--duration", "7500ms", "--json", on: .a2)
            try lab.on(.a4, "ip", "link", "add", "br0", "type", "bridge")
            try lab.on(.a4, "ip", "link", "set", "eth0", "master", "br0")
            try lab.on(.a4, "ip", "address", "add", "192.0.2.40/24", "dev", "br0")
            try lab.on(.a4, "ip", "link", "set", "br0", "up")
            try lab.snoop("br0", runner: lab.runner(.a4))
            _ = try await lab.joinGroup(.a2, "group=239.9.9.1")
            let wanted = try lab.startSending(.a1, "group=239.9.9.1", "count=1400", "interval=5")
            try await lab.sendGroup(.a1, "group=239.9.9.9", "count=1350", "interval=5")
            #expect(try await capture.ends(within: .seconds(12)))
            wanted.kill()
            let report = try capture.inspection()

            #expect(report.kinds == ["flooded"], "\(report.findings)")
            #expect(report.findings.map(\.text).joined().contains("239.9.9.9 reaches this port"))
        }

        @Test(.timeLimit(.minutes(1)))
        func aMarkThatARouterChangesIsFoundBetweenInterfaces() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            for rule in [
                "add table netdev dscp",
                "add chain netdev dscp in { type filter hook ingress device \"a1\" priority 5; }",
                "add rule netdev dscp in ip daddr 239.5.5.5 ip dscp set cs1",
            ] {
                _ = try Program.run(list: lab.routerRunner + ["nft", rule])
            }
            let capture = try await lab.startCapture(
                "inspect", "-i", "a1", "-i", "a2", "--duration", "2s", "--json", interfaces: 2)
            // DSCP 46, expedited forwarding.
            try await lab.sendGroup(.a1, "group=239.5.5.5", "count=100", "tos=184")
            try await lab.sendGroup(.a1, "group=239.5.5.6", "count=100", "tos=184")
            #expect(try await capture.ends(within: .seconds(6)))
            let report = try capture.inspection()

            let marks = report.streams.filter { $0.group == "239.5.5.5" }
            #expect(marks.map { "\($0.interface) \($0.dscp)" } == ["a1 46", "a2 8"])
            #expect(report.kinds == ["dscp_rewritten"], "\(report.findings)")
            #expect(report.findings.count == 1)
        }
    }
}

extension NetworkLab {
    /// Makes the host of the rendezvous a second router between LAN A and LAN B.
    func addSecondRouter() throws {
        for (lan, address) in [("lana", "192.0.2.3/24"), ("lanb", "198.51.100.3/24")] {
            try onRouter(
                "ip", "link", "add", "\(lan)2", "type", "veth", "peer", "name", lan, "netns",
                "\(prefix)-rdv")
            try onRouter("ip", "link", "set", "\(lan)2", "master", lan, "up")
            try on(.rendezvous, "ip", "address", "add", address, "dev", lan)
            try on(.rendezvous, "ip", "link", "set", lan, "up")
        }
        try on(.rendezvous, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    }

    /// Lets smcrouted forward a group from LAN A to LAN B, whoever sends to it.
    func forward(_ group: String, by name: String, _ runner: [String]) async throws {
        let place = directory.appending(path: "smcroute-\(name)").path
        let settings = """
            phyint lana enable
            phyint lanb enable
            mgroup from lana group \(group)
            mroute from lana group \(group) to lanb

            """
        try settings.write(toFile: "\(place).conf", atomically: true, encoding: .utf8)
        _ = try start(
            runner + [
                "smcrouted", "-n", "-N", "-i", "lab\(name)", "-f", "\(place).conf", "-P",
                "\(place).pid", "-u", "\(place).sock",
            ], name: "smcrouted-\(name)")
        let isUp = try await eventually(within: .seconds(5)) {
            let table = try Program.run(list: runner + ["cat", "/proc/net/ip_mr_vif"])
            return table.contains("lana") && table.contains("lanb")
        }
        guard isUp else { throw LabError("smcrouted does not start") }
    }
}

/// `pimd`, which Debian does not install beside smcroute: tools/setup unpacks it.
enum PIMRouter {
    static let path: String? = {
        let unpacked = Files.package.appending(path: ".build/tools/pimd/usr/sbin/pimd").path
        if FileManager.default.isExecutableFile(atPath: unpacked) { return unpacked }
        return Files.has("pimd") ? "pimd" : nil
    }()
    static let comment: Comment = "pimd is there (tools/setup unpacks it)"

    /// Starts it in the router, on both LANs.
    static func start(in lab: NetworkLab) throws {
        let file = lab.directory.appending(path: "pimd.conf")
        try "phyint rdv disable\n".write(to: file, atomically: true, encoding: .utf8)
        guard let path else { throw LabError("pimd is missing") }
        // It writes its process number to /run, which is its own here.
        let script = "mount -t tmpfs none /run && exec \(path) -f -c '\(file.path)'"
        _ = try lab.start(
            lab.routerRunner + ["unshare", "--mount", "sh", "-c", script], name: "pimd")
    }
}
