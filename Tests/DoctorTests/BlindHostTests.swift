import Foundation
import Testing

extension DoctorLabTests {
    /// What cannot be seen is said, and is neither an alarm nor a pass.
    @Suite struct BlindHostTests {
        /// As in a unit of systemd with ProcSubset=pid.
        @Test func withoutProcNothingIsJudgedByItsFiles() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor(
                "a", after: "mount -t proc -o subset=pid proc /proc", "239.1.2.3 --interface eth0")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(
                report.unseen == [
                    "reverse_path", "forwarding", "iptables", "querier", "igmp", "memberships",
                    "buffers", "drops",
                ])
        }

        @Test func withoutProcIPv6IsNotTakenToBeOff() throws {
            let lab = try DoctorLab.switched()
            _ = try waits(within: 10) { try lab.hasIPv6("a") }

            let report = try lab.doctor(
                "a", after: "mount -t proc -o subset=pid proc /proc", "[ff15::1] --interface eth0")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(report.unseen.isSuperset(of: ["mld", "iptables", "forwarding", "drops"]))
        }

        @Test func withoutNftTheProgramIsNamed() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor(
                "a", after: "mount --bind /dev/null \"$(command -v nft)\"",
                "239.1.2.3 --interface eth0")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(report.check("firewall")?.text.contains("apt install nftables") == true)
            #expect(report.unseen == ["firewall", "querier"])
        }

        @Test func aRuleThatIsNotSeenIsSuspectedWhereTheGroupDoesNotComeBack() throws {
            let lab = try DoctorLab.switched()
            try lab.filter(
                "a",
                """
                table ip f { chain i { type filter hook input priority 0;
                    ip daddr 239.1.2.3 drop; }
                }
                """)

            let report = try lab.unprivilegedDoctor("a", "239.1.2.3 --interface eth0")

            #expect(report.check("firewall")?.status == "cannot_see")
            #expect(report.blames("loopback", "fail", "nftables"), "\(report.alarms)")
        }

        @Test(.enabled(if: DoctorPermission.has("tc"), "tc is installed"))
        func aProgramOfBPFIsSuspectedWhereTheGroupDoesNotComeBack() throws {
            let lab = try DoctorLab.switched()
            // Drops what has 239.1.2.3 at byte 16 of its IP header, and lets the rest on.
            let code =
                "4,32 0 0 4293918736,21 0 1 4009820675,6 0 0 2,6 0 0 4294967295"
            try lab.run("a", ["tc", "qdisc", "add", "dev", "eth0", "clsact"])
            try lab.run(
                "a",
                ["tc", "filter", "add", "dev", "eth0", "ingress", "bpf", "da", "bytecode", code])

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.check("firewall")?.status == "pass", "\(report.alarms)")
            #expect(report.blames("loopback", "fail", "BPF"), "\(report.alarms)")
        }
    }

    /// As above, by what the tests compile.
    @Suite(
        .enabled(if: LabTools.reason == nil, "programs in C: \(LabTools.reason ?? "permitted")"))
    struct ConfinedDoctorTests {
        @Test func legacyTablesAreSaidNotToBeSeen() throws {
            let lab = try DoctorLab.switched()
            let before = try lab.doctor("a", "239.1.2.3 --interface eth0").check("iptables")
            do {
                try lab.run("a", try LabTools.legacyTable("filter"))
            } catch {
                // A kernel without them: its file is all that the doctor would look at.
                try lab.replace("/proc/net/ip_tables_names", by: "filter\n")
            }

            let after = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(before?.status == "pass")
            #expect(after.check("iptables")?.status == "cannot_see")
            #expect(after.check("iptables")?.text.contains("loaded (filter)") == true)
            #expect(after.alarms.isEmpty, "\(after.alarms)")
        }

        @Test func withoutRtnetlinkNothingIsJudgedByItsTables() throws {
            let lab = try DoctorLab.switched()

            let report = try lab.doctor(
                "a", through: try LabTools.withoutNetlink(), "239.1.2.3 --interface eth0")

            #expect(report.alarms.isEmpty, "\(report.alarms)")
            #expect(report.check("route")?.text.contains("rtnetlink is out of reach") == true)
            #expect(report.unseen.isSuperset(of: ["interface", "route", "bridge", "firewall"]))
        }

        // MARK: - Clock

        @Test(arguments: [LabClock.kept, .keptBesideTheRTC])
        func aClockThatIsKeptGivesNoAlarm(clock: LabClock) throws {
            let lab = try DoctorLab.switched()
            lab.clock = clock

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.check("clock")?.status == "pass")
            #expect(report.alarms.isEmpty, "\(report.alarms)")
        }

        @Test(arguments: [
            (LabClock.free, "no time service has told the kernel", "systemd-timesyncd"),
            (.keptBadly, "its error to be so large", "chronyc sources"),
        ])
        func aClockThatIsNotKeptOrBadlyWarns(clock: LabClock, cause: String, fix: String) throws {
            let lab = try DoctorLab.switched()
            lab.clock = clock

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("clock", "warn", cause), "\(report.alarms)")
            #expect(report.check("clock")?.fix?.contains(fix) == true)
            #expect(report.alarms.map(\.name) == ["clock"], "\(report.alarms)")
        }

        @Test func aSandboxThatHidesTheClockIsNoAlarm() throws {
            let lab = try DoctorLab.switched()
            lab.clock = nil

            let report = try lab.doctor(
                "a", through: try LabTools.withoutClock(), "239.1.2.3 --interface eth0")

            #expect(report.check("clock")?.status == "cannot_see")
            #expect(report.check("clock")?.text.contains("Operation not permitted") == true)
            #expect(report.alarms.isEmpty, "\(report.alarms)")
        }

        /// The kernel's own word, whatever it is on this machine.
        @Test func theClockIsJudgedAsTheKernelHasIt() throws {
            let lab = try DoctorLab.switched()
            lab.clock = nil
            let isKept = try LabTools.isClockKept()

            let check = try lab.doctor("a", "239.1.2.3 --interface eth0").check("clock")

            #expect((check?.text != "nothing keeps this host's clock") == isKept)
        }
    }
}
