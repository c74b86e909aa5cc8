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

        @Test func legacyTablesAreSaidNotToBeSeen() throws {
            let lab = try DoctorLab.switched()
            try lab.replace("/proc/net/ip_tables_names", by: "filter\nnat\n")

            let check = try lab.doctor("a", "239.1.2.3 --interface eth0").check("iptables")

            #expect(check?.status == "cannot_see")
            #expect(check?.text.contains("filter, nat") == true)
        }

        // MARK: - Limits and buffers

        @Test func moreGroupsThanASocketMayJoinFail() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor("a", "239.1.2.3+40 --interface eth0")

            #expect(report.blames("memberships", "fail", "No buffer space available"))
            #expect(
                report.check("memberships")?.fix?.contains("igmp_max_memberships=256") == true)
        }

        @Test func asManyGroupsAsASocketMayJoinWarn() throws {
            let lab = try DoctorLab.switched()
            // The kernel's own socket joins them, and is refused as a program's would be.
            for number in 1...20 {
                try lab.ip("a", "addr add 239.9.0.\(number)/32 dev eth0 autojoin")
            }
            #expect(throws: LabError.self) {
                try lab.ip("a", "addr add 239.9.0.21/32 dev eth0 autojoin")
            }

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("memberships", "warn", "No buffer space"), "\(report.alarms)")
        }

        @Test func aSmallReceiveBufferWarns() throws {
            let lab = try DoctorLab.switched()
            try lab.replace("/proc/sys/net/core/rmem_max", by: "65536\n")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("buffers", "warn", "below what Linux gives"), "\(report.alarms)")
        }

        @Test func datagramsLostAtASocketFailNowAndWarnLater() throws {
            let lab = try DoctorLab.switched()
            let reader = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0:9000")
            reader.signal(SIGSTOP)
            let flood = try lab.begin(
                "a", "while :; do echo x > /dev/udp/10.77.0.12/9000; done")
            usleep(500_000)

            let during = try lab.doctor("b", "239.1.2.3 --interface eth0 --querier-wait 2s")
            flood.kill()
            let after = try lab.doctor("b", "239.1.2.3 --interface eth0")

            #expect(during.blames("drops", "fail", "more slowly"), "\(during.alarms)")
            #expect(during.check("drops")?.subject == "*:9000")
            #expect(after.blames("drops", "warn", "before"), "\(after.alarms)")
        }

        // MARK: - IPv6

        @Test func aHostWithoutIPv6Fails() throws {
            let lab = try DoctorLab.switched()
            try lab.set("a", "net.ipv6.conf.eth0.disable_ipv6", 1)

            let report = try lab.doctor("a", "[ff15::1] --interface eth0")

            #expect(report.blames("mld", "fail", "disable_ipv6 is 1"), "\(report.alarms)")
        }

        @Test func aVersionOfMLDThatNamesNoSourcesFails() throws {
            let lab = try DoctorLab.switched()
            try lab.set("a", "net.ipv6.conf.eth0.force_mld_version", 1)

            let report = try lab.doctor("a", "2001:db8::1,[ff3e::8000:1] --interface eth0")

            #expect(report.blames("mld", "fail", "force_mld_version"), "\(report.alarms)")
        }

        @Test func aVersionOfIGMPThatNamesNoSourcesFails() throws {
            let lab = try DoctorLab.switched()
            try lab.set("a", "net.ipv4.conf.eth0.force_igmp_version", 2)

            let report = try lab.doctor("a", "10.77.0.12,232.1.2.3 --interface eth0")

            #expect(report.blames("igmp", "fail", "force_igmp_version"), "\(report.alarms)")
        }

        // MARK: - Clock

        @Test func theClockIsJudgedAsTheKernelHasIt() throws {
            let lab = try DoctorLab.switched()

            let check = try lab.doctor("a", "239.1.2.3 --interface eth0").check("clock")

            // Namespaces share the host's clock, so this host's is all there is to see.
            #expect(check?.status == "pass" || check?.cause?.contains("not synchronized") == true)
        }
    }
}
