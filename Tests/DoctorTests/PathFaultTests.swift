import Foundation
import Testing

extension DoctorLabTests {
    /// What lies between a host and its rendezvous: routers, NAT and narrow links.
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

        @Test func aRendezvousThatIsAskedTooOftenRefusesAndWarns() throws {
            let lab = try DoctorLab.routed()
            let addresses = (12...15).map { "10.77.2.\($0)" }
            for address in addresses.dropFirst() {
                try lab.ip("b", "addr add \(address)/24 dev eth0")
            }
            _ = try lab.rendezvous("b", "0.0.0.0", "--request-rate 1")
            let starter = try lab.resolving("rdv.example", to: addresses)
            let invite = "polycast://rdv.example:7400/standup"
            // It lets 200 requests through at first; each of these asks four times.
            let crowd = try (0..<60).map { _ in
                try lab.beginDoctor("a", through: starter, invite)
            }
            for other in crowd { _ = try lab.report(of: other) }

            let report = try lab.doctor("a", through: starter, invite)

            #expect(report.blames("rendezvous", "warn", "a limit of its own"), "\(report.checks)")
            #expect(report.check("rendezvous")?.text.contains("request_rate") == true)
            #expect(report.alarms.allSatisfy { $0.name == "rendezvous" }, "\(report.alarms)")
        }

        @Test func aRendezvousWithoutAWayOrAnAddressFails() throws {
            let lab = try DoctorLab.routed()
            try lab.ip("a", "route del default")
            try lab.ip("a", "route add 224.0.0.0/4 dev eth0")

            let wayless = try lab.doctor("a", "polycast://10.77.2.12:7400/standup")
            let nameless = try lab.doctor(
                "a", "polycast://rdv.example:7400/standup", where: "other.example",
                is: ["10.77.2.12"])

            #expect(wayless.blames("rendezvous", "fail", "there is no way to it"))
            #expect(wayless.check("mtu")?.status == "cannot_see", "\(wayless.checks)")
            #expect(nameless.check("rendezvous")?.text.contains("has no address") == true)
            for report in [wayless, nameless] {
                #expect(report.alarms.map(\.name) == ["rendezvous"], "\(report.alarms)")
                #expect(report.check("nat")?.status == "cannot_see")
            }
        }
    }
}
