import Foundation
import Testing

extension DoctorLabTests {
    /// Bridges and queriers, on the bridge's own host and beyond.
    @Suite struct BridgeFaultTests {
        @Test func aBridgeThatSnoopsWithoutAQuerierWarns() throws {
            let lab = try DoctorLab.switched(querier: false)

            let report = try lab.doctor("sw", "239.1.2.3 --interface br0")

            let report6 = try lab.doctor("sw", "[ff15::1] --interface br0")

            #expect(report.blames("bridge", "warn", "run out after 260 s"), "\(report.alarms)")
            #expect(report6.blames("bridge", "warn", "run out after 260 s"), "\(report6.alarms)")
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
            // The first two have heard the querier, and so has the kernel.
            let later = try lab.doctor("a", "10.77.0.12,232.1.2.3 --interface eth0")
            #expect(later.blames("igmp", "fail", "a querier of that version"), "\(later.alarms)")
        }

        @Test func aQuerierOfMLDv1FailsWhereASourceIsNamed() throws {
            let lab = try DoctorLab.switched(mld: 1)
            let group = "2001:db8::1,[ff3e::8000:1]"
            _ = try waits(within: 10) { try lab.hasIPv6("a") }

            let report = try lab.doctor("a", "\(group) --interface eth0 --querier-wait 8s")
            let anySource = try lab.doctor("a", "[ff15::1] --interface eth0 --querier-wait 5s")
            let bridge = try lab.doctor("sw", "\(group) --interface br0")

            #expect(report.blames("querier", "fail", "cannot name sources"), "\(report.alarms)")
            #expect(report.check("querier")?.fix?.contains("mcast_mld_version 2") == true)
            #expect(anySource.alarms.isEmpty, "\(anySource.alarms)")
            #expect(bridge.blames("bridge", "fail", "cannot name sources"), "\(bridge.alarms)")
            #expect(bridge.check("bridge")?.fix?.contains("mcast_mld_version 2") == true)
        }

        @Test func silenceOfSecondsIsNoGroundForAnAlarm() throws {
            let lab = try DoctorLab.switched(querier: false)

            let check = try lab.doctor(
                "a", "239.1.2.3 --interface eth0 --querier-wait 1s"
            ).check("querier")

            #expect(check?.status == "cannot_see")
            #expect(check?.text.contains("--querier-wait") == true)
        }

        /// Waits two minutes and a quarter, once for all that only so long a wait can tell.
        @Test func silenceOfAWholeIntervalWarnsAndAQueryAtItsEndIsHeard() throws {
            let silent = try DoctorLab.switched(querier: false)
            let slow = try DoctorLab.switched(querier: false)
            // One query now, which has been when the doctor comes, and one each 125 s.
            try slow.ip(
                "sw",
                "link set br0 type bridge mcast_query_interval 12500 mcast_startup_query_count 1")
            try slow.ip("sw", "link set br0 type bridge mcast_querier 1")
            usleep(500_000)
            let wait = "--interface eth0 --querier-wait 140s"

            let waiting = [
                try silent.beginDoctor("a", "239.1.2.3 \(wait)"),
                try silent.beginDoctor("b", "[ff15::1] \(wait)"),
                try slow.beginDoctor("a", "239.1.2.3 \(wait)"),
            ]
            let silence = try silent.report(of: waiting[0], within: 160)
            let silence6 = try silent.report(of: waiting[1])
            let query = try slow.report(of: waiting[2])

            #expect(silence.blames("querier", "warn", "no router or switch asks"))
            #expect(silence.check("querier")?.text == "no IGMP query in 140 s")
            #expect(silence6.blames("querier", "warn", "no router or switch asks"))
            #expect(silence6.check("querier")?.text == "no MLD query in 140 s")
            #expect(query.alarms.isEmpty, "\(query.alarms)")
            #expect(query.check("querier")?.text.contains("10.77.0.1 queries") == true)
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
