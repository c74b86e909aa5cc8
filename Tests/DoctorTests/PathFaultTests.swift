import Foundation
import Testing

extension DoctorLabTests {
    /// What lies between two hosts: routers, rendezvous, NAT, and two doctors at it.
    @Suite struct PathFaultTests {
        // MARK: - Rendezvous

        @Test func aRendezvousIsReachedWithoutNAT() throws {
            let lab = try DoctorLab.routed()
            let server = try lab.rendezvous("b", "10.77.2.12")

            let report = try lab.doctor("a", "polycast://10.77.2.12:7400/standup")

            #expect(report.alarms.isEmpty, "\(report.alarms) \(server.errors)")
            #expect(report.check("rendezvous")?.status == "pass")
            #expect(report.check("nat")?.status == "pass")
            #expect(report.check("mtu")?.status == "pass")
        }

        @Test func aRendezvousWhereNothingListensFails() throws {
            let lab = try DoctorLab.routed()

            let report = try lab.doctor("a", "polycast://10.77.2.12:7400/standup")

            #expect(report.blames("rendezvous", "fail", "nothing listens"), "\(report.alarms)")
        }

        @Test func aRendezvousBehindAFirewallFails() throws {
            let lab = try DoctorLab.routed()
            _ = try lab.rendezvous("b", "10.77.2.12")
            try lab.filter(
                "r",
                """
                table ip f { chain w { type filter hook forward priority 0;
                    udp dport 7400 drop; }
                }
                """)

            let report = try lab.doctor("a", "polycast://10.77.2.12:7400/standup")

            #expect(report.blames("rendezvous", "fail", "drops UDP port 7400"))
            #expect(report.check("nat")?.status == "cannot_see")
        }

        @Test func aMasqueradeIsSeenByTheRendezvous() throws {
            let lab = try DoctorLab.routed()
            try lab.filter(
                "r",
                """
                table ip n { chain p { type nat hook postrouting priority 100;
                    oifname "tob" masquerade; }
                }
                """)
            _ = try lab.rendezvous("b", "10.77.2.12")

            let report = try lab.doctor("a", "polycast://10.77.2.12:7400/standup")

            #expect(report.blames("nat", "warn", "translates addresses"), "\(report.alarms)")
            #expect(report.check("nat")?.text.contains("seen as 10.77.2.1:") == true)
        }

        @Test(arguments: [("masquerade", "warn"), ("masquerade fully-random", "fail")])
        func twoServersTellASymmetricNATFromOthers(rule: String, status: String) throws {
            let lab = try DoctorLab.routed()
            try lab.ip("b", "addr add 10.77.2.13/24 dev eth0")
            try lab.filter(
                "r",
                """
                table ip n { chain p { type nat hook postrouting priority 100;
                    oifname "tob" meta l4proto udp \(rule)
                }
                }
                """)
            _ = try lab.rendezvous("b", "0.0.0.0")

            let report = try lab.doctor(
                "a", "polycast://rdv.example:7400/standup", where: "rdv.example",
                is: ["10.77.2.12", "10.77.2.13"])

            let check = report.check("nat")
            #expect(check?.status == status, "\(report.checks)")
            #expect(check?.text.contains(status == "fail" ? "symmetric" : "same mapping") == true)
        }

        @Test func aNarrowLinkOnTheWayToTheRendezvousWarns() throws {
            let lab = try DoctorLab.routed()
            _ = try lab.rendezvous("b", "10.77.2.12")
            try lab.ip("r", "link set tob mtu 1400")

            let report = try lab.doctor("a", "polycast://10.77.2.12:7400/standup")

            #expect(report.blames("mtu", "warn", "narrower"), "\(report.alarms)")
            #expect(report.check("mtu")?.text.contains("1400") == true)
        }

        // MARK: - Two doctors

        @Test func aHopLimitOfOneIsNamedWithTheRouters() throws {
            let lab = try DoctorLab.routed()
            _ = try lab.listen("b", "239.1.2.3 --listen 0.0.0.0")

            let report = try lab.doctor("a", "239.1.2.3 --with 10.77.2.12")

            #expect(report.blames("ttl", "fail", "behind the router 10.77.1.1"))
            #expect(report.blames("pair_multicast_out", "fail", "TTL 1, and 1 router"))
            #expect(report.blames("pair_multicast_in", "fail", "TTL 1, and 1 router"))
            #expect(report.check("pair_unicast")?.status == "pass", "\(report.alarms)")
        }

        @Test func aRouterThatRoutesNoGroupsIsNamed() throws {
            let lab = try DoctorLab.routed()
            _ = try lab.listen("b", "239.1.2.3 --ttl 16 --listen 0.0.0.0")

            let report = try lab.doctor("a", "239.1.2.3 --ttl 16 --with 10.77.2.12")

            #expect(report.blames("pair_multicast_out", "fail", "no multicast routing"))
            #expect(report.check("ttl")?.status == "pass", "\(report.alarms)")
        }

        @Test(.enabled(if: DoctorPermission.has("smcrouted"), "smcrouted is installed"))
        func aRouterThatRoutesTheGroupGivesNoAlarm() throws {
            let lab = try DoctorLab.routed()
            let daemon = try lab.routeGroup("239.1.2.3", on: "r", between: "toa", and: "tob")
            _ = try lab.listen("b", "239.1.2.3 --ttl 16 --listen 0.0.0.0")

            let path = try lab.doctor("a", "239.1.2.3 --ttl 16 --with 10.77.2.12")
            let router = try lab.doctor("r", "239.1.2.3 --interface toa")

            #expect(path.alarms.isEmpty, "\(path.alarms) \(daemon.errors)")
            #expect(
                path.check("pair_multicast_out")?.text.contains("hop limit of 15 left") == true)
            #expect(router.check("forwarding")?.status == "pass", "\(router.alarms)")
        }

        @Test func aDroppedDirectionIsNamedWithTheOtherHostsOwnFinding() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "b",
                """
                table ip f { chain i { type filter hook input priority 0;
                    ip daddr 239.1.2.3 drop; }
                }
                """)
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(
                report.blames("pair_multicast_out", "fail", "at the receiver (there) the check"),
                "\(report.alarms)")
            #expect(report.check("pair_multicast_in")?.status == "pass")
            #expect(report.check("pair_unicast")?.status == "pass")
        }

        @Test func aSwitchThatDropsOneDirectionIsSuspected() throws {
            let lab = try DoctorLab.switched()
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            try lab.filter(
                "sw",
                """
                table netdev f { chain i { type filter hook ingress device "pb" priority 0;
                    ip daddr 239.1.2.3 drop; }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.check("pair_multicast_out")?.status == "pass", "\(report.alarms)")
            #expect(report.blames("pair_multicast_in", "fail", "something between them"))
            #expect(
                report.check("pair_multicast_in")?.text
                    == "multicast from there does not arrive here")
        }

        @Test func aBlackHoleIsToldFromANarrowLink() throws {
            let lab = try DoctorLab.routed()
            _ = try lab.listen("b", "239.1.2.3 --listen 0.0.0.0")
            try lab.ip("r", "link set tob mtu 1400")
            let told = try lab.doctor("a", "239.1.2.3 --ttl 16 --with 10.77.2.12")
            try lab.ip("a", "route flush cache")
            try lab.filter(
                "r",
                """
                table ip f { chain o { type filter hook output priority 0;
                    icmp type destination-unreachable drop; }
                }
                """)

            let silent = try lab.doctor("a", "239.1.2.3 --ttl 16 --with 10.77.2.12")

            #expect(told.blames("pair_mtu_out", "warn", "says so"), "\(told.alarms)")
            #expect(silent.blames("pair_mtu_out", "fail", "black hole"), "\(silent.alarms)")
        }

        @Test func aDoctorThatIsNotThereFails() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.blames("pair_unicast", "fail", "nothing listens"), "\(report.alarms)")
        }

        @Test func aDoctorOfAnotherGroupRefuses() throws {
            let lab = try DoctorLab.switched()
            _ = try lab.listen("b", "239.9.9.9 --interface eth0 --listen 0.0.0.0")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.blames("pair_unicast", "fail", "another GROUP"), "\(report.alarms)")
        }

        // MARK: - Hostile datagrams

        @Test func hostileDatagramsLeaveTheListenerRunningAndGetNoAnswer() throws {
            let lab = try DoctorLab.switched()
            let listener = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0:9000")
            let garbage = try lab.begin(
                "a",
                """
                f=$(mktemp)
                for n in 1 71 72 73 500 1400; do
                    for i in 1 2 3 4 5; do
                        head -c $n /dev/urandom > /dev/udp/10.77.0.12/9000
                        head -c $n /dev/zero > /dev/udp/239.1.2.3/7402
                        { printf 'PCDR\\001\\005'; head -c $n /dev/urandom; } \
                            > $f
                        cat $f > /dev/udp/10.77.0.12/9000
                    done
                done
                rm $f
                """)
            #expect(try waits(within: 10) { !garbage.isRunning })

            let report = try lab.doctor(
                "a", "239.1.2.3 --interface eth0 --with 10.77.0.12:9000")
            let sent = try lab.datagramsSent("b")

            #expect(listener.isRunning)
            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(listener.finish() == 130)
            #expect(listener.output.contains("not_polycast"), "\(listener.output)")
            #expect(listener.output.contains("no_session"), "\(listener.output)")
            // Greeting, probes, sizes and the group: nothing for what came before.
            #expect(sent < 40, "\(sent) datagrams")
        }
    }
}
