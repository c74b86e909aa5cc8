import NetBasics
import Testing

@testable import Diagnosis

@Suite struct HealthyHostRuleTests {
    @Test(arguments: ["239.1.2.3", "ff15::1"])
    func everythingPasses(group: String) {
        let checks = HostChecks.judge(healthyFacts(), question(group))

        #expect(checks.allSatisfy { $0.status == .pass }, "\(checks.filter { $0.status != .pass })")
        #expect(checks.count > 15)
    }

    @Test func whatIsNotKnownIsSaidWithItsReason() {
        var facts = HostFacts()
        facts.interfaces = .unknown("no rtnetlink")
        facts.groupRoute = .unknown("no rtnetlink")
        facts.filter = .unknown("needs CAP_NET_ADMIN")
        facts.memberships = .unknown("no /proc")
        facts.buffers.receiveLimit = .unknown("no /proc")
        facts.routing.forwardsIPv4 = .unknown("no /proc")
        facts.legacyTables = .unknown("root only")

        let checks = HostChecks.judge(facts, question())

        #expect(
            checks.allSatisfy { $0.status == .cannotSee || $0.name == .group || $0.name == .ttl })
        #expect(checks.allSatisfy { !$0.text.isEmpty })
        #expect(checks.contains { $0.text == "needs CAP_NET_ADMIN" })
    }

    @Test func everyTroubleHasACauseAndAFix() {
        var facts = healthyFacts()
        facts.change("eth0") { $0.isUp = false }
        facts.groupRoute = .known(nil)
        facts.loopback = .known(.lost)
        facts.buffers.receiveLimit = .known(1)

        for check in HostChecks.judge(facts, question()) {
            let isTrouble = check.status == .warn || check.status == .fail
            #expect((check.cause != nil) == isTrouble && (check.fix != nil) == isTrouble)
        }
    }
}

@Suite struct InterfaceRuleTests {
    @Test func whatIsDownOrCannotCarryGroupsFails() {
        let changes: [(String, (inout InterfaceFacts) -> Void)] = [
            ("ip link set eth0 up", { $0.isUp = false }),
            ("ip link set eth0 multicast on", { $0.isMulticast = false }),
            ("ethtool", { $0.hasCarrier = false }),
            ("ip addr add", { $0.addresses = [] }),
        ]
        for (fix, change) in changes {
            let check = judge(HostChecks.interface) { $0.change("eth0", change) }
            #expect(check?.status == .fail && check?.fix?.contains(fix) == true, "\(fix)")
        }
    }

    @Test func theChosenOneMustExistAndBeNoLoopback() {
        var chosen = question()
        chosen.interface = "eth7"
        #expect(judge(HostChecks.interface, chosen)?.status == .fail)
        chosen.interface = "lo"
        #expect(judge(HostChecks.interface, chosen)?.status == .warn)
        chosen.interface = "eth0"
        #expect(judge(HostChecks.interface, chosen)?.status == .pass)
    }

    @Test func withoutARouteNoneIsChosen() {
        #expect(judge(HostChecks.interface) { $0.groupRoute = .known(nil) }?.status == .cannotSee)
    }

    @Test(arguments: [
        ("232.1.2.3", nil, Check.Status.fail), ("232.1.2.3", "192.0.2.5", .pass),
        ("ff3e::8000:1", nil, .fail), ("ff3e::8000:1", "2001:db8::1", .pass),
        ("224.0.0.251", nil, .warn), ("ff02::fb", nil, .warn), ("ff01::1", nil, .fail),
        ("239.128.0.5", nil, .warn), ("225.0.0.5", nil, .warn), ("239.1.0.5", nil, .pass),
        ("ff3e:40:2001:db8::1", nil, .pass),
    ])
    func groupsAreJudgedByTheirRange(group: String, source: String?, status: Check.Status) {
        #expect(judge(HostChecks.group, question(group, source: source))?.status == status)
    }

    @Test func aMissingRouteFailsOnlyWhereNoInterfaceIsNamed() {
        var chosen = question()
        chosen.interface = "eth0"
        #expect(judge(HostChecks.route) { $0.groupRoute = .known(nil) }?.status == .fail)
        #expect(judge(HostChecks.route, chosen) { $0.groupRoute = .known(nil) }?.status == .warn)
        #expect(judge(HostChecks.route) { $0.groupRoute = .unknown("x") }?.text == "x")
    }

    @Test func aRouteByAnotherInterfaceWarns() {
        var chosen = question()
        chosen.interface = "eth1"
        let check = judge(HostChecks.route, chosen) {
            $0.interfaces = .known([
                ethernet(2, "eth0", "192.0.2.11"), ethernet(3, "eth1", "198.51.100.11"),
            ])
        }
        #expect(check?.status == .warn && check?.text.contains("eth0") == true)
    }
}

@Suite struct RoutingRuleTests {
    /// `eth0` with a strict filter, and another way by `eth1`.
    private func strict(_ facts: inout HostFacts) {
        facts.interfaces = .known([
            ethernet(2, "eth0", "192.0.2.11"), ethernet(3, "eth1", "198.51.100.11"),
        ])
        facts.change("eth0") { $0.reversePathFilter = .known(1) }
    }

    @Test func aStrictFilterFailsWhereTheSourcesWayBackIsAnother() {
        let asked = question("232.1.2.3", source: "203.0.113.5")
        let check = judge(HostChecks.reversePath, asked) {
            strict(&$0)
            $0.sourceRoute = .known(RouteFacts(interface: 3))
        }
        #expect(check?.status == .fail && check?.cause?.contains("by eth1") == true)
        let missing = judge(HostChecks.reversePath, asked) {
            strict(&$0)
            $0.sourceRoute = .known(nil)
        }
        #expect(missing?.status == .fail && missing?.cause?.contains("missing") == true)
        let same = judge(HostChecks.reversePath, asked) {
            strict(&$0)
            $0.sourceRoute = .known(RouteFacts(interface: 2))
        }
        #expect(same?.status == .pass)
    }

    @Test func aStrictFilterWarnsWhereOnlyTheDefaultRouteIsElsewhere() {
        let check = judge(HostChecks.reversePath) {
            strict(&$0)
            $0.distantRoute = .known(RouteFacts(interface: 3))
        }
        #expect(check?.status == .warn)
        #expect(judge(HostChecks.reversePath) { strict(&$0) }?.status == .pass)
    }

    @Test func theStricterOfBothSettingsCountsAndLooseIsMore() {
        let all = judge(HostChecks.reversePath) {
            $0.reversePathFilterOfAll = .known(1)
            $0.distantRoute = .known(nil)
        }
        let loose = judge(HostChecks.reversePath) {
            $0.reversePathFilterOfAll = .known(2)
            $0.change("eth0") { $0.reversePathFilter = .known(1) }
            $0.distantRoute = .known(nil)
        }
        let unknown = judge(HostChecks.reversePath) {
            $0.reversePathFilterOfAll = .unknown("no file")
        }
        #expect(all?.status == .warn && loose?.status == .pass)
        #expect(unknown?.status == .cannotSee && unknown?.text == "no file")
        #expect(judge(HostChecks.reversePath, question("ff15::1"))?.status == .pass)
    }

    @Test func whoRoutesUnicastOnlyIsWarned() {
        func check(_ open: Fact<[String]>, forwards: Bool = true, second: Bool = true) -> Check? {
            judge(HostChecks.forwarding) {
                if second { strict(&$0) }
                $0.routing.forwardsIPv4 = .known(forwards)
                $0.routing.multicastIPv4 = open
            }
        }
        #expect(check(.known([]))?.status == .warn)
        #expect(check(.known([]), forwards: false)?.status == .pass)
        #expect(check(.known([]), second: false)?.status == .pass)
        #expect(check(.known(["eth0", "eth1"]))?.status == .pass)
        #expect(check(.known(["eth1"]))?.status == .warn)
        #expect(check(.unknown("no file"))?.status == .cannotSee)
    }

    @Test func aHopLimitOfOneFailsBehindARouter() {
        var asked = question()
        #expect(judge(HostChecks.ttl, asked)?.status == .pass)
        asked.remote = address("203.0.113.5")
        func check(_ route: RouteFacts?) -> Check.Status? {
            judge(HostChecks.ttl, asked) { $0.remoteRoute = .known(route) }?.status
        }
        let routed = RouteFacts(interface: 2, gateway: address("192.0.2.1"))
        #expect(check(routed) == .fail)
        #expect(check(RouteFacts(interface: 2)) == .pass)
        #expect(check(nil) == .cannotSee)
        asked.ttl = 2
        #expect(check(routed) == .pass)
    }

    @Test func bridgesOfContainersAreToldFromThoseOfNetworks() {
        func check(
            _ isInside: [Bool], mark: Bool = false, kind: String = "veth"
        ) -> Check.Status? {
            judge(HostChecks.container) { facts in
                var bridge = BridgeFacts()
                bridge.ports = isInside.indices.map { "p\($0)" }
                var list = [ethernet(2, "eth0", "192.0.2.11")]
                list[0].bridge = isInside.isEmpty ? nil : bridge
                list[0].leadsToNamespace = mark
                list[0].kind = kind
                for (index, value) in isInside.enumerated() {
                    var port = InterfaceFacts(index: 10 + index, name: "p\(index)")
                    port.leadsToNamespace = value
                    list.append(port)
                }
                facts.interfaces = .known(list)
                facts.containerMarks = mark ? ["/.dockerenv"] : []
            }?.status
        }
        #expect(check([]) == .pass && check([true, false]) == .pass)
        #expect(check([true, true]) == .warn && check([], mark: true) == .warn)
        #expect(check([], mark: true, kind: "macvlan") == .pass)
    }
}
