import Foundation
import Testing

extension DoctorLabTests {
    /// Limits of the kernel, of links and of versions, one lab each.
    @Suite struct LimitFaultTests {
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

        @Test func aSocketThatMayJoinNoGroupIsWhyJoinsAreRefused() throws {
            let lab = try DoctorLab.switched()
            try lab.set("a", "net.ipv4.igmp_max_memberships", 0)
            _ = try lab.listen("b", "239.1.2.3 --interface eth0 --listen 0.0.0.0")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0 --with 10.77.0.12")

            let cause = "check memberships: a socket may join no group"
            #expect(report.blames("memberships", "fail", "No buffer space available"))
            #expect(report.blames("loopback", "fail", cause), "\(report.alarms)")
            for name in ["pair_multicast_out", "pair_multicast_in"] {
                #expect(report.blames(name, "fail", "refuses to join"), "\(report.alarms)")
            }
        }

        /// The kernel lets the first source in, as the check of the loopback shows.
        @Test func aSocketThatMayNameButOneSourceWarns() throws {
            let lab = try DoctorLab.switched()
            try lab.set("a", "net.ipv4.igmp_max_msf", 0)

            let report = try lab.doctor("a", "10.77.0.12,232.1.2.3 --interface eth0")

            #expect(report.blames("memberships", "warn", "igmp_max_msf is 0"), "\(report.alarms)")
            #expect(report.check("loopback")?.status == "pass")
        }

        /// The setting is not of a namespace, and only the first one has it: a file stands for it.
        @Test func aSocketThatMayNameButOneSourceOfIPv6Warns() throws {
            let lab = try DoctorLab.switched()
            try lab.replace("/proc/sys/net/ipv6/mld_max_msf", by: "0\n")

            let report = try lab.doctor("a", "2001:db8::1,[ff3e::8000:1] --interface eth0")

            #expect(report.blames("memberships", "warn", "mld_max_msf is 0"), "\(report.alarms)")
        }

        /// In namespaces rmem_max can be read only, and shows the machine's: a file stands for it.
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

        // MARK: - MTU

        @Test func aNarrowLinkWarnsAndTheGroupPasses() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "link set eth0 mtu 500")

            let report = try lab.doctor("a", "239.1.2.3 --interface eth0")

            #expect(report.blames("mtu", "warn", "fragments"), "\(report.alarms)")
            #expect(report.check("loopback")?.status == "pass")
        }

        /// Only the loopback interface can be made so narrow.
        @Test func aLinkTooNarrowForIPv4Fails() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "link set lo mtu 60")

            let report = try lab.doctor("a", "239.1.2.3 --interface lo")

            #expect(report.blames("mtu", "fail", "less than the 68"), "\(report.alarms)")
        }

        @Test func aLinkTooNarrowForIPv6Fails() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "link set eth0 mtu 1000")

            let report = try lab.doctor("a", "[ff15::1] --interface eth0")

            #expect(report.blames("mtu", "fail", "less than the 1280"), "\(report.alarms)")
            #expect(report.blames("interface", "fail", "it carries 1000 bytes"))
            #expect(report.blames("loopback", "fail", "check interface"), "\(report.alarms)")
        }

        // MARK: - IPv6

        @Test func aHostWithoutIPv6Fails() throws {
            let lab = try DoctorLab.switched()
            try lab.set("a", "net.ipv6.conf.eth0.disable_ipv6", 1)

            let report = try lab.doctor("a", "[ff15::1] --interface eth0")

            #expect(report.blames("mld", "fail", "disable_ipv6 is 1"), "\(report.alarms)")
        }

        @Test func anInterfaceWithoutALinkLocalAddressFails() throws {
            let lab = try DoctorLab.switched()
            try lab.ip("a", "link set eth0 addrgenmode none")
            try lab.ip("a", "-6 addr flush dev eth0")
            try lab.ip("a", "-6 addr add 2001:db8::11/64 dev eth0 nodad")

            let report = try lab.doctor("a", "[ff15::1] --interface eth0")

            #expect(report.blames("mld", "fail", "must come from one"), "\(report.alarms)")
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
    }
}
