import Foundation
import Testing

extension DoctorLabTests {
    /// Bridges and queriers, on the bridge's own host and beyond.
    @Suite struct BridgeFaultTests {
        @Test func aBridgeThatSnoopsWithoutAQuerierWarns() throws {
            let lab = try DoctorLab.switched(querier: false)

            let report = try lab.doctor("sw", "239.1.2.3 --interface br0")

            #expect(report.blames("bridge", "warn", "run out after 260 s"), "\(report.alarms)")
            #expect(
                report.check("bridge")?.fix?.contains("ip link set br0 type bridge mcast_querier 1")
                    == true)
        }

        @Test func aBridgeThatHearsNoReportsCutsTheGroupOff() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "b",
                """
                table ip f { chain o { type filter hook output priority 0;
                    ip protocol igmp drop
                }
                }
                """)
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")
            var report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            // Some seconds pass before a bridge believes that it knows all members.
            let isCut = try waits(within: 60) {
                report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")
                return report.check("pair_multicast_out")?.status == "fail"
            }

            #expect(isCut)
            #expect(
                report.blames("pair_multicast_out", "fail", "(there) the check firewall fails"),
                "\(report.alarms)")
            #expect(report.check("pair_multicast_in")?.status == "pass", "\(report.alarms)")
        }

        @Test func aBridgeThatDoesNotSnoopPasses() throws {
            let lab = try DoctorLab.switched(querier: false)
            try lab.ip("sw", "link set br0 type bridge mcast_snooping 0")

            let report = try lab.doctor("sw", "239.1.2.3 --interface br0")

            #expect(report.check("bridge")?.status == "pass")
        }

        @Test func queriesFromNobodyWarnAtTheBridgeAndBeyond() throws {
            let lab = try DoctorLab.switched(usesAddress: false)

            let here = try lab.doctor("sw", "239.1.2.3 --interface br0")
            let beyond = try lab.doctor("a", "239.1.2.3 --interface eth0 --querier-wait 5s")

            #expect(here.blames("bridge", "warn", "does not use its address"), "\(here.alarms)")
            #expect(beyond.blames("querier", "warn", "has no address"), "\(beyond.alarms)")
            #expect(beyond.check("querier")?.text.contains("0.0.0.0") == true)
        }

        @Test func aQuerierOfAnOldVersionFailsWhereASourceIsNamed() throws {
            let lab = try DoctorLab.switched(igmp: 2)

            let report = try lab.doctor(
                "a", "10.77.0.12,232.1.2.3 --interface eth0 --querier-wait 5s")
            let anySource = try lab.doctor("a", "239.1.2.3 --interface eth0 --querier-wait 5s")
            let bridge = try lab.doctor("sw", "10.77.0.12,232.1.2.3 --interface br0")

            #expect(report.blames("querier", "fail", "cannot name sources"), "\(report.alarms)")
            #expect(anySource.alarms.isEmpty, "\(anySource.alarms)")
            #expect(bridge.blames("bridge", "fail", "cannot name sources"), "\(bridge.alarms)")
        }

        @Test func silenceOfSecondsIsNoGroundForAnAlarm() throws {
            let lab = try DoctorLab.switched(querier: false)

            let check = try lab.doctor(
                "a", "239.1.2.3 --interface eth0 --querier-wait 1s"
            ).check("querier")

            #expect(check?.status == "cannot_see")
            #expect(check?.text.contains("--querier-wait") == true)
        }

        @Test func aBridgeWithOnlyContainersBehindItWarns() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor("sw", "239.1.2.3 --interface br0")

            #expect(report.blames("container", "warn", "pa, pb"), "\(report.alarms)")
        }

        @Test func aContainerBehindItsHostsBridgeWarns() throws {
            let lab = try DoctorLab.switched()
            try "".write(
                to: lab.root.appending(path: ".dockerenv"), atomically: true, encoding: .utf8)

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("container", "warn", "pass no group"), "\(report.alarms)")
        }
    }
}
