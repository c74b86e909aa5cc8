import Foundation
import Testing

extension LabTests {
    /// Members and queriers that `polycast inspect` tells, against the kernels that they are.
    @Suite(.enabled(if: Traffic.isPossible, "python3 is installed (tools/setup installs it)"))
    struct InspectMembershipTests {
        private typealias Membership = KernelGroups.Membership

        /// What was reported for a host, by its two addresses.
        private func reported(
            _ report: Inspection, _ host: NetworkLab.Host, _ lab: NetworkLab
        ) throws -> (memberships: Set<Membership>, versions: [String: Int]) {
            let linkLocal = try lab.on(host, "ip", "-6", "-o", "addr", "show", "scope", "link")
                .firstMatch(of: #/inet6 (\S+?)\//#).map { String($0.1) }
            let addresses = [lab.address(of: host, .ipv4), linkLocal ?? "?"]
            var found: Set<Membership> = []
            var versions: [String: Int] = [:]
            for group in report.groups where !KernelGroups.isLocal(group.group) {
                for member in group.members where addresses.contains(member.address) {
                    #expect(!member.left, "\(group)")
                    found.insert(
                        Membership(
                            group: group.group, mode: member.mode, sources: member.sources.sorted())
                    )
                    versions[group.group] = member.version
                }
            }
            return (found, versions)
        }

        /// LAN A speaks IGMPv3 and MLDv2, LAN B IGMPv2 and MLDv1.
        private func joinAll(_ lab: NetworkLab) async throws -> [NetworkLab.Host: Program] {
            let (v4, v6) = (lab.address(of: .a1, .ipv4), lab.address(of: .a1, .ipv6))
            _ = try await lab.joinGroup(.a2, "group=239.10.0.1")
            _ = try await lab.joinGroup(.a2, "group=ff15::10:1")
            _ = try await lab.joinGroup(
                .a3, "group=232.10.0.3", "sources=\(v4),192.0.2.78")
            _ = try await lab.joinGroup(.b2, "group=ff15::10:2")
            // The newest group of an interface has to be one with sources, or the kernel's
            // /proc/net/mcfilter shows none of that interface.
            return [
                .a2: try await lab.joinGroup(
                    .a2, "group=239.10.0.2", "blocked=\(v4),192.0.2.77"),
                .a3: try await lab.joinGroup(.a3, "group=ff35::10:3", "sources=\(v6)"),
                .b1: try await lab.joinGroup(.b1, "group=239.20.0.1"),
                .b2: try await lab.joinGroup(.b2, "group=239.20.0.2"),
            ]
        }

        @Test(.timeLimit(.minutes(1)))
        func membersAndQueriersAgreeWithTheKernels() async throws {
            let lab = try NetworkLab()
            defer { lab.down() }
            try lab.snoop("lana")
            try lab.snoop("lanb", igmp: 2, mld: 1)
            // Hosts have to hear LAN B's old queries before they join, or they speak new.
            try await Task.sleep(for: .milliseconds(2500))
            let capture = try await lab.startCapture(
                "inspect", "-i", "lana", "-i", "lanb", "--duration", "8s", "--json",
                interfaces: 2)
            let joins = try await joinAll(lab)
            _ = try lab.startSending(.a1, "group=239.10.0.1", "count=2000", "interval=4")
            #expect(try await capture.ends(within: .seconds(15)))
            let report = try capture.inspection()

            for (host, program) in joins {
                let (found, versions) = try reported(report, host, lab)
                let kernel = try KernelGroups.memberships(of: program.processID)
                #expect(found == kernel, "\(host): \(found.symmetricDifference(kernel))")
                let isOld = host == .b1 || host == .b2
                for (group, version) in versions {
                    let newest = group.contains(":") ? 2 : 3
                    #expect(version == (isOld ? newest - 1 : newest), "\(host) \(group)")
                }
            }
            try expectQueriers(report, lab)
            #expect(report.findings.isEmpty, "a healthy network")
            #expect(report.capture.dropped.kernel == 0)
        }

        private func expectQueriers(_ report: Inspection, _ lab: NetworkLab) throws {
            #expect(report.queriers.count == 4, "\(report.queriers)")
            for (lan, address, igmp) in [("lana", "192.0.2.1", 3), ("lanb", "198.51.100.1", 2)] {
                let linkLocal = try lab.onRouter(
                    "ip", "-6", "-o", "addr", "show", "dev", lan, "scope", "link"
                ).firstMatch(of: #/inet6 (\S+?)\//#).map { String($0.1) }
                for (sender, version) in [(address, igmp), (linkLocal ?? "?", igmp - 1)] {
                    let querier = try #require(
                        report.queriers.first { $0.interface == lan && $0.address == sender },
                        "\(lan) \(sender)")
                    #expect(querier.version == version)
                    #expect(abs((querier.intervalS ?? 0) - 3) < 0.3, "\(querier)")
                    #expect(querier.responseS == 1)
                    #expect(querier.generalQueries >= 2)
                }
            }
        }
    }
}
