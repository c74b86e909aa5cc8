import Foundation
import Testing

extension DoctorLabTests {
    /// Two doctors, and what is between them.
    @Suite struct PairFaultTests {
        // MARK: - Unicast

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

        /// Four labs at once, as silence takes its time: the way out or back is narrow, and its router
        /// says so or may not.
        @Test func aBlackHoleIsToldFromANarrowLink() throws {
            let cases = [
                ("pair_mtu_out", "pair_mtu_in", "10.77.2.0/24 dev tob", false),
                ("pair_mtu_out", "pair_mtu_in", "10.77.2.0/24 dev tob", true),
                ("pair_mtu_in", "pair_mtu_out", "10.77.1.0/24 dev toa", false),
                ("pair_mtu_in", "pair_mtu_out", "10.77.1.0/24 dev toa", true),
            ]
            let asked = try cases.map { _, _, route, isSilent in
                let lab = try DoctorLab.routed()
                try lab.ip("r", "route replace \(route) mtu lock 1400")
                if isSilent {
                    try lab.filter(
                        "r",
                        """
                        table ip f { chain o { type filter hook output priority 0;
                            icmp type destination-unreachable drop; }
                        }
                        """)
                }
                _ = try lab.listen("b", "239.1.2.3 --listen 0.0.0.0")
                return (lab, try lab.beginDoctor("a", "239.1.2.3 --ttl 16 --with 10.77.2.12"))
            }

            let reports = try asked.map { lab, child in try lab.report(of: child, within: 60) }

            for ((narrow, wide, _, isSilent), report) in zip(cases, reports) {
                #expect(
                    report.blames(
                        narrow, isSilent ? "fail" : "warn", isSilent ? "black hole" : "says so"),
                    "\(report.alarms)")
                #expect(report.check(narrow)?.fix?.contains("pkt_size=13") == true)
                #expect(report.check(wide)?.status == "pass", "\(report.alarms)")
            }
        }

        @Test func aLinkThatFitsNoProbesOfSeveralSizesIsNoBlackHole() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "link set eth0 mtu 100")
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.unseen == ["querier", "pair_mtu_out", "pair_mtu_in"])
            #expect(report.alarms.map(\.name) == ["mtu"], "\(report.alarms)")
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

        @Test func aDoctorBehindAFirewallIsSilentAndFails() throws {
            let lab = try DoctorLab.switched()
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            try lab.filter(
                "b",
                """
                table ip f { chain i { type filter hook input priority 0;
                    udp dport 7401 drop; }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.blames("pair_unicast", "fail", "drops UDP port 7401"))
            #expect(report.check("pair_unicast")?.fix?.contains("udp dport 7401 accept") == true)
        }

        @Test func aDoctorWithoutAWayFailsAndTheHopLimitIsNotJudged() throws {
            let lab = try DoctorLab.routed()
            try lab.ip("a", "route del default")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.2.12")

            #expect(report.blames("pair_unicast", "fail", "refuses to send"), "\(report.alarms)")
            #expect(report.check("ttl")?.status == "cannot_see")
        }

        @Test func aDoctorThatHasEnoughToDoRefuses() throws {
            let lab = try DoctorLab.switched()
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            let group = "239.1.2.3 --interface eth0 --with 10.77.0.12"
            let others = try (0..<8).map { _ in try lab.beginDoctor("a", group) }
            for other in others { _ = try lab.report(of: other) }

            let report = try lab.doctor("a", group)

            #expect(report.blames("pair_unicast", "fail", "too many"), "\(report.alarms)")
        }

        // MARK: - Losses

        /// Of ten probes every eighth is lost on the way there, or of the echoes every second on the
        /// way back; messages have their type at byte 5.
        @Test(arguments: [
            (5, 8, "warn", "2 of 10 probes are lost on the way there"),
            (6, 2, "fail", "5 of 10 probes are lost on the way back"),
        ])
        func lossesOfUnicastAreToldByDirection(
            type: Int, each: Int, status: String, text: String
        ) throws {
            let lab = try DoctorLab.switched()
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            try lab.lose(
                "udp length 80 @th,104,8 \(type)", each: each, from: type == 5 ? "pa" : "pb")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.blames("pair_unicast", status, "loses unicast as well"))
            #expect(report.check("pair_unicast")?.text == text)
            #expect(report.alarms.map(\.name) == ["pair_unicast"], "\(report.alarms)")
        }

        @Test(arguments: [("pa", "pair_multicast_out"), ("pb", "pair_multicast_in")])
        func lossesOfTheGroupWarnInTheirDirection(port: String, name: String) throws {
            let lab = try DoctorLab.switched()
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            try lab.lose("ip daddr 239.1.2.3 @th,104,8 8", each: 5, from: port)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.blames(name, "warn", "a queue on the way"), "\(report.alarms)")
            #expect(report.check(name)?.text.hasPrefix("1 of 5 packets from") == true)
            #expect(report.alarms.map(\.name) == [name], "\(report.alarms)")
        }

        @Test func whatTheSenderDropsIsNamedWithItsOwnFinding() throws {
            let lab = try DoctorLab.switched()
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            try lab.filter(
                "a",
                """
                table netdev f { chain e { type filter hook egress device "eth0" priority 0;
                    ip daddr 239.1.2.3 drop; }
                }
                """)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.blames("firewall", "fail", "chain netdev f e"), "\(report.alarms)")
            #expect(
                report.blames("pair_multicast_out", "fail", "at the sender (here) the check fire"),
                "\(report.alarms)")
            #expect(report.check("pair_multicast_in")?.status == "pass", "\(report.alarms)")
        }

        // MARK: - Clocks

        @Test(
            .enabled(if: LabTools.reason == nil, "a clock: \(LabTools.reason ?? "permitted")"),
            arguments: [true, false])
        func clocksThatAreApartWarn(isAheadThere: Bool) throws {
            let lab = try DoctorLab.switched()
            lab.clock = isAheadThere ? .ahead : .kept
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            lab.clock = isAheadThere ? .kept : .ahead

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            #expect(report.blames("pair_clock", "warn", "at least one of the hosts"))
            #expect(
                ["the clocks are 0.9 s apart", "the clocks are 1.0 s apart"]
                    .contains(report.check("pair_clock")?.text))
            #expect(report.alarms.map(\.name) == ["pair_clock"], "\(report.alarms)")
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
