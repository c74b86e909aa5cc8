import Foundation
import Testing

extension DoctorLabTests {
    /// A lab for each check of one host, in which it finds the fault that was put there.
    @Suite struct HostFaultTests {
        // MARK: - Interface and route

        @Test(arguments: [
            ("link set eth0 down", "was not brought up"), ("link set eth0 multicast off", "joins"),
            ("addr flush dev eth0", "nothing can be sent"),
        ])
        func aBadInterfaceFails(command: String, cause: String) throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", command)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("interface", "fail", cause), "\(report.alarms)")
        }

        @Test func aLinkWhoseOtherEndIsDownFails() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("sw", "link set pa down")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("interface", "fail", "other end"), "\(report.alarms)")
        }

        @Test func anUnknownInterfaceFailsAndTheKnownAreNamed() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor("a", "239.1.2.3 --interface eth9")

            #expect(report.blames("interface", "fail", "name is wrong"))
            #expect(report.check("interface")?.fix?.contains("eth0") == true)
        }

        @Test func aHostWithoutAWayToGroupsFails() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "route del default")

            let report = try lab.doctor("a", "239.1.2.3")

            #expect(report.blames("route", "fail", "Network is unreachable"), "\(report.alarms)")
            #expect(report.check("route")?.fix?.contains("ip route add 224.0.0.0/4") == true)
            #expect(
                report.unseen.isSuperset(of: [
                    "interface", "reverse_path", "bridge", "querier", "container", "loopback",
                ]), "\(report.unseen)")
        }

        @Test func whoNamesTheInterfaceIsWarnedOfTheMissingRoute() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "route del default")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("route", "warn", "neither a route for 224.0.0.0/4"))
            #expect(report.alarms.map(\.name) == ["route"], "\(report.alarms)")
        }

        @Test func theLoopbackInterfaceWarns() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "route add 239.1.2.3 dev lo")

            let report = try lab.doctor("a", "239.1.2.3")

            #expect(report.blames("interface", "warn", "only programs of this host"))
        }

        @Test func aRouteByAnotherInterfaceWarns() throws {
            let lab = try DoctorLab.routed()
            try lab.ip("r", "route add default via 10.77.1.11")

            let report = try lab.doctor("r", "239.1.2.3 --interface tob")

            #expect(report.blames("route", "warn", "join on toa"), "\(report.alarms)")
        }

        @Test(arguments: [
            ("232.1.2.3", "joins without a source"), ("[ff01::1]", "interface-local"),
        ])
        func aGroupOfTheWrongRangeFails(group: String, cause: String) throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor("a", "\(group) --interface eth0")

            #expect(report.blames("group", "fail", cause), "\(report.alarms)")
        }

        @Test(arguments: [
            ("224.0.0.251", "its scope is the link"), ("239.128.0.5", "MAC address of a group"),
            ("[ff02::fb]", "its scope is the link"),
        ])
        func aGroupThatSwitchesFloodWarns(group: String, cause: String) throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor("a", "\(group) --interface eth0")

            #expect(report.blames("group", "warn", cause), "\(report.alarms)")
        }

        // MARK: - Reverse path, forwarding

        @Test func strictReversePathFiltersFailWhereTheWayBackIsAnother() throws {
            let lab = try DoctorLab.switched()
            try lab.link("a", "eth1", "10.88.0.11/24", "b", "eth1", "10.88.0.12/24")
            try lab.ip("a", "route add 10.99.0.0/24 via 10.88.0.12")
            try lab.set("a", "net.ipv4.conf.eth0.rp_filter", 1)

            let report = try lab.doctor("a", "10.99.0.5,232.1.2.3 --interface eth0")

            #expect(report.blames("reverse_path", "fail", "is by eth1"), "\(report.alarms)")
            #expect(report.check("reverse_path")?.fix?.contains("eth0.rp_filter=2") == true)
        }

        @Test func strictReversePathFiltersWarnWhereTheDefaultRouteIsElsewhere() throws {
            let lab = try DoctorLab.switched()
            try lab.link("a", "eth1", "10.88.0.11/24", "b", "eth1", "10.88.0.12/24")
            try lab.set("a", "net.ipv4.conf.all.rp_filter", 1)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth1")

            #expect(report.blames("reverse_path", "warn", "by eth0"), "\(report.alarms)")
        }

        @Test func strictReversePathFiltersFailWhereTheWayToTheOtherDoctorIsAnother() throws {
            let lab = try DoctorLab.switched()
            try lab.link("a", "eth1", "10.88.0.11/24", "b", "eth1", "10.88.0.12/24")
            try lab.set("a", "net.ipv4.conf.eth0.rp_filter", 1)
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.88.0.12")

            #expect(report.blames("reverse_path", "fail", "back to 10.88.0.12 is by eth1"))
        }

        @Test(.enabled(if: DoctorPermission.has("smcrouted"), "smcrouted is installed"))
        func aDaemonThatLeavesOutTheInterfaceWarns() throws {
            let lab = try DoctorLab.routed()
            try lab.add("c")
            _ = try lab.routeGroup("239.1.2.3", on: "r", between: "toa", and: "tob")
            try lab.link("r", "toc", "10.77.3.1/24", "c", "eth0", "10.77.3.12/24")

            let report = try lab.doctor("r", "239.1.2.3 --interface toc")

            #expect(report.blames("forwarding", "warn", "only toa, tob"), "\(report.alarms)")
        }

        @Test func aRouterWithoutMulticastRoutingWarns() throws {
            let lab = try DoctorLab.routed()

            let report = try lab.doctor("r", "239.1.2.3 --interface toa")

            #expect(report.blames("forwarding", "warn", "no daemon"), "\(report.alarms)")
            #expect(report.check("forwarding")?.text.contains("tob") == true)
        }

        // MARK: - Firewall

        @Test func aRuleThatDropsReportsFails() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table inet f { chain o {
                    type filter hook output priority 0; ip protocol igmp counter drop; }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("firewall", "fail", "chain inet f o"), "\(report.alarms)")
            #expect(report.check("firewall")?.subject == "IGMP reports out")
            #expect(
                report.check("firewall")?.fix?.contains("inet f o ip protocol igmp accept") == true)
        }

        @Test func aRuleThatDropsTheGroupFailsAndIsWhyNothingComesBack() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table ip f { chain i {
                    type filter hook input priority 0; ip daddr 239.0.0.0/8 reject; }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("firewall", "fail", "rule 2 of chain ip f i"))
            #expect(report.check("firewall")?.subject == "239.1.2.3 packets in")
            #expect(report.blames("loopback", "fail", "check firewall"), "\(report.alarms)")
        }

        @Test func aRuleThatRefusesToSendIsWhyNothingComesBack() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table inet f { chain o { type filter hook output priority 0;
                    ip daddr { 239.1.2.0/24, 239.1.4.1 } counter drop
                }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.check("firewall")?.subject == "239.1.2.3 packets out")
            #expect(report.blames("loopback", "fail", "check firewall"), "\(report.alarms)")
            #expect(report.check("loopback")?.text.contains("sending") == true)
        }

        @Test func aPolicyOfDropFails() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table inet f { chain i {
                    type filter hook input priority 0; policy drop;
                    ct state established,related accept
                    tcp dport 22 accept
                }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            let subjects = report.checks.filter { $0.name == "firewall" }.map(\.subject)
            #expect(report.blames("firewall", "fail", "policy of chain inet f i"))
            #expect(subjects == ["IGMP queries in", "239.1.2.3 packets in"])
        }

        @Test func aRuleByPortWarnsUntilThePortIsNamed() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table netdev f { chain i { type filter hook ingress device eth0 priority 0;
                    ip daddr 239.1.2.3 udp dport 5004 drop; }
                }
                """)

            let unnamed = try lab.doctor("a", "239.1.2.3 --interface eth0")
            let named = try lab.doctor("a", "239.1.2.3:5004 --interface eth0")
            let other = try lab.doctor("a", "239.1.2.3:5006 --interface eth0")

            #expect(unnamed.blames("firewall", "warn", "such as the port"), "\(unnamed.alarms)")
            #expect(named.blames("firewall", "fail", "chain netdev f i"), "\(named.alarms)")
            #expect(other.alarms.isEmpty, "\(other.alarms)")
        }

        @Test func aRuleThatDropsReportsOfMLDFails() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table ip6 f { chain o { type filter hook output priority 0;
                    icmpv6 type { mld-listener-report, mld2-listener-report } drop; }
                }
                """)

            let report = try lab.doctor("a", "[ff15::1] --interface eth0")

            #expect(report.blames("firewall", "fail", "chain ip6 f o"), "\(report.alarms)")
            #expect(report.check("firewall")?.subject == "MLD reports out")
        }
    }
}
