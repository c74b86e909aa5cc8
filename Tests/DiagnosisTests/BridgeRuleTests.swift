import NetBasics
import Testing

@testable import Diagnosis

@Suite struct BridgeRuleTests {
    private func check(
        _ asked: Question = question(), _ change: (inout BridgeFacts) -> Void
    ) -> Check? {
        judge(HostChecks.bridge, asked) { facts in
            var bridge = BridgeFacts()
            change(&bridge)
            facts.change("eth0") { $0.bridge = bridge }
        }
    }

    @Test func aSnoopingBridgeNeedsAQuerier() {
        #expect(check { _ in }?.status == .warn)
        #expect(check { $0.isSnooping = false }?.status == .pass)
        #expect(check { $0.querierIPv4 = address("192.0.2.1") }?.status == .pass)
        #expect(
            check(question("ff15::1")) { $0.querierIPv4 = address("192.0.2.1") }?.status == .warn)
        #expect(check(question("ff15::1")) { $0.querierIPv6 = address("fe80::1") }?.status == .pass)
    }

    @Test func theBridgeOfAPortIsLookedAt() {
        let check = judge(HostChecks.bridge) { facts in
            var bridge = InterfaceFacts(index: 9, name: "br9")
            bridge.bridge = BridgeFacts()
            facts.interfaces = .known((facts.interfaces.value ?? []) + [bridge])
            facts.change("eth0") { $0.master = 9 }
        }
        #expect(check?.status == .warn && check?.subject == "br9")
    }

    @Test func queriesFromNobodyWarn() {
        #expect(check { $0.isQuerier = true }?.status == .warn)
        let used = check {
            $0.isQuerier = true
            $0.usesOwnAddress = true
        }
        #expect(used?.status == .pass)
    }

    @Test func anOldVersionFailsOnlyWhereASourceIsNamed() {
        func querier(_ bridge: inout BridgeFacts) {
            bridge.isQuerier = true
            bridge.usesOwnAddress = true
        }
        let asked = question("232.1.2.3", source: "192.0.2.5")
        #expect(check(asked, querier)?.status == .fail)
        let asked6 = question("ff3e::8000:1", source: "2001:db8::1")
        #expect(check(asked6, querier)?.status == .fail)
        #expect(check(question(), querier)?.status == .pass)
    }

    @Test(arguments: [
        (1, nil, 0, nil, Check.Status.cannotSee), (140, nil, 0, nil, .warn),
        (1, "192.0.2.1", 3, "192.0.2.5", .pass), (1, "192.0.2.1", 2, "192.0.2.5", .fail),
        (1, "192.0.2.1", 2, nil, .pass), (1, "0.0.0.0", 3, nil, .warn),
    ])
    func queriersAreJudgedByAddressAndVersion(
        seconds: Int, querier: String?, version: Int, source: String?, status: Check.Status
    ) {
        let asked = question(source == nil ? "239.1.2.3" : "232.1.2.3", source: source)
        let check = judge(HostChecks.querier, asked) {
            $0.querier = .known(
                QuerierWatch(
                    duration: .seconds(seconds), querier: querier.map(address), version: version))
        }
        #expect(check?.status == status)
    }

    @Test func versionsOfIGMPAreJudgedWhereASourceIsNamed() {
        let asked = question("232.1.2.3", source: "192.0.2.5")
        func check(_ asked: Question, _ change: (inout InterfaceFacts) -> Void) -> Check.Status? {
            judge(HostChecks.igmp, asked) { $0.change("eth0", change) }?.status
        }
        #expect(check(asked) { $0.forcedIGMPVersion = 2 } == .fail)
        #expect(check(asked) { $0.igmpVersion = 2 } == .fail)
        #expect(check(asked) { $0.igmpVersion = 3 } == .pass)
        #expect(check(question()) { $0.igmpVersion = 2 } == .pass)
        #expect(check(question("ff15::1")) { _ in } == nil)
        let blind = judge(HostChecks.igmp) { $0.memberships = .unknown("no file") }
        #expect(blind?.status == .cannotSee)
    }

    @Test func mldNeedsIPv6AndALinkLocalAddress() {
        let plain = question("ff15::1")
        func check(_ asked: Question, _ change: (inout InterfaceFacts) -> Void) -> Check.Status? {
            judge(HostChecks.mld, asked) { $0.change("eth0", change) }?.status
        }
        #expect(check(plain) { _ in } == .pass)
        #expect(check(plain) { $0.isIPv6Disabled = .known(true) } == .fail)
        #expect(check(plain) { $0.isIPv6Disabled = .unknown("no file") } == .cannotSee)
        #expect(check(plain) { $0.addresses[1].isUsable = false } == .fail)
        #expect(check(plain) { $0.addresses.removeLast() } == .fail)
        #expect(check(plain) { $0.forcedMLDVersion = 1 } == .pass)
        let asked = question("ff3e::8000:1", source: "2001:db8::1")
        #expect(check(asked) { $0.forcedMLDVersion = 1 } == .fail)
        #expect(check(question()) { $0.isIPv6Disabled = .known(true) } == .pass)
    }
}
