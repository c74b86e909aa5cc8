import Foundation
import Testing

/// Everything in namespaces, one after the other.
@Suite(
    .serialized,
    .enabled(
        if: DoctorPermission.reason == nil,
        "a lab of namespaces: \(DoctorPermission.reason ?? "permitted")"))
enum DoctorLabTests {}

extension DoctorLabTests {
    @Suite struct HealthyHostTests {
        @Test(arguments: ["239.1.2.3", "239.1.2.3:5004", "10.77.0.12,232.1.2.3:5004"])
        func aHealthyHostGivesNoAlarm(group: String) throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor("a", "\(group) --interface eth0 --querier-wait 4s")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(report.schema == "polycast.doctor/1")
            #expect(report.check("querier")?.text.contains("10.77.0.1 queries") == true)
            #expect(report.check("loopback")?.status == "pass")
            #expect(report.checks.filter { $0.status == "cannot_see" }.isEmpty)
        }

        @Test func aHealthyHostGivesNoAlarmForIPv6() throws {
            let lab = try DoctorLab.switched()
            let isUsable = try waits(within: 10) { try lab.hasIPv6("a") }

            let report = try lab.doctor("a", "[ff15::1] --interface eth0 --querier-wait 4s")

            #expect(isUsable)
            #expect(report.alarms.isEmpty, "\(report.alarms)")
            // Only the first namespace has mld_max_msf.
            #expect(report.unseen == ["memberships"])
            #expect(report.check("loopback")?.status == "pass")
            #expect(report.check("querier")?.status == "pass")
        }

        @Test func aFirewallThatLetsMulticastPassGivesNoAlarm() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table inet filter {
                    set groups { type ipv4_addr; flags interval; elements = { 239.0.0.0/8 } }
                    chain input {
                        type filter hook input priority 0; policy drop;
                        ct state vmap { established : accept, related : accept, invalid : drop }
                        iifname "lo" accept
                        ip protocol igmp accept
                        jump groups
                    }
                    chain groups {
                        ip daddr @groups udp dport 5000-5010 counter accept
                        ip daddr @groups udp dport 40000-65535 accept
                    }
                    chain output { type filter hook output priority 0; policy accept; }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3:5004 --interface eth0")

            let alarms = report.alarms.filter { $0.name != "loopback" }
            #expect(alarms.isEmpty, "\(alarms)")
        }

        @Test func aHostOfContainersGivesNoAlarmForItsOwnNetwork() throws {
            let lab = try DoctorLab.switched()
            try lab.add("c")
            try lab.ip("a", "link add docker0 type bridge")
            try lab.ip("a", "addr add 172.17.0.1/16 dev docker0")
            try lab.ip("a", "link set docker0 up")
            try lab.link("a", "vethc", nil, "c", "eth0", "172.17.0.2/16")
            try lab.ip("a", "link set vethc master docker0")
            try lab.set("a", "net.ipv4.ip_forward", 1)
            try lab.filter(
                "a",
                """
                table ip nat { chain POSTROUTING { type nat hook postrouting priority 100;
                    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
                }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
        }

        @Test func withoutPermissionItSaysWhichCapabilityIsMissing() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.unprivilegedDoctor("a", "239.1.2.3 --interface eth0")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(report.check("firewall")?.text.contains("CAP_NET_ADMIN") == true)
            #expect(report.check("querier")?.text.contains("CAP_NET_RAW") == true)
            #expect(report.check("loopback")?.status == "pass")
        }

        @Test func twoDoctorsOnOneLANGiveNoAlarm() throws {
            let lab = try DoctorLab.switched()
            let listener = try lab.listen("b", "239.1.2.3 --listen 0.0.0.0 --interface eth0")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            for name in [
                "pair_unicast", "pair_multicast_out", "pair_multicast_in", "pair_mtu_out",
                "pair_mtu_in", "pair_clock",
            ] {
                #expect(report.check(name)?.status == "pass", "\(name)")
            }
            #expect(listener.finish() == 130)
            #expect(listener.output.contains("answered 1 doctors, dropped 0"))
        }

        @Test func twoDoctorsFindASourceSpecificGroupWell() throws {
            let lab = try DoctorLab.switched()
            let group = "10.77.0.12,232.1.2.3:5004 --interface eth0"
            _ = try lab.listen("b", "\(group) --listen 0.0.0.0:9000")

            let report = try lab.doctor("a", "\(group) --with 10.77.0.12:9000")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(report.check("pair_multicast_out")?.status == "pass")
            #expect(report.check("pair_multicast_in")?.status == "pass")
        }

        @Test func twoDoctorsFindIPv6Well() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "addr add 2001:db8::11/64 dev eth0 nodad")
            try lab.ip("b", "addr add 2001:db8::12/64 dev eth0 nodad")
            _ = try waits(within: 10) { try lab.hasIPv6("a") }
            _ = try lab.listen("b", "[ff15::1] --interface eth0 --listen [::]:9000")

            let report = try lab.doctor(
                "a", "[ff15::1] --interface eth0 --with [2001:db8::12]:9000")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(report.check("pair_multicast_in")?.status == "pass")
        }
    }
}
